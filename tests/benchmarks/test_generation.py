import os
import subprocess
import sys
from pathlib import Path

import generation
import pytest
import results

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "generation.py"


@pytest.mark.thorough
def test_all_ways_run_with_a_tiny_model():
    before = results.RESULTS.read_bytes()
    run = subprocess.run(
        [sys.executable, str(PROGRAM), "--quick", "--streams", "1", "3"],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    first, *measured = run.stdout.splitlines()
    assert first.startswith("the same model: log-probability of 24 characters -")
    assert len(measured) == 2
    for line, streams in zip(measured, ("1 stream", "3 streams"), strict=True):
        assert line.startswith(f"{streams}, characters/s and ratio to PyTorch: SavedModel ")
        assert all(way in line for way in generation.WAYS)
    assert results.RESULTS.read_bytes() == before, "--quick measures nothing, it must not write rows"


def test_rows():
    rows = generation._rows(512, 64, {"SavedModel": 60_000.0, "XLA": 90_000.0, "PyTorch": 50_000.0})
    assert rows[2] == {
        "what": "generation, LSTM of 512 units, 64 streams: PyTorch",
        "value": "50000",
        "unit": "characters/s",
        "ratio": "1.200",
    }


def test_a_text_that_the_models_find_differently_probable():
    class Worker:
        def __init__(self, log_prob):
            self.log_prob = log_prob

        def ask(self, request):
            return "text" if "generate" in request else self.log_prob

    assert generation._compare({"SavedModel": Worker(-8.0), "PyTorch": Worker(-8.0001)}, 4).endswith("-8.000")
    with pytest.raises(RuntimeError, match="the models differ"):
        generation._compare({"SavedModel": Worker(-8.0), "PyTorch": Worker(-8.1)}, 4)
