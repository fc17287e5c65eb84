"""The matcher from a recipe to served pairs."""

import dataclasses
import itertools
import json
from typing import get_args

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from keras_seq.core.errors import DataError, InputError, RecipeError, RunError
from keras_seq.data import read_pairs
from keras_seq.families import PairMatcher
from keras_seq.families.pairs.data import ClassPairs, PairedTexts
from keras_seq.families.pairs.recipe import PairsSection
from keras_seq.families.pairs.training import PairTraining
from keras_seq.metrics import pair_scores
from keras_seq.tasks import load, train
from keras_seq.tasks.twins_training import pair_loss
from keras_seq.text import WordTokenizer
from keras_seq.training import Recipe
from keras_seq.training.objective_recipe import POINTWISE, Objective

# Each question in several words; what is asked for is the class.
WAYS = ("how do i {}", "please tell me how to {}", "i want to {} , how ?", "what must i do to {}", "can i {} today")
WISHES = (
    "change my pin", "open an account", "close the account", "send money abroad", "block a lost card",
    "order new cheques", "see the last payments", "raise the limit",
)  # fmt: skip
QUESTIONS = [(wish, way.format(wish)) for wish in WISHES for way in WAYS]
# A question differs from those of one other wish: pairs of four wishes are linked to no others.
PAIRS = [
    (int(first == second), a, b)
    for (first, a), (second, b) in itertools.combinations(QUESTIONS, 2)
    if WISHES.index(first) // 2 == WISHES.index(second) // 2
]


