import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops
from tiny import ArrayBatches, evaluate, model, outcome, recipe, train

from keras_seq.core.errors import RecipeError, RunError
from keras_seq.training import RunDirectory, TrainingCallback, TrainingInterrupted, fit

pytestmark = pytest.mark.usefixtures("array_family")

PROGRAM = Path(__file__).with_name("tiny.py")


def start(directory, layer, **environment):
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), str(directory), layer],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def newest_step(directory):
    return max((int(path.stem.split("-")[1]) for path in directory.glob("checkpoints/step-*.npz")), default=0)


def finish(process):
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors[-2000:]


@pytest.mark.both_backends("False")
@pytest.mark.parametrize("asked", [False, True])
def test_on_jax_whole_steps_are_compiled(asked):
    compiled = model(1, recipe(**{"fit.jit_compile": str(asked).lower()}))
    assert compiled.jit_compile is (asked or keras.backend.backend() == "jax")


@pytest.mark.parametrize(
    ("backend", "layer", "kills"),
    [
        pytest.param("tensorflow", "recurrent", 3, marks=pytest.mark.thorough),
        pytest.param("jax", "plain", 1, marks=pytest.mark.thorough),
    ],
)
def test_a_killed_run_ends_like_one_that_was_not(tmp_path, seed_of_kills, backend, layer, kills):
    generator = np.random.default_rng(seed_of_kills)
    whole = start(tmp_path / "whole", layer, KERAS_BACKEND=backend)
    killed = 0
    # Random moments: shortly after some checkpoint, whatever the training does then.
    for target in sorted(generator.choice(np.arange(1, 30), size=kills, replace=False)):
        process = start(tmp_path / "killed", layer, KERAS_BACKEND=backend)
        while process.poll() is None and newest_step(tmp_path / "killed") < target:
            time.sleep(0.005)
        time.sleep(generator.uniform(0, 0.05))
        process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
    assert killed == kills
    finish(start(tmp_path / "killed", layer, KERAS_BACKEND=backend))
    finish(whole)
    expected = json.loads((tmp_path / "whole" / "metrics.json").read_text())
    assert json.loads((tmp_path / "killed" / "metrics.json").read_text()) == expected
    assert len(expected["history"]) == 3


class At(TrainingCallback):
    """Does something at one step of the training."""

    def __init__(self, step, action):
        super().__init__()
        self.step, self.action = step, action

    def on_train_batch_end(self, batch, logs=None):
        if self.position.steps_done(batch) == self.step:
            self.action()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return outcome(*train(tmp_path_factory.mktemp("whole") / "run")[:2])


