"""The transformer that classifies: its parts in their order, padding without a say, and what it refuses."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.testing.padding import check_padding
from keras_seq.zoo import transformer_classifier_model

IDS = np.random.default_rng(0).integers(2, 20, (3, 5)).astype("int32")


def small(**kwargs):
    return transformer_classifier_model(20, 3, **{"embedding_dim": 8, "transformer": {"num_heads": 2}, **kwargs})


def give_random_weights(model):
    generator = np.random.default_rng(5)
    for weight in model.trainable_weights:
        weight.assign(weight + generator.normal(scale=0.4, size=weight.shape))


def numpy_of(model, token_ids):
    return ops.convert_to_numpy(model({"token_ids": ops.convert_to_tensor(token_ids)}))


@pytest.mark.parametrize("pooling", ["mean", "sqrt", "max", "attention", "last"])
def test_padding_has_no_say(pooling):
    model = small(pooling=pooling)
    give_random_weights(model)
    outputs = numpy_of(model, IDS)
    assert outputs.shape == (3, 3)
    np.testing.assert_allclose(outputs.sum(axis=1), 1, rtol=1e-5)
    check_padding(lambda padded, mask: numpy_of(model, padded), IDS)


def test_the_order_of_words_counts():
    model = small()
    give_random_weights(model)
    assert not np.allclose(numpy_of(model, IDS), numpy_of(model, IDS[:, ::-1]), rtol=1e-2, atol=0)


def test_sizes_of_the_parts():
    options = {"num_blocks": 3, "units": 12, "num_heads": 3, "feed_forward_units": 10}
    model = small(transformer=options, dropout={"recurrent": 0.2}, hidden_units=(5,))
    stack = model.get_layer("transformer")
    blocks = stack.blocks
    assert len(blocks) == 3
    assert {(block.num_heads, block.feed_forward_units, block.dropout) for block in blocks} == {(3, 10, 0.2)}
    assert model.get_layer("input_projection").output.shape == (None, None, 12)
    assert keras.tree.flatten(model.get_layer("pooling").input)[0] is stack.output
    assert model.get_layer("text_vector").output.shape == (None, 5)
    stack = small().get_layer("transformer")
    assert [block.name for block in stack.blocks] == ["block_0", "block_1"]
    assert stack.blocks[0].inner.units == 4 * 8


def test_spelling_can_be_read_without_words():
    model = small(features={"words": False, "subwords": {"num_buckets": 30}})
    give_random_weights(model)
    ids = np.random.default_rng(1).integers(1, 31, (3, 5, 4)).astype("int32")
    check_padding(lambda padded, mask: ops.convert_to_numpy(model({"subword_ids": ops.convert_to_tensor(padded)})), ids)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"transformer": {"heads": 2}}, "`transformer` takes the keys num_blocks, .* Received: heads"),
        ({"transformer": {"num_blocks": 0}}, "`transformer.num_blocks`"),
        ({"transformer": {"num_heads": 3}}, "`transformer.num_heads` must divide `units`"),
        ({"pooling": "first"}, "`pooling` must be one of"),
        ({"dropout": {"blocks": 0.1}}, "`dropout` takes the keys"),
    ],
)
def test_wrong_values_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        small(**arguments)
