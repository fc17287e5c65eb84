"""From many vectors to one: each way of pooling against a plain loop, and what it says that each step weighs."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.core.keras_compat import get_keras_mask
from keras_seq.layers import AttentionPooling, LastStep, MaxPooling, MeanLayer
from keras_seq.testing import run_layer_test
from keras_seq.testing.padding import check_padding

pytestmark = pytest.mark.both_backends

SEQUENCES = np.random.default_rng(0).standard_normal((4, 5, 6)).astype("float32")
# Left, holes, no padding, all padding.
MASK = np.array([[0, 0, 1, 1, 1], [1, 0, 1, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]], bool)

CASES = {
    "mean": (MeanLayer, {}),
    "sqrt": (MeanLayer, {"scale": "sqrt"}),
    "max": (MaxPooling, {}),
    "last": (LastStep, {}),
    "both-ends": (LastStep, {"both_ends": True}),
    "attention": (AttentionPooling, {"units": 3}),
    "attention-any-units": (AttentionPooling, {}),
}


def give_random_weights(layer):
    generator = np.random.default_rng(1)
    for weight in layer.trainable_weights:
        weight.assign(generator.normal(size=weight.shape, scale=0.7))


def plain(case, steps, layer):
    """The pooled vector and the weights of the real steps of one row, in float64."""
    steps = steps.astype("float64")
    n = len(steps)
    if n == 0:
        return np.zeros(6), np.zeros(0)
    if case in ("mean", "sqrt"):
        return sum(steps) / (n if case == "mean" else n**0.5), np.full(n, 1 / n)
    if case == "max":
        winners = [max(range(n), key=lambda t, k=k: steps[t, k]) for k in range(6)]
        return np.array([steps[t, k] for k, t in enumerate(winners)]), np.bincount(winners, minlength=n) / 6
    if case == "last":
        return steps[-1], np.eye(n)[-1]
    if case == "both-ends":
        return np.concatenate([steps[-1, :3], steps[0, 3:]]), (np.eye(n)[-1] + np.eye(n)[0]) / 2
    kernel, bias, context = (np.array(weight, "float64") for weight in layer.get_weights())
    scores = [np.tanh(step @ kernel + bias) @ context[:, 0] for step in steps]
    powers = np.exp(scores)
    weights = powers / powers.sum()
    return sum(weight * step for weight, step in zip(weights, steps, strict=True)), weights


@pytest.mark.parametrize("case", CASES)
def test_layer(case):
    layer_class, arguments = CASES[case]
    run_layer_test(layer_class, arguments=arguments, inputs=SEQUENCES, expected_output_shape=(4, 6))


@pytest.mark.both_backends
@pytest.mark.parametrize("case", CASES)
def test_equal_to_a_plain_loop(case):
    layer_class, arguments = CASES[case]
    layer = layer_class(**arguments)
    layer(SEQUENCES)
    give_random_weights(layer)
    pooled = ops.convert_to_numpy(layer(SEQUENCES, mask=MASK))
    weights = ops.convert_to_numpy(layer.step_weights(SEQUENCES, MASK))
    for row, real in enumerate(MASK):
        expected, expected_weights = plain(case, SEQUENCES[row, real], layer)
        np.testing.assert_allclose(pooled[row], expected, atol=1e-5)
        np.testing.assert_allclose(weights[row, real], expected_weights, atol=1e-5)
        assert (weights[row, ~real] == 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), [1, 1, 1, 0], atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_without_a_mask_every_step_is_real(case):
    layer_class, arguments = CASES[case]
    layer = layer_class(**arguments)
    whole = np.ones((4, 5), bool)
    np.testing.assert_allclose(layer(SEQUENCES), layer(SEQUENCES, mask=whole), atol=1e-6)
    np.testing.assert_allclose(layer.step_weights(SEQUENCES), layer.step_weights(SEQUENCES, whole), atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_padding_moves_no_weight(case):
    layer_class, arguments = CASES[case]
    layer = layer_class(**arguments)
    check_padding(lambda padded, mask: layer.step_weights(padded, ops.convert_to_tensor(mask)), SEQUENCES)


@pytest.mark.parametrize("case", CASES)
def test_whatever_stands_at_padding_has_no_say(case):
    layer_class, arguments = CASES[case]
    layer = layer_class(**arguments)
    spoilt = np.where(MASK[..., None], SEQUENCES, np.float32("nan"))
    np.testing.assert_allclose(layer(spoilt, mask=MASK), layer(SEQUENCES, mask=MASK), atol=1e-6)
    np.testing.assert_allclose(layer.step_weights(spoilt, MASK), layer.step_weights(SEQUENCES, MASK), atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_the_mask_ends_here(case):
    layer_class, arguments = CASES[case]
    ids = keras.Input((None,), dtype="int32")
    words = keras.layers.Embedding(9, 6, mask_zero=True)(ids)
    model = keras.Model(ids, layer_class(**arguments)(words))
    assert get_keras_mask(model(ops.convert_to_tensor(np.array([[3, 0, 4]])))) is None
    # Read by the layer all the same.
    np.testing.assert_allclose(
        *(model(ops.convert_to_tensor(np.array(ids))) for ids in ([[3, 0, 4, 0]], [[3, 4]])), atol=1e-6
    )


@pytest.mark.parametrize("case", CASES)
def test_half_precision_adds_up_long_sequences(case):
    layer_class, arguments = CASES[case]
    layer = layer_class(**arguments, dtype="mixed_float16")
    # The sum is twice the largest number of half precision.
    pooled = ops.convert_to_numpy(layer(np.full((1, 1024, 6), 128, "float32")))
    assert pooled.dtype == np.float16
    np.testing.assert_allclose(pooled, np.full((1, 6), 128.0 * (32 if case == "sqrt" else 1)), rtol=5e-3)
    weights = ops.convert_to_numpy(layer.step_weights(np.full((1, 1024, 6), 128, "float32")))
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights.sum(), 1, rtol=1e-3)


def test_equal_maxima_share_the_feature():
    steps = np.array([[[1.0, 5.0], [1.0 + 1e-7, 2.0], [0.5, 5.0], [9.0, 9.0]]], "float32")
    weights = MaxPooling().step_weights(steps, np.array([[True, True, True, False]]))
    np.testing.assert_allclose(weights, [[0.5, 0.25, 0.25, 0]])


def test_mean_over_any_axis():
    array = np.random.default_rng(2).standard_normal((2, 3, 4, 5)).astype("float32")
    np.testing.assert_allclose(MeanLayer(axis=-1)(array), array.mean(axis=-1), atol=1e-6)
    mask = np.array([[1, 1, 0], [0, 0, 1]], bool)
    by_step = MeanLayer(axis=2)
    np.testing.assert_allclose(by_step(array, mask=mask), array.mean(axis=2), atol=1e-6)
    assert by_step.compute_mask(array, mask) is mask
    characters = np.random.default_rng(3).integers(0, 2, (2, 3, 4)).astype(bool)
    characters[0, 0] = False
    expected = np.where(characters[..., None], array, 0).sum(2) / np.maximum(characters.sum(2), 1)[..., None]
    np.testing.assert_allclose(by_step(array, mask=characters), expected, atol=1e-6)
    np.testing.assert_array_equal(by_step.compute_mask(array, characters), characters.any(axis=2))
    with pytest.raises(ValueError, match="`axis` must be 1.* Received: axis=2"):
        by_step.step_weights(array)


def test_wrong_arguments_are_refused():
    for call, error, message in [
        (lambda: MeanLayer(0), ValueError, "`axis` must not be that of the batch"),
        (lambda: MeanLayer("steps"), TypeError, "`axis` must be an integer"),
        (lambda: MeanLayer(scale="max"), ValueError, "`scale` must be one of 'mean', 'sqrt'"),
        (lambda: MeanLayer(axis=3)(SEQUENCES), ValueError, "`axis` must be an axis of the input"),
        (lambda: AttentionPooling(0), ValueError, "`units` must be a positive integer"),
        (lambda: LastStep(both_ends=1), TypeError, "`both_ends` must be a boolean"),
        (lambda: LastStep(both_ends=True)(SEQUENCES[..., :5]), ValueError, "an even number of features"),
        (lambda: MaxPooling()(SEQUENCES[0]), ValueError, r"`sequences` must have the shape \(batch, steps, features\)"),
        (lambda: AttentionPooling()(SEQUENCES[0]), ValueError, "`sequences` must have the shape"),
    ]:
        with pytest.raises(error, match=message):
            call()
