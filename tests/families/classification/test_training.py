"""The steps of a classifier's training, before a batch is trained."""

import functools

import numpy as np
import pytest

from keras_seq.core.errors import DataError, InputError, RecipeError

TEXTS = [("good", "a good film"), ("bad", "a bad film"), ("good", "good story"), ("bad", "bad story")] * 3


def lines(rows):
    return "".join("\t".join(map(str, row)) + "\n" for row in rows)


@pytest.fixture
def training(tiny_training):
    return functools.partial(tiny_training, "classifier")


def test_a_share_of_each_class_is_held_out(training):
    read = training()
    read.read()
    assert read.validation is read.train and read.label_ids.names == ("bad", "good")
    assert sorted([*read.rows, *read.validation_rows]) == list(range(12))
    held_out = [read.train.examples[row].labels for row in read.validation_rows]
    assert {("bad",), ("good",)} == set(held_out) and 2 <= len(held_out) <= 4


def test_rows_of_a_fold_take_no_part(training):
    rows = [(number % 3, *row) for number, row in enumerate(TEXTS)]
    read = training("data.fold=1", "data.test=none", 'data.columns=["fold", "label", "text"]', train=lines(rows))
    read.read()
    assert {read.train.examples[row].fold for row in [*read.rows, *read.validation_rows]} == {0, 2}


def test_build_and_what_is_shown(training):
    built = training("classification.class_weights=balanced", validation=lines([("good", "good | story")])).prepare()
    assert built.validation is not built.train and len(built.rows) == 12
    assert set(built.encoder.vocabulary.tokens) == {"a", "good", "bad", "film", "story"}
    assert built.model.output_shape == (None, 2)
    assert set(built.evaluate(built.model)) == set(built.score_names)
    panels = built.panels()
    assert "good &#124; story" in panels.samples() and panels.confusion()[1].sum() == 1
    assert set(panels.pictures()) == {"reliability"} and set(panels.projector()) == {"words"}
    built.finish()
    assert built.task.settings.temperature > 0
    inputs, targets = built.fixed_batch()
    assert targets[0] == 1 and set(inputs) == set(built.inputs)


def test_several_labels(training):
    rows = [("good,long", "a good film"), ("bad", "bad"), ("long", "a story"), ("good", "good")] * 3
    built = training('data.label_separator=","', train=lines(rows)).prepare()
    assert built.label_ids.names == ("bad", "good", "long") and "micro_f1" in built.score_names
    built.evaluate(built.model)
    assert built.panels().confusion() is None and set(built.panels().pictures()) == {"reliability"}


def test_pretraining_reads_the_texts_that_train(training, monkeypatch):
    built = training("pretraining.method=cooccurrence", "pretraining.min_count=1")
    built.read()
    built.build()
    seen = []

    def learned(section, texts, encoder, tokenizer, **options):
        seen.extend(texts)
        return {"word": np.ones((len(encoder.vocabulary), options["embedding_dim"]), "float32"), "subword": None}

    monkeypatch.setattr("keras_seq.tasks.word_vectors.pretrained_vectors", learned)
    built.pretrain()
    texts = [text for _, text in TEXTS]
    assert seen == [texts[row] for row in built.rows]
    assert (built.model.get_layer("word_embedding").get_weights()[0] == 1).all()


def test_files_that_do_not_suit(training):
    with pytest.raises(InputError, match="train.tsv: one class only .'good'."):
        training(train=lines([("good", "a"), ("good", "b")])).read()
    for name in ("validation", "test"):
        with pytest.raises(DataError, match=rf"{name}.tsv:1: the training data does not have the label 'goood'"):
            training(**{name: lines([("goood", "a")])}).read()
    for name in ("out_of_scope_validation", "out_of_scope_test"):
        with pytest.raises(DataError, match=rf"{name}.tsv"):
            training(**{name: "no tab\n"}).read()
    with pytest.raises(RecipeError, match="key `data.fold` needs a column of folds"):
        training("data.fold=1").read()
