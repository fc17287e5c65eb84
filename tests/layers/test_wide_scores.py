"""Scores straight from ids: the plain formula, dropout of single ids, weights that are not trained."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.layers import WideScores
from keras_seq.testing import run_layer_test

IDS = np.random.default_rng(0).integers(1, 9, (3, 4, 5)).astype("int32")


def layer_with_numbers(**options):
    layer = WideScores(9, 3, **options)
    layer.build((None, None))
    generator = np.random.default_rng(1)
    layer.scores.assign(generator.normal(size=(9, 3)))
    layer.id_weights.assign(generator.uniform(0.5, 3, 9))
    return layer


@pytest.mark.parametrize("ids", [IDS[:, 0], IDS])
def test_layer(ids):
    run_layer_test(
        WideScores,
        arguments={"num_ids": 9, "num_classes": 3, "scale": 2.5, "dropout": 0.3},
        inputs=ids,
        expected_output_shape=(3, 3),
    )


@pytest.mark.both_backends("3")
@pytest.mark.parametrize("axes", [2, 3])
def test_equal_to_a_plain_loop(axes):
    ids = np.where(np.random.default_rng(2).random(IDS.shape) < 0.5, IDS, 0)
    ids[1] = 0
    ids = ids if axes == 3 else ids[:, 2]
    layer = layer_with_numbers(scale=6.0)
    found = ops.convert_to_numpy(layer(ids))
    table, weights = (np.array(variable, "float64") for variable in (layer.scores, layer.id_weights))
    for row, values in zip(found, ids.reshape(3, -1), strict=True):
        expected, square = np.zeros(3), 0.0
        for number in values[values != 0]:
            expected += weights[number] * table[number]
            square += weights[number] ** 2
        np.testing.assert_allclose(row, 6.0 * expected / np.sqrt(square or 1.0), atol=1e-5)
    assert (found[1] == 0).all()
    assert (ops.convert_to_numpy(layer(ids[:, :0])) == 0).all()


def test_only_the_table_is_trained():
    layer = layer_with_numbers()
    assert [variable.name for variable in layer.trainable_variables] == ["scores"]
    assert [variable.name for variable in layer.weights if not variable.trainable] == ["id_weights"]
    fresh = WideScores(9, 3)
    assert (ops.convert_to_numpy(fresh(IDS)) == 0).all()


@pytest.mark.both_backends
def test_dropout_leaves_the_mean():
    layer = layer_with_numbers(dropout=0.4, seed=3)
    expected = ops.convert_to_numpy(layer(IDS[:1]))
    rows = ops.convert_to_numpy(layer(np.repeat(IDS[:1], 20_000, axis=0), training=True))
    assert rows.std(axis=0).min() > 0.1
    np.testing.assert_allclose(rows.mean(axis=0), expected[0], atol=0.05)


def test_learns_what_a_linear_model_learns():
    ids = np.random.default_rng(4).integers(1, 9, (200, 3)).astype("int32")
    labels = (ids == 5).any(axis=1).astype("int32")
    inputs = keras.Input((None,), dtype="int32")
    outputs = keras.layers.Activation("softmax")(WideScores(9, 2, scale=6.0)(inputs))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy", jit_compile=False)
    model.fit(ids, labels, epochs=10, batch_size=20, verbose=0)
    assert (model.predict(ids, verbose=0).argmax(axis=1) == labels).mean() > 0.98


def test_wrong_arguments_are_refused():
    for arguments, error, message in [
        ({"num_ids": 0, "num_classes": 2}, ValueError, "`num_ids`"),
        ({"num_ids": 5, "num_classes": 2.5}, TypeError, "`num_classes`"),
        ({"num_ids": 5, "num_classes": 2, "scale": 0.0}, ValueError, "`scale`"),
        ({"num_ids": 5, "num_classes": 2, "dropout": 1.0}, ValueError, "`dropout`"),
    ]:
        with pytest.raises(error, match=message):
            WideScores(**arguments)
    with pytest.raises(ValueError, match=r"`ids` must have the shape \(batch, steps\) or"):
        WideScores(5, 2)(IDS[0, 0])
