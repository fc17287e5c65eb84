import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

PATH = Path(__file__).parents[2] / "benchmarks" / "adding_problem.py"


@pytest.fixture(scope="module")
def program():
    spec = importlib.util.spec_from_file_location("adding_problem", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_targets_are_the_sums_of_the_marked_numbers(program):
    inputs, targets = program.adding_problem(300, 9, np.random.default_rng(3))
    assert inputs.shape == (300, 9, 2)
    assert targets.shape == (300, 1)
    firsts, seconds = set(), set()
    for row, target in zip(inputs, targets[:, 0], strict=True):
        first, second = (step for step in range(9) if row[step, 1] == 1.0)
        assert row[:, 1].sum() == 2.0
        assert target == pytest.approx(float(row[first, 0]) + float(row[second, 0]), rel=1e-6)
        firsts.add(first)
        seconds.add(second)
    assert firsts == set(range(4))
    assert seconds == set(range(4, 9))
    assert 0 <= inputs[..., 0].min() < 0.01
    assert 0.99 < inputs[..., 0].max() <= 1
    # What always answering 1 costs.
    _, many = program.adding_problem(20_000, 9, np.random.default_rng(4))
    assert np.mean((many - 1) ** 2) == pytest.approx(program.BASELINE, abs=0.005)


def test_cells_begin_as_the_papers_say(program):
    relu = program.build_model("relu_rnn", 5, 4).get_layer("recurrent")
    np.testing.assert_array_equal(np.asarray(relu.cell.recurrent_kernel), np.eye(4))
    assert np.abs(np.asarray(relu.cell.kernel)).max() < 0.01
    assert relu.activation.__name__ == "relu"
    lstm = program.build_model("lstm", 5, 4).get_layer("recurrent")
    np.testing.assert_array_equal(np.asarray(lstm.cell.bias), np.repeat([0, 1, 0, 0], 4))
    assert {
        type(program.build_model(cell, 5, 4).get_layer("recurrent")).__module__.split(".")[0] for cell in program.CELLS
    } == {"keras_seq"}


@pytest.mark.thorough
def test_an_interrupted_benchmark_goes_on(program, tmp_path, monkeypatch, capsys):
    results, picture = tmp_path / "results.csv", tmp_path / "picture.png"
    command = ["--quick", "--cells", "simple_rnn", "lstm", "--results", str(results), "--picture", str(picture)]
    measure, measured = program.measure, []

    def interrupted(*arguments):
        if len(measured) == 2:
            raise KeyboardInterrupt
        measured.append(arguments[:4])
        return measure(*arguments)

    monkeypatch.setattr(program, "measure", interrupted)
    assert program.main(command) == 130
    before = program.read_rows(results)
    assert [(row["cell"], row["clipping"]) for row in before] == [("simple_rnn", "1.0"), ("simple_rnn", "none")]
    assert picture.read_bytes().startswith(b"\x89PNG")

    monkeypatch.setattr(program, "measure", lambda *arguments: measured.append(arguments[:4]) or measure(*arguments))
    assert program.main(command) == 0
    assert measured[2:] == [("lstm", "none", 10, 1), ("lstm", "1.0", 10, 1)]
    after = program.read_rows(results)
    assert [row for row in after if row["cell"] == "simple_rnn"] == before
    assert len(after) == 4
    for row in after:
        curve = [float(point.split(":")[1]) for point in row["test_mse_by_step"].split()]
        assert [point.split(":")[0] for point in row["test_mse_by_step"].split()] == ["10", "20"]
        assert float(row["test_mse"]) == pytest.approx(curve[-1], rel=1e-3)
        assert float(row["smallest_test_mse"]) == pytest.approx(min(curve), rel=1e-3)
        assert float(row["gradient_ratio_start"]) > 0
        assert (row["steps_to_solve"], row["diverged_at"]) == ("never", "never")

    # All is there: nothing is measured. Another budget is another run, and takes the place of the row.
    assert program.main(command) == 0
    assert len(measured) == 4
    monkeypatch.setattr(program, "measure", lambda *arguments: {**after[0], "steps": str(arguments[4]["steps"])})
    assert program.main([*command, "--steps", "30"]) == 0
    assert sorted(row["steps"] for row in program.read_rows(results)) == ["20", "20", "20", "30"]
    assert "4 of 4 runs are in" in capsys.readouterr().out


@pytest.mark.thorough
def test_a_training_that_diverges_ends_there(program, tmp_path):
    settings = {**program.SETTINGS, "units": 4, "steps": 30, "evaluate_every": 10, "learning_rate": 1e38}
    row = program.measure("relu_rnn", "none", 10, 0, settings, lambda text: None)
    assert row["diverged_at"] == "10"
    assert row["steps_to_solve"] == "never"
    assert row["test_mse"] in ("nan", "inf")
    program.write_rows(tmp_path / "results.csv", [row])
    program.draw(tmp_path / "picture.png", program.read_rows(tmp_path / "results.csv"))


def test_wrong_arguments_end_with_one_line(program, capsys):
    for arguments in (["--lengths", "1"], ["--steps", "0"], ["--cells", "rnn"]):
        with pytest.raises(SystemExit) as caught:
            program.main(arguments)
        assert caught.value.code == 2
    assert "two markers need a length of at least 2" in capsys.readouterr().err
