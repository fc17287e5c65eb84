"""The harness itself: it passes good losses and metrics and catches each kind of careless one."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.losses import ContrastiveLoss, MaskedCrossEntropy, TripletBatchHardLoss
from keras_seq.metrics import MacroF1, MaskedTokenAccuracy
from keras_seq.testing import Labelled, run_loss_test, run_metric_test

GENERATOR = np.random.default_rng(0)
DISTANCES = Labelled(np.array([1, 0, 1, 0]), np.array([0.1, 0.9, 0.4, 0.7], "float32"), "binary")
VECTORS = Labelled(np.array([0, 1, 0, 1, 2]), GENERATOR.normal(size=(5, 3)).astype("float32"), "ids", weights="one")
SCORES = GENERATOR.normal(size=(4, 5, 3))
LOGARITHMS = (SCORES - np.log(np.exp(SCORES).sum(axis=-1, keepdims=True))).astype("float32")
STEPS = Labelled(
    GENERATOR.integers(3, size=(4, 5)),
    LOGARITHMS,
    "classes",
    steps=True,
    num_classes=3,
    masked=True,
    weights="steps",
    wrong_predictions=(np.exp(LOGARITHMS),),
)


class PlainContrastive(keras.losses.Loss):
    """What one writes first."""

    def call(self, y_true, y_pred):
        return y_true * ops.square(y_pred) + (1 - y_true) * ops.square(ops.relu(1 - y_pred))


class PlainTriplets(TripletBatchHardLoss):
    """Gets its ids through the cast of Keras."""

    def __call__(self, y_true, y_pred, sample_weight=None):
        return super().__call__(ops.cast(y_true, "float32"), y_pred, sample_weight)


class CastsToIntegers(MaskedCrossEntropy):
    """Half a class is a class."""

    def costs(self, y_true, y_pred, mask):
        return super().costs(ops.cast(y_true, "int32"), y_pred, mask)


class ClipsLabels(MaskedCrossEntropy):
    """Any class is one of them."""

    def costs(self, y_true, y_pred, mask):
        return super().costs(np.clip(y_true, -1, 2) if isinstance(y_true, np.ndarray) else y_true, y_pred, mask)


class ForgetsTheMask(MaskedCrossEntropy):
    def costs(self, y_true, y_pred, mask):
        return super().costs(y_true, ops.copy(y_pred), None)


class TakesAnything(MaskedCrossEntropy):
    """Predictions of any kind are log-probabilities."""

    def costs(self, y_true, y_pred, mask):
        return super().costs(y_true, ops.minimum(y_pred, 0.0), mask)


class IgnoresClassWeight(MaskedCrossEntropy):
    def check_weights(self, sample_weight):
        pass


class ForgetsItsArguments(ContrastiveLoss):
    def get_config(self):
        return {**super().get_config(), "same_label": 0}


class KnowsNoNumberAsWeight(ContrastiveLoss):
    def __call__(self, y_true, y_pred, sample_weight=None):
        return super().__call__(y_true, y_pred, None if np.ndim(sample_weight) == 0 else sample_weight)


@pytest.mark.parametrize(
    ("loss_class", "batch", "message"),
    [
        (PlainContrastive, DISTANCES, "list|plausible|round trip"),
        (PlainTriplets, VECTORS, "ids from|labels of|does not name|plausible"),
        (CastsToIntegers, STEPS, "plausible|does not name"),
        (ClipsLabels, STEPS, "the label .* gives the plausible"),
        (ForgetsTheMask, STEPS, "behind a mask"),
        (TakesAnything, STEPS, "predictions of another kind gives the plausible"),
        (IgnoresClassWeight, STEPS, "`class_weight` of `fit` was taken"),
        (ForgetsItsArguments, DISTANCES, "after a round trip"),
        (KnowsNoNumberAsWeight, DISTANCES, "a number as weight"),
    ],
)
def test_careless_losses_are_caught(loss_class, batch, message):
    keras.saving.register_keras_serializable("careless")(loss_class)
    with pytest.raises(AssertionError, match=message):
        run_loss_test(loss_class, batch=batch)


class PlainAccuracy(keras.metrics.MeanMetricWrapper):
    """The stock metric, with a mask of labels."""

    def __init__(self, name="plain", **kwargs):
        super().__init__(keras.metrics.sparse_categorical_accuracy, name=name)

    def get_config(self):
        return {"name": self.name}


class ForgetsTheMaskToo(MaskedTokenAccuracy):
    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(y_true, ops.copy(y_pred), sample_weight)


@pytest.mark.parametrize(
    ("metric_class", "message"), [(PlainAccuracy, "plausible|does not name"), (ForgetsTheMaskToo, "behind a mask")]
)
def test_careless_metrics_are_caught(metric_class, message):
    keras.saving.register_keras_serializable("careless")(metric_class)
    batch = Labelled(STEPS.y_true, STEPS.y_pred, "classes", steps=True, num_classes=3, masked=True, weights="steps")
    with pytest.raises(AssertionError, match=message):
        run_metric_test(metric_class, batch=batch)


def test_good_ones_pass():
    run_loss_test(ContrastiveLoss, batch=DISTANCES)
    texts = Labelled(np.array([1, 0, 2, 0]), np.exp(LOGARITHMS[:, 0]), "classes", num_classes=3)
    run_metric_test(MacroF1, batch=texts, arguments={"num_classes": 3})


def test_careless_functions_are_caught():
    def accuracy(labels, predictions):
        labels = np.asarray(labels).astype(int)
        if labels.shape != (4,):
            raise ValueError("`y_true` must be (4,)")
        return np.mean(labels == np.argmax(predictions, axis=1))

    texts = Labelled(np.array([1, 0, 2, 0]), np.exp(LOGARITHMS[:, 0]), "classes", num_classes=3)
    with pytest.raises(AssertionError, match="gives the plausible"):
        run_metric_test(accuracy, batch=texts)
