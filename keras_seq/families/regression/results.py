"""What a regressor says of a text: a number and its interval; and what its card says of the scores."""

from __future__ import annotations

from keras_seq.families.regression.recipe import RegressionRecipe
from keras_seq.tasks.card_sentences import limits_for
from keras_seq.tasks.results import Heading, Result


class RatedText(Result):
    """The score of a text: `text`, `score`, and its interval from `low` to `high`.

    Example:
        >>> RatedText(text="fine", score=3.25, low=2.0, high=4.5).line()
        '3.25\\t2..4.5\\tfine'
    """

    def heading(self) -> Heading:
        """The score, and its interval."""
        return Heading(f"{self['score']:.5g}", (f"{self['low']:.5g}..{self['high']:.5g}",), "number")


def limits(recipe: RegressionRecipe, split: str) -> tuple[str, ...]:
    """What the scores do not say."""
    return (
        *limits_for("texts")(recipe, split),
        f"The interval is to hold the scores of {recipe.regression.interval:.0%} of such texts taken together: it is "
        "equally wide for all, and does not tell on which of them the model is less sure. The texts that it is fitted "
        "to have chosen the best epoch as well.",
        "Nothing keeps a prediction or its interval within the range of the scores of the training data.",
    )
