"""The music task from a recipe to a served model."""

import json

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from keras_seq.core.errors import DataError, InputError, RecipeError, RunError
from keras_seq.data import read_midi, read_piano_rolls, write_midi
from keras_seq.families import MusicModel
from keras_seq.families.music.training import MusicTraining
from keras_seq.tasks import load, train
from keras_seq.training import Recipe

CHORDS = ((0, 4, 7), (5, 9, 12), (), (7, 11, 14), (0, 4, 7, 12))


def piece(generator, length):
    """Chords in turn, from a key of their own."""
    key = int(generator.integers(50, 60))
    return [[key + note for note in CHORDS[step % len(CHORDS)]] for step in range(length)]


@pytest.fixture(scope="module")
def tunes(tmp_path_factory):
    generator = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("tunes") / "tunes.json"
    sizes = {"train": 40, "valid": 6, "test": 5}
    path.write_text(
        json.dumps(
            {name: [piece(generator, int(n)) for n in generator.integers(6, 16, size)] for name, size in sizes.items()}
        )
    )
    return path


@pytest.fixture(scope="module")
def recipe(tunes):
    return Recipe.from_dict(
        {
            "task": "music",
            "name": "tunes",
            "seed": 1,
            "data": {split: str(tunes) for split in ("train", "validation", "test")},
            "model": {"builder": "music_model", "arguments": {"units": 24, "dropout": 0.1, "input_dropout": 0.1}},
            "music": {"steps_per_beat": 2, "window": 8, "transposed": 0.3, "sample_length": 12},
            "batching": {"batch_size": 4},
            "optimizer": {"learning_rate": 2e-2, "ema": 0.9},
            "fit": {"epochs": 8},
        }
    )


@pytest.fixture(scope="module")
def run(recipe, shared_folder):
    return shared_folder.trained("music", recipe)


@pytest.fixture(scope="module")
def model(run):
    return load(run[0])


def frequencies(tunes):
    """What it costs to know how frequent each note is, and nothing else."""
    share = np.concatenate(read_piano_rolls(tunes, "train")).mean(0).clip(1e-4, 1)
    steps = np.concatenate([roll[1:] for roll in read_piano_rolls(tunes, "test")])
    return -np.where(steps, np.log(share), np.log(1 - share)).sum(1).mean()


def test_training_learns_and_leaves_its_metrics(run, recipe, tunes):
    path, metrics = run
    assert recipe.fit.monitor == "nll_per_step" and recipe.fit.direction == "min"
    assert metrics["test"]["nll_per_step"] < 0.8 * frequencies(tunes)
    assert metrics["test"]["examples"] == 5
    assert metrics["test"]["num_steps"] == sum(len(roll) - 1 for roll in read_piano_rolls(tunes, "test"))
    history = [record["nll_per_step"] for record in metrics["history"]]
    assert metrics["best_epoch"] == 1 + int(np.argmin(history))
    assert metrics["validation"]["nll_per_step"] == pytest.approx(min(history), rel=1e-5)
    assert json.loads((path / "metrics.json").read_text("utf-8")) == metrics
    tags = EventAccumulator(str(path / "tensorboard")).Reload().Tags()["tensors"]
    assert {"piano_rolls", "samples/text_summary", "validation/nll_per_step"} & set(tags) >= {"piano_rolls"}
    assert {"validation/nll_per_step", "validation/frame_accuracy"} <= set(tags)


def test_evaluate_and_predict_agree(model, run, tunes):
    scores = model.evaluate(tunes)
    assert scores == pytest.approx(run[1]["test"], rel=1e-5)
    rolls = read_piano_rolls(tunes, "test")
    rows = model.predict(rolls)
    log_prob = sum(row["log_prob"] for row in rows)
    assert -log_prob / sum(row["num_steps"] for row in rows) == pytest.approx(scores["nll_per_step"], rel=1e-4)
    assert [row["text"] for row in rows] == [f"piece {number}" for number in range(1, 6)]
    assert model.evaluate(tunes, split="validation")["examples"] == 6


def test_generated_music(model):
    rolls = model.generate(count=3, max_length=20, temperature=0.7, seed=4)
    assert [roll.shape for roll in rolls] == [(20, 88)] * 3
    assert all(roll.dtype == bool for roll in rolls)
    assert (rolls[0] != rolls[1]).any()
    again = model.generate(count=1, max_length=20, temperature=0.7, seed=4)
    np.testing.assert_array_equal(again[0], rolls[0])
    # Cold, it plays what it has heard: sometimes chords, and never a key at the end of the piano.
    cold = np.concatenate(model.generate(count=4, max_length=30, temperature=0.3, seed=1))
    assert cold.any() and not cold[:, [0, 1, 86, 87]].any()


def test_midi_in_and_out(model, tmp_path):
    begin = np.zeros((4, 88), bool)
    begin[:, [30, 34, 37]] = True
    write_midi(tmp_path / "begin.mid", begin, steps_per_beat=2)
    rolls = model.generate(str(tmp_path / "begin.mid"), count=2, max_length=5, seed=1)
    assert all(roll.shape == (9, 88) for roll in rolls)
    assert all((roll[:4] == begin).all() for roll in rolls)
    np.testing.assert_array_equal(model.generate(begin, count=2, max_length=5, seed=1), rolls)
    paths = model.write_generated(tmp_path / "tune.mid", rolls)
    assert [path.name for path in paths] == ["tune-1.mid", "tune-2.mid"]
    for path, roll in zip(paths, rolls, strict=True):
        np.testing.assert_array_equal(read_midi(path, steps_per_beat=2), roll)
    assert paths == model.output_paths(tmp_path / "tune.mid", 2)
    assert model.write_generated(tmp_path / "one.mid", rolls[:1]) == [tmp_path / "one.mid"]
    (row,) = model.predict([str(tmp_path / "one.mid")])
    assert row == {**model.predict(rolls[:1])[0], "text": str(tmp_path / "one.mid")}
    assert row["num_steps"] == 8


