import csv
import gzip
import io
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_seq.core.errors import DataError
from keras_seq.data import TextPair, check_pair_labels, read_pairs
from keras_seq.data.pairs import PAIRS

PLAIN = "1\tQuem é?\tQuem está aí?\n0\tQuem é?\tComo é?\n"
EXPECTED = [("Quem é?", "Quem está aí?", 1, None, 1), ("Quem é?", "Como é?", 0, None, 2)]
NAMES = "id,qid1,qid2,question1,question2,is_duplicate\n"
QUORA = NAMES + '0,1,2,"Who, me?","Say ""hi"".",1\n"1","3","4","Two\n\nbreaks","plain","0"\n2,5,6,,x,0\n'
QUORA_EXPECTED = [
    ("Who, me?", 'Say "hi".', 1, None, 2),
    ("Two\n\nbreaks", "plain", 0, None, 3),
    ("", "x", 0, None, 6),
]


def write(tmp_path, content, name="a.tsv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(path, **options):
    return [tuple(pair) for pair in read_pairs(path, **options)]


def spellings(content):
    return [
        content,
        content.replace("\n", "\r\n"),
        "\ufeff" + content,
        content.rstrip("\n"),
        gzip.compress(content.encode(), mtime=0),
        gzip.compress(("\ufeff" + content).replace("\n", "\r\n").encode(), mtime=0),
    ]


@pytest.mark.parametrize("content", [*spellings(PLAIN), PLAIN.replace("1\t", " 1 \t")])
def test_lines_with_tabs(tmp_path, content):
    assert read(write(tmp_path, content)) == EXPECTED


@pytest.mark.parametrize(
    ("columns", "line", "expected"),
    [
        (("a", "b"), "one\ttwo", ("one", "two", None, None, 1)),
        (("b", "a"), '"one\t two ', (" two ", '"one', None, None, 1)),
        (("score", "a", "b"), "4.25\tone\ttwo", ("one", "two", None, 4.25, 1)),
        (("a", "b", "score"), "one\ttwo\t -1e-3 ", ("one", "two", None, -0.001, 1)),
        (["ignored", "score", "ignored", "a", "b"], "7\t.5\tx\tone\ttwo", ("one", "two", None, 0.5, 1)),
        (("label", "score", "a", "b"), "1\t5\tone\ttwo", ("one", "two", 1, 5.0, 1)),
    ],
)
def test_columns(tmp_path, columns, line, expected):
    assert read(write(tmp_path, line + "\n"), columns=columns) == [expected]


@pytest.mark.parametrize("content", spellings(QUORA))
def test_quora(tmp_path, content):
    assert read(write(tmp_path, content), form="quora") == QUORA_EXPECTED


def test_quora_with_tabs_in_another_order_and_without_labels(tmp_path):
    content = 'question2\tis_duplicate\tid\tquestion1\nwith, comma\t0\t8\t"tab\there"\n'
    assert read(write(tmp_path, content), form="quora") == [("tab\there", "with, comma", 0, None, 2)]
    content = '"test_id","question1","question2"\n0,"one","two"\n'
    assert read(write(tmp_path, content), form="quora") == [("one", "two", None, None, 2)]


SCORE = {"columns": ("score", "a", "b")}
FORM = {"form": "quora"}


@pytest.mark.parametrize(
    ("content", "options", "line", "reason"),
    [
        ("", {}, None, "empty file; a line is label, a tab, a, a tab, b"),
        (gzip.compress(b"", mtime=0), {}, None, "empty file"),
        ("1\ta\tb\n\n", {}, 2, "blank line; remove it"),
        ("1\ta\tb\n1\ta\n", {}, 2, "2 columns, not 3"),
        ("1\ta\tb\n1\ta\tb\tc\n", {}, 2, "4 columns, not 3"),
        ("1\ta\tb\n1\t \tb\n", {}, 2, "empty text in column 'a'"),
        ("1\ta\tb\n1\ta\t\u00a0\n", {}, 2, "empty text in column 'b'"),
        ("1\ta\tb\n2\ta\tb\n", {}, 2, "label '2' is not 0 or 1; write 1 when both mean the same"),
        ("1\ta\tb\nyes\ta\tb\n", {}, 2, "label 'yes' is not 0 or 1"),
        ("1\ta\tb\n\ta\tb\n", {}, 2, "label '' is not 0 or 1"),
        ("1\ta\tb\n\u0661\ta\tb\n", {}, 2, "is not 0 or 1"),
        ("1\ta\tb\n1\ta\0\tb\n", {}, 2, "NUL byte"),
        (b"1\ta\tb\n1\ta\t\xe1\n", {}, 2, "not UTF-8 (byte 0xe1 at position 5)"),
        (gzip.compress(PLAIN.encode(), mtime=0)[:-12], {}, None, "damaged gzip"),
        ("1\ta\tb\nx\ta\tb\n", SCORE, 2, "score 'x' is no finite number"),
        ("1\ta\tb\n\ta\tb\n", SCORE, 2, "score '' is no finite number"),
        ("1\ta\tb\n4,5\ta\tb\n", SCORE, 2, "score '4,5' is no finite number; write a number such as 3.5, with a point"),
        ("1\ta\tb\nnan\ta\tb\n", SCORE, 2, "score 'nan' is no finite number"),
        ("1\ta\tb\n-inf\ta\tb\n", SCORE, 2, "score '-inf' is no finite number"),
        ("1\ta\tb\n1e999\ta\tb\n", SCORE, 2, "score '1e999' is no finite number"),
        ("1\ta\tb\n" + "9" * 5000 + "\ta\tb\n", SCORE, 2, "is no finite number"),
        ("", FORM, None, "empty file; the first line names the columns id, qid1"),
        (NAMES, FORM, None, "names of columns, but no row"),
        ("id,question1,duplicate\n1,a,b\n", FORM, 1, "no column 'question2' (found 'id', 'question1', 'duplicate')"),
        (PLAIN, FORM, 1, "no column 'question1' (found"),
        ("\n" + QUORA, FORM, 1, "no column 'question1'"),
        ("question1,question2,question1\n", FORM, 1, "the column 'question1' stands twice"),
        ('"question1,question2\na,b\n', FORM, 1, "not a line of names"),
        (QUORA + "3,7,8,a,1\n", FORM, 7, "5 columns, not 6"),
        (QUORA + "3,7,8,a,b,c,1\n", FORM, 7, "7 columns, not 6"),
        (QUORA + "\n", FORM, 7, "blank line"),
        (QUORA + "3,7,8,a,b,\n", FORM, 7, "label '' is not 0 or 1"),
        (QUORA + '3,7,8,"x\ny",b,2\n', FORM, 7, "label '2' is not 0 or 1"),
        (QUORA + '3,7,8,"a,b,0\n4,9,9,a,b,1\n', FORM, 7, "a quote without an end begins here"),
        (QUORA + '3,7,8,a,b,"', FORM, 7, "a quote without an end begins here"),
        (QUORA + '3,7,8,"a,b,0\n' + "4,9,9,a,b,1\n" * 20_000, FORM, 7, "a quote without an end begins here"),
        (QUORA + '3,7,8,"say "hi" now",b,0\n', FORM, 7, "quotes are not right"),
        (QUORA + "3,7,8,a\rb,b,0\n", FORM, 7, "quotes are not right"),
        (QUORA + "3,7,8,a\0,b,0\n", FORM, 7, "NUL byte"),
        (QUORA.encode() + b"3,7,8,\xe1,b,0\n", FORM, 7, "not UTF-8"),
    ],
)
def test_bad_files_name_file_line_reason_remedy(tmp_path, content, options, line, reason):
    path = write(tmp_path, content)
    with pytest.raises(DataError) as caught:
        read(path, **options)
    text = str(caught.value)
    assert text.startswith(f"{path}: " if line is None else f"{path}:{line}: ")
    assert reason in text and "; " in text and "\n" not in text and len(text) < len(str(path)) + 400
    assert caught.value.line == line


def test_what_comes_before_a_bad_line_is_given(tmp_path):
    for content, options, expected in ((PLAIN, {}, EXPECTED), (QUORA, FORM, QUORA_EXPECTED)):
        pairs = read_pairs(write(tmp_path, content + "bad"), **options)
        assert [next(pairs) for _ in expected] == expected
        with pytest.raises(DataError):
            next(pairs)


def test_missing_file_and_folder(tmp_path):
    for form in ("tsv", "quora"):
        with pytest.raises(DataError, match=r"no\.tsv: no such file"):
            read(tmp_path / "no.tsv", form=form)
        with pytest.raises(DataError, match="is a folder"):
            read(tmp_path, form=form)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"columns": ("label", "a")}, "`columns`.*Received: columns=\\('label', 'a'\\)"),
        ({"columns": ("a", "b", "b")}, "`columns`"),
        ({"columns": ("a", "b", "text")}, "`columns`"),
        ({"columns": "ab"}, "`columns`"),
        ({"form": "csv"}, "`form` must be one of 'tsv', 'quora'. Received: form='csv'"),
    ],
)
def test_wrong_arguments_are_found_before_the_file_is_opened(options, match):
    with pytest.raises(ValueError, match=match):
        read_pairs("nowhere.tsv", **options)


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\n\r\0"), max_size=12).filter(str.strip)
rows = st.lists(st.tuples(texts, texts, st.integers(0, 1)), min_size=1, max_size=8)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows, packed=st.booleans(), end=st.sampled_from(["\n", "\r\n"]))
def test_what_is_written_with_tabs_is_read(tmp_path, rows, packed, end):
    content = "".join(f"{label}\t{a}\t{b}{end}" for a, b, label in rows).encode()
    path = write(tmp_path, gzip.compress(content) if packed else content)
    assert list(read_pairs(path)) == [TextPair(a, b, label, None, line) for line, (a, b, label) in enumerate(rows, 1)]


