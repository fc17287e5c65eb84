"""The siamese network of images: one convolutional tower for both; for telling a new class from a single example."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from keras_seq.core.checks import check_rate
from keras_seq.layers import UnitLength
from keras_seq.zoo.encoders import sizes_of
from keras_seq.zoo.registry import register_builder
from keras_seq.zoo.twins import TOWER, twin_model

# The moving averages of batch normalisation follow within some ten batches: scores are read after every epoch.
_MOMENTUM = 0.9


@register_builder(task="image_matcher", example={"image_size": (8, 6), "filters": (3, 4), "projection_units": 5})
def siamese_image_model(
    image_size: int | Sequence[int] = 28,
    *,
    filters: Sequence[int] = (64, 64, 64, 64),
    projection_units: int | Sequence[int] = (),
    dropout: float = 0.0,
    name: str = "siamese_image_model",
) -> keras.Model:
    """Say how alike two images are: convolutions, shared by both sides, unit length; then the cosine.

    For one-shot recognition: a new class is known from one image, as a signature or a character of an unknown script
    is. Each block is a 3 x 3 convolution, batch normalisation, ReLU and, where two pixels are left in both directions,
    the maximum of 2 x 2. What is left of the image is one vector.

    Masking: none; an image has no steps.

    Args:
        image_size: height and width in pixels, or one number for both.
        filters: channels of each block.
        projection_units: sizes of the dense layers between the last block and the unit vector, tanh but for the last,
            which is linear; may be empty.
        dropout: rate, of the vector before these layers.
        name: name of the model.

    Returns:
        An uncompiled functional model. Inputs, a dict, float32 from 0 (nothing) to 1 (ink): `image_a` and `image_b`
        `(batch, height, width, 1)`. Output: `similarity` float32 `(batch,)`, from -1 to 1.
        `keras_seq.zoo.parts.tower_of(model)` is the model of one side, whose output is `(batch, features)` of
        length 1. Train it with the losses of pairs or classes on `keras_seq.zoo.stacked_twins(model)`.

    Raises:
        TypeError: if an argument has a wrong type.
        ValueError: if an argument is out of range.

    Example:
        >>> from keras_seq.zoo import siamese_image_model
        >>> from keras_seq.zoo.parts import tower_of
        >>> model = siamese_image_model(28)
        >>> sorted(tensor.name for tensor in model.inputs), tower_of(model).output_shape
        (['image_a', 'image_b'], (None, 64))

    Reference:
        Koch, Zemel and Salakhutdinov, "Siamese Neural Networks for One-shot Image Recognition", ICML Deep Learning
        Workshop 2015; the blocks are those of Vinyals et al., "Matching Networks for One Shot Learning", NIPS 2016.
        The idea: Bromley et al., "Signature Verification using a Siamese Time Delay Neural Network", NIPS 1993.
    """
    # --- Layers
    sides = sizes_of("image_size", image_size)
    if len(sides) not in (1, 2):
        raise ValueError(
            f"`image_size` must be height and width, or one number for both. Received: image_size={image_size!r}. "
            "Pass for example (28, 28)."
        )
    height, width = sides[0], sides[-1]
    channels = sizes_of("filters", filters)
    if not channels:
        raise ValueError(f"`filters` must name one block or more. Received: filters={filters!r}. Pass (64, 64).")
    check_rate("dropout", dropout)
    projections = sizes_of("projection_units", projection_units)
    unit_length = UnitLength(dtype="float32", name="vector")

    # --- Functional graph
    image = keras.Input((height, width, 1), name="image")
    x = image
    for index, count in enumerate(channels):
        x = keras.layers.Conv2D(count, 3, padding="same", use_bias=False, name=f"convolution_{index}")(x)
        x = keras.layers.BatchNormalization(momentum=_MOMENTUM, name=f"normalization_{index}")(x)
        x = keras.layers.ReLU(name=f"relu_{index}")(x)
        if min(x.shape[1:3]) >= 2:
            x = keras.layers.MaxPooling2D(2, name=f"pooling_{index}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dropout(dropout, name="drop_pooled")(x)
    for index, size in enumerate(projections):
        activation = "tanh" if index < len(projections) - 1 else None
        x = keras.layers.Dense(size, activation=activation, name=f"projection_{index}")(x)

    # --- Model
    return twin_model(keras.Model({"image": image}, unit_length(x), name=TOWER), name)


def mean_of_views(tower: keras.Model, shift: int) -> keras.Model:
    """The tower of a siamese model of images, whose vector is the mean over five places of the image.

    Private to the package: tasks and exports call it. The image and four copies of it, moved up, down, left and right,
    are read; what leaves the image is lost, what comes in is 0. The weights are those of the tower.

    Args:
        tower: `keras_seq.zoo.parts.tower_of(siamese_image_model(...))`.
        shift: by how many pixels; 0 gives the tower itself.

    Returns:
        A functional model with the inputs and outputs of the tower.
    """
    if not shift:
        return tower
    image = keras.Input(tower.inputs[0].shape[1:], name="image")
    height, width = image.shape[1:3]
    padded = ops.pad(image, ((0, 0), (shift, shift), (shift, shift), (0, 0)))
    places = [(shift, shift), (0, shift), (2 * shift, shift), (shift, 0), (shift, 2 * shift)]
    views = ops.concatenate([padded[:, y : y + height, x : x + width] for y, x in places], axis=0)
    vectors = ops.reshape(tower({"image": views}), (len(places), -1, tower.output_shape[-1]))
    return keras.Model({"image": image}, UnitLength(dtype="float32", name="vector")(ops.mean(vectors, axis=0)))
