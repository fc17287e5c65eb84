"""Files of annotation tools, written here in their forms."""

import json

import pytest

from keras_seq.core.errors import DataError
from keras_seq.data.annotations import ANNOTATIONS, Annotated, tagged_lines
from keras_seq.data.labelled_text import LABELLED_TEXT
from keras_seq.data.readers import reader_of
from keras_seq.ops.spans import EntitySpan

TEXT = "Rui mora em Faro"
SPANS = (EntitySpan("PER", 0, 3), EntitySpan("LOC", 12, 16))


def write(tmp_path, records, name="a.jsonl"):
    path = tmp_path / name
    text = records if isinstance(records, str) else "\n".join(json.dumps(record) for record in records)
    path.write_text(text, encoding="utf-8")
    return path


def task(**value):
    return {"value": value, "type": "labels"}


@pytest.mark.parametrize(
    "record",
    [
        {"id": 1, "text": TEXT, "label": [[0, 3, "PER"], [12, 16, "LOC"]]},
        {
            "text": TEXT,
            "entities": [
                {"start_offset": 12, "end_offset": 16, "label": "LOC"},
                {"start_offset": 0, "end_offset": 3, "label": "PER"},
            ],
        },
        {
            "text": TEXT,
            "spans": [{"start": 0, "end": 3, "label": "PER"}, {"start": 12, "end": 16, "label": "LOC"}],
            "answer": "accept",
        },
    ],
    ids=["doccano", "doccano entities", "Prodigy"],
)
def test_spans(tmp_path, record):
    path = write(tmp_path, [record, {"text": "não", "spans": [], "answer": "reject"}][: 2 if "answer" in record else 1])
    assert list(ANNOTATIONS.examples(path)) == [Annotated(TEXT, (), SPANS, 1)]
    found = ANNOTATIONS.sniff(path)
    assert (reader_of(path).name, found.counted, dict(found.counts)) == ("annotations", "types", {"PER": 1, "LOC": 1})
    assert len(found.remarks) == ("answer" in record)


def test_label_studio(tmp_path):
    result = [task(start=0, end=3, text="Rui", labels=["PER"]), task(start=12, end=16, text="Faro", labels=["LOC"])]
    record = {"data": {"text": TEXT}, "annotations": [{"result": result}, {"result": [], "was_cancelled": True}]}
    path = write(tmp_path, json.dumps([record], indent=1), "a.json")
    assert list(ANNOTATIONS.examples(path)) == [Annotated(TEXT, (), SPANS, 0)]
    assert reader_of(path) is ANNOTATIONS
    choice = {"data": {"review": TEXT}, "annotations": [{"result": [task(choices=["pos"])]}]}
    assert next(ANNOTATIONS.examples(write(tmp_path, [choice]))).labels == ("pos",)
    two = {"data": {"text": TEXT}, "annotations": [{"result": result}, {"result": result}]}
    with pytest.raises(DataError, match="a task with 2 annotations; export one"):
        list(ANNOTATIONS.examples(write(tmp_path, [two])))


