"""The texts of files that hold labels, too."""

import gzip
import json

import pytest

from keras_seq.core.errors import DataError
from keras_seq.data.plain_texts import plain_texts

TEXTS = ["foi bom", 'foi "ruim", sim']
RECORDS = "\n".join(json.dumps({"id": 1, "review": text, "stars": 5}) for text in TEXTS)
TASKS = [{"id": 1, "data": {"review": text}, "annotations": [{"result": 7}]} for text in TEXTS]


def write(tmp_path, content, name):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.jsonl", RECORDS, "of its 3 fields 'review' is read, the text"),
        ("a.txt", gzip.compress(RECORDS.encode(), mtime=0), "of its 3 fields"),
        ("a.json", json.dumps([{"text": text} for text in TEXTS]), ""),
        ("a.json", json.dumps(TASKS), ""),
        ("a.csv", 'id,text\n1,foi bom\n2,"foi ""ruim"", sim"\n', "of its 2 columns 'text' is read, the text"),
        ("a.tsv", 'title\ttext\tlabel\nA\tfoi bom\tpos\nB\tfoi "ruim", sim\tneg\n', "of its 3 columns"),
        ("a.csv", 'nota;texto\n1;foi bom\n2;"foi ""ruim"", sim"\n', "of its 2 columns 'texto' is read"),
    ],
)
def test_texts_alone(tmp_path, capsys, name, content, told):
    assert list(plain_texts(write(tmp_path, content, name))) == TEXTS
    assert told in capsys.readouterr().err


def test_a_text_of_several_lines(tmp_path):
    write(tmp_path, "\n".join(TEXTS) + "\n", "a.txt")
    assert list(plain_texts(write(tmp_path, "T1\tX 0 3\tfoi\n", "a.ann"))) == TEXTS


@pytest.mark.parametrize(
    "content",
    [
        "foi bom\nfoi ruim\n",
        '"Oi", disse\n"Adeus", disse\n',
        "sim,não\nnão,sim\n",
        "Texto, bom\nFoi, ruim\n",
        "{a} b\n[c] d\n",
        "neg\tfoi\n",
    ],
)
def test_what_may_be_lines_is_left_to_others(tmp_path, content):
    assert plain_texts(write(tmp_path, content, "a.txt")) is None


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.jsonl", '{"a": "x", "b": 1}\n', "no field is the text (its fields: 'a', 'b'); name it `text`, or give"),
        ("a.jsonl", '{"review": "x", "comment": "y"}\n', "'review' and 'comment' may both be the text"),
        (
            "a.csv",
            "Sentence #,Word,Tag\n1,Rui,B-PER\n,mora,O\n",
            "no column is the text (its columns: 'Sentence #', 'W",
        ),
        ("a.csv", 'pos,"foi bom"\nneg,"foi, ruim"\n', "no column is the text (its columns: 'pos', 'foi bom')"),
        ("a.json", '["foi bom", "foi ruim"]', "no records with named fields; give texts alone, one a line"),
        ("a.jsonl", '{"text": "x"}\n{"txt": "y"}\n', "a.jsonl:2: the field 'text' holds nothing"),
    ],
)
def test_what_is_not_sure(tmp_path, name, content, reason):
    with pytest.raises(DataError) as caught:
        list(plain_texts(write(tmp_path, content, name)))
    assert reason in str(caught.value)
