"""What a matcher of images serves: how alike two images are, and the vector of an image."""

from __future__ import annotations

import dataclasses

import keras
import tensorflow as tf

from keras_seq.core.checks import check_boolean, check_non_negative_integer, check_number, check_positive_integer
from keras_seq.data.images import area_weights
from keras_seq.export.comparison import compared_rows
from keras_seq.export.json_settings import JSONSettings
from keras_seq.export.served import Served, assert_in_range
from keras_seq.zoo.parts import tower_of
from keras_seq.zoo.siamese_image import mean_of_views

# Of one side: the tables of the reduction stand in the graph.
MOST_PIXELS = 10_000


@dataclasses.dataclass(frozen=True)
class ImageSettings(JSONSettings):
    """What images are given, and how similarities become an answer.

    Args:
        height, width: of the images that are given, in pixels; the graph reduces them to what the model reads.
        invert: whether they show dark ink on bright paper.
        view_shift: of the reduced image, in pixels: the vector is the mean of those of the image and of four copies,
            moved so far to each side; 0: of the image alone.
        threshold: from this similarity on two images are of one class; chosen on validation data.
    """

    legacy_files = ("images.json",)

    height: int = 28
    width: int = 28
    invert: bool = False
    view_shift: int = 0
    threshold: float = 0.5

    def __post_init__(self) -> None:
        check_positive_integer("height", self.height, most=MOST_PIXELS)
        check_positive_integer("width", self.width, most=MOST_PIXELS)
        check_boolean("invert", self.invert)
        check_non_negative_integer("view_shift", self.view_shift, most=MOST_PIXELS)
        check_number("threshold", self.threshold)


class ImageMatchingFunctions(Served):
    """Reduction of images and siamese model joined into the functions that a matcher of images serves.

    The same functions answer in Python and, exported, in any TensorFlow runtime: all ops are stock ones.

    Args:
        model: a model of `keras_seq.zoo.siamese_image_model`.
        settings: of the images, and of the answer.
    """

    def __init__(self, model: keras.Model, settings: ImageSettings | None = None) -> None:
        tower = tower_of(model)
        height, width = tower.inputs[0].shape[1:3]
        super().__init__(model, settings or ImageSettings(height, width))
        self._tower = mean_of_views(tower, self.settings.view_shift)
        self._vertical = tf.constant(area_weights(height, self.settings.height))
        self._horizontal = tf.constant(area_weights(width, self.settings.width).T)
        shape = [None, self.settings.height, self.settings.width, 1]
        a, b, image = (tf.TensorSpec(shape, tf.float32, name=name) for name in ("a", "b", "image"))
        self.declare("serving_default", self._pairs, a, b)
        self.declare("embed", self._embed, image)

    def _pairs(self, a: tf.Tensor, b: tf.Tensor) -> dict[str, tf.Tensor]:
        """How alike the images of pairs are.

        Args:
            a, b: float32 `(batch, height, width, 1)`, pixels from 0 to 1: row r of `a` is compared with row r of `b`.

        Returns:
            `similarity` float32 `(batch,)`, the cosine of the two vectors, from -1 to 1; `duplicate` bool `(batch,)`,
            whether it is at least the threshold. A pixel that is no number from 0 to 1 is an error.
        """
        return compared_rows(self._embed, a, b, self.settings.threshold)

    def _embed(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """The vector of an image.

        Args:
            image: float32 `(batch, height, width, 1)`, pixels from 0 to 1.

        Returns:
            `vector` float32 `(batch, features)`, of length 1: the product of two is the similarity.
        """
        # NaN is in no range.
        is_odd = tf.logical_not((image >= 0) & (image <= 1))
        check = assert_in_range(
            tf.logical_not(tf.reduce_any(is_odd)),
            "pixels must be numbers from 0 to 1; received",
            tf.boolean_mask(image, is_odd)[:1],
        )
        with tf.control_dependencies([check]):
            pixels = 1 - image[..., 0] if self.settings.invert else image[..., 0]
        rows = tf.shape(pixels)[0]
        # A convolution of no image has the channels of its input.
        pixels = tf.pad(pixels, [[0, tf.cast(rows == 0, tf.int32)], [0, 0], [0, 0]])
        reduced = self._vertical @ pixels @ self._horizontal
        vectors = self._tower({"image": reduced[..., tf.newaxis]}, training=False)
        return {"vector": tf.cast(vectors, tf.float32)[:rows]}
