"""The corpus of the quick start of classification is what its script writes, and asks for more than counting words."""

import re
from collections import Counter

import numpy as np
import pytest

from keras_seq.data import find_data, read_labelled_text

CLASSES = ["negative", "neutral", "positive"]


@pytest.fixture(scope="module")
def script(zoo_script):
    return zoo_script("quickstart_sentiment_corpus")


@pytest.fixture(scope="module")
def splits():
    return {
        split: list(read_labelled_text(find_data(f"quickstart_sentiment/{split}.tsv")))
        for split in ("train", "validation", "test")
    }


def test_the_script_writes_these_files(script, splits):
    files = script.corpus()
    assert list(files) == list(splits)
    for split, text in files.items():
        assert find_data(f"quickstart_sentiment/{split}.tsv").read_text(encoding="utf-8") == text
        assert len(splits[split]) == script.SIZES[split]


def test_classes_are_of_equal_size_and_no_text_is_there_twice(splits):
    for examples in splits.values():
        assert Counter(example.labels for example in examples) == {(name,): len(examples) // 3 for name in CLASSES}
    texts = [example.text.lower() for examples in splits.values() for example in examples]
    assert len(set(texts)) == len(texts)


def test_every_gap_of_a_template_is_filled(splits):
    for examples in splits.values():
        for example in examples:
            assert re.fullmatch(r"[A-ZÀ-Ý][\w ,:'-]*[.!?]", example.text), example.text
            assert "  " not in example.text and example.text == example.text.strip()


def test_held_out_texts_have_words_that_training_never_saw(splits):
    known = {word for example in splits["train"] for word in words(example.text)}
    for split in ("validation", "test"):
        unseen = [word not in known for example in splits[split] for word in words(example.text)]
        assert 0.005 < np.mean(unseen) < 0.1


def test_counting_words_is_good_but_not_enough(splits):
    """Multinomial logistic regression on a bag of words, by gradient descent."""
    column = {}
    for example in splits["train"]:
        for word in words(example.text):
            column.setdefault(word, len(column))

    def counts(examples):
        matrix = np.zeros((len(examples), len(column) + 1))
        matrix[:, -1] = 1
        for row, example in enumerate(examples):
            for word in words(example.text):
                if word in column:
                    matrix[row, column[word]] += 1
        return matrix, np.array([CLASSES.index(example.labels[0]) for example in examples])

    matrix, targets = counts(splits["train"])
    weights = np.zeros((matrix.shape[1], 3))
    for _ in range(300):
        scores = matrix @ weights
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        gradient = scores / scores.sum(axis=1, keepdims=True) - np.eye(3)[targets]
        weights -= matrix.T @ gradient / len(matrix) + 1e-3 * weights
    for split in ("validation", "test"):
        matrix, targets = counts(splits[split])
        assert 0.85 < np.mean(np.argmax(matrix @ weights, axis=1) == targets) < 0.95


def words(text):
    return re.findall(r"\w+", text.lower())


def test_the_files_are_small(splits):
    folder = find_data("quickstart_sentiment/train.tsv").parent
    assert sum(path.stat().st_size for path in folder.iterdir()) < 100_000
