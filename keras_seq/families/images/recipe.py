"""The recipe of a matcher of images: the keys that it reads."""

from pydantic import Field

from keras_seq.training.fit_recipe import RowsSection
from keras_seq.training.objective_recipe import BatchObjective, ObjectiveSection
from keras_seq.training.recipe import HeldOutDataSection, KerasRecipe
from keras_seq.training.recipe_section import Section


class ImageDataSection(HeldOutDataSection):
    """Which images."""

    held_out: float = Field(
        default=0.1,
        gt=0,
        lt=1,
        description="share of the groups of classes, or of the classes, that validates where no file does",
    )


class ImagePairsSection(ObjectiveSection):
    """What the model learns from pairs; two images of one class are a pair."""

    objective: BatchObjective = Field(default="info_nce", description="what is made small")


class ImagesSection(Section):
    """How images are read and varied, and on what trials they are compared."""

    height: int = Field(default=28, ge=2, description="pixels that images are reduced to")
    width: int = Field(default=28, ge=2, description="the same, to the side")
    invert: bool = Field(default=False, description="the files show dark ink on bright paper; the model sees ink as 1")
    rotations: bool = Field(
        default=True, description="images turned by a quarter, a half and three quarters are classes of their own"
    )
    degrees: float = Field(default=12.0, ge=0, le=180, description="of rotation, to either side, anew in each epoch")
    shear: float = Field(default=0.2, ge=0, le=1, description="tangent of the slant")
    scale: float = Field(default=0.2, ge=0, lt=1, description="share by which an image is enlarged or reduced")
    shift: float = Field(default=0.06, ge=0, lt=1, description="share of height and width")
    class_degrees: float = Field(
        default=0.0,
        ge=0,
        le=180,
        description="as `degrees`, the same for both images of a pair: shapes that no class of the file has",
    )
    class_shear: float = Field(default=0.0, ge=0, le=1, description="as `shear`, the same for both images")
    class_scale: float = Field(default=0.0, ge=0, lt=1, description="as `scale`, the same for both images")
    class_mirror: bool = Field(default=False, description="every other pair, by chance, is mirrored")
    within_groups: bool = Field(
        default=False, description="a batch has the classes of few groups: these are hard to tell apart"
    )
    view_shift: int = Field(
        default=0,
        ge=0,
        description="of the trained model: pixels; the vector is the mean over the image and four copies, moved so far",
    )
    ways: int = Field(default=20, ge=2, description="classes of a one-shot run that validates")
    runs: int = Field(default=100, ge=1, description="one-shot runs that validate")


class ImageMatcherRecipe(KerasRecipe):
    """The recipe of a matcher of images: whether two images show the same, and which class one example tells."""

    data: ImageDataSection
    pairs: ImagePairsSection = ImagePairsSection()
    images: ImagesSection = ImagesSection()
    batching: RowsSection = RowsSection()

    def data_remarks(self) -> list[str]:
        """As of `Recipe`; pairs of images are told as images."""
        if self.data.validation is not None:
            return []
        return [f"validation: {self.data.held_out:.0%} of the training images"]
