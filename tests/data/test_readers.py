"""Readers: what they tell of a file, how a file finds its reader, and the ones that other packages bring."""

import gzip
import lzma

import numpy as np
import pytest

from keras_seq.core.errors import DataError, InputError
from keras_seq.data import read_labelled_text, read_pairs, write_midi
from keras_seq.data.description import Column, Description, tell
from keras_seq.data.labelled_text import LABELLED_TEXT
from keras_seq.data.pairs import PAIRS
from keras_seq.data.piano_rolls import PIANO_ROLLS
from keras_seq.data.readers import READERS, Reader, reader_named, reader_of, register_reader
from keras_seq.data.text_lines import LINES


def write(tmp_path, content, name="a.tsv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


ROWS = "neg\tfoi ruim\npos\tfoi bom\n"


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        (f"label\ttext\n{ROWS}", {}, ("tab", 1, "by default")),
        (f"\ufeffRótulo\tFrase\r\n{ROWS}", {}, ("tab", 1, "by default")),
        (ROWS.replace("\n", "\r"), {}, ("tab", 0, "by default")),
        (f"{ROWS[:13]}\ufeff{ROWS[13:]}", {}, ("tab", 0, "by default")),
        ('id,text,label\n1,"foi ruim",neg\n2,foi bom,"pos"\n', {}, ("comma", 1, "declared")),
        ("sentiment;review\nneg;foi ruim\npos;foi bom\n", {}, ("semicolon", 1, "declared")),
        ("1\tneg\tfoi ruim\n2\tpos\tfoi bom\n", {"columns": {"label": 2, "text": 3}}, ("tab", 0, "recipe")),
        (
            "nr\tstars\tsays\n1\tneg\tfoi ruim\n2\tpos\tfoi bom\n",
            {"columns": {"label": "stars", "text": "says"}},
            ("tab", 1, "recipe"),
        ),
        (
            "id\tlabel\ttext\n1\tneg\tfoi ruim\n2\tpos\tfoi bom\n",
            {"columns": {"label": 2, "text": 3}},
            ("tab", 1, "recipe"),
        ),
        (
            "id\tlabel\ttext\n1\tneg\tfoi ruim\n2\tpos\tfoi bom\n",
            {"columns": ("ignored", "label", "text")},
            ("tab", 1, "recipe"),
        ),
        ("Text\tLABEL\nfoi ruim\tneg\nfoi bom\tpos\n", {}, ("tab", 1, "declared")),
        ("\ttitle\ttext\t#label\n0\tA\tfoi ruim\tneg\n1\tB\tfoi bom\tpos\n", {}, ("tab", 1, "declared")),
        ('"text"\t"label"\n"foi ruim"\tneg\nfoi bom\t"pos"\n', {}, ("tab", 1, "declared")),
        ("text|label\nfoi ruim|neg\nfoi bom|pos\n", {}, ("bar", 1, "declared")),
    ],
)
def test_tables_of_labelled_text(tmp_path, content, options, expected):
    path = write(tmp_path, content)
    examples = list(read_labelled_text(path, **options))
    assert [(*example.labels, example.text) for example in examples] == [("neg", "foi ruim"), ("pos", "foi bom")]
    found = LABELLED_TEXT.sniff(path, **options)
    assert (found.separator, found.header, found.columns[0].origin) == expected
    assert dict(found.counts) == {"neg": 1, "pos": 1}


@pytest.mark.parametrize(
    ("content", "options", "line", "reason"),
    [
        (f"label\ttext\n{ROWS}", {"columns": ("text", "label")}, 1, "names the columns otherwise than the roles do"),
        (
            f"text\tlabel\n{ROWS}",
            {"columns": {"text": 2, "label": 1}},
            1,
            "say which is which: columns = {text = 1, lab",
        ),
        ("label,review,comment\nneg,a,b\n", {}, 1, "'review' and 'comment' may both be the text"),
        ("neg,a\n", {}, 1, "no tab ('neg,a'); a line is label, a tab, text; of CSV the first line names the columns"),
        ("label\ttext\n", {}, None, "names of columns, but no row"),
        ('label,text\nneg,"a\n', {}, 2, "a quote without an end begins here"),
        ("label,text\nneg,a,b\n", {}, 2, "3 columns, not 2"),
        ("neg\ta\rpos\tb\nneg\tc\n", {}, 1, "CR within the line, and rows on both sides of it"),
        ("a\tb\n", {"columns": {"text": 3}}, 1, "2 columns, none has the number 3"),
        ("a\tb\n", {"columns": {"text": "review"}}, 1, "no column 'review' ('a', 'b'); correct data.columns.text"),
    ],
)
def test_tables_that_are_not_sure(tmp_path, content, options, line, reason):
    with pytest.raises(DataError) as caught:
        list(read_labelled_text(write(tmp_path, content), **options))
    assert caught.value.line == line and reason in str(caught.value) and "; " in str(caught.value)


