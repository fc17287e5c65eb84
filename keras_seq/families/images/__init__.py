"""Pairs of images: whether two images show the same, and which class one example tells."""

from keras_seq.families.images.card import limits
from keras_seq.families.images.recipe import ImageMatcherRecipe
from keras_seq.tasks.registry import ExampleCall, Family

FAMILY = Family.in_folder(
    __name__,
    "ImageMatcher",
    "ImageTraining",
    name="image_matcher",
    unit="examples",
    recipe=ImageMatcherRecipe,
    monitor="accuracy",
    example_call=ExampleCall("--pairs pairs.npz", "--inputs 'a=pairs.npz[a];b=pairs.npz[b]'"),
    limits=limits,
)
