"""Files of annotation tools, written here in their forms."""

import json

import pytest

from keras_seq.core.errors import DataError
from keras_seq.data.annotations import ANNOTATIONS, Annotated, tagged_lines
from keras_seq.data.labelled_text import LABELLED_TEXT
from keras_seq.data.readers import reader_of
from keras_seq.data.registry import find_data
from keras_seq.ops.spans import EntitySpan
from keras_seq.tasks.tagged_text import TAGGED_TEXT

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
            "annotations": [
                {"start_offset": 0, "end_offset": 3, "label": "PER", "user": 1},
                {"start_offset": 12, "end_offset": 16, "label": "LOC", "user": 1},
            ],
        },
        {
            "text": TEXT,
            "spans": [{"start": 0, "end": 3, "label": "PER"}, {"start": 12, "end": 16, "label": "LOC"}],
            "answer": "accept",
        },
    ],
    ids=["doccano", "doccano entities", "doccano annotations", "Prodigy"],
)
def test_spans(tmp_path, record):
    path = write(tmp_path, [record, {"text": "não", "spans": [], "answer": "reject"}][: 2 if "answer" in record else 1])
    assert list(ANNOTATIONS.examples(path)) == [Annotated(TEXT, (), SPANS, 1)]
    found = ANNOTATIONS.sniff(path)
    assert (reader_of(path).name, found.counted, dict(found.counts)) == ("annotations", "types", {"PER": 1, "LOC": 1})
    assert len(found.remarks) == ("answer" in record)


def test_tokens_of_prodigy(tmp_path):
    tokens = [{"text": "um-a", "start": 0, "end": 4, "id": 0}, {"text": "\n", "start": 5, "end": 6, "id": 1}]
    tokens += [{"text": "b", "start": 6, "end": 7, "id": 2}, {"text": "!", "start": 7, "end": 8, "id": 3}]
    record = {"text": "um-a \nb!", "tokens": tokens, "spans": [{"start": 0, "end": 4, "token_end": 0, "label": "X"}]}
    path = write(tmp_path, [record])
    (example,) = ANNOTATIONS.examples(path)
    assert [example.text[start:end] for start, end in example.tokens] == ["um-a", "b", "!"]
    assert list(tagged_lines(path, example, (), ())) == [[("um-a", "B-X")], [("b", "O"), ("!", "O")]]
    for odd in ({"text": "x", "start": 0, "end": 4}, {"start": 0, "end": 99}, {"start": True, "end": 2}):
        with pytest.raises(DataError, match="a.jsonl:1: .* is no token of its text, behind the one before it; count"):
            list(ANNOTATIONS.examples(write(tmp_path, [{**record, "tokens": [odd]}])))
    # Elsewhere the field says how many there are.
    assert next(ANNOTATIONS.examples(write(tmp_path, [{"text": "a", "tokens": 1, "label": "x"}]))).tokens == ()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", '[["Rui mora", {"entities": [[0, 3, "PER"]]}]]'),  # of spaCy 2
        ("a.jsonl", '["Rui mora", {"entities": [[0, 3, "PER"]]}]\n'),
        ("a.json", '[{"id": 0, "paragraphs": [{"raw": "Rui"}]}]'),
    ],
)
def test_records_that_nobody_knows(tmp_path, name, content):
    with pytest.raises(DataError, match="records whose fields no reader recognises; write JSON lines with `text` and"):
        reader_of(write(tmp_path, content, name))


def test_texts_without_labels(tmp_path):
    (remark,) = ANNOTATIONS.sniff(write(tmp_path, [{"text": "a", "label": None, "cats": {"pos": 1}}])).remarks
    assert str(remark).startswith("no text has a label or a span, which are looked for in spans, entities, label")


