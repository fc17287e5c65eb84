import gzip
import os
import threading

import pytest

from keras_seq.core.errors import DataError
from keras_seq.core.lines import MAX_LINE_BYTES, LineFacts, read_lines, read_pieces


def written(tmp_path, content):
    path = tmp_path / "a.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_the_longest_line(tmp_path, end):
    path = written(tmp_path, b"short\n" + b"x" * (MAX_LINE_BYTES - len(end)) + end)
    assert [len(text) for _, text in read_lines(path, "")] == [5, MAX_LINE_BYTES - len(end)]
    path.write_bytes(b"short\n" + b"x" * (MAX_LINE_BYTES - len(end) + 1) + end)
    with pytest.raises(DataError, match=r"a\.txt:2: line of more than 1,000,000 bytes; any text"):
        list(read_lines(path, "any text"))


def test_a_byte_order_mark_is_no_part_of_a_line(tmp_path):
    facts = LineFacts()
    path = written(tmp_path, "\ufeffa\n\ufeffb\nc\ufeffd")
    assert list(read_lines(path, "", facts)) == [(1, "a"), (2, "b"), (3, "c\ufeffd")]
    assert facts == LineFacts("UTF-8 with BOM", "", {"LF": 2}, [2], 3)


def test_breaks_that_are_no_line_ends_stay(tmp_path):
    path = written(tmp_path, "a\u2028b\x0bc\rd\x85e\n")
    assert list(read_lines(path, "")) == [(1, "a\u2028b\x0bc\rd\x85e")]


@pytest.mark.parametrize("content", ["a\rb\r\rc", "a\rb\r\rc\r"])
def test_lines_that_end_with_cr(tmp_path, content):
    facts = LineFacts()
    path = written(tmp_path, gzip.compress(content.encode()))
    assert list(read_lines(path, "", facts)) == [(1, "a"), (2, "b"), (3, ""), (4, "c")]
    assert facts == LineFacts("UTF-8", "gzip", {"CR": 3 + content.endswith("\r")}, [], 4)
    assert "".join(read_pieces(path, "")) == content.replace("\r", "\n")


def test_a_long_file_of_cr(tmp_path):
    rows = [f"{number} " + "x" * 200 for number in range(20_000)]
    path = written(tmp_path, "\r".join(rows))
    assert [text for _, text in read_lines(path, "")] == rows
    path.write_bytes("\r".join(rows).encode() + b"\ny")
    with pytest.raises(DataError, match=r"a\.txt:20000: lines end with CR before, and with LF here; write LF"):
        list(read_lines(path, ""))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_other_encodings_are_told(tmp_path, encoding):
    path = written(tmp_path, "\ufeffágua\n".encode(encoding))
    for read in (read_lines, read_pieces):
        with pytest.raises(DataError, match=f"not UTF-8 but {encoding[:6].upper()}; convert the file to UTF-8"):
            list(read(path, ""))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no FIFOs")
@pytest.mark.parametrize("packed", [bytes, gzip.compress])
def test_a_fifo_is_read_once(tmp_path, packed):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(packed(b"a\nb\n")))
    writer.start()
    assert list(read_lines(path, "")) == [(1, "a"), (2, "b")]
    writer.join()
