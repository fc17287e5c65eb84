import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import results
import siamese

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "siamese.py"
RATES = {"keras_seq": 1000.0, "keras_seq, XLA": 1200.0, "PyTorch": 800.0, "PyTorch, packed": 500.0}


@pytest.mark.thorough
def test_both_parts_run_with_a_tiny_model():
    before = results.RESULTS.read_bytes()
    run = subprocess.run(
        [sys.executable, str(PROGRAM), "--quick"],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    same, rates, ratio, exact, index = run.stdout.splitlines()
    assert same.startswith("the same model: loss 0.")
    assert all(f"{way} " in rates for way in (*siamese.OURS, *siamese.THEIRS))
    assert ratio.endswith(" times PyTorch's rate")
    assert exact == "the index is exact: 200 queries have the 10 nearest that NumPy finds"
    assert index.startswith("index of 50 texts: ")
    assert results.RESULTS.read_bytes() == before, "--quick measures nothing, it must not write rows"


def test_rows_and_bars():
    rows = siamese._training_rows(RATES)
    assert [row.get("ratio") for row in rows] == ["1.000", "0.833", "1.250", "2.000", None]
    assert rows[-1]["what"].endswith("the quicker of ours / PyTorch's")
    assert float(rows[-1]["value"]) == 1.5
    assert siamese._training_line(RATES).endswith("1.50 times PyTorch's rate; the bar, at least 1.0, is reached")
    assert siamese._training_line({**RATES, "PyTorch": 1201.0}).endswith("is MISSED")
    assert siamese._index_row(4.5, 100_000)["value"] == "4.5"
    assert siamese._index_line(19.9, 100_000).endswith("the bar, less than 20 ms, is reached")
    assert siamese._index_line(20.0, 100_000).endswith("is MISSED")


def test_ways_that_do_not_learn_the_same():
    found = {"keras_seq": [0.5, 1.0], "PyTorch": [0.5, 1.00001]}
    assert siamese._compare(found).startswith("the same model: loss 0.500000")
    for other in ([0.5, 1.001], [0.51, 1.0]):
        with pytest.raises(RuntimeError, match="the losses or gradients differ"):
            siamese._compare({**found, "PyTorch": other})


def test_the_index_must_be_exact(tmp_path):
    texts = ["a", "b", "c", "d"]
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    np.save(tmp_path / "scores.npy", [[0.1, 0.9, 0.5, 0.500001]])
    right = {"texts": ["b", "c"], "scores": [0.9, 0.5]}
    assert siamese._check_index(tmp_path, [right]).endswith("1 queries have the 2 nearest that NumPy finds")
    for wrong in (
        {"texts": ["b", "a"], "scores": [0.9, 0.5]},
        {"texts": ["b", "b"], "scores": [0.9, 0.9]},
        {"texts": ["b", "c"], "scores": [0.9, 0.51]},
        {"texts": ["c", "b"], "scores": [0.5, 0.9]},
    ):
        with pytest.raises(RuntimeError, match="the index is not exact"):
            siamese._check_index(tmp_path, [wrong])