def test_saved_and_exported_models_answer_alike(model, tunes, tmp_path):
    model.save(tmp_path / "saved")
    folder = model.export(tmp_path / "exported")
    for written in (tmp_path / "saved", folder / "assets"):
        kept = json.loads((written / "task.json").read_text())
        assert (kept["family"], kept["settings"]) == ("music", {"steps_per_beat": 2, "beats_per_minute": 90.0})
    rolls = read_piano_rolls(tunes, "test")
    options = {"count": 2, "max_length": 15, "temperature": 0.9, "seed": 3}
    for other in (MusicModel.load(tmp_path / "saved"), load(folder), load(tmp_path / "exported")):
        assert other.settings == model.settings
        for one, two in zip(other.predict(rolls), model.predict(rolls), strict=True):
            assert one == pytest.approx(two, abs=2e-4)
        np.testing.assert_array_equal(other.generate(rolls[0], **options), model.generate(rolls[0], **options))
        assert other.evaluate(tunes) == pytest.approx(model.evaluate(tunes), rel=1e-5)
    with pytest.raises(RunError, match="is a SavedModel, which can only predict"):
        load(folder).save(tmp_path / "again")
    (tmp_path / "saved" / "task.json").unlink()
    with pytest.raises(InputError, match="holds no task.json"):
        MusicModel.load(tmp_path / "saved")


def test_wrong_arguments(model, tmp_path):
    with pytest.raises(TypeError, match="`pieces` must be a list. Received: pieces='tune.mid'"):
        model.predict("tune.mid")
    with pytest.raises(TypeError, match="`pieces` must be names of MIDI files, or arrays"):
        model.predict([[["C4"]]])
    with pytest.raises(ValueError, match=r"`prefix` must have the shape \(steps, 88\). Received: shape=\(3, 4\)"):
        model.generate(np.zeros((3, 4)))
    with pytest.raises(DataError, match=r"none.mid: no such file"):
        model.generate(tmp_path / "none.mid")
    for name, value in (("count", 0), ("max_length", 0), ("max_length", 10_001), ("temperature", 0.0), ("seed", -1)):
        with pytest.raises(ValueError, match=f"`{name}` must be .* Received: {name}={value}"):
            model.generate(**{name: value})
    with pytest.raises(ValueError, match="`seed` must be at most"):
        model.generate(seed=2**31)


def test_data_that_name_no_validation(recipe, tunes, tmp_path):
    """A share of the training pieces validates, those of a folder of MIDI files as well as those of a list."""
    for number, roll in enumerate(read_piano_rolls(tunes, "train")[:10]):
        write_midi(tmp_path / f"{number}.mid", roll, steps_per_beat=2)
    held_out = recipe.model_copy(update={"data": recipe.data.model_copy(update={"validation": None, "held_out": 0.2})})
    training = MusicTraining(held_out, {"train": tmp_path}).prepare()
    assert (len(training.batches.rolls), len(training.validation)) == (8, 2)
    known = [roll.tobytes() for roll in training.batches.rolls]
    assert not any(roll.tobytes() in known for roll in training.validation)
    with pytest.raises(RecipeError, match=r"key `data.validation` names the training pieces .* has no lists"):
        MusicTraining(recipe, {"train": tmp_path, "validation": tmp_path}).prepare()
    with pytest.raises(InputError, match="holds one piece, which must train and validate; give more"):
        MusicTraining(held_out, {"train": tmp_path / "1.mid"}).prepare()


def test_bad_recipes_and_files_leave_no_trace(recipe, tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_text('{"train": [[[60], [60]]], "valid": [[[60], [130]]]}')
    changes = {
        f"data.validation={bad}": (DataError, "valid, piece 1, step 2: note 130 is out of range"),
        f"data.test={bad}": (DataError, "no list 'test'"),
        "model.arguments.num_notes=12": (RecipeError, "key `model.arguments.num_notes` follows from the data"),
        "model.arguments.units=0": (RecipeError, "refused by music_model: `units` must be a positive integer"),
        "fit.monitor=perplexity": (RecipeError, "key `fit.monitor` must be one of nll_per_step, frame_accuracy"),
    }
    for change, (kind, message) in changes.items():
        with pytest.raises(kind, match=message):
            train(recipe.override([change]), tmp_path / "run", quiet=True)
        assert not (tmp_path / "run").exists()
    for change, message in {
        "music.transposed=2": "key `music.transposed`",
        "music.lowest_shift=1": "key `music.lowest_shift`",
        "music.step=1": "unknown key `music.step`",
    }.items():
        with pytest.raises(RecipeError, match=message):
            recipe.override([change])
    with pytest.raises(RecipeError, match="`lowest_shift` and `highest_shift` must not both be 0"):
        recipe.override(["music.lowest_shift=0", "music.highest_shift=0"])
