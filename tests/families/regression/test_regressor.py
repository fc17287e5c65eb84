"""The regressor: its scores, its training, and the commands from a recipe to served text."""

import json
from pathlib import Path

import numpy as np
import pytest
from example_calls import printed_calls, run_printed

import keras_seq
from keras_seq.core.errors import DataError, RecipeError
from keras_seq.families.regression.task import regression_scores
from keras_seq.families.regression.training import RegressionTraining
from keras_seq.tasks import train
from keras_seq.training import Recipe
from keras_seq.zoo import ModelCard

WORDS = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen", "ibis", "jay"]
SIZES = {"train": 240, "validation": 60, "test": 60}
FIT = {"optimizer": {"learning_rate": 0.03}, "fit": {"epochs": 6}, "expected": {"scores": {"pearson": 0.9}}}
WIDE = "model.arguments.wide={bigrams = 50}"


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    """On texts of words that are worth 0 to 9; the score is a thousand times their mean, and chance."""
    folder, draw = tmp_path_factory.mktemp("scores"), np.random.default_rng(0)
    for name, size in SIZES.items():
        worth = [draw.integers(0, 10, draw.integers(1, 8)) for _ in range(size)]
        scores = [1000 * each.mean() + draw.normal(0, 300) for each in worth]
        texts = [" ".join(WORDS[one] for one in each) for each in worth]
        rows = [f"{score:.2f}\t{text}\n" for score, text in zip(scores, texts, strict=True)]
        (folder / f"{name}.tsv").write_text("".join(rows))
    data = {name: str(folder / f"{name}.tsv") for name in SIZES}
    arguments = {"embedding_dim": 8, "hidden_units": [8], "dropout": 0.0}
    model = {"builder": "sentiment_model", "arguments": arguments}
    return Recipe.from_dict({"task": "regressor", "name": "tiny", "data": data, "model": model, **FIT})


@pytest.fixture(scope="module")
def folder(recipe, tmp_path_factory, invoke):
    """A trained run `run/` and the exported model `models/tiny/`."""
    folder = tmp_path_factory.mktemp("regressor")
    recipe.save(folder / "tiny.toml")
    trained = invoke("train", folder / "tiny.toml", "--run-dir", folder / "run", "--quiet")
    assert trained.code == 0 and "Expected test pearson 0.9000: reached" in trained.output, trained.lines
    exported = invoke("export", folder / "run", "--to", folder / "models" / "tiny")
    assert exported.code == 0 and "embed(text: string[batch])" in exported.output, exported.lines
    predicted, served = printed_calls(exported.output)
    assert run_printed(predicted).endswith("\tA sentence.\n") and "output key score" in run_printed(served)
    return folder


def training(recipe, *changes, **texts):
    made = recipe.override(changes)
    return RegressionTraining(
        made, {**{key.removeprefix("data."): path for key, path in made.files().items()}, **texts}
    )


def test_scores():
    found = regression_scores([1, 2, 3, 4], [1, 2, 5, 4], radius=1.0)
    assert [found[key] for key in ("mae", "rmse", "coverage", "interval_width")] == [0.5, 1.0, 0.75, 2.0]
    assert found["r2"] == pytest.approx(0.2) and found["pearson"] == pytest.approx(0.8, abs=0.05)
    assert regression_scores([2, 2], [1, 2], radius=0.0)["r2"] == 0


@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_targets_are_standard_scores_and_padding_does_not_count(recipe, loss):
    built = training(recipe, f"regression.loss={loss}", WIDE).prepare()
    scores = np.array([example.score for example in built.train.examples])
    targets = np.concatenate([labels for _, labels in built.batches.epoch(0)])
    assert np.isnan(targets).sum() == len(targets) - len(scores) > 0
    expected = np.sort((scores - scores.mean()) / scores.std())
    np.testing.assert_allclose(np.sort(targets)[: len(scores)], expected, rtol=1e-5)
    outputs = np.linspace(-2, 2, len(targets), dtype="float32")
    sizes = np.abs(outputs - targets)
    costs = sizes**2 if loss == "squared" else np.where(sizes < 1, sizes**2 / 2, sizes - 0.5)
    assert float(built.loss(targets, outputs[:, None])) == pytest.approx(np.nanmean(costs), rel=1e-5)
    built.finish()
    assert built.model.get_layer("wide_words").id_weights.numpy().std() > 0 and built.task.settings.radius > 0


