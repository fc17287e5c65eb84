"""Sentences with tags, from files of annotation tools as from CoNLL files."""

import json

import pytest

from keras_seq.core.errors import DataError
from keras_seq.tasks.tagged_text import TAGGED_TEXT

SPANS = {"text": "Rui Sá mora em Faro.\nE tu?", "label": [[0, 6, "PER"], [15, 19, "LOC"]]}


def test_marked_texts(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(SPANS) + "\n" + json.dumps({"tokens": ["a-b", "c"], "tags": ["B-X", "O"]}) + "\n")
    found = list(TAGGED_TEXT.examples(path, scheme="BIOES"))
    assert [sentence.tokens for sentence in found] == [
        ("Rui", "Sá", "mora", "em", "Faro", "."),
        ("E", "tu", "?"),
        ("a-b", "c"),
    ]
    assert found[0].tags == ("B-PER", "E-PER", "O", "O", "S-LOC", "O") and found[2] == (("a-b", "c"), ("S-X", "O"), 2)
    assert TAGGED_TEXT.sniff(path).counts == {"PER": 1, "LOC": 1, "X": 1}
    with pytest.raises(DataError, match="a.jsonl:1: sentence of 6 tokens, more than 5"):
        list(TAGGED_TEXT.examples(path, max_length=5))


def test_conll(tmp_path):
    path = tmp_path / "a.conll"
    path.write_text("Rui B-PER\n")
    assert [sentence.tags for sentence in TAGGED_TEXT.examples(path, scheme="BIOES")] == [("S-PER",)]
    assert TAGGED_TEXT.sniff(path).reader == "CoNLL"
