"""The corpus of the quick start is what its script writes, and fits the tokenizer of the taggers."""

import pytest
import tensorflow as tf

from keras_seq.data import detect_scheme, find_data, read_conll
from keras_seq.text import WordTokenizer

SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def script(zoo_script):
    return zoo_script("quickstart_corpus")


@pytest.mark.parametrize("split", SPLITS)
def test_the_script_writes_these_files(script, split):
    path = find_data(f"quickstart/{split}.conll")
    assert path.read_text(encoding="utf-8") == script.corpus(split)
    assert detect_scheme(path) == "BIO"
    assert len(list(read_conll(path))) == script.SIZES[split]


def test_held_out_sentences_hold_names_that_training_never_saw():
    known = {token for sentence in read_conll(find_data("quickstart/train.conll")) for token in sentence.tokens}
    for split in ("validation", "test"):
        rows = [
            row
            for sentence in read_conll(find_data(f"quickstart/{split}.conll"))
            for row in zip(sentence.tokens, sentence.tags, strict=True)
        ]
        inside = [token for token, tag in rows if tag != "O"]
        assert 0.1 < sum(token not in known for token in inside) / len(inside) < 0.5


def test_raw_text_is_split_as_the_corpus_is():
    sentences = list(read_conll(find_data("quickstart/test.conll")))
    tokens, _, _ = WordTokenizer().tokenize(tf.constant([" ".join(sentence.tokens) for sentence in sentences]))
    for row, sentence in zip(tokens.numpy(), sentences, strict=True):
        assert [token.decode() for token in row if token] == list(sentence.tokens)


def test_the_files_are_small():
    folder = find_data("quickstart/train.conll").parent
    assert sum(path.stat().st_size for path in folder.iterdir()) < 250_000