def test_what_is_served_is_the_model_in_the_unit_of_the_data(folder, recipe):
    run, exported = keras_seq.load(folder / "run"), keras_seq.load(folder / "models" / "tiny")
    lines = [line.split("\t") for line in Path(recipe.data.test).read_text().splitlines()]
    texts, true = [text for _, text in lines], np.array([float(score) for score, _ in lines])
    tokens, _, _ = run.served.tokenizer.tokenize(texts)
    outputs = np.asarray(run.model(run.served.encoder.encode(tokens, run.served.input_names)))[:, 0]
    settings, metrics = run.settings, json.loads((folder / "run" / "metrics.json").read_text())
    expected = settings.mean + settings.deviation * outputs.astype("float64")
    for task in (run, exported):
        rows = task.predict([*texts, "", "zzz", "ant " * 5000])
        found = np.array([[row[name] for name in ("score", "low", "high")] for row in rows])
        np.testing.assert_allclose(found[: len(texts), 0], expected, rtol=1e-5)
        np.testing.assert_allclose(np.diff(found[:, [1, 0, 2]]), settings.radius, rtol=1e-4)
        scores = task.evaluate(recipe.data.test)
        assert scores == pytest.approx(metrics["test"], rel=1e-5)
        assert scores["mae"] == pytest.approx(np.abs(expected - true).mean(), rel=1e-5)
        assert task.embed(texts).shape == (60, 8) and not task.predict([])
    assert exported.settings == settings and metrics["validation"]["coverage"] == 55 / 60  # of 61 x 0.9
    assert metrics["test"]["coverage"] > 0.8


def test_a_rest_that_is_not_read_is_told_once(folder, monkeypatch, capsys):
    for task in (keras_seq.load(folder / "run"), keras_seq.load(folder / "models" / "tiny")):
        # A task that was loaded is kept, and may have told it.
        monkeypatch.setattr(task, "_has_told", False)
        long = "ant bee " * 700
        assert task.predict([long, "ant", long])[0]["score"] == task.predict(["ant bee " * 500])[0]["score"]
        expected = (
            f"keras-seq: {task.name}: the first 1,000 of 1,400 tokens of a text were read, as of all longer texts; "
        )
        assert capsys.readouterr().err.count(expected) == 1
        task.embed([long])
        assert not capsys.readouterr().err, "it is told twice"
        for signature in ("serving_default", "embed"):
            outputs = task.served.call(signature, text=[long, "", "ant"])
            assert outputs["read_tokens"].numpy().tolist() == [1000, 0, 1]
            assert outputs["num_tokens"].numpy().tolist() == [1400, 0, 1]


def test_exports_that_do_not_say_what_they_read(folder, monkeypatch, capsys):
    task = keras_seq.load(folder / "models" / "tiny")
    answer = type(task.served).call

    def of_before(served, signature, **inputs):
        outputs = answer(served, signature, **inputs)
        return {name: value for name, value in outputs.items() if not name.endswith("_tokens")}

    monkeypatch.setattr(type(task.served), "call", of_before)
    assert task.predict(["ant " * 1400])[0]["score"] and not capsys.readouterr().err


def test_card_and_list(folder, invoke, monkeypatch):
    card = ModelCard.load(folder / "models" / "tiny" / "card.json")
    assert list(card.metrics)[0] == "pearson" and "scores of 90% of such texts" in card.render()
    monkeypatch.setenv("KERAS_SEQ_MODELS", str(folder / "models"))
    assert "pearson" in invoke("list", "--task", "regressor").output
    assert "text_classifier_model" in invoke("recipe", "regressor").output


@pytest.mark.thorough
def test_two_trainings_give_the_same_numbers(folder, recipe, tmp_path):
    again = train(recipe, tmp_path / "again", quiet=True)
    assert again["test"] == json.loads((folder / "run" / "metrics.json").read_text())["test"]
    assert recipe.override(["fit.monitor=mae"]).fit.direction == "min"
    held_out = training(recipe, "data.validation=none", "data.held_out=0.25")
    held_out.read()
    assert len(held_out.validation_rows) == 60 and not set(held_out.rows) & set(held_out.validation_rows)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "bad.tsv: empty file; a line is score, a tab, text"),
        ("1\ta\nnan\tb\n", "bad.tsv:2: score 'nan' is no finite number"),
        ("1\ta\n-inf\tb\n", "bad.tsv:2: score '-inf' is no finite number"),
        ("1\ta\ngood\tb\n", "bad.tsv:2: score 'good' is no finite number; write a number such as 3.5"),
        ("2\ta\n2.0\tb\n", "bad.tsv: all scores are 2; training needs different ones"),
        ("1e6\ta\n1000001\tb\n", "bad.tsv: scores from 1000000.0 to 1000001.0; training needs different ones; shift"),
        ("-1e300\ta\n1\tb\n", "bad.tsv: scores from -1e.300 to 1.0; "),
    ],
)
def test_files_that_do_not_suit(recipe, tmp_path, text, message):
    (tmp_path / "bad.tsv").write_text(text)
    with pytest.raises(DataError, match=message):
        training(recipe, train=tmp_path / "bad.tsv").read()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("regression.interval=0.99", "key `regression.interval` = 0.99 needs 99 texts that validate. Received: 60; "),
        ('data.columns=["text"]', 'key `data.columns` must hold "score" and "text", each once'),
        ("model.arguments.wide={prior = true}", "key `model.arguments.wide.prior` is for what learns labels"),
        ("fit.monitor=accuracy", "key `fit.monitor` must be one of pearson, spearman, mae"),
    ],
)
def test_recipes_that_do_not_suit(recipe, change, message):
    with pytest.raises(RecipeError, match=message):
        training(recipe, change).prepare()
