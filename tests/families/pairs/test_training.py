"""The steps of a matcher's training, before a batch is trained."""

import functools

import numpy as np
import pytest

from keras_seq.core.errors import DataError
from keras_seq.families.pairs.data import ClassPairs, PairedTexts, drawn_pairs
from keras_seq.metrics import ActiveTriplets

CLASSES = [(f"c{number % 4}", f"wish {number % 4} way {number}") for number in range(24)]


def lines(rows):
    return "".join("\t".join(map(str, row)) + "\n" for row in rows)


@pytest.fixture
def training(tiny_training):
    return functools.partial(tiny_training, "pair_matcher")


def test_read_and_split(training):
    read = training()
    read.read()
    assert isinstance(read.train, PairedTexts) and read.validation is read.train
    seen, held_out = (set(read.train.places(rows)) for rows in (read.rows, read.validation_rows))
    assert not seen & held_out and len(read.rows) + len(read.validation_rows) == 20
    assert read.score_names == (
        "accuracy",
        "f1",
        "precision",
        "recall",
        "roc_auc",
        "average_precision",
        "embedding_spread",
    )
    assert read.shown_scores[0] == "f1"


def test_build_knows_the_words_that_train(training):
    built = training(validation=lines([(1, "new a", "new b"), (0, "pin a", "other c")])).prepare()
    assert "new" not in built.encoder.vocabulary.tokens and "pin" in built.encoder.vocabulary.tokens
    assert built.metrics is None and built.model.output_shape[:2] == (None, 2)
    scores = built.evaluate(built.model)
    assert set(scores) == set(built.score_names)
    panels = built.panels()
    assert panels.confusion()[1].sum() == 2 and set(panels.pictures()) >= {"roc"}
    assert panels.samples().startswith("| a | b | true | similarity |\n") and "new a" in panels.samples()
    assert set(panels.projector()) == {"words", "texts"}
    built.finish()
    assert built.task.settings.threshold == built.pairs.threshold
    assert built.validation_scores()["examples"] == 2


def test_classes(training):
    built = training("pairs.form=classes", "pairs.objective=batch_hard", train=lines(CLASSES)).prepare()
    assert isinstance(built.train, ClassPairs) and isinstance(built.metrics[0], ActiveTriplets)
    assert set(built.evaluate(built.model)) == set(built.score_names)
    assert built.panels().samples().startswith("| text | nearest | similarity |")
    assert built.panels().projector()["texts"][1][0].startswith("c")


def test_drawn_pairs_are_as_many_of_one_label_as_of_two():
    labels = np.array(["a", "a", "b", "b", "c"])
    first, second, is_same = drawn_pairs(labels, 200, 1)
    np.testing.assert_array_equal(labels[first] == labels[second], is_same)
    assert not (first == second).any() and 0 < is_same.sum() <= (~is_same).sum()
    first, second, is_same = drawn_pairs(np.array(["a", "b"]), 20, 1)
    assert len(first) == len(second) and not is_same.any()


def test_files_that_do_not_suit(training):
    for name in ("validation", "test"):
        with pytest.raises(DataError, match=rf"{name}.tsv"):
            training(**{name: "one cell\n"}).read()
