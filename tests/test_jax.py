"""The same numbers on the second backend: a choice of the tests, run again in processes of their own."""

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
    "losses/test_class_cross_entropy.py::test_class_ids_by_a_plain_loop_and_pytorch[0.2-weights1]",
    "losses/test_class_cross_entropy.py::test_several_labels_by_a_plain_loop_and_pytorch[0.2-weights1]",
    "losses/test_class_cross_entropy.py::test_a_very_wrong_example_keeps_its_gradient",
    "losses/test_class_cross_entropy.py::test_a_probability_of_zero_has_a_finite_loss_and_gradient",
    "losses/test_class_cross_entropy.py::test_rows_without_a_label_leave_the_step_of_fit_alone[True]",
    "losses/test_masked_cross_entropy.py::test_a_keras_mask_and_the_labels_say_what_is_padding",
    "losses/test_note_cross_entropy.py::test_a_keras_mask_and_the_notes_say_what_is_padding[True]",
    "losses/test_pair_losses.py::test_gradients_are_finite_and_the_config_is_whole",
    "losses/test_pair_losses.py::test_triplet_loss_is_the_loop",
    "losses/test_pair_losses.py::test_mining_losses_are_loops[cosine]",
    "zoo/test_siamese.py::test_a_row_of_padding_spoils_no_weight",
    "zoo/test_siamese_image.py",
    "ops/test_notes.py",
    "zoo/test_music.py::test_step_by_step_and_in_parts_as_the_whole[lstm-2]",
    "layers/test_recurrent_layers.py::test_equal_to_a_plain_loop[rnn-relu-bias-right-False]",
    "layers/test_recurrent_layers.py::test_equal_to_a_plain_loop[gru-bias-holes-True]",
    "layers/test_recurrent_layers.py::test_equal_to_a_plain_loop[gru-reset-before-no-bias-left-False]",
    "layers/test_recurrent_layers.py::test_equal_to_a_plain_loop[lstm-bias-none-True]",
    "layers/test_recurrent_layers.py::test_both_directions_equal_to_two_plain_loops[lstm-left]",
    "layers/test_recurrent_layers.py::test_merges_as_in_the_stock_wrapper[gru-sequences-ave]",
    "layers/test_recurrent_layers.py::test_stateful_calls_go_on_where_the_last_one_ended[gru]",
    "layers/test_recurrent_layers.py::test_dropout_is_that_of_the_stock_layer[lstm-arguments0]",
    "layers/test_recurrent_layers.py::test_edges_of_a_batch[rnn-both]",
    "layers/test_recurrent_arguments.py::test_initial_state",
    "layers/test_recurrent_gradients.py::test_compiled_loop[rnn-arguments0]",
    "layers/test_recurrent_gradients.py::test_compiled_loop[gru-arguments5]",
    "layers/test_recurrent_gradients.py::test_compiled_loop[gru-reset-before-arguments3]",
    "layers/test_recurrent_gradients.py::test_compiled_loop[lstm-arguments4]",
    "layers/test_recurrent_gradients.py::test_learned_initial_state[lstm-compiled]",
    "layers/test_recurrent_gradients.py::test_rows_without_a_real_step[gru]",
    "layers/test_recurrent_gradients.py::test_training_twice_gives_the_same_bits",
    "layers/test_recurrent_pytorch.py::test_equal_to_pytorch[gru-compiled]",
    "layers/test_recurrent_pytorch.py::test_equal_to_pytorch[gru-reset-before-compiled]",
    "layers/test_recurrent_pytorch.py::test_equal_to_pytorch[lstm-compiled]",
    "layers/test_recurrent_stack.py::test_equal_to_layers_one_by_one[lstm-True]",
    "layers/test_recurrent_stack.py::test_the_mask_of_an_embedding_arrives_and_is_passed_on",
    "layers/test_recurrent_stack.py::test_states_of_symbols_and_of_a_model_in_a_file[gru-False-float32]",
    "layers/test_pytorch_weights.py::test_equal_to_pytorch[gru-2-bias-steps_first-both_ways]",
    "layers/test_pytorch_weights.py::test_gradients_equal_pytorchs[lstm-True-True-True]",
    "layers/test_crf.py::test_learns_and_survives_a_file[True-mixed_float16]",
    "layers/test_pooling.py::test_equal_to_a_plain_loop",
    "layers/test_hashed_bigrams.py::test_equal_to_a_plain_loop",
    "layers/test_subword_embedding.py::test_equal_to_a_plain_loop[mean-False]",
    "layers/test_mask_from_ids.py::test_a_token_is_real_if_any_of_its_ids_is",
    "layers/test_wide_scores.py::test_equal_to_a_plain_loop[3]",
    "layers/test_wide_scores.py::test_dropout_leaves_the_mean",
    "layers/test_token_softmax.py::test_equal_to_a_plain_loop[cutoffs1-True]",
    "layers/test_token_softmax.py::test_gradients_of_targets_are_those_of_all[cutoffs1]",
    "layers/test_weight_dropout.py::test_single_weights_are_dropped_alike_at_all_steps_and_in_all_rows",
    "layers/test_transformer_block.py::test_equal_to_the_equations_at_real_steps",
    "ops/test_calibration.py::test_arrays_and_compiled_graphs_agree",
    "ops/test_random_numbers.py::test_known_answers[key2-counter2-expected2]",
    "ops/test_decoding.py::test_equal_to_a_plain_loop[options10]",
    "ops/test_beam_search.py::test_a_narrow_beam_is_that_of_a_plain_loop[3-0.6]",
    "zoo/test_language_step.py::test_equal_to_the_streaming_model[<lambda>3]",
    "metrics/test_macro_f1.py::test_in_a_compiled_model[jit]",
    "metrics/test_expected_calibration_error.py::test_in_a_compiled_model[jit]",
    "metrics/test_expected_calibration_error.py::test_the_metric_and_the_function_put_edges_into_the_same_bins",
    "metrics/test_entity_f1.py::test_in_a_compiled_model[jit]",
    "metrics/test_masked_token_accuracy.py",
    "metrics/test_perplexity.py::test_textbook_example",
    "metrics/test_perplexity.py::test_in_a_compiled_model",
    "zoo/test_text_classifier.py::test_features_apart_and_together[all]",
    "zoo/test_language.py::test_read_in_pieces[4-lstm, tied, adaptive]",
    "training/test_carried_states.py::test_states_are_weights_that_no_gradient_changes",
    "zoo/test_wide_part.py::test_scores_are_added",
    "zoo/test_sequence.py::test_every_shape_keeps_the_promises_of_builders[encoder_decoder-vectors]",
    "zoo/test_sequence.py::test_one_to_many_reads_the_start_and_then_what_it_gave",
    "training/test_loop.py::test_on_jax_whole_steps_are_compiled[False]",
    "training/test_optimizers.py::test_steps_are_those_of_keras[False-True-Adam]",
    "training/test_gradient_norms.py::test_norms_are_those_of_a_backward_pass_by_hand[left-True-True]",
    "training/test_gradient_norms.py::test_each_direction_has_norms_of_its_own[True]",
    "training/test_gradient_norms.py::test_norms_are_those_of_finite_differences",
    "training/test_gradient_norms.py::test_a_probe_puts_out_what_the_layer_does[both-holes]",
]
# TensorBoard is written by TensorFlow, whatever the backend.
WITH_TENSORFLOW = ["training/test_gradient_norms_per_step.py::test_a_plain_fit_gets_pictures_and_the_ratio"]


def run_on_jax(tests, *options):
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            *options,
            *(f"{TESTS}/{test}" for test in tests),
        ],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": f"{TESTS}:{TESTS.parent}"},
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-2000:]
    assert "skipped" not in result.stdout, result.stdout[-2000:]


@pytest.mark.slow
def test_same_tests_pass_on_jax_where_tensorflow_cannot_be_imported():
    run_on_jax(CHOICE, "-p", "without_tensorflow")


@pytest.mark.slow
def test_same_tests_pass_on_jax():
    run_on_jax(WITH_TENSORFLOW)
