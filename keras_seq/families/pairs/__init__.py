"""Pairs of texts: whether two texts mean the same, and which text is nearest."""

from keras_seq.families.pairs.recipe import PairMatcherRecipe
from keras_seq.tasks.card_sentences import limits_for
from keras_seq.tasks.registry import ExampleCall, Family

FAMILY = Family(
    name="pair_matcher",
    unit="examples",
    recipe=PairMatcherRecipe,
    task=f"{__name__}.task:PairMatcher",
    training=f"{__name__}.training:PairTraining",
    test_case=f"{__name__}.test_case:write",
    monitor=PairMatcherRecipe.default_monitor,
    example_call=ExampleCall("--pairs pairs.tsv", '--input_exprs \'a=["A sentence."];b=["Another one."]\''),
    limits=limits_for("texts"),
)
