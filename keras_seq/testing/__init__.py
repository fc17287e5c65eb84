"""What the tests of layers, losses, metrics and models share. Nothing in the package imports it."""

from keras_seq.testing.label_test import Labelled, run_loss_test, run_metric_test
from keras_seq.testing.layer_test import run_layer_test
from keras_seq.testing.model_test import run_model_test
from keras_seq.testing.padding import UnpaddedOutputs, check_padding, pad_rows, padding_layouts

__all__ = [
    "Labelled",
    "UnpaddedOutputs",
    "check_padding",
    "pad_rows",
    "padding_layouts",
    "run_layer_test",
    "run_loss_test",
    "run_metric_test",
    "run_model_test",
]
