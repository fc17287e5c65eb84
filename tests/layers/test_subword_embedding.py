"""The vector of a token from its n-grams: the plain formula, whatever stands at padding, and whole n-grams dropped."""

import contextlib

import numpy as np
import pytest
from keras import ops

from keras_seq.layers import SubwordEmbedding, TokenDropout
from keras_seq.ops.serving import serving_graph
from keras_seq.testing import run_layer_test

IDS = np.random.default_rng(0).integers(1, 8, (3, 4, 5)).astype("int32")


@pytest.mark.parametrize("combine", ["mean", "sum", "sqrt"])
def test_layer(combine):
    run_layer_test(
        SubwordEmbedding,
        arguments={"num_buckets": 7, "embedding_dim": 3, "combine": combine},
        inputs=IDS,
        expected_output_shape=(3, 4, 3),
    )


@pytest.mark.both_backends("mean-False")
@pytest.mark.parametrize("served", [False, True])
@pytest.mark.parametrize("combine", ["mean", "sum", "sqrt"])
def test_equal_to_a_plain_loop(combine, served):
    ids = np.where(np.random.default_rng(1).random(IDS.shape) < 0.5, IDS, 0)
    ids[1, 2] = 0
    layer = SubwordEmbedding(7, 3, combine=combine)
    with serving_graph() if served else contextlib.nullcontext():
        vectors = ops.convert_to_numpy(layer(ids))
    table = np.array(layer.embeddings, "float64")
    assert table.shape == (8, 3) and layer.embeddings.name == "embeddings"
    for row, step in np.ndindex(3, 4):
        found = [table[bucket] for bucket in ids[row, step] if bucket]
        divisor = {"mean": len(found), "sum": 1, "sqrt": len(found) ** 0.5}[combine]
        expected = sum(found) / divisor if found else np.zeros(3)
        np.testing.assert_allclose(vectors[row, step], expected, atol=1e-6)
    assert (vectors[1, 2] == 0).all()


def test_padding_of_n_grams_never_matters():
    layer = SubwordEmbedding(7, 3)
    expected = ops.convert_to_numpy(layer(IDS))
    for before, after in [(0, 3), (2, 0), (1, 4)]:
        np.testing.assert_allclose(layer(np.pad(IDS, ((0, 0), (0, 0), (before, after)))), expected, atol=1e-6)
    assert (ops.convert_to_numpy(layer(IDS[..., :0])) == 0).all()


def test_whole_n_grams_can_be_dropped():
    ids = np.random.default_rng(2).integers(1, 8, (50, 20, 6)).astype("int32")
    dropped = ops.convert_to_numpy(TokenDropout(0.25, unknown_id=0, seed=1)(ids, training=True))
    assert abs((dropped == 0).mean() - 0.25) < 0.03
    assert (dropped[dropped != 0] == ids[dropped != 0]).all()


def test_wrong_arguments_are_refused():
    for arguments, error, message in [
        ((0, 3), ValueError, "`num_buckets`"),
        ((7, 0), ValueError, "`embedding_dim`"),
        ((7.5, 3), TypeError, "`num_buckets`"),
    ]:
        with pytest.raises(error, match=message):
            SubwordEmbedding(*arguments)
    with pytest.raises(ValueError, match="`combine` must be one of"):
        SubwordEmbedding(7, 3, combine="max")
    with pytest.raises(ValueError, match="`subword_ids` must have the shape"):
        SubwordEmbedding(7, 3)(IDS[0])
