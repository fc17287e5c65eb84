"""How an n-gram language model is trained."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from keras_seq.data.description import Description
from keras_seq.families.ngram.recipe import NgramRecipe
from keras_seq.families.ngram.task import NgramLanguageModel
from keras_seq.tasks.language_text import described, read_language
from keras_seq.tasks.training import Training
from keras_seq.training import FitResult, RunDirectory
from keras_seq.training.language_recipe import LANGUAGE_SCORES


class NgramTraining(Training):
    """The training of an n-gram model, from text files: it counts.

    Where the recipe names no file for validation, that for training is cut; see
    `keras_seq.tasks.language_text.selection_of`.
    """

    recipe: NgramRecipe
    task: NgramLanguageModel
    score_names = LANGUAGE_SCORES

    def read(self) -> None:
        self.text, self.validation = read_language(self.recipe.data, self.recipe.language, self.paths)

    def describe(self, path: Path) -> Description | None:
        return described(path, self.recipe.language)

    def build(self) -> None:
        """There is nothing to build before it is counted."""

    def fit(self, run: RunDirectory, *, resume: bool = False, quiet: bool = False) -> FitResult:
        """Count: one epoch, which is made again where it is resumed."""
        begin = time.perf_counter()
        self.task = NgramLanguageModel.count(self.text, self.recipe.ngram.order, self.recipe.name)
        self._scores = {**self.task.score_text(self.validation), "examples": self.validation.num_examples}
        seconds = time.perf_counter() - begin
        scores = {key: value for key, value in self._scores.items() if key in self.score_names}
        record = {"epoch": 1, "seconds": seconds, "is_best": True, **scores}
        return FitResult([record], best_epoch=1, best_scores=scores, stopped_early=False, seconds=seconds)

    @property
    def num_parameters(self) -> int:
        """The probabilities and backoff weights."""
        return self.task.num_parameters

    def validation_scores(self) -> dict[str, Any]:
        return self._scores
