"""The formats of publishers, on invented content."""

import io
import json
import zipfile

import pytest

from keras_seq.data import conversions
from keras_seq.data.conversions import (
    clinc_json,
    label_first_lines,
    labelled_csv,
    labelled_csv_in_zip,
    movie_reviews_zip,
    subjectivity_zip,
    text_and_label_files,
    to_token_tag_lines,
)


def archive(files, compression=zipfile.ZIP_DEFLATED):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", compression) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return raw.getvalue()


def test_columns_become_token_tag_lines():
    upstream = "pt:Paulo\tB-PER\r\npt::\tO\r\n\r\n\t\r\npt:São Paulo\tNN\tB-LOC".encode()
    assert to_token_tag_lines(upstream, "pt:") == "Paulo B-PER\n: O\n\nSão Paulo B-LOC\n\n".encode()
    assert to_token_tag_lines(b"Paulo B-PER\n: O\n\nSP B-LOC\n\n") == b"Paulo B-PER\n: O\n\nSP B-LOC\n\n"
    assert to_token_tag_lines(b"") == b""
    assert to_token_tag_lines(b"\xef\xbb\xbf\n\na O") == b"a O\n\n"


@pytest.mark.parametrize(
    "content", ["1 um filme .\n0 não , não .\n", "1\tum filme . \n0\tnão , não . ", "1 um filme .\r\n0 não , não .\r\n"]
)
def test_label_first(content):
    assert label_first_lines(content.encode()) == "1\tum filme .\n0\tnão , não .\n".encode()


def test_text_and_labels_in_two_files():
    text = b'Que dia! \n"Aspas\\"""" ficam\n  dois  blanks  \n'
    expected = b'2\tQue dia!\n0\t"Aspas\\"""" ficam\n1\tdois  blanks\n'
    assert text_and_label_files(text, b"2\n0\n1\n") == expected
    assert text_and_label_files(text.rstrip(b"\n"), b"2\n0\n1") == expected
    assert text_and_label_files(text.replace(b"\n", b"\r\n"), b"2\r\n0\r\n1\r\n") == expected
    with pytest.raises(ValueError, match="3 texts, 2 labels"):
        text_and_label_files(text, b"2\n0\n")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv(end):
    content = end.join(
        [
            "text,category",
            "Where is it?,arrival",
            '"Yes, ""here"".  Or?",other',
            f'" a {end}{end}b{end}c\td ",other',
            "",
        ]
    )
    expected = b'arrival\tWhere is it?\nother\tYes, "here".  Or?\nother\ta  b c d\n'
    assert labelled_csv(content.encode(), "category") == expected
    assert labelled_csv(b"\xef\xbb\xbf" + content.encode(), "category") == expected
    for folder in ("", "1annotator/", "a/b/"):
        packed = archive({f"{folder}x.csv": content, f"{folder}xx.csv": "no", f"__MACOSX/{folder}x.csv": "no"})
        assert labelled_csv_in_zip(packed, "x.csv", "category") == expected


@pytest.mark.parametrize(
    "content",
    [
        b"text,label\na,b\n",
        b"a,b\nc,d\n",
        b"text,category\nalone\n",
        b"text,category\n,label\n",
        b'text,category\n"open,label\n',
        b'text,category\n"a"b,label\n',
        b"text,category\nna\xe9,label\n",
        b"text,category\n" + b"x" * 200_000 + b",label\n",
    ],
)
def test_csv_that_is_none(content):
    with pytest.raises(ValueError):
        labelled_csv(content, "category")


def test_clinc():
    content = {"val": [["one", "a"], ["two \n words", "b"]], "oos_val": [["three", "oos"]], "test": []}
    assert clinc_json(json.dumps(content, indent=4).encode(), "val") == b"a\tone\nb\ttwo   words\n"
    assert clinc_json(json.dumps(content).encode(), "oos_val") == b"oos\tthree\n"
    for wrong in (
        b"{}",
        b"[]",
        b'{"val": 3}',
        b'{"val": [["a"]]}',
        b'{"val": [[1, 2]]}',
        b"{",
        b'{"val": [["", "b"]]}',
        b"\xff",
    ):
        with pytest.raises(ValueError):
            clinc_json(wrong, "val")


def test_subjectivity():
    quotes = "".join(f"quote {index} é \n" for index in range(12))
    content = archive({"subjectivity/quote.tok.gt9.5000": quotes, "subjectivity/plot.tok.gt9.5000": "a\nb\n"})
    lines = subjectivity_zip(content).decode().splitlines()
    assert lines[:2] == ["0\t1\tquote 0 é", "1\t1\tquote 1 é"]
    assert lines[9:] == ["9\t1\tquote 9 é", "0\t1\tquote 10 é", "1\t1\tquote 11 é", "0\t0\ta", "1\t0\tb"]


def test_movie_reviews():
    files = {
        "movie_reviews/README": "no review",
        "movie_reviews/pos/cv000_1.txt": "fine . \nyes . \n",
        "movie_reviews/neg/cv901_7.txt": "late . \n",
        "movie_reviews/neg/cv101_22.txt": "\tearly . \nwhat\ta film",
    }
    assert movie_reviews_zip(archive(files)) == (
        b"1\t0\tearly .  \\n what a film\n9\t0\tlate .  \\n\n0\t1\tfine .  \\n yes .  \\n\n"
    )


def test_archives_that_are_damaged_or_hold_something_else(monkeypatch):
    good = archive({"a/x.csv": "text,label\n" + "a,b\n" * 100})
    assert labelled_csv_in_zip(good, "x.csv", "label")
    for content in (b"", b"text", good[:-30], good[:60] + b"\xff\xff" + good[62:]):
        with pytest.raises(ValueError):
            labelled_csv_in_zip(content, "x.csv", "label")
    with pytest.raises(ValueError, match="0 files in the archive"):
        labelled_csv_in_zip(good, "y.csv", "label")
    with pytest.raises(ValueError, match="0 files in the archive"):
        movie_reviews_zip(good)
    twice = archive({"a/x.csv": "text,label\na,b\n", "b/x.csv": "text,label\na,b\n"})
    with pytest.raises(ValueError, match="2 files in the archive"):
        labelled_csv_in_zip(twice, "x.csv", "label")
    monkeypatch.setattr(conversions, "_MAX_MEMBER_BYTES", 100)
    with pytest.raises(ValueError, match="more than 100 bytes in the archive"):
        labelled_csv_in_zip(good, "x.csv", "label")


def test_an_archive_that_understates_a_size_is_not_read_on():
    content = archive({"x.csv": "text,label\n" + "a,b\n" * 10_000})
    size = (11 + 40_000).to_bytes(4, "little")
    assert content.count(size) == 2
    with pytest.raises(ValueError):
        labelled_csv_in_zip(content.replace(size, (50).to_bytes(4, "little")), "x.csv", "label")
