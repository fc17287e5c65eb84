"""The harness itself: it passes good layers and catches each kind of broken one."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.testing import UnpaddedOutputs, check_padding, pad_rows, run_layer_test

INPUTS = np.random.default_rng(0).standard_normal((2, 4, 3)).astype("float32")


class MaskedSum(keras.layers.Layer):
    """Sums a projection over the real steps: right in every respect."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.supports_masking = True

    def build(self, input_shape):
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], self.units))

    def call(self, inputs, mask=None):
        projected = ops.matmul(inputs, ops.cast(self.kernel, inputs.dtype))
        if mask is not None:
            projected = ops.where(ops.expand_dims(mask, -1), projected, ops.zeros_like(projected))
        return ops.sum(projected, axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class ForgetsConfiguration(MaskedSum):
    def get_config(self):
        return {name: value for name, value in super().get_config().items() if name != "units"}


class ForgetsAttribute(MaskedSum):
    def __init__(self, units, scale=1.0, **kwargs):
        super().__init__(units, **kwargs)

    def get_config(self):
        return {**super().get_config(), "scale": 1.0}


class ChangesConfiguration(MaskedSum):
    def __init__(self, units, **kwargs):
        super().__init__(units + 1, **kwargs)


class LiesAboutShape(MaskedSum):
    def compute_output_spec(self, inputs, mask=None):
        return keras.KerasTensor((inputs.shape[0], self.units + 1), dtype=self.compute_dtype)


class LiesAboutType(MaskedSum):
    def compute_output_spec(self, inputs, mask=None):
        return keras.KerasTensor((inputs.shape[0], self.units), dtype="int32")


class SumsPadding(MaskedSum):
    def call(self, inputs, mask=None):
        return ops.sum(ops.matmul(inputs, ops.cast(self.kernel, inputs.dtype)), axis=1)


class DividesByRealSteps(MaskedSum):
    def call(self, inputs, mask=None):
        total = super().call(inputs, mask=mask)
        if mask is None:
            return total
        return total / ops.cast(ops.sum(ops.cast(mask, "int32"), axis=1, keepdims=True), total.dtype)


class DropsGradient(MaskedSum):
    def call(self, inputs, mask=None):
        return ops.stop_gradient(super().call(inputs, mask=mask))


class OverflowsInHalfPrecision(MaskedSum):
    def call(self, inputs, mask=None):
        return super().call(inputs * 60000.0, mask=mask) / 60000.0


@keras.saving.register_keras_serializable(package="keras_seq_tests")
class Registered(MaskedSum):
    pass


def test_good_layer_passes():
    run_layer_test(Registered, arguments={"units": 2}, inputs=INPUTS, expected_output_shape=(2, 2))


def test_stock_layers_pass():
    run_layer_test(keras.layers.Dense, arguments={"units": 2}, inputs=INPUTS, expected_output_shape=(2, 4, 2))


@pytest.mark.parametrize(
    ("layer_class", "message"),
    [
        (ForgetsConfiguration, "`get_config` lacks"),
        (ForgetsAttribute, "not attributes: \\['scale'\\]"),
        (ChangesConfiguration, "changed on its round trip"),
        (LiesAboutShape, "symbolic shape"),
        (LiesAboutType, "symbolic dtype"),
        (SumsPadding, "the real steps changed"),
        (DividesByRealSteps, "not finite"),
        (OverflowsInHalfPrecision, "far from those in float32"),
        (DropsGradient, "."),
    ],
)
def test_broken_layer_is_caught(layer_class, message):
    # Registered here under its own name, so that saving is not what fails.
    layer_class = keras.saving.register_keras_serializable(package="keras_seq_tests")(layer_class)
    with pytest.raises((AssertionError, ValueError), match=message), np.errstate(all="ignore"):
        run_layer_test(layer_class, arguments={"units": 2}, inputs=INPUTS, run_jit=False)


def test_unregistered_layer_is_caught():
    with pytest.raises(TypeError, match="MaskedSum"):
        run_layer_test(MaskedSum, arguments={"units": 2}, inputs=INPUTS, run_jit=False)


def test_wrong_output_shape_is_caught():
    with pytest.raises(AssertionError, match="outputs have the shapes"):
        run_layer_test(Registered, arguments={"units": 2}, inputs=INPUTS, expected_output_shape=(2, 3), run_jit=False)


def test_check_padding_catches_dependence_on_position():
    with pytest.raises(AssertionError, match="left: the real steps changed"):
        check_padding(lambda inputs, mask: inputs * np.arange(mask.shape[1])[None, :, None], INPUTS)


RAGGED = np.array([[1, 1, 1, 1, 0, 0], [0, 0, 0, 1, 1, 0], [0, 0, 0, 0, 0, 0]], bool)


def test_rows_of_different_lengths_are_compared_with_themselves():
    def good(inputs, mask):
        real = mask[..., None]
        return [np.where(real, inputs, 0), np.where(real, inputs, 0).sum(axis=1), np.where(mask, -np.inf, 0.0)]

    UnpaddedOutputs(good, INPUTS).check(RAGGED, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        # Right for rows that are all padded alike, with which it is compared: the longest row decides.
        (lambda inputs, mask: np.where(mask[..., None], inputs, 0) * mask.sum(axis=1).max(), "real steps changed"),
        (lambda inputs, mask: np.where(mask[..., None], inputs, 0).mean(axis=1), "real steps changed"),
        (lambda inputs, mask: np.where(mask[..., None], inputs, np.nan), "the padding of a row gave numbers"),
        (lambda inputs, mask: np.where(mask[..., None], inputs, np.inf), "the padding of a row gave numbers"),
        (lambda inputs, mask: inputs[:, : mask.sum(axis=1).max() // 2], "follows neither steps nor batch"),
    ],
)
def test_what_depends_on_padding_of_other_rows_is_caught(call, message):
    with pytest.raises(AssertionError, match=message):
        UnpaddedOutputs(call, INPUTS).check(RAGGED, np.random.default_rng(0))


def test_pad_rows():
    arrays = (np.array([[1, 2], [3, 4]]), np.array([[[0.5], [1.5]], [[2.5], [3.5]]]))
    mask = np.array([[0, 1, 1], [1, 0, 0], [0, 0, 0]], bool)
    ids, values = pad_rows(arrays, mask, np.random.default_rng(0), integer_padding=-1)
    assert ids.tolist() == [[-1, 1, 2], [3, -1, -1], [-1, -1, -1]]
    assert values[mask][:, 0].tolist() == [0.5, 1.5, 2.5] and values.dtype == arrays[1].dtype
    assert (np.abs(values[~mask]) > 0).all()
