"""Records with named fields: JSON lines and Parquet, and the packages that some files need."""

import json
import sys

import pytest

from keras_seq.core.errors import DataError, InputError
from keras_seq.data.annotations import ANNOTATIONS
from keras_seq.data.labelled_text import LABELLED_TEXT
from keras_seq.data.pairs import PAIRS
from keras_seq.data.readers import reader_of

TAGGED = [
    {"id": "0", "tokens": ["Ana", "Lima", "mora"], "ner_tags": ["B-PER", "L-PER", "O"]},
    {"id": "1", "tokens": ["Rio"], "ner_tags": ["U-LOC"]},
]
TEXTS = [{"text": "foi bom", "label": "pos", "stars": 5}, {"text": "foi\nmau", "label": "neg", "stars": 1.5}]
PAIR = [{"sentence1": "a b", "sentence2": "a c", "label": True}, {"sentence1": "c", "sentence2": "d", "label": 0}]


def write(tmp_path, records, name="a.jsonl"):
    path = tmp_path / name
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_tokens_and_tags(tmp_path):
    path = write(tmp_path, TAGGED)
    first, second = ANNOTATIONS.examples(path)
    assert (first.text, first.spans, first.tokens) == ("Ana Lima mora", (("PER", 0, 8),), ((0, 3), (4, 8), (9, 13)))
    assert second.spans == (("LOC", 0, 3),) and reader_of(path) is ANNOTATIONS
    for change, reason in (
        ({"ner_tags": [1]}, "the tag '1' is no name"),
        ({"ner_tags": ["PER"]}, "malformed tag 'PER'"),
        ({"ner_tags": ["O", "O"]}, "no lists of one length"),
        ({"tokens": [" "]}, "no token"),
        ({"tokens": ["a", "b"], "ner_tags": ["B-PER", "O"]}, "mixed tag schemes"),
    ):
        with pytest.raises(DataError, match=reason):
            list(ANNOTATIONS.examples(write(tmp_path, [*TAGGED, TAGGED[1] | change], "b.jsonl")))


def test_tables_of_json_lines(tmp_path):
    path = write(tmp_path, TEXTS)
    assert [(*one.labels, one.text) for one in LABELLED_TEXT.examples(path)] == [
        ("pos", "foi bom"),
        ("neg", "foi\nmau"),
    ]
    named = {"text": "text", "score": "stars"}
    assert [one.score for one in LABELLED_TEXT.examples(path, named)] == [5.0, 1.5]
    found = LABELLED_TEXT.sniff(path, named)
    assert (found.reader, found.scheme) == ("labelled text (JSON lines)", "scores from 1.5 to 5")
    assert [(one.a, one.b, one.label) for one in PAIRS.examples(write(tmp_path, PAIR))] == [
        ("a b", "a c", 1),
        ("c", "d", 0),
    ]
    scored = write(tmp_path, [{"sentence1": "a", "sentence2": "b", "score": 4.5}])
    assert next(PAIRS.examples(scored)).score == 4.5 and reader_of(scored) is PAIRS
    for records, reason in (
        ([{"sentence": "a", "gold": 1}], r"no field that is the label \('sentence', 'gold'\)"),
        ([PAIR[0] | {"sentence1": None}], "the field 'sentence1' holds nothing"),
        ([PAIR[0], {}], "the field 'label' holds nothing"),
    ):
        with pytest.raises(DataError, match=reason):
            list((LABELLED_TEXT if "gold" in records[0] else PAIRS).examples(write(tmp_path, records)))
    (tmp_path / "a.json").write_text(json.dumps([{"text": "a", "sentiment": "x"}, {"text": "b", "sentiment": "y"}]))
    assert [one.labels for one in LABELLED_TEXT.examples(tmp_path / "a.json")] == [("x",), ("y",)]
    assert reader_of(tmp_path / "a.json") is LABELLED_TEXT
    several = write(tmp_path, [{"text": "a", "label": ["x", "y"]}])
    with pytest.raises(DataError, match="a text with 2 labels"):
        list(LABELLED_TEXT.examples(several))


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    def written(records, features=None):
        table = pyarrow.Table.from_pylist(records)
        if features:
            content = {"huggingface": json.dumps({"info": {"features": features}})}
            table = table.replace_schema_metadata(content)
        parquet.write_table(table, tmp_path / "a.parquet")
        return tmp_path / "a.parquet"

    names = {"_type": "ClassLabel", "names": ["O", "B-PER", "I-PER"]}
    numbered = [{"tokens": ["Ana", "Lima"], "ner_tags": [1, 2]}]
    path = written(numbered, {"ner_tags": {"_type": "List", "feature": names}})
    assert next(ANNOTATIONS.examples(path)).spans == (("PER", 0, 8),) and reader_of(path) is ANNOTATIONS
    with pytest.raises(DataError, match="the tag '1' is no name"):
        ANNOTATIONS.sniff(written(numbered))
    with pytest.raises(DataError, match="3 is none of the 3 classes"):
        ANNOTATIONS.sniff(written([{"tokens": ["Ana"], "ner_tags": [3]}], {"ner_tags": [names]}))
    path = written([{"text": one["text"], "label": one["label"]} for one in TEXTS])
    assert [one.labels for one in LABELLED_TEXT.examples(path)] == [("pos",), ("neg",)]
    assert reader_of(path).sniff(path).line().startswith(f"{path}: labelled text (Parquet); 1 text, 2 label (declared)")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="damaged Parquet file"):
        reader_of(path)


@pytest.mark.parametrize(
    ("name", "content", "module", "extra"),
    [("a.parquet", b"PAR1", "pyarrow.parquet", "parquet"), ("a.spacy", b"x\x9c", "spacy.tokens", "spacy")],
)
def test_what_is_not_installed_is_said(tmp_path, monkeypatch, name, content, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf'not installed; type: pip install "keras-seq\[{extra}\]"'):
        list(ANNOTATIONS.examples(tmp_path / name))