questions = st.text(st.sampled_from("ab\"', \t\né"), max_size=8)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(questions, questions, st.integers(0, 1)), min_size=1, max_size=8), data=st.data())
def test_what_a_csv_writer_writes_is_read(tmp_path, rows, data):
    delimiter = data.draw(st.sampled_from(",\t"))
    raw = io.StringIO(newline="")
    writer = csv.writer(raw, delimiter=delimiter, lineterminator="\n")
    writer.writerow(["question1", "question2", "is_duplicate"])
    lines = []
    for row in rows:
        lines.append(raw.getvalue().count("\n") + 1)
        writer.writerow(row)
    path = write(tmp_path, raw.getvalue())
    assert list(read_pairs(path, form="quora")) == [
        TextPair(a, b, label, None, line) for line, (a, b, label) in zip(lines, rows, strict=True)
    ]


@pytest.mark.parametrize(("form", "head"), [("tsv", ""), ("quora", "is_duplicate\tquestion1\tquestion2\n")])
def test_memory_does_not_grow_with_the_file(tmp_path, form, head):
    def peak(copies):
        path = write(tmp_path, gzip.compress((head + PLAIN * copies).encode()))
        tracemalloc.start()
        count = sum(1 for _ in read_pairs(path, form=form))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert count == 2 * copies
        return most

    peak(10)
    assert peak(10_000) < peak(1_000) + 200_000


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1, 1, 1], "all 3 pairs have the label 1; nothing can be learned: add pairs that do not mean the same"),
        ([0] * 1200, "all 1,200 pairs have the label 0; nothing can be learned: add pairs that mean the same"),
        ([None, None], "no pair has a label; nothing can be learned: add pairs of both"),
        ([], "no pair has a label"),
    ],
)
def test_pairs_of_one_kind_are_refused(labels, message):
    check_pair_labels([0, 1], "valid.tsv")
    with pytest.raises(DataError, match=message) as caught:
        check_pair_labels(labels, "valid.tsv")
    assert str(caught.value).startswith("valid.tsv: ") and caught.value.line is None


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        ("text2,text1\nComo é?,Quem é?\n", ("a", "b")),
        ("sentence1\tsentence2\tlabel\nQuem é?\tComo é?\t1\n", ("a", "b", "label")),
        ("id;question1;question2;score\n7;Quem é?;Como é?;0.5\n", ("a", "b", "score")),
        ('{"anchor": "Quem é?", "positive": "Como é?", "negative": "Onde?"}\n', ("a", "b")),
    ],
)
def test_names_tell_the_columns(tmp_path, content, columns):
    path = write(tmp_path, content)
    found = PAIRS.sniff(path)
    assert {column.role for column in found.columns} == set(columns)
    assert [(pair.a, pair.b) for pair in read_pairs(path, columns=("a", "b"))] == [("Quem é?", "Como é?")]


def test_a_column_that_lacks(tmp_path):
    with pytest.raises(
        DataError, match=r"a.tsv:1: no column is called as the label is \(1 'text1', 2 'text2'\); say it"
    ):
        read(write(tmp_path, "text1,text2\na,b\n"))
