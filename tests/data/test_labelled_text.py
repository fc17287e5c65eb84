import gzip
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_seq.core.errors import DataError
from keras_seq.data import LabelledText, read_labelled_text

PLAIN = "bom\tGostei muito.\nruim\tNão gostei.\n"
EXPECTED = [(("bom",), "Gostei muito.", 1, None), (("ruim",), "Não gostei.", 2, None)]


def write(tmp_path, content, name="a.tsv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(path, **options):
    return [tuple(example[:4]) for example in read_labelled_text(path, **options)]


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.replace("\n", "\r\n"),
        "\ufeff" + PLAIN,
        PLAIN.rstrip("\n"),
        PLAIN.replace("bom", " bom ").replace("ruim", "ruim  "),
        gzip.compress(PLAIN.encode(), mtime=0),
        gzip.compress(("\ufeff" + PLAIN).replace("\n", "\r\n").encode(), mtime=0),
    ],
)
def test_formats(tmp_path, content):
    assert read(write(tmp_path, content)) == EXPECTED


@pytest.mark.parametrize(
    ("columns", "line", "expected"),
    [
        (("label", "text"), "a\tone\ttwo\t", (("a",), "one\ttwo\t", 1, None)),
        (("fold", "label", "text"), "3\ta\tone\ttwo", (("a",), "one\ttwo", 1, 3)),
        (("text", "label"), "one \ta", (("a",), "one ", 1, None)),
        (("ignored", "text", "ignored", "label"), "x\tone\t\ta", (("a",), "one", 1, None)),
        (("text", "fold"), "one\t 007 ", ((), "one", 1, 7)),
        (("text",), "one\ttwo", ((), "one\ttwo", 1, None)),
        (["text", "label"], " \u00a0one\ta b", (("a b",), " \u00a0one", 1, None)),
    ],
)
def test_columns(tmp_path, columns, line, expected):
    assert read(write(tmp_path, line + "\n"), columns=columns) == [expected]


@pytest.mark.parametrize(
    ("cell", "labels"),
    [("", ()), ("  ", ()), ("a", ("a",)), ("b|a", ("b", "a")), (" b | a c ", ("b", "a c"))],
)
def test_several_labels(tmp_path, cell, labels):
    assert read(write(tmp_path, f"{cell}\ttext\n"), label_separator="|") == [(labels, "text", 1, None)]


def test_without_separator_a_bar_is_part_of_the_label(tmp_path):
    assert read(write(tmp_path, "a|b\ttext\n")) == [(("a|b",), "text", 1, None)]


FOLDS = {"columns": ("fold", "label", "text")}
SEVERAL = {"label_separator": "|"}


@pytest.mark.parametrize(
    ("content", "options", "line", "reason"),
    [
        ("", {}, None, "empty file; a line is label, a tab, text"),
        (gzip.compress(b"", mtime=0), {}, None, "empty file"),
        ("a\tone\nno tab here\n", {}, 2, "no tab ('no tab here')"),
        ("a\tone\n\nb\ttwo\n", {}, 2, "blank line; remove it"),
        ("a\tone\n \n", {}, 2, "blank line"),
        ("a\tone\n\ttwo\n", {}, 2, "empty label; write a label before the tab"),
        ("a\tone\n  \ttwo\n", {}, 2, "empty label"),
        ("a\tone\nb\t\n", {}, 2, "empty text"),
        ("a\tone\nb\t \t \n", {}, 2, "empty text"),
        ("a\tone\nb\t\u00a0\u3000\n", {}, 2, "empty text"),
        ("one\n\ntwo\n", {"columns": ("text",)}, 2, "empty text"),
        ("a\tone\nb\u2028c\ttwo\n", {}, 2, "line break in the label"),
        ("a\tone\nb\tt\0wo\n", {}, 2, "NUL byte"),
        (b"a\tone\nb\t\xe1gua\n", {}, 2, "not UTF-8 (byte 0xe1 at position 3)"),
        (gzip.compress(PLAIN.encode(), mtime=0)[:-12], {}, None, "damaged gzip"),
        (b"\x1f\x8bnot gzip at all", {}, None, "damaged gzip"),
        (b"a\tone\nb\t" + b"x" * 2_000_000, {}, 2, "line of more than 1,000,000 bytes"),
        ("0\ta\tone\n1\tb\n", FOLDS, 2, "2 columns, not 3"),
        ("0\ta\tone\nk\tb\ttwo\n", FOLDS, 2, "fold 'k' is no whole number"),
        ("0\ta\tone\n-1\tb\ttwo\n", FOLDS, 2, "fold '-1' is no whole number"),
        ("0\ta\tone\n\u0663\tb\ttwo\n", FOLDS, 2, "is no whole number"),
        ("0\ta\tone\n" + "9" * 5000 + "\tb\ttwo\n", FOLDS, 2, "is no whole number"),
        ("0\ta\tone\n\tb\ttwo\n", FOLDS, 2, "fold '' is no whole number"),
        ("one\ta\ntwo\tb\tc\n", {"columns": ("text", "label")}, 2, "3 columns, not 2"),
        ("a\tone\na||b\ttwo\n", SEVERAL, 2, "empty label; take the surplus '|' away"),
        ("a\tone\n|\ttwo\n", SEVERAL, 2, "empty label"),
        ("a\tone\na| a\ttwo\n", SEVERAL, 2, "a label stands twice"),
    ],
)
def test_bad_files_name_file_line_reason_remedy(tmp_path, content, options, line, reason):
    path = write(tmp_path, content)
    with pytest.raises(DataError) as caught:
        read(path, **options)
    text = str(caught.value)
    assert text.startswith(f"{path}: " if line is None else f"{path}:{line}: ")
    assert reason in text and "; " in text and "\n" not in text and len(text) < len(str(path)) + 250
    assert caught.value.line == line


