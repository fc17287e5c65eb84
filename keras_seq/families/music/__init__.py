"""Music: which notes sound in the next step of a piece."""

from keras_seq.families.music.recipe import MusicModelRecipe
from keras_seq.tasks.card_sentences import limits_for
from keras_seq.tasks.registry import ExampleCall, Family

FAMILY = Family.in_folder(
    __name__,
    "MusicModel",
    "MusicTraining",
    name="music",
    unit="pieces",
    recipe=MusicModelRecipe,
    monitor="nll_per_step",
    lower_is_better=("nll_per_step",),
    example_call=ExampleCall("tune.mid", "--inputs 'notes=tune.npz[notes];lengths=tune.npz[lengths]'"),
    limits=limits_for("pieces of music"),
)
