"""The second backend beside TensorFlow, in a process of its own; the tests marked both_backends run without it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
# TensorBoard is written by TensorFlow, whatever the backend.
WITH_TENSORFLOW = "training/test_gradient_norms_per_step.py::test_a_plain_fit_gets_pictures_and_the_ratio"


@pytest.mark.thorough
def test_tensorboard_is_written_on_jax():
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{TESTS}/{WITH_TENSORFLOW}"],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-2000:]
    assert "skipped" not in result.stdout, result.stdout[-2000:]
