"""Files as other tools write them: read rightly, or refused with the line that names the columns."""

import os

import pytest

from keras_seq.core.errors import DataError
from keras_seq.data.conll import CONLL
from keras_seq.data.readers import reader_of

PLAIN = [(("Rui", "mora"), ("B-PER", "O")), (("Em", "Faro"), ("O", "B-LOC"))]


def write(tmp_path, content, name="a.conll"):
    path = tmp_path / name
    path.write_bytes(content.encode())
    return path


def read(path, **options):
    return [(sentence.tokens, sentence.tags) for sentence in CONLL.examples(path, **options)]


def columns(path, **options):
    return [(column.place, column.role, column.origin) for column in CONLL.sniff(path, **options).columns]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Rui B-PER\nmora O\n\nEm O\nFaro B-LOC\n", [(1, "token", "by default"), (2, "tag", "by default")]),
        (
            "0\tRui\tB-PER\n1\tmora\tO\n\n0\tEm\tO\n1\tFaro\tB-LOC\n",
            [(1, "index", "inferred"), (2, "token", "inferred"), (3, "tag", "inferred")],
        ),
        (
            "# sent_id = 1\n1\tRui\tRui\tPROPN\t_\tB-PER\n2-3\tmora\t_\t_\t_\t_\n2\tmora\tmorar\tVERB\t_\tO\n"
            "2.1\te\te\t_\t_\tO\n\n"
            "# text = Em Faro\n1\tEm\tem\tADP\t_\tO\n2\tFaro\tFaro\tPROPN\t_\tB-LOC\n",
            [(1, "index", "inferred"), (2, "token", "inferred"), (6, "tag", "inferred")],
        ),
        (  # the last column is no tag: who annotated
            "1\tRui\tB-PER\t-\tmaria\n2\tmora\tO\t-\tmaria\n\n1\tEm\tO\t-\tmaria\n2\tFaro\tB-LOC\t-\tmaria\n",
            [(1, "index", "inferred"), (2, "token", "inferred"), (3, "tag", "inferred")],
        ),
        (
            "# global.columns = ID FORM NER:TAG MISC\n1\tRui\tB-PER\t_\n2\tmora\tO\t_\n\n"
            "1\tEm\tO\t_\n2\tFaro\tB-LOC\t_\n",
            [(1, "index", "declared"), (2, "token", "declared"), (3, "tag", "declared")],
        ),
        (
            "#begin document (a/b); part 000\n"
            "a/b 0 0 Rui N (S* - - - s1 (PER) (ARG0) -\na/b 0 1 mora V *) morar 1 1 s1 * (V*) -\n\n"
            "a/b 0 0 Em P (S* - - - s1 * * -\n"
            "a/b 0 1 Faro N *) - - - s1 (LOC) * (7)\n#end document\n",
            [(4, "token", "declared"), (11, "tag", "declared")],
        ),
        (
            "-DOCSTART- -X- O\n\nRui N B-PER\nmora V O\n-DOCSTART- -X- O\nEm P O\nFaro N B-LOC\n",
            [(1, "token", "by default"), (3, "tag", "by default")],
        ),
        ("Rui B-PER\rmora O\r\rEm O\rFaro B-LOC", [(1, "token", "by default"), (2, "tag", "by default")]),
        ("Rui U-PER\nmora O\n\nEm O\nFaro U-LOC\n", None),
        ("Rui B-PER\nmora O\n\n\ufeffEm O\nFaro B-LOC\n", None),
        ("# B-1\nRui B-PER\nmora O\n\n# B-2\nEm O\nFaro B-LOC\n", None),
        ("# sent_id = B-1\nRui B-PER\nmora O\n\n# newdoc id = B-2\nEm O\nFaro B-LOC\n", None),
        ("## B-1\nRui B-PER\nmora O\n\nEm O\nFaro B-LOC\n", None),
        ("#\tdoc 7\t[2020]\nRui\tN\tB-PER\nmora\tV\tO\n\nEm\tP\tO\nFaro\tN\tB-LOC\n", None),
    ],
    ids=[
        "plain",
        "index",
        "CoNLL-U",
        "annotator",
        "Plus",
        "OntoNotes",
        "DOCSTART",
        "CR",
        "BILOU",
        "BOM",
        "sentence-ids",
        "keys",
        "two-signs",
        "tab-comment",
    ],
)
def test_dialects(tmp_path, content, expected):
    path = write(tmp_path, content)
    found = read(path, scheme="BIO")
    assert found == PLAIN
    assert reader_of(path).name == "CoNLL"
    if expected is not None:
        assert columns(path) == expected


