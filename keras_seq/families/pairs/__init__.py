"""Pairs of texts: whether two texts mean the same, and which text is nearest."""

from keras_seq.families.pairs.recipe import PairMatcherRecipe
from keras_seq.tasks.card_sentences import limits_for
from keras_seq.tasks.registry import ExampleCall, Family

FAMILY = Family.in_folder(
    __name__,
    "PairMatcher",
    "PairTraining",
    name="pair_matcher",
    unit="examples",
    recipe=PairMatcherRecipe,
    monitor=PairMatcherRecipe.default_monitor,
    example_call=ExampleCall("--pairs pairs.tsv", '--input_exprs \'a=["A sentence."];b=["Another one."]\''),
    limits=limits_for("texts"),
)