def test_tokens_beside_a_text(tmp_path):
    record = {"text": "Rui mora.", "tokens": ["Rui", "mora", "."], "ner_tags": ["B-PER", "O", "O"]}
    path = write(tmp_path, [record])
    assert [*ANNOTATIONS.examples(path)] == [
        Annotated("Rui mora .", (), (EntitySpan("PER", 0, 3),), 1, ((0, 3), (4, 8), (9, 10)))
    ]
    with pytest.raises(DataError, match="tokens without tags .*; write a list `ner_tags` or `tags` beside them"):
        ANNOTATIONS.sniff(write(tmp_path, [{"tokens": ["Rui"]}]))


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
    (tmp_path / "a.txt").write_bytes("\ufeffEi\r\n".encode() + TEXT.encode())
    ann = "T1\tPER 5 8\tRui\nT2\tLOC 17 21\tFaro\nR1\tin Arg1:T1 Arg2:T2\n"
    path = write(tmp_path, ann, "a.ann")
    spans = (EntitySpan("PER", 5, 8), EntitySpan("LOC", 17, 21))
    assert list(ANNOTATIONS.examples(path)) == [Annotated(f" Ei\r\n{TEXT}", (), spans, 1)]
    for line, reason in (
        ("T1\tPER 5 6;7 8\tR i\n", "a.ann:1: a span in parts"),
        ("T1\tPER 5 8\tEva\n", "a.ann:1: the span 5-8 is 'Rui'"),
        ("T1 PER 5 8 Rui\n", "a.ann:1: no span"),
        ("T1\tPER 5 8\tRui\nT2\tX 6 8\tui\n", "a.ann: spans overlap"),
    ):
        with pytest.raises(DataError, match=reason):
            list(ANNOTATIONS.examples(write(tmp_path, line, "a.ann")))


def test_a_folder_of_brat(tmp_path):
    for name, text, ann in (("b", TEXT, "T1\tPER 0 3\tRui\n"), ("a", "Nada", ""), ("c", "", "")):
        write(tmp_path, text, f"{name}.txt")
        write(tmp_path, ann, f"{name}.ann")
    assert reader_of(tmp_path) is ANNOTATIONS and find_data(tmp_path) == tmp_path
    assert [example.text for example in ANNOTATIONS.examples(tmp_path)] == ["Nada", TEXT]
    assert dict(ANNOTATIONS.sniff(tmp_path).counts) == {"PER": 1}
    sentence = next(iter(TAGGED_TEXT.examples(tmp_path)))
    assert sentence.tokens == ("Nada",)
    write(tmp_path, "T1\tPER 0 2\tRu\n", "b.ann")
    with pytest.raises(DataError, match=r"b.ann:1: the span 0-2 \('Ru'\) does not begin and end with tokens"):
        list(TAGGED_TEXT.examples(tmp_path))
    (tmp_path / "a.txt").unlink()
    with pytest.raises(DataError, match="a.txt: cannot be read .*; put the text beside its annotations"):
        ANNOTATIONS.sniff(tmp_path)


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
    wide = example._replace(spans=(EntitySpan("PER", 0, 7),))  # with the line break behind it
    assert list(tagged_lines("a", wide, [0, 4, 7], [3, 6, 11])) == rows
    with pytest.raises(DataError, match=r"a: the span 3-4 \(' '\) does not begin and end with tokens"):
        list(tagged_lines("a", example._replace(spans=(EntitySpan("PER", 3, 4),), line=0), [0, 4, 7], [3, 6, 11]))
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
    path = write(tmp_path, "foi bom\t__label__pos\nfoi ruim\t__label__neg\n", "b.txt")
    assert [(*one.labels, one.text) for one in LABELLED_TEXT.examples(path)] == [
        ("pos", "foi bom"),
        ("neg", "foi ruim"),
    ]
    refused = (("__label__a __label__b x\n", "several"), ("__label__a x __label__b\n", "several"), ("x\n", "no label"))
    for line, reason in refused:
        with pytest.raises(DataError, match=reason):
            list(LABELLED_TEXT.examples(write(tmp_path, f"__label__pos y\n{line}", "a.txt")))
