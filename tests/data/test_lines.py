import pytest

from keras_seq.core.errors import DataError
from keras_seq.data.lines import MAX_LINE_BYTES, read_lines


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_the_longest_line(tmp_path, end):
    path = tmp_path / "a.txt"
    path.write_bytes(b"short\n" + b"x" * (MAX_LINE_BYTES - len(end)) + end)
    assert [len(text) for _, text in read_lines(path, "")] == [5, MAX_LINE_BYTES - len(end)]
    path.write_bytes(b"short\n" + b"x" * (MAX_LINE_BYTES - len(end) + 1) + end)
    with pytest.raises(DataError, match=r"a\.txt:2: line of more than 1,000,000 bytes; any text"):
        list(read_lines(path, "any text"))


def test_only_the_first_line_loses_a_byte_order_mark(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffa\n\ufeffb".encode())
    assert list(read_lines(path, "")) == [(1, "a"), (2, "\ufeffb")]


def test_breaks_that_are_no_line_ends_stay(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("a\u2028b\x0bc\rd\x85e\n".encode())
    assert list(read_lines(path, "")) == [(1, "a\u2028b\x0bc\rd\x85e")]