@pytest.mark.parametrize(
    "alike",
    [
        ("opinião", "opinia\u0303o"),
        ("Neg", "neg"),
        ('"neg"', "neg"),
        ("n\u200beg", "neg"),
        ("1", "1.0"),
        ("\u201cneg\u201d", "NEG"),
    ],
)
def test_labels_that_look_alike_are_told_and_joined_on_request(tmp_path, alike):
    path = write(tmp_path, f"{alike[0]}\tum\nother\tdois\n{alike[1]}\ttrês\n")
    assert [example.labels[0] for example in read_labelled_text(path)] == [alike[0], "other", alike[1]]
    (remark,) = LABELLED_TEXT.sniff(path).remarks
    assert remark.line == 3 and "labels that look alike, 1 group" in remark.text and "normalize_labels" in remark.text
    found = LABELLED_TEXT.sniff(path, normalize_labels=True)
    assert sorted(found.counts.values()) == [1, 2] and not found.remarks


def test_odd_rows_are_told(tmp_path):
    header = write(tmp_path, "rubrik\torden\n" + 'neg\t"a\tb"\n' * 3 + "pos\tb\n" * 2)
    found = LABELLED_TEXT.sniff(header)
    texts = [str(remark) for remark in found.remarks]
    assert texts[0].startswith("line 1: the label 'rubrik' stands nowhere else: if this line names the columns")
    assert texts[1].startswith("line 2 and 2 more: a tab within the text")
    quoted = LABELLED_TEXT.sniff(write(tmp_path, 'neg\t"a"\npos\t"b"\n'))
    assert "stands in quotes" in str(quoted.remarks[0])
    quoted = LABELLED_TEXT.sniff(write(tmp_path, 'neg\ta\npos\t"b ""c"""\nneg\td\n'))
    assert str(quoted.remarks[0]).startswith("line 2: a cell is quoted as in CSV, and read as it stands")
    own = LABELLED_TEXT.sniff(write(tmp_path, "".join(f"{row}\t \n" for row in range(10))))
    assert [str(remark) for remark in own.remarks] == [
        "line 1 and 9 more: an empty text, which is refused in training data",
        "each text has a label of its own: check which column is the label",
    ]
    scores = LABELLED_TEXT.sniff(write(tmp_path, "0.5\ta\n4\tb\n"), ("score", "text"))
    assert scores.scheme == "scores from 0.5 to 4" and not scores.counted


def test_pairs(tmp_path):
    for content in ("label\ta\tb\n1\tx\ty\n0\tz\tw\n", "sentence1,sentence2,label\nx,y,1\nz,w,0\n"):
        path = write(tmp_path, content)
        assert [(pair.a, pair.label) for pair in read_pairs(path)] == [("x", 1), ("z", 0)]
        found = PAIRS.sniff(path)
        assert (dict(found.counts), found.header, reader_of(path)) == ({"1": 1, "0": 1}, 1, PAIRS)
    scored = write(tmp_path, "a\tb\nc\td\n")
    assert [pair.a for pair in read_pairs(scored, columns=("a", "b"))] == ["a", "c"]
    given = write(tmp_path, "9\tx\t0.5\ty\n")
    (pair,) = read_pairs(given, columns={"a": 2, "b": 4, "score": 3})
    assert pair[:4] == ("x", "y", None, 0.5)
    quora = write(tmp_path, 'id,question1,question2,is_duplicate\n1,"a, b",c,1\n')
    found = PAIRS.sniff(quora, form="quora")
    assert [(column.place, column.role) for column in found.columns] == [(2, "a"), (3, "b"), (4, "label")]


def test_lines(tmp_path):
    table = write(tmp_path, "id\tnome\n1\tJOA\u0303O\n2\tD'A\u0302VILA\n3\tJOÃO\n")
    assert list(LINES.examples(table, {"text": "nome"}, letter_case="title"))[:2] == [
        "João",
        "D'Ávila".replace("Á", "Â"),
    ]
    found = LINES.sniff(table, {"text": "nome"})
    assert found.columns == [Column(2, "text", "recipe", "nome")] and found.examples == 3
    assert "a tab in every line" in str(LINES.sniff(table).remarks[0])
    with pytest.raises(ValueError, match="`columns` must name a column"):
        LINES.sniff(table, ["text"])


