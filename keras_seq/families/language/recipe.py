"""The recipe of a language model: the keys that it reads."""

from pydantic import Field

from keras_seq.training.fit_recipe import BatchingSection
from keras_seq.training.language_recipe import LanguageTextSection, RunningTextRecipe
from keras_seq.training.recipe import KerasRecipe


class LanguageSection(LanguageTextSection):
    """What the model predicts, how a text is read, and what samples are shown."""

    window: int = Field(default=70, ge=1, description="steps of truncated back-propagation through time, in a stream")
    restart: float = Field(
        default=0.01, ge=0, lt=1, description="share of the rows of a window whose state begins anew, in a stream"
    )
    sample_length: int = Field(default=200, ge=1, description="symbols of the samples that TensorBoard shows")
    sample_temperature: float = Field(default=0.8, gt=0, description="of these samples; below 1 likelier symbols")


class LanguageModelRecipe(RunningTextRecipe, KerasRecipe):
    """The recipe of a language model: how probable a text is, and how one goes on."""

    language: LanguageSection = LanguageSection()
    batching: BatchingSection = BatchingSection()
