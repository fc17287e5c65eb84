import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny import recipe, train

from keras_seq.training import Panels, TensorBoard, TrainingCallback, TrainingInterrupted
from keras_seq.training.tensorboard import draw_confusion_matrix

pytestmark = pytest.mark.usefixtures("array_family")


def events(directory):
    accumulator = EventAccumulator(str(directory), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
    return accumulator.Reload()


def scalars(accumulator, tag):
    return {
        event.step: float(
            np.frombuffer(
                event.tensor_proto.tensor_content or np.float32(event.tensor_proto.float_val[0]).tobytes(), "float32"
            )[0]
        )
        for event in accumulator.Tensors(tag)
    }


def callback(directory):
    confusion = np.array([[5, 1], [0, 0]])
    return TensorBoard(
        directory,
        every=5,
        recipe=recipe(),
        panels=Panels(
            confusion=lambda: (["O", "PERSON"], confusion),
            samples=lambda: "| token | tag |\n|---|---|\n| Ana | PERSON |",
        ),
    )


def evaluate(model):
    return {"accuracy": 0.5, "f1/PERSON": 0.25}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    directory = tmp_path_factory.mktemp("whole")
    result = train(directory / "run", callbacks=[callback(directory / "events")], evaluate=evaluate)[1]
    return events(directory / "events"), result


def test_curves_hold_what_training_did(whole):
    accumulator, result = whole
    for name in ("loss", "learning_rate", "gradient_norm"):
        values = scalars(accumulator, f"train/{name}")
        assert list(values) == [5, 10, 15, 20, 25, 30, 35]
        assert all(np.isfinite(value) and value > 0 for value in values.values())
    assert scalars(accumulator, "validation/f1/PERSON") == {12: 0.25, 24: 0.25, 36: 0.25}
    epochs = scalars(accumulator, "epoch/loss")
    assert epochs == pytest.approx({record["step"]: record["train_loss"] for record in result.history})
    assert len(set(scalars(accumulator, "train/learning_rate").values())) > 3


def test_picture_text_graph_and_hyper_parameters_are_there(whole):
    accumulator, _ = whole
    assert [event.step for event in accumulator.Tensors("confusion")] == [12, 24, 36]
    picture = accumulator.Tensors("confusion")[0].tensor_proto.string_val[2]
    assert picture.startswith(b"\x89PNG")
    assert b"Ana" in accumulator.Tensors("samples")[0].tensor_proto.string_val[0]
    graph = accumulator.Graph()
    inputs = {node.op: list(node.input) for node in graph.node}
    names = {node.op: node.name for node in graph.node}
    assert inputs["Dropout"] == [names["Embedding"]]
    assert inputs["InputLayer"] == []
    assert any(tag.startswith("_hparams_") for tag in accumulator.summary_metadata)


def test_a_resumed_run_shows_one_curve(whole, tmp_path):
    class Stop(TrainingCallback):
        def on_train_batch_end(self, batch, logs=None):
            if self.position.steps_done(batch) == 17:
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(TrainingInterrupted):
        train(tmp_path / "run", callbacks=[callback(tmp_path / "events"), Stop()], evaluate=evaluate)
    train(tmp_path / "run", resume=True, callbacks=[callback(tmp_path / "events")], evaluate=evaluate)
    for tag in ("train/loss", "train/gradient_norm", "epoch/loss", "validation/accuracy"):
        assert scalars(events(tmp_path / "events"), tag) == scalars(whole[0], tag)


@pytest.mark.thorough
def test_a_full_disk_is_one_line(tmp_path):
    program = textwrap.dedent("""
        import resource, signal, sys
        from keras_seq.core.errors import RunError
        from keras_seq.training import Position, TensorBoard
        import tiny
        from tiny import model, recipe
        from keras_seq.core.plugins import FAMILIES
        FAMILIES.add(tiny.FAMILY.name, tiny.FAMILY)
        callback = TensorBoard(sys.argv[1], every=1)
        callback.set_model(model(12, recipe()))
        callback.position = Position(epochs=1, steps_per_epoch=12)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
        try:
            callback.on_epoch_begin(0)
            callback.on_evaluation_end({"epoch": 1, "step": 12, "train_loss": 0.5})
        except RunError as error:
            print(error)
        callback.on_fit_end()
    """)
    folders = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    result = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)},
    )
    assert "cannot be written (" in result.stdout, result.stderr
    assert "File too large" in result.stdout
    assert result.stdout.count("\n") == 1


def test_the_picture_needs_a_square_matrix():
    picture = draw_confusion_matrix(["O", "PERSON"], np.array([[9, 1], [0, 0]]))
    assert picture.dtype == "uint8"
    assert picture.std() > 0
    with pytest.raises(ValueError, match="`counts` must have one row and one column for each of the 2 names"):
        draw_confusion_matrix(["O", "PERSON"], np.zeros((3, 3)))


def test_the_interval_must_be_positive(tmp_path):
    with pytest.raises(ValueError, match="`every` must be a positive integer"):
        TensorBoard(tmp_path, every=0)


@pytest.mark.parametrize(
    "label", ["$$", "$_$", "$\\input{x}$", "US$ 5_$", "a^{", "\\frac", "\x1b[2J\n", "x" * 5_000, ""]
)
def test_a_label_is_no_mathematics(label):
    picture = draw_confusion_matrix([label, "b"], np.array([[3, 1], [0, 2]]))
    assert picture.shape == draw_confusion_matrix(["a", "b"], np.array([[3, 1], [0, 2]])).shape


def test_a_picture_of_many_classes_is_no_larger():
    counts = np.ones((300, 300), int)
    begin = time.monotonic()
    picture = draw_confusion_matrix([f"TYPE_{index}" for index in range(300)], counts)
    assert picture.shape == (1450, 1450, 3) and time.monotonic() - begin < 10


def test_without_matplotlib_a_training_goes_on_and_says_once_what_brings_pictures(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    train(tmp_path / "run", callbacks=[callback(tmp_path / "events")], evaluate=evaluate)
    lines = [line for line in capsys.readouterr().err.splitlines() if "plots" in line]
    (line,) = lines
    assert "needs matplotlib, which is not installed" in line and line.endswith('pip install "keras-seq[plots]"')
    assert "confusion" not in events(tmp_path / "events").Tags()["tensors"]