def test_brat(tmp_path):
    write(tmp_path, TEXT, "a.txt")
    path = write(tmp_path, "T1\tPER 0 3\tRui\nT2\tLOC 12 16\tFaro\nR1\tin Arg1:T1 Arg2:T2\n", "a.ann")
    assert list(ANNOTATIONS.examples(path)) == [Annotated(TEXT, (), SPANS, 1)]
    for line, reason in (
        ("T1\tPER 0 3;4 8\tRui mora\n", "a span in parts"),
        ("T1\tPER 0 3\tEva\n", "the span 0-3 is 'Rui'"),
    ):
        with pytest.raises(DataError, match=reason):
            list(ANNOTATIONS.examples(write(tmp_path, line, "a.ann")))


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"text": TEXT, "label": [[0, 3, "A"], [2, 5, "B"]]}, "spans overlap"),
        ({"text": TEXT, "label": [[0, 99, "A"]]}, "no span of its 16 characters"),
        ({"text": TEXT, "label": [[3, 3, "A"]]}, "no span of"),
        ({"text": TEXT, "label": [[True, 3, "A"]]}, "no span of"),
        ({"text": TEXT, "label": [[0, 3]]}, "neither a label nor a span"),
        ({"text": TEXT, "label": 7.5}, "neither a label nor a span"),
        ({"txt": TEXT}, "no text \\(its keys: 'txt'\\)"),
        ({"data": {"a": "x", "b": "y"}, "annotations": [{"result": []}]}, "no text"),
    ],
)
def test_what_is_refused(tmp_path, record, reason):
    with pytest.raises(DataError, match=reason) as caught:
        list(ANNOTATIONS.examples(write(tmp_path, [{"text": "ok", "label": ["a"]}, record])))
    assert caught.value.line == 2
    with pytest.raises(DataError, match="not JSON"):
        list(ANNOTATIONS.examples(write(tmp_path, '{"text": "a"}\n{"text": ')))


def test_half_a_character(tmp_path):
    path = write(tmp_path, [{"text": "\U0001f600 a", "label": "b"}, {"text": "\ud83d a", "label": "b"}])
    with pytest.raises(DataError, match=r"a.jsonl:2: \\ud83d is half of a character; write both"):
        list(ANNOTATIONS.examples(path))


def test_a_key_that_stands_twice(tmp_path):
    path = write(tmp_path, '{"text": "a", "label": "x"}\n{"text": "a", "label": "x", "label": "y"}\n')
    with pytest.raises(DataError, match="a.jsonl:2: not JSON \\(an object has the key 'label' twice\\)"):
        list(ANNOTATIONS.examples(path))


def test_lists_in_a_csv(tmp_path):
    for rows in (
        "tokens,ner_tags\n\"['Rui', 'mora']\",\"['B-PER', 'O']\"\n",
        "id,tokens,ner_tags\n0,\"['Rui' 'mora']\",[1 0]\n",
    ):
        path = write(tmp_path, rows, "a.csv")
        with pytest.raises(DataError, match="a.csv:2: a CSV file whose cells are lists.*; write JSON lines or Parquet"):
            reader_of(path).sniff(path)


def test_spans_as_tags(tmp_path):
    example = Annotated("Rui Sá\nmora", (), (EntitySpan("PER", 0, 6),), 1)
    rows = list(tagged_lines("a", example, [0, 4, 7], [3, 6, 11]))
    assert rows == [[("Rui", "B-PER"), ("Sá", "I-PER")], [("mora", "O")]]
    with pytest.raises(DataError, match=r"a:1: the span 0-5 \('Rui S'\) does not begin and end with tokens"):
        list(tagged_lines("a", example._replace(spans=(EntitySpan("PER", 0, 5),)), [0, 4, 7], [3, 6, 11]))


def test_fasttext(tmp_path):
    path = write(tmp_path, "__label__pos foi bom\n__label__neg foi ruim\n", "a.txt")
    assert [(one.labels, one.text) for one in LABELLED_TEXT.examples(path)] == [
        (("pos",), "foi bom"),
        (("neg",), "foi ruim"),
    ]
    assert reader_of(path) is LABELLED_TEXT and LABELLED_TEXT.sniff(path).separator == "fastText"
    path = write(tmp_path, "__label__pos\tfoi bom\nfoi ruim __label__neg\n", "b.txt")
    assert [(*one.labels, one.text) for one in LABELLED_TEXT.examples(path)] == [
        ("pos", "foi bom"),
        ("neg", "foi ruim"),
    ]
    refused = (("__label__a __label__b x\n", "several"), ("__label__a x __label__b\n", "several"), ("x\n", "no label"))
    for line, reason in refused:
        with pytest.raises(DataError, match=reason):
            list(LABELLED_TEXT.examples(write(tmp_path, f"__label__pos y\n{line}", "a.txt")))