def lines_of(rows):
    return "".join("\t".join(str(cell) for cell in row) + "\n" for row in rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("pairs")
    chosen = [PAIRS[row] for row in np.random.default_rng(0).permutation(len(PAIRS))]
    # One in two pairs is the same.
    same, other = ([pair for pair in chosen if pair[0] == label] for label in (1, 0))
    balanced = [pair for two in zip(same, other, strict=False) for pair in two]
    (path / "train.tsv").write_text(lines_of(balanced[:100]))
    (path / "test.tsv").write_text(lines_of(balanced[100:]))
    (path / "scores.tsv").write_text(lines_of((4.5 if label else 1.5, "x", a, b) for label, a, b in balanced[:100]))
    (path / "classes.tsv").write_text(lines_of((wish.replace(" ", "_"), text) for wish, text in QUESTIONS))
    (path / "index.txt").write_text("".join(f"{text}\n" for _, text in QUESTIONS))
    return path


def recipe(folder, *assignments, **pairs):
    return Recipe.from_dict(
        {
            "task": "pair_matcher",
            "name": "small",
            "seed": 3,
            "data": {"train": str(folder / "train.tsv"), "test": str(folder / "test.tsv"), "held_out": 0.3},
            "pairs": pairs,
            "subwords": {"num_buckets": 200},
            "model": {
                "builder": "siamese_model",
                "arguments": {
                    "embedding_dim": 16,
                    "features": {"subwords": {"embedding_dim": 8}},
                    "recurrent": {"cell": "gru", "units": [12]},
                    "dropout": 0.1,
                },
            },
            "batching": {"batch_size": 8},
            "optimizer": {"learning_rate": 2e-2},
            "fit": {"epochs": 3},
        }
    ).override(assignments)


@pytest.fixture(scope="module")
def run(folder, shared_folder):
    return shared_folder.trained("pairs", recipe(folder))


@pytest.fixture(scope="module")
def matcher(run):
    return load(run[0])


@pytest.fixture(scope="module")
def exported(matcher, tmp_path_factory):
    texts = [text for _, text in QUESTIONS]
    return matcher.with_index(texts).export(tmp_path_factory.mktemp("exported") / "small")


def test_training_reaches_a_score_and_leaves_its_metrics(run):
    path, metrics = run
    assert metrics["test"]["f1"] > 0.8
    assert metrics["test"]["roc_auc"] > 0.8
    assert 0 < metrics["validation"]["embedding_spread"] <= 1
    assert json.loads((path / "metrics.json").read_text("utf-8")) == metrics
    assert Recipe.load(path / "recipe.toml").fit.monitor == "f1"
    tags = set(EventAccumulator(str(path / "tensorboard")).Reload().Tags()["tensors"])
    assert {"roc", "precision_recall", "similarities", "samples", "validation/embedding_spread"} <= tags
    assert (path / "tensorboard" / "texts.vectors.tsv").is_file()


@pytest.mark.thorough  # by default that of taggers
def test_two_trainings_give_the_same_numbers(folder, run, tmp_path):
    again = train(recipe(folder), tmp_path / "again", quiet=True)
    assert again["test"] == run[1]["test"] and again["validation"] == run[1]["validation"]


def test_evaluate_is_the_scores_of_match(folder, matcher, run):
    pairs = list(read_pairs(folder / "test.tsv"))
    found = matcher.match([pair.a for pair in pairs], [pair.b for pair in pairs])
    assert all(row["duplicate"] == (row["similarity"] >= matcher.settings.threshold) for row in found)
    vectors = [matcher.embed([getattr(pair, side) for pair in pairs]) for side in "ab"]
    similarities = np.sum(vectors[0] * vectors[1], axis=1)
    np.testing.assert_allclose([row["similarity"] for row in found], similarities, atol=1e-4)
    expected = pair_scores(similarities, [pair.label for pair in pairs], matcher.settings.threshold)
    scores = matcher.evaluate(folder / "test.tsv")
    assert scores.pop("examples") == len(pairs)
    assert scores == pytest.approx(expected)
    assert scores == pytest.approx({name: run[1]["test"][name] for name in scores})


def learned(training, epochs=4):
    """The scores after some epochs; on the pairs that were learned, for others have words of their own."""
    training.model.compile(keras.optimizers.Adam(0.02), loss=training.loss)
    for epoch in range(epochs):
        for inputs, targets in training.batches.epoch(epoch):
            training.model.train_on_batch(inputs, targets)
    return training.evaluate(training.model)


def test_the_margin_is_in_the_unit_of_the_objective():
    assert PairsSection(objective="triplet").margin_of_objective == 0.25
    assert PairsSection(objective="contrastive").margin_of_objective == 1.0
    assert pair_loss(PairsSection(objective="batch_hard")).margin == 0.5
    assert pair_loss(PairsSection(objective="batch_hard", margin=0.25)).margin == 0.25


OFTEN = ("logistic", "similarity", "triplet", "info_nce")


@pytest.mark.thorough
@pytest.mark.parametrize(
    "objective",
    [pytest.param(name, marks=() if name in OFTEN else pytest.mark.thorough) for name in get_args(Objective)],
)
def test_every_objective_learns(folder, objective):
    options = {"columns": ["score", "ignored", "a", "b"], "score_range": [1, 5], "same_from": 0.7}
    changed = recipe(
        folder,
        "model.arguments.recurrent.units=[]",
        objective=objective,
        **(options if objective == "similarity" else {}),
    )
    name = "scores.tsv" if objective == "similarity" else "train.tsv"
    training = PairTraining(changed, dict.fromkeys(("train", "validation"), folder / name)).prepare()
    if objective in POINTWISE:
        allowed = {-1.0, 0.125, 0.875} if objective == "similarity" else {-1.0, 0.0, 1.0}
        assert allowed >= {float(target) for _, targets in training.batches.epoch(0) for target in targets}
    else:
        # Pairs that are the same alone, each with a group of its own in the batch.
        for _, groups in training.batches.epoch(0):
            real = groups[groups >= 0]
            assert len(set(real.tolist())) == len(real)
    scores = learned(training)
    assert scores["roc_auc"] > 0.85
    assert scores["embedding_spread"] > 0.05


def test_scores_are_learned(folder):
    options = {"columns": {"b": 4, "a": 3, "score": 1}, "score_range": [1, 5], "same_from": 0.7}
    changed = recipe(folder, "model.arguments.recurrent.units=[]", objective="similarity", **options)
    assert changed.fit.monitor == "pearson"
    training = PairTraining(changed, dict.fromkeys(("train", "validation"), folder / "scores.tsv")).prepare()
    assert set(np.unique(training.train.targets)) == {0.125, 0.875}
    scores = learned(training)
    assert scores["pearson"] > 0.5 and scores["f1"] > 0.7
    settings = training.settings
    assert type(settings)(**json.loads(json.dumps(dataclasses.asdict(settings)))).columns == options["columns"]
    with pytest.raises(InputError, match=r"scores.tsv:1: the score .* is not from 2 to 4"):
        PairTraining(changed.override(["pairs.score_range=[2, 4]"]), {"train": folder / "scores.tsv"}).prepare()


@pytest.mark.thorough
def test_classes_become_pairs(folder, tmp_path):
    changed = recipe(folder, "fit.epochs=6", "data.test=none", form="classes", objective="triplet")
    assert changed.fit.monitor == "recall_at_1"
    training = PairTraining(changed, {"train": folder / "classes.tsv"}).prepare()
    assert isinstance(training.train, ClassPairs)
    classes = training.train.groups
    for epoch in range(2):
        first, second = training.train.sides(3)(epoch)
        assert (classes[first] == classes[second]).all() and (first != second).all()
        assert sorted(second) == sorted(first)
    assert (training.train.sides(3)(0)[1] != training.train.sides(3)(1)[1]).any()
    metrics = train(changed.override([f"data.train={folder / 'classes.tsv'}"]), tmp_path / "run", quiet=True)
    assert metrics["validation"]["recall_at_1"] > 0.8
    tags = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload().Tags()["tensors"]
    assert "epoch/active_triplets" in tags
    matcher = load(tmp_path / "run")
    alone = matcher.evaluate(folder / "classes.tsv")
    assert alone["recall_at_1"] > 0.8 and alone["examples"] == len(QUESTIONS)
    # A text finds itself where the same texts are looked through.
    assert matcher.evaluate(folder / "classes.tsv", reference=folder / "classes.tsv")["recall_at_1"] == 1


def test_no_text_both_trains_and_validates(folder):
    training = PairTraining(recipe(folder), {"train": folder / "train.tsv"}).prepare()
    trained, held = (set(training.train.places(rows)) for rows in (training.rows, training.validation_rows))
    assert held and not trained & held
    assert len(training.rows) + len(training.validation_rows) == 100


def test_duplicates_with_a_text_in_common_are_of_one_group(tmp_path):
    (tmp_path / "a.tsv").write_text("1\ta\tb\n1\tB \tc\n0\tc\td\n1\td\te\n")
    texts = PairedTexts(read_pairs(tmp_path / "a.tsv"), WordTokenizer(), 10)
    texts.set_targets(np.array([1, 1, 0, 1], "float32"), np.array([True, True, False, True]))
    assert texts.groups[0] == texts.groups[1] != texts.groups[3]
    assert texts.groups[2] == -1


def test_the_index_finds_what_is_nearest(matcher, exported):
    texts = [text for _, text in QUESTIONS]
    queries = ["how do i change my pin", "please close the account", ""]
    vectors, own = matcher.embed(texts).astype(float), matcher.embed(queries).astype(float)
    saved = load(exported)
    assert saved.settings.index_size == len(texts)
    for found, query, vector in zip(saved.find(queries, k=3), queries, own, strict=True):
        similarities = vectors @ vector
        assert found["text"] == query
        expected = np.sort(similarities)[::-1][:3]
        np.testing.assert_allclose([near["score"] for near in found["nearest"]], expected, atol=1e-4)
        for near in found["nearest"]:
            assert similarities[texts.index(near["text"])] == pytest.approx(near["score"], abs=1e-4)
    assert saved.predict(queries)[0]["nearest"][0]["text"] == queries[0]
    with pytest.raises(InputError, match="`k` must be from 1 to 40"):
        saved.find(queries, k=41)
    with pytest.raises(TypeError, match="`k` must be an integer"):
        saved.find(queries, k=2.5)
    with pytest.raises(InputError, match="has no index of texts"):
        matcher.find(queries)
    with pytest.raises(ValueError, match="`texts` must hold at least one text"):
        matcher.with_index([])


def test_each_query_has_a_number_of_its_own(exported):
    served = load(exported).served
    queries = ["how do i change my pin", "please close the account"]
    both = served.call("index", text=queries, k=[3, 1])
    for row, k in enumerate([3, 1]):
        alone = served.call("index", text=queries[row : row + 1], k=[k])
        assert both["texts"].numpy()[row].tolist() == [*alone["texts"].numpy()[0].tolist(), *[b""] * (3 - k)]
        np.testing.assert_allclose(both["scores"][row], [*alone["scores"].numpy()[0], *[0.0] * (3 - k)], atol=1e-5)
    for k, message in (
        ([3, 0], "k must be from 1 to 40"),
        ([41, 1], "k must be from"),
        ([3], "k must have one value a row"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            served.call("index", text=queries, k=k)


def test_saved_model_answers_as_the_model_does(matcher, exported):
    saved = load(exported)
    assert isinstance(saved, PairMatcher) and saved.settings.threshold == matcher.settings.threshold
    a, b = [text for _, text in QUESTIONS[:6]], [text for _, text in QUESTIONS[3:9]]
    for mine, theirs in zip(matcher.match(a, b), saved.match(a, b), strict=True):
        assert mine["similarity"] == pytest.approx(theirs["similarity"], abs=2e-4)
    with pytest.raises(RunError, match="is a SavedModel"):
        saved.with_index(["a"])


def test_how_much_of_a_text_is_read(matcher, exported, monkeypatch, capsys):
    for task in (matcher, load(exported)):
        pair = task.served.call("serving_default", a=["one " * 1200, "one"], b=["one two", ""])
        texts = task.served.call("embed", text=["one " * 1200, "one"])
        for found, read, total in ((pair, [1002, 1], [1202, 1]), (texts, [1000, 1], [1200, 1])):
            assert found["read_tokens"].numpy().tolist() == read and found["num_tokens"].numpy().tolist() == total
        monkeypatch.setattr(task, "_has_told", False)
        task.match(["one " * 1200], ["one"])
        assert "the first 1,000 of 1,200 tokens of a text were read" in capsys.readouterr().err


def test_a_text_is_answered_alike_alone_and_in_company(matcher):
    texts = [text for _, text in QUESTIONS][:20]
    together = matcher.embed(texts)
    np.testing.assert_allclose(together, np.concatenate([matcher.embed([text]) for text in texts]), atol=1e-5)
    assert matcher.embed([]).shape == (0, 12)
    assert matcher.match([], []) == []


def test_bad_calls(matcher):
    with pytest.raises(TypeError, match="`texts` must be a list of strings"):
        matcher.match("one", ["two"])
    with pytest.raises(ValueError, match="`a` and `b` must have the same number of texts. Received: 1 and 2"):
        matcher.match(["one"], ["two", "three"])


def test_what_is_new_at_the_end_of_a_file_validates(folder, tmp_path):
    rows = ["1\ta b\tb a", "0\ta b\tc d", "1\te f\tf e", "0\tg h\te f", "1\ti j\tj i", "0\tk l\tm n", "1\to p\tc d"]
    (tmp_path / "dated.tsv").write_text("".join(f"{row}\n" for row in rows))
    training = PairTraining(
        recipe(folder, "data.held_out=0.5", validate_on="end"), {"train": tmp_path / "dated.tsv"}
    ).prepare()
    first, last = training.rows, training.validation_rows
    assert (first.tolist(), last.tolist()) == ([0, 1, 2], [4, 5])
    with pytest.raises(RecipeError, match='`validate_on` = "end" is for pairs'):
        recipe(folder, form="classes", objective="triplet", validate_on="end")


def test_bad_files(folder, tmp_path):
    (tmp_path / "column.tsv").write_text("how are you\thow do you do\n")
    with pytest.raises(DataError, match=r"column.tsv:1: "):
        train(recipe(folder, f"data.train={tmp_path / 'column.tsv'}"), tmp_path / "run", quiet=True)
    (tmp_path / "equal.tsv").write_text("1\ta b\tb a\n1\tc d\td c\n")
    with pytest.raises(DataError, match=r"equal.tsv: all 2 pairs have the label 1"):
        train(recipe(folder, f"data.train={tmp_path / 'equal.tsv'}"), tmp_path / "run", quiet=True)
    (tmp_path / "linked.tsv").write_text("1\ta b\tb a\n0\tb a\tc d\n1\tc d\td c\n")
    message = r"linked.tsv: .*must have room for a group of rows that belong together.*data.validation"
    with pytest.raises(InputError, match=message):
        PairTraining(recipe(folder), {"train": tmp_path / "linked.tsv"}).prepare()
    with pytest.raises(InputError, match=r"linked.tsv: none of the last 1 pairs, a share of 0.3, .*data.held_out"):
        PairTraining(recipe(folder, validate_on="end"), {"train": tmp_path / "linked.tsv"}).prepare()
    (tmp_path / "few.tsv").write_text("1\ta b\tb a\n0\tc d\te f\n")
    with pytest.raises(InputError, match="few.tsv: fewer than two pairs are the same and have no text in common"):
        paths = {"train": tmp_path / "few.tsv", "validation": folder / "test.tsv"}
        PairTraining(recipe(folder, objective="triplet"), paths).prepare()
    (tmp_path / "one.tsv").write_text("same\ta b\nsame\tb a\n")
    with pytest.raises(DataError, match="one.tsv"):
        PairTraining(recipe(folder, form="classes", objective="triplet"), {"train": tmp_path / "one.tsv"}).prepare()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ({"form": "classes"}, "`objective` logistic needs pairs that are not the same"),
        ({"objective": "similarity"}, "`objective` similarity needs scores"),
        ({"columns": ["label", "a"]}, 'must hold "a" and "b"'),
        ({"score_range": [5, 1]}, "must be the least and the largest score"),
        ({"objective": "triplets"}, "pairs.objective"),
    ],
)
def test_bad_recipes(folder, pairs, message):
    with pytest.raises(RecipeError, match=message):
        recipe(folder, **pairs)
