import csv
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import recurrent
import results

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "recurrent.py"


@pytest.mark.thorough
def test_every_mode_runs_on_a_tiny_shape():
    before = results.RESULTS.read_bytes()
    run = subprocess.run(
        [sys.executable, str(PROGRAM), "--quick", "--cells", "gru", "bilstm", "--masks", "right"],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    # Two cells as layer and in `fit`, `ner_model`, two cells serving.
    assert "7/7" in run.stdout
    for other in ("pytorch", "keras"):
        assert f"time of {other} / ours, layer and fit: geometric mean:" in run.stdout
    assert "tokens/s" in run.stdout
    assert "our time with a right-padded mask / without, layer bilstm [4, 5, 3, 6]: " in run.stdout
    assert results.RESULTS.read_bytes() == before, "--quick measures nothing, it must not write rows"


def case(mode, mask, cell="lstm", shape=(2, 4, 3, 5)):
    return {"mode": mode, "shape": shape, "cell": cell, "mask": mask}


def test_ratios_and_shares():
    times = {"keras_seq": 2.0, "keras": 8.0, "pytorch": 1.0}
    rows = recurrent._rows(case("layer", "none"), times, peak=1e6)
    by_name = {row["what"].rpartition(" ")[2]: row for row in rows}
    assert [by_name[name]["ratio"] for name in ("keras_seq", "keras", "pytorch")] == ["1.000", "4.000", "0.500"]
    # Of the products x W and h U, forwards, and twice as many backwards.
    operations = 3 * 2 * 2 * 4 * (3 * 20 + 5 * 20)
    assert float(by_name["keras"]["peak_share"]) == pytest.approx(operations / 8e-3 / 1e6, abs=1e-3)
    assert recurrent._operations(case("layer", "none", "bilstm")) == 2 * operations
    assert recurrent._operations(case("layer", "none", "simple_rnn")) == operations / 4


def test_the_summary_counts_all_cases():
    measured = [
        (case("layer", "none"), {"keras_seq": 2.0, "keras": 8.0, "pytorch": 1.0}),
        (case("layer", "right"), {"keras_seq": 3.0, "keras": 6.0, "pytorch": 12.0}),
        (case("fit", "none"), {"keras_seq": 1.0, "keras": 1.0, "pytorch": 2.0}),
        (case("ner", "none"), {"keras_seq": 4.0, "keras": 8.0, "pytorch": 2.0}),
    ]
    values = {row["what"]: float(row["value"]) for row in recurrent._summary(measured, [1.5, 1.0])}
    key = "time of pytorch / ours, layer and fit: {}"
    assert values[key.format("geometric mean")] == pytest.approx(math.prod([0.5, 4, 2]) ** (1 / 3), rel=1e-3)
    assert values[key.format("smallest")] == 0.5
    assert values["our time with a right-padded mask / without, layer: largest"] == 1.5
    assert values["ner_model through fit [2, 4, 3, 5] no mask: keras_seq"] == 8 / 4 * 1e3


def test_the_summary_is_of_the_whole_table(tmp_path, monkeypatch):
    """Also of what earlier runs measured; rows of another processor stay apart."""
    path = tmp_path / "results.csv"
    for function in (results.read_rows, results.write_rows):
        monkeypatch.setattr(function, "__defaults__", (path,))
    guide = tmp_path / "guide.md"
    guide.write_text("before\n<!-- speed -->\nold\n<!-- /speed -->\nafter\n", encoding="utf-8")
    monkeypatch.setattr(recurrent, "GUIDE", guide)
    constant = {"date": "2026-01-01", "processor": "P", "versions": "v"}
    shape = recurrent.SHAPES[0]
    for mask, ours in (("none", 2.0), ("right", 4.0)):
        rows = recurrent._rows(case("layer", mask, shape=shape), {"keras_seq": ours, "keras": 8, "pytorch": 1}, 1e9)
        results.write_rows([{**constant, **row} for row in rows])
        results.write_rows([{**constant, **row, "processor": "Q", "value": "1"} for row in rows])
        told = recurrent._write_summary(constant)
    assert told.startswith("2 cases in the table:")
    assert "time of keras / ours, layer: smallest: 2.00 x" in told
    assert "time of keras / ours, layer: geometric mean: 2.83 x" in told
    written = [row for row in results.read_rows() if row["what"] == "time of keras / ours, layer: smallest"]
    assert [(row["processor"], row["value"]) for row in written] == [("P", "2")]
    text = guide.read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- speed -->\nMeasured on P, 2026-01-01, with v.\n")
    assert text.endswith("<!-- /speed -->\nafter\n")
    assert "old" not in text
    assert "| 32, 35, 200, 200 | lstm | right | 4.00 | 2.00x | 0.25x |" in text


def test_half_of_the_steps_are_padding():
    lengths = recurrent._lengths(case("layer", "right", shape=(64, 100, 3, 5)))
    assert lengths.min() == 1
    assert lengths.max() == 99
    assert lengths.mean() == pytest.approx(50, abs=0.5)
    ids, tags = recurrent._token_data(case("fit", "right", shape=(64, 100, 3, 5)), 2)
    assert ids.shape == tags.shape == (128, 100)
    assert ((ids > 0).sum(1) == [*lengths, *lengths]).all()


def test_a_row_replaces_the_one_of_the_same_measurement(tmp_path):
    path = tmp_path / "results.csv"
    row = {"date": "2026-01-01", "processor": "P", "versions": "v", "what": "a", "value": "1", "unit": "ms"}
    results.write_rows([row, {**row, "what": "b"}], path)
    results.write_rows([{**row, "value": "2"}, {**row, "processor": "Q", "value": "3"}], path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["processor"], row["what"], row["value"]) for row in rows] == [
        ("P", "a", "2"),
        ("P", "b", "1"),
        ("Q", "a", "3"),
    ]
    assert tuple(rows[0]) == results.COLUMNS


@pytest.mark.parametrize("text", ["1,2,3", "1,2,3,x", "1,2,3,0", ""])
def test_a_wrong_shape_is_told(text, capsys):
    with pytest.raises(SystemExit) as error:
        recurrent.main(["--shapes", text])
    assert error.value.code == 2
    assert "a shape is four positive integers" in capsys.readouterr().err
