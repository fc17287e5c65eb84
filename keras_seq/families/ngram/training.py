"""How an n-gram language model is trained."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from keras_seq.families.ngram.recipe import NgramRecipe
from keras_seq.families.ngram.task import NgramLanguageModel
from keras_seq.tasks.language_text import has_own_test, selection_of
from keras_seq.training import FitResult


class NgramTraining:
    """What `keras_seq.tasks.train` needs of an n-gram model: it has no Keras model, but a `result` once it is made.

    Args:
        recipe: the recipe.
        paths: the text files `train`, `validation` and, for the final score, `test`. Without one for validation it is
            the end of the training text, a share of `data.held_out`.
        data_directory: not used.
        on_progress: not used.

    Raises:
        DataError: if a file is broken.
        InputError: if the training file holds no text.
    """

    score_names = ("perplexity", "nll", "nats_per_character", "bits_per_character")

    def __init__(
        self,
        recipe: NgramRecipe,
        paths: Mapping[str, Path],
        data_directory: str | Path | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        data, language = recipe.data, recipe.language
        self.recipe, self.paths = recipe, paths
        begin = time.perf_counter()
        self.task = NgramLanguageModel.train(
            paths["train"],
            order=recipe.ngram.order,
            unit=language.unit,
            layout=language.layout,
            min_count=data.min_count if language.unit == "word" else data.min_character_count,
            max_symbols=language.max_symbols,
            selection=selection_of(recipe, "train"),
            name=recipe.name,
        )
        self._validation = self._validation_scores()
        self.result = self._counted(time.perf_counter() - begin)

    @property
    def num_parameters(self) -> int:
        """How many numbers were estimated."""
        return self.task.num_parameters

    def final_scores(self) -> dict[str, Any]:
        """The scores on the validation and the test text."""
        scores = {"validation": self._validation}
        if "test" in self.paths or has_own_test(self.recipe):
            path = self.paths.get("test", self.paths["train"])
            scores["test"] = self.task.evaluate(path, selection=selection_of(self.recipe, "test"))
        return scores

    def _counted(self, seconds: float) -> FitResult:
        """What counting came to: one epoch."""
        scores = {key: value for key, value in self._validation.items() if key in self.score_names}
        record = {"epoch": 1, "seconds": seconds, "is_best": True, **scores}
        return FitResult([record], best_epoch=1, best_scores=scores, stopped_early=False, seconds=seconds)

    def _validation_scores(self) -> dict[str, Any]:
        path = self.paths.get("validation", self.paths["train"])
        return self.task.evaluate(path, selection=selection_of(self.recipe, "validation"))
