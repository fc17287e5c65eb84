"""How a language model is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
from keras import ops

from keras_seq.data import StreamBatches
from keras_seq.data.description import Description
from keras_seq.families.language.data import LineBatches, score_text, scorer
from keras_seq.families.language.recipe import LanguageModelRecipe
from keras_seq.families.language.served import LanguageFunctions, LanguageSettings
from keras_seq.families.language.task import LanguageModel
from keras_seq.tasks.language_text import described, read_language
from keras_seq.tasks.training import KerasTraining
from keras_seq.tasks.training_parts import batching_options
from keras_seq.training import CarriedStates, Panels, jit_setting
from keras_seq.training.language_recipe import LANGUAGE_SCORES
from keras_seq.zoo import streaming_model, target_model

# Texts that are drawn to be shown.
SHOWN = 4


class LanguageTraining(KerasTraining):
    """The training of a language model, from text files.

    Where the recipe names no file for validation, that for training is cut; see
    `keras_seq.tasks.language_text.selection_of`.
    """

    recipe: LanguageModelRecipe
    task: LanguageModel
    score_names = (*LANGUAGE_SCORES, "num_tokens")

    def read(self) -> None:
        self.train, self.validation = read_language(self.recipe.data, self.recipe.language, self.paths)
        self.encoder = self.train.encoder

    def describe(self, path: Path) -> Description | None:
        return described(path, self.recipe.language)

    def build(self) -> None:
        super().build()
        self._score = scorer(self.built_model, jit_compile=jit_setting(self.recipe.fit))

    def make_model(self) -> keras.Model:
        return self.built(vocabulary_size=len(self.encoder))

    def make_batches(self) -> StreamBatches | LineBatches:
        language = self.recipe.language
        if language.layout == "lines":
            return LineBatches(self.train, **batching_options(self.recipe.batching, self.recipe.seed))
        return StreamBatches(
            self.train.corpus,
            start_id=self.encoder.start_id,
            batch_size=self.recipe.batching.batch_size,
            window=language.window,
            restart=language.restart,
            seed=self.recipe.seed,
        )

    def trained_model(self) -> keras.Model:
        """The model of the targets' probabilities; in a stream it goes on from the states of the batch before."""
        model, batches = self.built_model, self.batches
        if not isinstance(batches, StreamBatches):
            return target_model(model)
        size = self.recipe.batching.batch_size
        streaming = streaming_model(model, with_targets=True, batch_size=size, steps=batches.window)
        return CarriedStates(streaming, name=model.name)

    def make_loss(self) -> Any:
        return mean_of_targets

    def make_task(self) -> LanguageModel:
        return LanguageModel(LanguageFunctions(self.built_model, LanguageSettings.of(self.encoder)), self.recipe.name)

    @property
    def shown_scores(self) -> tuple[str, ...]:
        return ("perplexity",) if self.recipe.language.unit == "word" else ("perplexity", "bits_per_character")

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """The scores of the present weights on the validation text."""
        return score_text(self.validation, self._score)

    def validation_scores(self) -> dict[str, Any]:
        return {**self.evaluate(self.model), "examples": self.validation.num_examples}

    def panels(self) -> Panels:
        return Panels(samples=self._samples)

    def _samples(self) -> str:
        """Texts that the present weights generate: the likeliest, and some at the recipe's temperature."""
        if keras.backend.backend() != "tensorflow":
            return "Samples are drawn in a TensorFlow graph, which this backend does not run."
        language = self.recipe.language
        options: dict[str, Any] = {"max_length": language.sample_length, "seed": self.recipe.seed}
        drawn = self.task.generate(count=SHOWN, temperature=language.sample_temperature, **options)
        likeliest = self.task.generate(count=1, top_k=1, **options)
        named = [("most probable symbols", likeliest[0])]
        named += [(f"temperature {language.sample_temperature}", text) for text in drawn]
        return "\n\n".join(f"**{name}**\n\n```\n{text}\n```" for name, text in named)


def mean_of_targets(target_ids: Any, log_probs: Any) -> Any:
    """Minus the mean log-probability of the targets: those above 0; 0 if there is none."""
    real = ops.cast(target_ids > 0, log_probs.dtype)
    return -ops.sum(log_probs * real) / ops.maximum(ops.sum(real), 1.0)