@pytest.mark.parametrize(("step", "place"), [(17, "in epoch 2 after batch 5 of 12"), (24, "after epoch 2 of 3")])
def test_interrupt_writes_a_checkpoint_and_resumes_exactly(tmp_path, whole, step, place):
    before = signal.getsignal(signal.SIGTERM)
    stop = At(step, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(TrainingInterrupted, match=f"run: stopped by SIGTERM {place}; go on with --resume$"):
        train(tmp_path / "run", callbacks=[stop])
    assert signal.getsignal(signal.SIGTERM) is before
    assert newest_step(tmp_path / "run") == step
    resumed = train(tmp_path / "run", resume=True)
    assert outcome(*resumed[:2]) == whole


def test_an_interrupt_in_the_last_batch_lets_the_training_end(tmp_path, whole):
    ended = train(tmp_path / "run", callbacks=[At(36, lambda: os.kill(os.getpid(), signal.SIGTERM))])
    assert outcome(*ended[:2]) == whole


def test_ctrl_c_stops_after_the_batch_and_twice_at_once(tmp_path):
    with pytest.raises(TrainingInterrupted, match="stopped by Ctrl-C in epoch 1 after batch 4 of 12"):
        train(tmp_path / "once", callbacks=[At(4, lambda: os.kill(os.getpid(), signal.SIGINT))])

    def twice():
        # Two signals sent from outside may arrive as one; these are handled one by one.
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    # A shell starts what it runs in the background with Ctrl-C ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "twice", callbacks=[At(4, twice)])
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_crash_between_evaluation_and_checkpoint_repeats_the_evaluation(tmp_path, whole):
    def crash(model):
        raise OSError("lost connection")

    with pytest.raises(OSError, match="lost connection"):
        train(tmp_path / "run", evaluate=crash, **{"fit.checkpoint_seconds": 0.001})
    assert newest_step(tmp_path / "run") == 12
    # The recipe that the run was started with decides, so it is given again.
    resumed = train(tmp_path / "run", resume=True, **{"fit.checkpoint_seconds": 0.001})
    assert outcome(*resumed[:2]) == whole


def test_a_broken_newest_checkpoint_costs_some_batches_only(tmp_path, whole):
    with pytest.raises(TrainingInterrupted):
        train(tmp_path / "run", callbacks=[At(17, lambda: os.kill(os.getpid(), signal.SIGTERM))])
    newest = max((tmp_path / "run" / "checkpoints").glob("step-*.npz"))
    newest.write_bytes(newest.read_bytes()[:1000])
    assert outcome(*train(tmp_path / "run", resume=True)[:2]) == whole


def test_a_finished_run_is_resumed_without_training(tmp_path, whole):
    train(tmp_path / "run")

    def fail(model):
        raise AssertionError("nothing is left to evaluate")

    resumed = train(tmp_path / "run", resume=True, evaluate=fail)
    assert outcome(*resumed[:2]) == whole


def test_weights_kept_are_the_best_averages_and_patience_stops(tmp_path):
    scores = iter([0.3, 0.5, 0.4, 0.5, 0.9])
    weights = []

    def scripted(model):
        weights.append(model.get_weights())
        return {"accuracy": next(scores)}

    changes = {"fit.patience": 2, "fit.epochs": 9}
    trained, result, _ = train(tmp_path / "run", evaluate=scripted, **changes)
    assert (result.best_epoch, result.best_scores, result.stopped_early) == (2, {"accuracy": 0.5}, True)
    assert [record["is_best"] for record in result.history] == [True, True, False, False]
    for kept, best in zip(trained.get_weights(), weights[1], strict=True):
        np.testing.assert_array_equal(kept, best)
    resumed = train(tmp_path / "run", resume=True, evaluate=scripted, **changes)[1]
    assert resumed == result


def test_patience_goes_on_where_it_stood(tmp_path):
    script = [0.3, 0.5, 0.4, 0.5, 0.9]
    calls = []

    def scripted(model):
        calls.append(len(calls))
        return {"accuracy": script[calls[-1]]}

    changes = {"fit.patience": 2, "fit.epochs": 9}
    with pytest.raises(TrainingInterrupted):
        stop = At(40, lambda: os.kill(os.getpid(), signal.SIGTERM))
        train(tmp_path / "run", callbacks=[stop], evaluate=scripted, **changes)
    result = train(tmp_path / "run", resume=True, evaluate=scripted, **changes)[1]
    assert len(calls) == 4
    assert (result.best_epoch, len(result.history), result.stopped_early) == (2, 4, True)


def test_a_score_to_be_small_and_rare_evaluations(tmp_path):
    scores = iter([3.0, 1.0, 2.0])
    changes = {"fit.direction": "min", "fit.evaluate_every": 2, "fit.epochs": 5}
    result = train(tmp_path / "run", evaluate=lambda model: {"accuracy": next(scores)}, **changes)[1]
    assert result.best_epoch == 4
    assert [record.get("accuracy") for record in result.history] == [None, 3.0, None, 1.0, 2.0]


def test_numbers_that_are_not_finite_stop_and_spoil_no_checkpoint(tmp_path):
    changes = {"optimizer.learning_rate": 1e38, "optimizer.clip_norm": 0, "optimizer.warmup_steps": 0}
    with pytest.raises(
        RunError, match=r"(loss is|variable \S+ is not).* in epoch \d after batch \d+ of 12; start anew with"
    ):
        train(tmp_path / "run", **changes)
    for path in (tmp_path / "run" / "checkpoints").glob("*.npz"):
        with np.load(path) as file:
            assert all(np.isfinite(file[name]).all() for name in file.files if name.startswith("trainable"))


def test_a_monitor_that_is_no_score_is_named(tmp_path):
    with pytest.raises(RecipeError, match=r"recipe.toml: key `fit.monitor` must be one of accuracy. Received: 'f1'"):
        train(tmp_path / "run", **{"fit.monitor": "f1", "fit.epochs": 1})


def test_other_data_and_lost_best_weights_are_refused(tmp_path):
    train(tmp_path / "run", **{"fit.epochs": 1})
    with pytest.raises(
        RunError, match="was written with 12 batches an epoch, the data now makes 11; resume with the data"
    ):
        train(tmp_path / "run", resume=True, batches=ArrayBatches(num_batches=11), **{"fit.epochs": 1})
    for name in ("best.npz", "best-copy.npz"):
        (tmp_path / "run" / "checkpoints" / name).write_bytes(b"")
    with pytest.raises(RunError, match=r"best.npz: is empty; put a copy of it back, or start anew"):
        train(tmp_path / "run", resume=True, **{"fit.epochs": 1})


def test_no_batches_are_refused(tmp_path):
    with pytest.raises(RunError, match="the training data makes no batch"):
        train(tmp_path / "run", batches=ArrayBatches(num_batches=0))


def test_a_dataset_of_the_backend_is_taken_as_it_is(tmp_path, whole):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("tf.data feeds the TensorFlow backend")
    import tensorflow as tf

    class Datasets(ArrayBatches):
        def epoch(self, epoch, skip=0):
            arrays = super().epoch
            spec = tf.TensorSpec((None, None), "int32")
            return tf.data.Dataset.from_generator(
                lambda: arrays(epoch), output_signature=({"token_ids": spec}, spec)
            ).skip(skip)

    assert outcome(*train(tmp_path / "run", batches=Datasets(7))[:2]) == whole


def test_the_evaluation_sees_averages_and_training_goes_on_without(tmp_path):
    seen = []

    def watch(model):
        averages = [np.array(ops.convert_to_numpy(average)) for average in model.optimizer.averages]
        seen.append(all((a == w).all() for a, w in zip(averages, model.get_weights(), strict=True)))
        return evaluate(model)

    train(tmp_path / "run", evaluate=watch)
    assert seen == [True, True, True]


def test_progress_shows_one_line_an_epoch(tmp_path, capsys):
    from keras_seq.training import Progress

    train(tmp_path / "run", callbacks=[Progress(keys=("accuracy",))], **{"fit.epochs": 2})
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("epoch") and "accuracy" in line]
    assert [line.split()[:3] for line in lines] == [["epoch", "1/2", "loss"], ["epoch", "2/2", "loss"]]


