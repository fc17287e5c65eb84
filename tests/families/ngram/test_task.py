"""The n-gram task: fitted on files, scored as the neural models are, kept, and drawn from."""

import math

import numpy as np
import pytest

from keras_seq.core.errors import DataError, InputError, RecipeError, RunError
from keras_seq.families import NgramLanguageModel
from keras_seq.families.ngram import task as ngram_module
from keras_seq.tasks import load, train
from keras_seq.training import Recipe

WORDS = ["a", "rosa", "é", "uma", "flor", "azul"]
SCORES = {"perplexity", "nll", "nats_per_character", "bits_per_character", "num_tokens", "examples", "memory_mb"}


def write(path, seed, lines=200):
    generator = np.random.default_rng(seed)
    text = "".join(" ".join(generator.choice(WORDS, generator.integers(1, 7))) + "\n" for _ in range(lines))
    path.write_text(text, "utf-8")
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    return {name: write(folder / f"{name}.txt", seed) for seed, name in enumerate(("train", "validation", "test"))}


@pytest.fixture(scope="module")
def recipe(files):
    return Recipe.from_dict(
        {
            "task": "ngram_language_model",
            "name": "grams",
            "data": {name: str(path) for name, path in files.items()},
            "language": {"unit": "character"},
            "ngram": {"order": 3},
        }
    )


@pytest.mark.parametrize(("unit", "layout"), [("word", "stream"), ("character", "stream"), ("character", "lines")])
def test_scores_are_those_of_single_distributions(files, tmp_path, unit, layout):
    model = NgramLanguageModel.train(files["train"], order=3, unit=unit, layout=layout)
    path = tmp_path / "text.txt"
    path.write_text("a rosa é\numa nova flor\n", "utf-8")
    encoder = model.encoder
    if layout == "lines":
        sequences = [[*encoder.ids(line).tolist(), 3] for line in ("a rosa é", "uma nova flor")]
    else:
        sequences = [encoder.ids(path.read_text("utf-8")).tolist()]
    nats, count = 0.0, 0
    for sequence in sequences:
        context = [encoder.start_id] * 2
        for token_id in sequence:
            nats -= math.log(model.ngrams.distribution(context)[token_id])
            context.append(token_id)
            count += 1
    scores = model.evaluate(path)
    assert set(scores) == SCORES
    assert scores["num_tokens"] == count
    assert scores["examples"] == (2 if layout == "lines" else count)
    # Words and their line ends; or characters, of which a line break is one and an end mark stands for one.
    assert count == (8 if unit == "word" else 23)
    assert scores["nll"] == pytest.approx(nats / count, rel=1e-12)
    assert scores["perplexity"] == pytest.approx(math.exp(nats / count), rel=1e-12)
    assert scores["nats_per_character"] == pytest.approx(nats / 23, rel=1e-12)
    assert scores["bits_per_character"] == pytest.approx(nats / 23 / math.log(2), rel=1e-12)
    assert scores["memory_mb"] == model.ngrams.num_bytes / 1e6 > 0


@pytest.mark.parametrize("layout", ["stream", "lines"])
def test_scoring_in_pieces_changes_nothing(files, monkeypatch, layout):
    model = NgramLanguageModel.train(files["train"], order=4, layout=layout)
    whole = model.evaluate(files["test"])
    monkeypatch.setattr(ngram_module, "SYMBOLS_PER_CALL", 7)
    monkeypatch.setattr(ngram_module, "LINES_PER_CALL", 3)
    seen = []
    assert model.evaluate(files["test"], on_progress=seen.append) == pytest.approx(whole, rel=1e-12)
    assert len(seen) > 20
    assert sum(seen) == whole["num_tokens"]


def test_an_end_mark_is_never_predicted_in_a_stream_of_characters(files):
    ngrams = NgramLanguageModel.train(files["train"], order=2).ngrams
    assert np.flatnonzero(ngrams.distribution([5]) == 0).tolist() == [0, 2, 3]


def test_predict_agrees_with_evaluate(files, tmp_path):
    model = NgramLanguageModel.train(files["train"], order=3, layout="lines")
    (row,) = model.predict(["a rosa"])
    path = tmp_path / "line.txt"
    path.write_text("a rosa\n", "utf-8")
    scores = model.evaluate(path)
    assert row["perplexity"] == pytest.approx(scores["perplexity"], rel=1e-12)
    assert row["log_prob"] == pytest.approx(-scores["nll"] * scores["num_tokens"], rel=1e-12)
    assert (row["text"], row["num_tokens"]) == ("a rosa", 7)
    with pytest.raises(TypeError, match="`texts` must be a list of strings"):
        model.predict("a rosa")