@pytest.mark.parametrize(
    ("content", "line", "parts"),
    [
        ("1 Rui B-PER O\n2 Sá I-PER B-LOC\n", 1, ["columns 3 and 4 hold tags", "1 '1', 2 'Rui', 3 'B-PER', 4 'O'"]),
        ("1 Rui NNP\n2 mora V\n", 1, ["column 1 counts the tokens, no column holds tags", "2 'Rui'"]),
        ("d1 Rui B-PER\nd1 mora O\n\nd2 Em O\n", 1, ["column 1 is the same in all lines of a sentence ('d1')"]),
        ("7 Rui B-PER\n9 mora O\n", 1, ["column 1 holds numbers alone"]),
        ("Rui _ B-PER\nvan Dyk _ I-PER\n", 2, ["4 columns, 3 in line 1", "1 'van', 2 'Dyk'", "by tabs"]),
        ("Rui B-PER x\nmora O x\n", 1, ["the last column holds 'x', column 2 holds tags", "data.columns"]),
        ("Rui I-O\nmora O\n", 1, ["malformed tag 'I-O': no entity has the type O"]),
        ("Rui N B-NP I-O\nmora V O O\n", 1, ["'I-O': no entity"]),
        ("1 Rui B-NP B-PER\n2 mora O X\n", 2, ["malformed tag 'X'"]),
        ("Rui B-PER O\nmora O O\nSá O B-PER\n", 1, ["columns 2 and 3 hold tags of the same types", "data.columns"]),
        ("token tag\nRui B-PER\nmora O\n", 1, ["malformed tag 'tag': the line seems to name the columns"]),
        ("Rui B-PER\nmora O\rEm O\n", 2, ["CR within the line"]),
        ("Rui\tB-PER\nmo\0ra\tO\n", 2, ["NUL byte"]),
        ("\tB-PER\nmora\tO\n", 1, ["no token"]),
        ("# global.columns = ID FORM NER\n1\tRui\tN\tB-PER\n", 2, ["4 columns, but global.columns names 3"]),
        ("#begin document x\nRui B-PER\n", 2, ["2 columns in a file that begins as CoNLL-2012 does"]),
        ("#begin document x\n" + "a 0 0 Rui N * - - - s PER - -\n", 2, ["malformed bracket 'PER'"]),
        ("Rui L-PER\nmora B-PER\n", 1, ["mixed tag schemes"]),
    ],
)
def test_what_is_not_sure_is_refused(tmp_path, content, line, parts):
    with pytest.raises(DataError) as caught:
        list(CONLL.examples(write(tmp_path, content)))
    assert caught.value.line == line
    for part in parts:
        assert part in str(caught.value)
    assert "\n" not in str(caught.value) and "; " in str(caught.value)


@pytest.mark.parametrize(
    ("content", "tokens"),
    [
        ("a DT B-NP\n# # I-NP\n100 CD I-NP\n", ("a", "#", "100")),
        ("x VB O\n# # O\n", ("x", "#")),
        ("x O\n# O\n#tag O\n", ("x", "#", "#tag")),
        ("x B-X\n# B-X\n", ("x", "#")),
        ("#\tB-X\nx\tO\n", ("#", "x")),
        ("a\tO\n\u00a0\tO\nb\u3000c\tO\n", ("a", "\u00a0", "b\u3000c")),
        ("São\u00a0Paulo B-LOC\nfica O\n", ("São\u00a0Paulo", "fica")),
        ("New York\tB-LOC\nfica O\n", ("New York", "fica")),
        ("1 O\n2 O\n", ("1", "2")),
        ("a  \tO\t\n b\tO\n", ("a", "b")),
    ],
)
def test_odd_tokens_are_kept(tmp_path, content, tokens):
    ((found, _),) = read(write(tmp_path, content))
    assert found == tokens