def test_a_run_directory_is_not_overwritten(tmp_path):
    directory = tmp_path / "run"
    run = RunDirectory.create(directory, recipe())
    with pytest.raises(RunError, match="run: is not empty; go on with --resume, or name another run directory"):
        RunDirectory.create(directory, recipe())
    with pytest.raises(RunError, match="is a file, not a folder"):
        RunDirectory.create(run.recipe_path, recipe())
    assert RunDirectory(directory).recipe == recipe()


def test_only_the_same_run_is_resumed(tmp_path):
    directory = tmp_path / "run"
    with pytest.raises(RunError, match="no such run to resume; leave out --resume"):
        RunDirectory.resume(directory, recipe())
    directory.mkdir()
    RunDirectory.resume(directory, recipe())
    assert RunDirectory.resume(directory, recipe()).recipe == recipe()
    with pytest.raises(
        RunError, match=r"was started with fit.epochs = 3, the recipe now says 4; resume with the recipe"
    ):
        RunDirectory.resume(directory, recipe(**{"fit.epochs": 4}))
    with pytest.raises(RunError, match="is a run of task 'arrays', the recipe is of task 'pictures'; name another"):
        RunDirectory.resume(directory, recipe().model_copy(update={"task": "pictures"}))
    (directory / "recipe.toml").write_text("task = ")
    with pytest.raises(RunError, match=r"recipe.toml:1: is not valid TOML.*the run cannot be resumed"):
        RunDirectory.resume(directory, recipe())
    (directory / "recipe.toml").rename(directory / "notes.txt")
    with pytest.raises(RunError, match="is not a run directory"):
        RunDirectory.resume(directory, recipe())


def test_metrics_are_written_and_read(tmp_path):
    run = RunDirectory.create(tmp_path / "run", recipe())
    with pytest.raises(RunError, match="the run has not ended"):
        run.read_metrics()
    run.write_metrics({"entity_f1": 0.5, "name": "ação"})
    assert run.read_metrics() == {"entity_f1": 0.5, "name": "ação"}
    assert "ação" in run.metrics_path.read_text(encoding="utf-8")
    run.metrics_path.write_text("{")
    with pytest.raises(RunError, match="is not JSON"):
        run.read_metrics()


def test_array_inputs_and_labels_of_rows_are_taken(tmp_path):
    class Rows:
        def __len__(self):
            return 3

        def epoch(self, epoch, skip=0):
            generator = np.random.default_rng(epoch)
            batches = [generator.normal(size=(4 + index, 2)).astype("float32") for index in range(3)]
            return [(batch, batch.sum(axis=1)) for batch in batches[skip:]]

    built = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    built.compile("adam", loss="mse")
    settings = recipe(**{"fit.monitor": "mse", "fit.direction": "min"})
    run = RunDirectory.create(tmp_path / "run", settings)
    position = At(1, lambda: None)
    result = fit(
        built,
        Rows(),
        settings=settings.fit,
        run_directory=run,
        evaluate=lambda model: {"mse": 1.0},
        callbacks=[position],
    )
    assert result.best_epoch == 1
    assert (position.position.unit, position.position.units) == ("rows", 15)


def test_two_models_of_one_recipe_start_equal():
    first, second = (model(12, recipe()).get_weights() for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