@pytest.mark.parametrize(("cell", "score"), [("4", 4.0), (" -1.5e-1 ", -0.15), (".5", 0.5), ("+3.", 3.0)])
def test_scores(tmp_path, cell, score):
    (example,) = read_labelled_text(write(tmp_path, f"{cell}\tone\ttwo\n"), columns=("score", "text"))
    assert example == ((), "one\ttwo", 1, None, score)


@pytest.mark.parametrize("cell", ["", "good", "4,5", "nan", "-inf", "1e999", "1_0", "0x1", "\u0663", "9" * 41])
def test_scores_that_are_none(tmp_path, cell):
    path = write(tmp_path, f"1\ta\n{cell}\tb\n")
    with pytest.raises(DataError, match=r"a\.tsv:2: score .* is no finite number; write a number such as 3\.5"):
        list(read_labelled_text(path, columns=("score", "text")))


def test_what_comes_before_a_bad_line_is_given(tmp_path):
    examples = read_labelled_text(write(tmp_path, PLAIN + "bad"))
    assert [tuple(next(examples)[:4]) for _ in EXPECTED] == EXPECTED
    with pytest.raises(DataError):
        next(examples)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(DataError, match=r"no\.tsv: no such file"):
        read(tmp_path / "no.tsv")
    with pytest.raises(DataError, match="is a folder"):
        read(tmp_path)


def test_empty_text_on_request(tmp_path):
    path = write(tmp_path, "a\t\nb\t \n")
    assert read(path, allow_empty_text=True) == [(("a",), "", 1, None), (("b",), " ", 2, None)]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"columns": ("label",)}, "`columns`.*Received: columns=\\('label',\\)"),
        ({"columns": ("text", "text")}, "`columns`"),
        ({"columns": ("text", "class")}, "`columns`"),
        ({"columns": ()}, "`columns`"),
        ({"label_separator": ""}, "`label_separator`.*Received: label_separator=''"),
        ({"label_separator": " "}, "`label_separator`"),
        ({"label_separator": "\t|"}, "`label_separator`"),
        ({"label_separator": 3}, "`label_separator`"),
        ({"allow_empty_text": 1}, "`allow_empty_text`"),
    ],
)
def test_wrong_arguments_are_found_before_the_file_is_opened(options, match):
    with pytest.raises((ValueError, TypeError), match=match):
        read_labelled_text("nowhere.tsv", **options)


def test_one_column_may_be_named_without_a_tuple(tmp_path):
    assert read(write(tmp_path, "one\n"), columns="text") == [((), "one", 1, None)]


names = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="|"), min_size=1, max_size=6)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\0"), max_size=12).filter(str.strip)
rows = st.lists(st.tuples(st.lists(names, max_size=3, unique=True), texts, st.integers(0, 20)), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows, packed=st.booleans(), end=st.sampled_from(["\n", "\r\n"]))
def test_what_is_written_is_read(tmp_path, rows, packed, end):
    content = "".join(f"{fold}\t{'|'.join(labels)}\t{text}{end}" for labels, text, fold in rows).encode()
    path = write(tmp_path, gzip.compress(content) if packed else content)
    examples = read_labelled_text(path, columns=("fold", "label", "text"), label_separator="|")
    assert list(examples) == [
        LabelledText(tuple(labels), text, number, fold) for number, (labels, text, fold) in enumerate(rows, 1)
    ]


def test_memory_does_not_grow_with_the_file(tmp_path):
    def peak(copies):
        path = write(tmp_path, gzip.compress(PLAIN.encode() * copies))
        tracemalloc.start()
        count = sum(1 for _ in read_labelled_text(path))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert count == 2 * copies
        return most

    peak(10)
    assert peak(10_000) < peak(1_000) + 200_000
