"""The softmax over tokens: plain, tied, in clusters; against NumPy and PyTorch."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.layers import TiedEmbedding, TokenSoftmax
from keras_seq.testing import run_layer_test

FEATURES = np.random.default_rng(0).normal(size=(3, 4, 5)).astype("float32")
TARGETS = np.random.default_rng(1).integers(1, 12, (3, 4)).astype("int32")


def with_numbers(layer, table=None):
    if not layer.built:
        layer.build(FEATURES.shape, None if table is None else table.shape)
    generator = np.random.default_rng(2)
    for weight in layer.trainable_weights:
        weight.assign(generator.normal(size=weight.shape))
    return layer


def log_softmax(logits):
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


@pytest.mark.parametrize("cutoffs", [(), (4,), (3, 7)])
def test_layer(cutoffs):
    run_layer_test(
        TokenSoftmax,
        arguments={"vocabulary_size": 12, "cutoffs": cutoffs},
        inputs=FEATURES,
        expected_output_shape=(3, 4, 12),
        loss=lambda y_true, y_pred: ops.mean(ops.square(ops.tanh(y_pred / 10) - ops.tanh(y_true))),
    )


def test_tied_embedding(tmp_path):
    """Not by `run_layer_test`: its second output, the table, has no rows of a batch."""
    token_ids = keras.Input((None,), dtype="int32")
    vectors, table = TiedEmbedding(12, 5, name="tied")(token_ids)
    model = keras.Model(token_ids, TokenSoftmax(12)(vectors, table))
    embeddings = model.get_layer("tied").get_weights()[0]
    found = model.get_layer("tied")(TARGETS)
    np.testing.assert_array_equal(ops.convert_to_numpy(found[0]), embeddings[TARGETS])
    np.testing.assert_array_equal(ops.convert_to_numpy(found[1]), embeddings)
    config = model.get_layer("tied").get_config()
    assert (config["vocabulary_size"], config["embedding_dim"]) == (12, 5)
    assert TiedEmbedding.from_config(config).get_config() == config
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(TARGETS, verbose=0), model.predict(TARGETS, verbose=0), atol=1e-6)
    # Both uses of the table train it.
    model.compile(keras.optimizers.SGD(1.0), lambda targets, log_probs: -ops.mean(picked(log_probs, targets)))
    model.fit(TARGETS[:, :1], TARGETS[:, 1:2], verbose=0)
    moved = np.abs(model.get_layer("tied").get_weights()[0] - embeddings).max(axis=1) > 0
    assert moved[1:].all() and not moved[0]


@pytest.mark.both_backends("cutoffs1-True")
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("cutoffs", [(), (3, 7)])
def test_equal_to_a_plain_loop(cutoffs, tied):
    table = np.random.default_rng(3).normal(size=(12, 5)).astype("float32") if tied else None
    layer = with_numbers(TokenSoftmax(12, cutoffs=cutoffs), table)
    rows = np.array(layer.kernel if table is None else table, "float64")
    logits = FEATURES.astype("float64") @ rows.T + np.array(layer.bias, "float64")
    logits[..., 0] = -1e9
    if cutoffs:
        of_clusters = FEATURES @ np.array(layer.cluster_kernel, "float64").T + np.array(layer.cluster_bias)
        head = log_softmax(np.concatenate([logits[..., :3], of_clusters], axis=-1))
        expected = np.concatenate(
            [
                head[..., :3],
                head[..., 3:4] + log_softmax(logits[..., 3:7]),
                head[..., 4:5] + log_softmax(logits[..., 7:]),
            ],
            axis=-1,
        )
    else:
        expected = log_softmax(logits)
    found = ops.convert_to_numpy(layer(FEATURES, table))
    np.testing.assert_allclose(found[..., 1:], expected[..., 1:], atol=1e-5)
    np.testing.assert_allclose(np.exp(found).sum(-1), 1, atol=1e-5)
    targets = TARGETS.copy()
    targets[0, 1], targets[2, 3] = 0, -1
    of_targets = ops.convert_to_numpy(layer(FEATURES, table, targets))
    picked = np.take_along_axis(expected, np.maximum(targets, 0)[..., None], -1)[..., 0]
    np.testing.assert_allclose(of_targets, np.where(targets > 0, picked, 0), atol=1e-5)


def test_clusters_equal_pytorchs():
    torch = pytest.importorskip("torch")
    layer = with_numbers(TokenSoftmax(12, cutoffs=(3, 7)))
    other = torch.nn.AdaptiveLogSoftmaxWithLoss(5, 12, [3, 7], div_value=1.0, head_bias=False)
    kernel = np.array(layer.kernel)
    # PyTorch's tails have a projection and no bias, and its head gives padding a probability.
    layer.bias.assign(np.zeros(12))
    layer.cluster_bias.assign(np.zeros(2))
    with torch.no_grad():
        other.head.weight.copy_(torch.tensor(np.concatenate([kernel[:3], np.array(layer.cluster_kernel)])))
        for tail, rows in zip(other.tail, (kernel[3:7], kernel[7:]), strict=True):
            tail[0].weight.copy_(torch.eye(5))
            tail[1].weight.copy_(torch.tensor(rows))
        expected = other.log_prob(torch.tensor(FEATURES.reshape(-1, 5))).numpy().reshape(3, 4, 12)
    without_padding = expected[..., 1:] - np.log1p(-np.exp(expected[..., :1]))
    np.testing.assert_allclose(ops.convert_to_numpy(layer(FEATURES))[..., 1:], without_padding, atol=1e-5)


@pytest.mark.both_backends("cutoffs1")
@pytest.mark.parametrize("cutoffs", [(), (3, 7)])
def test_gradients_of_targets_are_those_of_all(cutoffs):
    """The way that reads clusters only where a target stands in them trains the same weights."""
    inputs = keras.Input((4, 5), name="features"), keras.Input((4,), dtype="int32", name="targets")
    layer = TokenSoftmax(12, cutoffs=cutoffs)
    all_of_them = keras.Model(inputs, [layer(inputs[0]), inputs[1]])
    with_numbers(layer)
    weights = layer.get_weights()
    results = []
    for model, loss in (
        (keras.Model(inputs, layer(inputs[0], target_ids=inputs[1])), lambda _, log_probs: -ops.mean(log_probs)),
        (keras.Model(inputs, all_of_them.output[0]), lambda targets, log_probs: -ops.mean(picked(log_probs, targets))),
    ):
        layer.set_weights(weights)
        model.compile(keras.optimizers.SGD(0.5), loss, jit_compile=False)
        model.fit((FEATURES, TARGETS), TARGETS, batch_size=3, verbose=0)
        results.append(layer.get_weights())
    for one, other, before in zip(*results, weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
        assert np.abs(one - before).max() > 1e-4


def picked(log_probs, targets):
    return ops.take_along_axis(log_probs, ops.expand_dims(ops.cast(targets, "int32"), -1), axis=-1)


def test_wrong_arguments_are_refused():
    for arguments, error, message in [
        ({"vocabulary_size": 0}, ValueError, "`vocabulary_size`"),
        ({"vocabulary_size": 9, "cutoffs": (5, 5)}, ValueError, "`cutoffs` must be ascending"),
        ({"vocabulary_size": 9, "cutoffs": (9,)}, ValueError, "`cutoffs` must be ascending"),
        ({"vocabulary_size": 9, "cutoffs": (2.5,)}, TypeError, "`cutoffs`"),
    ]:
        with pytest.raises(error, match=message):
            TokenSoftmax(**arguments)
    with pytest.raises(ValueError, match=r"`table` must have the shape .*\(12, 5\)"):
        TokenSoftmax(12)(FEATURES, np.ones((12, 4), "float32"))
    with pytest.raises(ValueError, match="`features` must have the shape"):
        TokenSoftmax(12)(FEATURES[0])
    with pytest.raises(ValueError, match="`embedding_dim`"):
        TiedEmbedding(9, 0)
