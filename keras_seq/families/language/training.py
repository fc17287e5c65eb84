"""How a language model is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_seq.core.errors import InputError
from keras_seq.data import StreamBatches
from keras_seq.families.language.data import LineBatches, score_text, scorer
from keras_seq.families.language.recipe import LanguageModelRecipe
from keras_seq.families.language.served import LanguageFunctions
from keras_seq.families.language.task import LanguageModel
from keras_seq.tasks.language_text import LanguageText, has_own_test, read_text, selection_of
from keras_seq.tasks.training_parts import find_builder
from keras_seq.text import LanguageEncoder
from keras_seq.training import CarriedStates, jit_setting
from keras_seq.zoo import streaming_model, target_model


class LanguageTraining:
    """What `keras_seq.tasks.train` needs of a language model: model, loss, batches, and the scores of an epoch.

    Args:
        recipe: the recipe.
        paths: the text files `train`, `validation` and, for the final score, `test`. Without one for validation that
            for training is cut; see `keras_seq.tasks.language_text.selection_of`.
        data_directory: not used.
        on_progress: not used.

    Raises:
        DataError: if a file is broken.
        InputError: if a text is too short.
        RecipeError: if the builder does not take the arguments of the recipe.
    """

    score_names = ("perplexity", "nll", "nats_per_character", "bits_per_character", "num_tokens")

    def __init__(
        self,
        recipe: LanguageModelRecipe,
        paths: Mapping[str, Path],
        data_directory: str | Path | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        data, language = recipe.data, recipe.language
        self.recipe, self.paths = recipe, paths
        self.shown_scores = ("perplexity",) if language.unit == "word" else ("perplexity", "bits_per_character")
        self.encoder = LanguageEncoder.build(
            read_text(paths["train"], language.unit, language.layout, selection_of(recipe, "train")),
            unit=language.unit,
            layout=language.layout,
            min_count=data.min_count if language.unit == "word" else data.min_character_count,
            max_size=language.max_symbols,
        )
        text = LanguageText(paths["train"], self.encoder, selection_of(recipe, "train"))
        self.validation = LanguageText(
            paths.get("validation", paths["train"]), self.encoder, selection_of(recipe, "validation")
        )
        for name, read in (("training", text), ("validation", self.validation)):
            if not len(read.corpus):
                raise InputError(f"{read.path}: holds no {name} text; give a longer one, or set data.validation")
        builder = find_builder(recipe)
        keras.utils.set_random_seed(recipe.seed)
        self.language_model = recipe.build_model(builder, vocabulary_size=len(self.encoder))
        batching = recipe.batching
        if language.layout == "stream":
            self.batches: Any = StreamBatches(
                text.corpus,
                start_id=self.encoder.start_id,
                batch_size=batching.batch_size,
                window=language.window,
                restart=language.restart,
                seed=recipe.seed,
            )
            self.model: keras.Model = CarriedStates(
                streaming_model(
                    self.language_model,
                    with_targets=True,
                    batch_size=batching.batch_size,
                    steps=self.batches.window,
                ),
                name=self.language_model.name,
            )
        else:
            self.batches = LineBatches(
                text,
                batch_size=batching.batch_size,
                tokens_per_batch=batching.tokens_per_batch or None,
                bucket_boundaries=batching.bucket_boundaries or None,
                seed=recipe.seed,
            )
            self.model = target_model(self.language_model)
        self.loss = mean_of_targets
        self._score = scorer(self.language_model, jit_compile=jit_setting(recipe.fit))
        self.task = LanguageModel(LanguageFunctions(self.language_model, self.encoder), recipe.name)

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """The scores of the present weights on the validation text."""
        return score_text(self.validation, self._score)

    def complete(self) -> None:
        """Nothing: a language model is whole when it is trained."""

    def show(self, directory: Path) -> None:
        """Nothing more than the curves and samples."""

    def final_scores(self) -> dict[str, Any]:
        """The scores of what is kept, on the validation and the test text."""
        scores = {"validation": score_text(self.validation, self._score)}
        if "test" in self.paths or has_own_test(self.recipe):
            selection = selection_of(self.recipe, "test")
            scores["test"] = self.task.evaluate(self.paths.get("test", self.paths["train"]), selection=selection)
        return scores

    def confusion(self) -> None:
        """None: there are too many symbols."""
        return None

    def pictures(self) -> dict[str, np.ndarray]:
        """None."""
        return {}

    def fixed_batch(self) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Inputs and targets of the first training batch."""
        return next(iter(self.batches.epoch(0)))

    def samples(self, count: int = 4) -> str:
        """Texts that the present weights generate, as Markdown: greedy, and at the recipe's temperature."""
        if keras.backend.backend() != "tensorflow":
            return "Samples are drawn in a TensorFlow graph, which this backend does not run."
        language = self.recipe.language
        options: dict[str, Any] = {"max_length": language.sample_length, "seed": self.recipe.seed}
        drawn = self.task.generate(count=count, temperature=language.sample_temperature, **options)
        likeliest = self.task.generate(count=1, top_k=1, **options)
        named = [("most probable symbols", likeliest[0])]
        named += [(f"temperature {language.sample_temperature}", text) for text in drawn]
        return "\n\n".join(f"**{name}**\n\n```\n{text}\n```" for name, text in named)


def mean_of_targets(target_ids: Any, log_probs: Any) -> Any:
    """Minus the mean log-probability of the targets: those above 0; 0 if there is none."""
    real = ops.cast(target_ids > 0, log_probs.dtype)
    return -ops.sum(log_probs * real) / ops.maximum(ops.sum(real), 1.0)