def test_roles_that_are_given(tmp_path):
    two_layers = write(tmp_path, "#\thttp\t[2020]\n1\tRui\tB-PER\tO\n2\tSá\tI-PER\tB-LOC\n")
    inner = {"token": 2, "tag": 4}
    assert read(two_layers, columns=inner) == [(("Rui", "Sá"), ("O", "B-LOC"))]
    assert columns(two_layers, columns=inner) == [(2, "token", "recipe"), (4, "tag", "recipe")]
    assert read(two_layers, columns=["ignored", "token", "tag", "ignored"]) == [(("Rui", "Sá"), ("B-PER", "I-PER"))]
    plus = write(tmp_path, "# global.columns = ID FORM A B\n1\tRui\tB-PER\tO\n", "plus.conllu")
    assert read(plus, columns={"token": "FORM", "tag": "A"}) == [(("Rui",), ("B-PER",))]
    for wrong, reason in (
        ({"token": "FORM", "tag": 3}, "no line names the columns"),
        ({"token": 2, "tag": 9}, "4 columns, none has the number 9; correct data.columns.tag"),
        (["token", "tag"], r"4 columns, not 2 \(token, tag\)"),
    ):
        with pytest.raises(DataError, match=reason):
            CONLL.sniff(two_layers, wrong)
    for wrong in ({"token": 1}, ["token", "label"], {"token": 0, "tag": 2}, {"token": True, "tag": 2}):
        with pytest.raises(ValueError, match="`columns` must name 'token' and 'tag'"):
            CONLL.sniff("nowhere", wrong)


def test_layers_of_other_types_are_no_doubt(tmp_path):
    path = write(tmp_path, "Rui N B-NP B-PER\nmora V B-VP O\n")
    assert [column.place for column in CONLL.sniff(path).columns] == [1, 4]


@pytest.mark.parametrize("alike", [("PER", "per"), ("A\u00e7\u00e3o", "Ac\u0327a\u0303o"), ("PER", "P\u200bER")])
def test_types_that_look_alike_are_told(tmp_path, alike):
    found = CONLL.sniff(write(tmp_path, f"Rui B-{alike[0]}\nmora O\n\nSá B-{alike[1]}\n"))
    (remark,) = found.remarks
    assert len(found.counts) == 2 and remark.text.startswith("types that look alike, 1 group (")
    assert remark.text.endswith("; write them alike")


def test_orphans_are_counted(tmp_path):
    found = CONLL.sniff(write(tmp_path, "a B-X\nb O\nc I-X\n\nd I-Y\ne I-Z\n"))
    assert (found.scheme, dict(found.counts)) == ("BIO", {"X": 2, "Y": 1, "Z": 1})
    (remark,) = found.remarks
    assert str(remark).startswith("line 3 and 2 more: 'I-X' begins an entity")
    assert CONLL.sniff(write(tmp_path, "a I-X\nb O\n")).scheme == "IOB1"


def test_the_description(tmp_path):
    path = write(tmp_path, "\ufeff0\tRui\tB-PER\r\n1\tmo\u200bra\tO\r\n")
    found = CONLL.sniff(path)
    assert found.line().endswith(
        "CoNLL, UTF-8 with BOM, CRLF, tab between columns; 1 index, 2 token, 3 tag (inferred); BIO; 1 sentence, "
        "tokens: 2; 1 type (PER 1)"
    )
    assert found.as_dict()["columns"][2] == {"column": 3, "role": "tag", "origin": "inferred", "name": None}
    assert "line 2: a token has signs that cannot be seen" in found.full()
    path.write_bytes(b"Eva B-PER\nri O\n")  # what was remembered is forgotten
    assert CONLL.sniff(path).columns[0].role == "token"


def test_tags_that_need_not_be_right(tmp_path):
    path = write(tmp_path, "Rui PERSON\nmora O\n\nEm B-\n")
    assert read(path, gold=False) == [(("Rui", "mora"), ("PERSON", "O")), (("Em",), ("B-",))]
    assert read(write(tmp_path, "Rui\nmora\n"), gold=False) == [(("Rui", "mora"), ("O", "O"))]
    assert read(write(tmp_path, "token tag\nRui B-PER\nmora O\n"), gold=False) == [(("Rui", "mora"), ("B-PER", "O"))]
    with pytest.raises(DataError, match=r"one column \('Rui,B-PER'\)"):
        read(write(tmp_path, "Rui,B-PER\nmora,O\n"), gold=False)
    with pytest.raises(DataError, match="one column"):
        read(write(tmp_path, "Rui PERSON\nmora\n"), gold=False)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no FIFOs")
def test_what_is_read_twice_must_be_a_file(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(DataError, match="no ordinary file, and has to be read twice"):
        CONLL.sniff(tmp_path / "fifo")