def test_one_bad_piece_of_a_folder(tmp_path, capsys):
    roll = np.zeros((4, 88), bool)
    roll[:, 40] = True
    write_midi(tmp_path / "good.mid", roll)
    (tmp_path / "bad.mid").write_bytes(b"MThd")
    assert len(list(PIANO_ROLLS.examples(tmp_path))) == 1
    told = capsys.readouterr().err.splitlines()
    assert "bad.mid: damaged MIDI file" in told[0] and told[1].endswith(
        "1 of 2 files are passed over; --strict stops at them"
    )
    found = PIANO_ROLLS.sniff(tmp_path)
    assert found.examples == 1 and "bad.mid" in str(found.remarks[0]) and found.details["notes"] == "61 to 61"
    with pytest.raises(DataError, match="bad.mid"):
        PIANO_ROLLS.examples(tmp_path, strict=True)
    (tmp_path / "good.mid").unlink()
    with pytest.raises(DataError, match="none of its 1 MIDI files can be read"):
        PIANO_ROLLS.examples(tmp_path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda content: content.replace(b"\0\0\0\1", b"\0\2\0\1", 1), "format 2"),
        (lambda content: content + b"MTrk\0\0\0\4\0\xff\x2f\0", "2 tracks, but 1 are announced"),
        (
            lambda content: content.replace(b"\0\xff\x51\x03", b"\0\xff\x59\x02\x12\x01\0\xff\x51\x03"),
            "damaged MIDI file",
        ),
    ],
    ids=["format 2", "tracks", "key signature"],
)
def test_odd_midi(tmp_path, change, reason):
    roll = np.zeros((4, 88), bool)
    roll[:, 40] = True
    write_midi(tmp_path / "a.mid", roll)
    content = (tmp_path / "a.mid").read_bytes()
    (tmp_path / "a.mid").write_bytes(change(content))
    assert (tmp_path / "a.mid").read_bytes() != content
    with pytest.raises(DataError, match=reason):
        PIANO_ROLLS.sniff(tmp_path / "a.mid")


def test_images(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, images=np.full((4, 3, 3), 250, "uint8"), labels=["x", "x", "y", "y"])
    found = reader_of(path).sniff(path)
    assert (found.examples, dict(found.counts), found.details["size"]) == (4, {"x": 2, "y": 2}, "3 x 3 uint8")
    assert "images.invert" in str(found.remarks[0])
    np.savez_compressed(path, a=np.eye(3, dtype="uint8")[None], b=np.eye(3, dtype="uint8")[None])
    with pytest.raises(DataError, match="pixels are uint8 and none is above 1"):
        reader_of(path).sniff(path)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (ROWS * 2, "labelled text"),
        (gzip.compress((ROWS * 2).encode(), mtime=0), "labelled text"),
        ("text,stars,label\na,b,c\n", "labelled text"),
        ("1\ta\tb\n0\tc\td\n", "pairs"),
        ("question1,question2\na,b\n", "pairs"),
        ("Rui B-PER\nmora O\n", "CoNLL"),
        ("O Rui mora em Faro.\nE nós?\n", "lines"),
        ("vitamin O\n", "lines"),
        ("one\ttab\n", "labelled text"),
        (b"caf\xe9\n", "lines"),
    ],
)
def test_a_file_finds_its_reader(tmp_path, content, name):
    assert reader_of(write(tmp_path, content, "a.txt")).name == name


def test_what_no_reader_knows(tmp_path):
    for content, reason in (
        (b"", "empty file; name one with content"),
        (bytes(range(256)) * 99, "holds NUL bytes: no text, or a damaged one"),
        ("Ana O\n".encode("utf-16"), "not UTF-8 but UTF-16; convert the file"),
        ("Ana O\n".encode("utf-32"), "not UTF-8 but UTF-32; convert the file"),
        ("Ana O\n".encode("utf-16-be"), "holds NUL bytes as UTF-16 and UTF-32 do"),
        (gzip.compress(gzip.compress(b"Ana O\n", mtime=0), mtime=0), "packed with gzip, twice"),
        (lzma.compress(b"Ana O\n"), "packed with xz"),
    ):
        with pytest.raises(DataError, match=reason):
            reader_of(write(tmp_path, content))
    with pytest.raises(InputError, match="reader 'pair' is unknown.*did you mean pairs"):
        reader_named("pair")


class Questions:
    """A reader of another package: lines that end with a question mark."""

    name = "questions"
    roles = ()

    def recognises(self, head):
        return 0.9 * all(line.endswith("?") for line in head.lines)

    def sniff(self, path, columns=None):
        return Description(str(path), self.name, "questions", len(list(self.examples(path))))

    def examples(self, path, columns=None):
        return iter(path.read_text().splitlines())


def test_another_reader(tmp_path, capsys):
    questions = Questions()
    register_reader(questions)
    try:
        path = write(tmp_path, "Quem?\nOnde?\n")
        assert reader_of(path) is questions is reader_named("questions") and isinstance(questions, Reader)
        tell(questions.sniff(path))
        assert capsys.readouterr().err == f"keras-seq: {path}: questions; 2 questions\n"
    finally:
        READERS.remove("questions")
    with pytest.raises(TypeError, match="`reader` must be a Reader"):
        register_reader(object())


def test_what_is_shown_is_not_obeyed(tmp_path):
    path = write(tmp_path, "a\x1b[2J\tum\nb\u202e\tdois\n")
    for text in (LABELLED_TEXT.sniff(path).line(), LABELLED_TEXT.sniff(path).full()):
        assert "\x1b" not in text and "\u202e" not in text and "\\x1b[2J 1" in text
