"""The same numbers on the second backend: a choice of the tests, run again in a process of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
CHOICE = [
    "ops/test_crf.py::test_equal_to_the_enumeration_of_all_paths[4-jit]",
    "ops/test_crf.py::test_gradient_of_the_loss_is_that_of_finite_differences[jit]",
    "ops/test_spans.py",
    "losses/test_crf_negative_log_likelihood.py::test_mean_over_real_tokens",
    "losses/test_masked_cross_entropy.py::test_a_keras_mask_and_the_labels_say_what_is_padding",
    "layers/test_lstm.py::test_equal_to_a_plain_loop[holes-True]",
    "layers/test_lstm.py::test_both_directions_equal_to_the_stock_wrapper[True-left]",
    "layers/test_crf.py::test_learns_and_survives_a_file[True-mixed_float16]",
    "metrics/test_entity_f1.py::test_in_a_compiled_model[jit]",
    "metrics/test_masked_token_accuracy.py",
    "metrics/test_perplexity.py::test_textbook_example",
    "metrics/test_perplexity.py::test_in_a_compiled_model",
    "training/test_gradient_norms.py::test_norms_are_those_of_a_backward_pass_by_hand[left-True-True]",
    "training/test_gradient_norms.py::test_each_direction_has_norms_of_its_own[True]",
    "training/test_gradient_norms.py::test_norms_are_those_of_finite_differences",
    "training/test_gradient_norms.py::test_a_probe_puts_out_what_the_layer_does[both-holes]",
    "training/test_gradient_norms_per_step.py::test_a_plain_fit_gets_pictures_and_the_ratio",
]


@pytest.mark.slow
def test_same_tests_pass_on_jax():
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(f"{TESTS}/{test}" for test in CHOICE)],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-2000:]
