"""The harness itself: it passes good layers and catches each kind of broken one."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.testing import check_padding, run_layer_test

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