def test_drawn_texts_follow_the_distribution(files):
    model = NgramLanguageModel.train(files["train"], order=2, unit="word")
    drawn = model.generate("rosa", count=1000, max_length=1, seed=3)
    assert drawn[:40] == model.generate("rosa", count=40, max_length=1, seed=3)
    assert drawn[:40] != model.generate("rosa", count=40, max_length=1, seed=4)
    expected = model.ngrams.distribution(model.encoder.ids("rosa"))
    for word in WORDS:
        share = drawn.count(f"rosa {word}") / 1000
        assert share == pytest.approx(float(expected[model.encoder.ids(word)[0]]), abs=0.04)
    assert model.generate("rosa", max_length=0) == ["rosa"]
    likeliest = model.encoder.text([*model.encoder.ids("rosa"), int(expected.argmax())])
    assert model.generate("rosa", max_length=1, temperature=1e-4) == [likeliest]


def test_a_line_ends_at_its_end_mark(files):
    model = NgramLanguageModel.train(files["train"], order=4, layout="lines")
    drawn = model.generate(count=20, max_length=500, seed=1)
    assert len(set(drawn)) > 5
    assert all(0 < len(text) < 500 and "\n" not in text for text in drawn)


def test_generate_refuses_what_has_no_meaning(files):
    model = NgramLanguageModel.train(files["train"], order=2)
    with pytest.raises(InputError, match="prefix: holds 'W', which the model does not know; leave it out"):
        model.generate("Word")
    with pytest.raises(ValueError, match="`temperature` must be a finite number above 0. Received: temperature=0"):
        model.generate(temperature=0)
    with pytest.raises(ValueError, match="`count` must be a positive integer"):
        model.generate(count=0)


def test_what_is_loaded_is_what_was_saved(files, tmp_path):
    model = NgramLanguageModel.train(files["train"], order=3, unit="word", name="grams")
    model.save(tmp_path)
    again = NgramLanguageModel.load(tmp_path)
    assert again.evaluate(files["test"]) == model.evaluate(files["test"])
    assert again.generate(count=3, seed=1) == model.generate(count=3, seed=1)
    assert again.encoder == model.encoder

    whole = (tmp_path / "ngrams.npz").read_bytes()
    for damaged in (b"", b"no archive", whole[: len(whole) // 2]):
        (tmp_path / "ngrams.npz").write_bytes(damaged)
        with pytest.raises(
            RunError, match=r"ngrams.npz: cannot be loaded \(.*\); put the original back, or train it again"
        ):
            NgramLanguageModel.load(tmp_path)
    (tmp_path / "ngrams.npz").unlink()
    with pytest.raises(RunError, match=r"holds no ngrams.npz"):
        NgramLanguageModel.load(tmp_path)


def test_training_by_a_recipe(files, recipe, tmp_path):
    metrics = train(recipe, tmp_path / "run", quiet=True)
    model = load(tmp_path / "run")
    assert isinstance(model, NgramLanguageModel)
    assert model.name == "grams"
    assert model.evaluate(files["test"]) == pytest.approx(metrics["test"])
    assert model.evaluate(files["validation"]) == pytest.approx(metrics["validation"])
    assert metrics["parameters"] == model.num_parameters
    assert (metrics["epochs"], metrics["best_epoch"], metrics["stopped_early"]) == (1, 1, False)
    assert train(recipe, tmp_path / "run", quiet=True, resume=True) == metrics


def test_the_end_of_the_text_validates_where_no_file_does(files, recipe, tmp_path):
    values = {**recipe.to_dict(), "data": {"train": str(files["train"]), "held_out": 0.25}}
    metrics = train(Recipe.from_dict(values), tmp_path / "run", quiet=True)
    characters = len(files["train"].read_text("utf-8"))
    assert metrics["validation"]["num_tokens"] == characters - int(characters * 0.75)
    model = load(tmp_path / "run")
    evaluation = NgramLanguageModel.evaluation_of(Recipe.from_dict(values))
    assert evaluation.split == "validation"
    assert model.evaluate(**evaluation.arguments()) == pytest.approx(metrics["validation"])
    # The end was not counted.
    begin = tmp_path / "begin.txt"
    begin.write_text(files["train"].read_text("utf-8")[: int(characters * 0.75)], "utf-8")
    other = NgramLanguageModel.train(begin, order=3)
    np.testing.assert_array_equal(other.ngrams.arrays()["keys_3"], model.ngrams.arrays()["keys_3"])


def test_bad_recipes_and_files_leave_no_trace(recipe, tmp_path):
    changes = {
        "model.builder=language_model": (RecipeError, r"key `model.builder` belongs to recipes of .*; take it out"),
        f"data.train={tmp_path / 'none.txt'}": (InputError, "none.txt"),
    }
    for change, (kind, message) in changes.items():
        with pytest.raises(kind, match=message):
            train(recipe.override([change]), tmp_path / "run", quiet=True)
        assert not (tmp_path / "run").exists()
    with pytest.raises(RecipeError, match=r"key `ngram.order`"):
        recipe.override(["ngram.order=0"])
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(DataError, match=r"empty.txt: empty file"):
        NgramLanguageModel.train(tmp_path / "empty.txt")
    (tmp_path / "blank.txt").write_text(" \n")
    with pytest.raises(InputError, match="blank.txt"):
        NgramLanguageModel.train(tmp_path / "blank.txt", layout="lines")
