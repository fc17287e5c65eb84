"""What the wide part begins with: weights of ids by hand, a prior from other texts, and what must not reach it."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from keras_seq.core.errors import DataError, RecipeError
from keras_seq.families.classification.prior_scores import (
    _features,
    _logistic_regression,
    comparable,
    cut,
    evaluated_texts,
    read_pieces,
)
from keras_seq.families.classification.training import ClassifierTraining
from keras_seq.tasks import load, train
from keras_seq.tasks.id_weights import set_id_weights
from keras_seq.text import WordTokenizer
from keras_seq.training import Recipe
from keras_seq.zoo.parts import wide_tables_of

LINES = {
    "train": ["pos\tgood film", "neg\tbad film", "pos\ta good good story", "neg\tdull story"],
    "dev": ["pos\tgood story", "neg\tbad story"],
    "test": ["neg\tA  secret text", "pos\tgood"],
    "other": [
        "0\tpos\tfine film # a secret text # good work",
        "1\tneg\tawful film # bad story # poor work",
        "2\tpos\tfine work",
        "3\tneg\tawful work",
    ],
}
WIDE = {"bigrams": 50, "subwords": True, "prior": True, "scale": 2.0}


@pytest.fixture
def files(tmp_path):
    for name, lines in LINES.items():
        (tmp_path / f"{name}.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    return {name: tmp_path / f"{name}.tsv" for name in LINES}


def recipe_of(files, **changes):
    values = {
        "task": "classifier",
        "name": "small",
        "data": {"train": str(files["train"]), "validation": str(files["dev"]), "test": str(files["test"])},
        "subwords": {"num_buckets": 30},
        "transfer": {
            "file": str(files["other"]),
            "columns": ["ignored", "label", "text"],
            "separator": "#",
            "segment_tokens": 4,
            "strength": 0.7,
        },
        "model": {"builder": "sentiment_model", "arguments": {"embedding_dim": 4, "wide": WIDE}},
    }
    return Recipe.from_dict({**values, **changes})


def training_of(files, **changes):
    paths = {"train": files["train"], "validation": files["dev"], "test": files["test"]}
    return ClassifierTraining(recipe_of(files, **changes), paths).prepare()


def test_rare_ids_weigh_more(files):
    training = training_of(
        files,
        transfer={},
        model={"builder": "sentiment_model", "arguments": {"wide": {"bigrams": 50, "subwords": True}}},
    )
    weights = np.array(wide_tables_of(training.model)["wide_words"].id_weights)
    ids = training.encoder.vocabulary.lookup(["good", "film", "dull"])
    # 4 texts; "good" stands in two of them, whatever it does within one.
    np.testing.assert_allclose(weights[ids], np.log(5 / (1 + np.array([2, 2, 1]))) + 1, rtol=1e-6)
    assert weights[1] == 0
    for name in ("wide_bigrams", "wide_subwords"):
        weights = np.array(wide_tables_of(training.model)[name].id_weights)
        assert weights.max() == pytest.approx(np.log(5) + 1) and weights.min() < np.log(5 / 2) + 1.01


def test_a_model_without_a_wide_part_is_left_alone(files):
    training = training_of(files, transfer={}, model={"builder": "sentiment_model"})
    set_id_weights(training.model, [training.batches])
    assert not wide_tables_of(training.model)


def test_the_prior_knows_other_texts_and_is_not_trained(files):
    training = training_of(files)
    tables = wide_tables_of(training.model)
    assert set(tables) == {"wide_words", "wide_bigrams", "wide_subwords", "prior_words", "prior_bigrams"}
    good, bad = training.encoder.vocabulary.lookup(["good", "bad"])
    labels = list(training.label_ids.names)
    scores = np.array(tables["prior_words"].scores)[:, labels.index("pos")]
    # "bad" stands in a sentence alone that validates.
    assert scores[good] > 0.01 and scores[bad] == 0
    assert (np.array(tables["wide_words"].scores) == 0).all()
    prior = {name: table for name, table in tables.items() if name.startswith("prior_")}
    features, _ = _features(training.model, prior, training.batches)
    table = np.concatenate([np.array(one.scores) * one.scale for one in prior.values()])
    texts = features @ table
    assert (texts - texts.mean(axis=1, keepdims=True)).std() == pytest.approx(0.7, rel=1e-4)
    again = wide_tables_of(training_of(files).model)["prior_bigrams"]
    np.testing.assert_array_equal(again.scores, tables["prior_bigrams"].scores)


@pytest.mark.thorough
def test_from_recipe_to_answers_and_the_prior_is_kept(files, tmp_path):
    recipe = recipe_of(files, fit={"epochs": 2})
    train(recipe, tmp_path / "run", quiet=True)
    classifier = load(tmp_path / "run")
    tables, fresh = wide_tables_of(classifier.model), wide_tables_of(training_of(files).model)
    for name in ("prior_words", "prior_bigrams"):
        np.testing.assert_array_equal(tables[name].scores, fresh[name].scores)
        np.testing.assert_array_equal(tables[name].id_weights, fresh[name].id_weights)
    assert np.abs(tables["wide_words"].scores).max() > 0
    assert {row["label"] for row in classifier.predict(["good film", "", "never seen"])} <= {"neg", "pos"}


def test_texts_that_test_are_left_out(files):
    training = training_of(files)
    left_out = evaluated_texts(
        training.recipe, training.batches, training.validation_batches, files["test"], WordTokenizer()
    )
    assert {"a secret text", "good story", "bad story"} <= left_out
    pieces = read_pieces(files["other"], recipe_of(files), training.label_ids, WordTokenizer(), left_out)
    found = [" ".join(tokens) for tokens in pieces.store.texts()]
    assert found == ["fine film good work", "awful film poor work", "fine work", "awful work"]
    assert [example.labels for example in pieces.examples] == [("pos",), ("neg",)] * 2


def test_pieces():
    assert list(cut([["a"], ["b", "c"], ["d"]], 2)) == [["a", "b", "c"], ["d"]]
    long = [str(number) for number in range(21)]
    assert list(cut([long], 8)) == [long[:8], long[8:]]
    # A rest of less than a quarter joins the piece before it.
    assert list(cut([long[:8], long[8:9]], 8)) == [long[:9]]
    assert list(cut([], 8)) == []
    assert comparable(["A", "b"]) == "a b"


def test_equal_to_logistic_regression_of_another_library():
    generator = np.random.default_rng(0)
    features = generator.normal(size=(80, 5))
    labels = (features @ generator.normal(size=(5, 3)) + generator.normal(size=(80, 3))).argmax(axis=1)
    table = _logistic_regression(csr_matrix(features), np.eye(3)[labels], 2.0, is_multi_label=False)
    other = LogisticRegression(C=0.5, fit_intercept=False, tol=1e-8).fit(features, labels)
    np.testing.assert_allclose(table, other.coef_.T, atol=1e-3)
    table = _logistic_regression(csr_matrix(features), np.eye(3)[labels], 2.0, is_multi_label=True)
    for index in range(3):
        other = LogisticRegression(C=0.5, fit_intercept=False, tol=1e-8).fit(features, labels == index)
        np.testing.assert_allclose(table[:, index], other.coef_[0], atol=1e-3)


def test_a_prior_needs_texts_and_texts_a_prior(files):
    with pytest.raises(RecipeError, match="key `transfer.file` is missing"):
        training_of(files, transfer={})
    with pytest.raises(RecipeError, match="key `transfer.file` trains a prior"):
        training_of(files, model={"builder": "sentiment_model"})
    with pytest.raises(RecipeError, match="`transfer.columns` must hold"):
        recipe_of(files, transfer={"columns": ["text"]})
    files["other"].write_text("0\tposs\tfine film\n", "utf-8")
    with pytest.raises(DataError, match="label 'poss'"):
        training_of(files)
