"""One tower that reads two inputs: what the siamese models of texts and of images share.

Private to the room, but for `stacked_twins`, which trainings use.
"""

from __future__ import annotations

import keras
from keras import ops

from keras_seq.zoo.parts import tower_of

TOWER = "tower"
SIDES = ("a", "b")


def twin_model(tower: keras.Model, name: str) -> keras.Model:
    """A model that applies one tower to both sides of a pair.

    Args:
        tower: named `tower`; its inputs are named, its output is one unit vector a row.
        name: name of the model.

    Returns:
        A functional model. Inputs: those of the tower, twice, their names with `_a` and `_b` at the end. Output:
        `similarity` float32 `(batch,)`, the cosine of the two vectors.
    """
    sides = [_side(tower, side) for side in SIDES]
    inputs = {tensor.name: tensor for side in sides for tensor in side.values()}
    first, second = (tower(side) for side in sides)
    similarity = keras.layers.Activation("linear", dtype="float32", name="similarity")
    return keras.Model(inputs, similarity(ops.sum(first * second, axis=-1)), name=name)


def stacked_twins(model: keras.Model) -> keras.Model:
    """The two vectors of a pair, of a siamese model: what the losses of pairs read.

    Args:
        model: a model of `keras_seq.zoo.siamese_model` or `siamese_image_model`.

    Returns:
        A functional model with the same inputs and the same weights, whose output is `(batch, 2, features)`.

    Example:
        >>> from keras_seq.zoo import siamese_model, stacked_twins
        >>> model = siamese_model(vocabulary_size=100, embedding_dim=8, recurrent={"units": [4]})
        >>> stacked_twins(model).output_shape
        (None, 2, 4)
    """
    tower = tower_of(model)
    inputs = {tensor.name: tensor for tensor in model.inputs}
    vectors = [tower({tensor.name: inputs[f"{tensor.name}_{side}"] for tensor in tower.inputs}) for side in SIDES]
    return keras.Model(inputs, ops.stack(vectors, axis=1), name=f"stacked_{model.name}")


def _side(tower: keras.Model, side: str) -> dict[str, keras.KerasTensor]:
    return {
        tensor.name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=f"{tensor.name}_{side}")
        for tensor in tower.inputs
    }
