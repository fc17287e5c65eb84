"""The language model: how probable a text is, and new text, from a text file to a served model."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

from keras_seq.core.checks import check_positive_integer
from keras_seq.core.errors import InputError
from keras_seq.export import Sample, SavedServed
from keras_seq.export.served import sample_states
from keras_seq.families.language.data import score_text, scorer
from keras_seq.families.language.recipe import LanguageModelRecipe
from keras_seq.families.language.served import LanguageFunctions, LanguageSettings, scorer_by_steps
from keras_seq.ops.decoding import check_sampling
from keras_seq.tasks.evaluation import Evaluation
from keras_seq.tasks.generation import MOST_SAMPLES, options_of_samples
from keras_seq.tasks.language_task import LanguageTask
from keras_seq.tasks.language_text import LanguageText, evaluation_of
from keras_seq.tasks.results import ScoredText
from keras_seq.tasks.text_task import TextTask, call_rows, check_size, check_texts
from keras_seq.text.language_encoder import SYMBOLS_FILE


class LanguageModel(LanguageTask, TextTask):
    """A trained model of the characters or words of a language.

    Example:
        >>> import keras_seq
        >>> names = keras_seq.load("names_pt")  # doctest: +SKIP
        >>> names.generate("L", count=2, temperature=0.8, seed=1)  # doctest: +SKIP
        ['Luciana', 'Laurindo']
    """

    task = "language_model"
    settings_class = LanguageSettings

    def __init__(self, served: LanguageFunctions | SavedServed, name: str | None = None) -> None:
        super().__init__(served, name)
        self.encoder = self.settings.encoder

    def predict(self, texts: Sequence[str]) -> list[ScoredText]:
        """How probable texts are.

        Args:
            texts: the texts.

        Returns:
            For each text `{"text", "log_prob", "perplexity", "num_tokens"}`; see `LanguageFunctions`.

        Raises:
            TypeError: if `texts` is one string, or holds something else than strings.
        """
        check_texts(texts)
        rows = call_rows(lambda text: self.served.call("serving_default", text=text), texts)
        return [
            ScoredText(
                text=text,
                log_prob=round(float(row["log_prob"]), 4),
                perplexity=round(float(row["perplexity"]), 4),
                num_tokens=int(row["num_tokens"]),
            )
            for text, row in zip(texts, rows, strict=True)
        ]

    def generate(
        self,
        prefix: str = "",
        *,
        count: int = 1,
        max_length: int = 200,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
        stop: str | None = None,
    ) -> list[str]:
        """Go on from a prefix. The same seed gives the same texts, here, on the command line and in a SavedModel.

        Args:
            prefix: what the texts begin with.
            count: how many texts.
            max_length: the most symbols to add. Where lines are texts, the end mark ends a text before.
            temperature: above 0; below 1 likely symbols become likelier, above 1 less so.
            top_k: draw from so many of the likeliest symbols alone; 0: from all. 1 takes the likeliest.
            top_p: draw from the likeliest symbols that have this share of the probability; 1: from all.
            seed: of at least 0.
            stop: a text ends where this stands, which is left out.

        Returns:
            The texts, each with the prefix.

        Raises:
            InputError: if the prefix has a symbol that the model does not know.
            TypeError: if an argument has a wrong type.
            ValueError: if a number is out of range.
        """
        check_positive_integer("count", count, MOST_SAMPLES)
        check_sampling(max_length, temperature, top_k, top_p, seed)
        if top_k > len(self.encoder):
            raise ValueError(
                f"`top_k` must be at most {len(self.encoder)}, the size of the vocabulary. Received: top_k={top_k!r}. "
                "Pass 0 to draw from all."
            )
        if not isinstance(prefix, str):
            raise TypeError(
                f"`prefix` must be a string. Received: prefix={reprlib.repr(prefix)}. Pass '' to begin anew."
            )
        if stop == "":
            raise ValueError("`stop` must not be empty. Received: stop=''. Pass None to stop at nothing.")
        if unknown := self.encoder.unknown_symbols(prefix):
            shown = ", ".join(map(repr, unknown[:5]))
            raise InputError(
                f"{self.name}: the prefix has {self.encoder.unit}s that it does not know: {shown}; leave them out"
            )
        options = {"max_length": max_length, "temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
        outputs = self.served.call(
            "generate", prefix=[prefix.encode()] * count, **options_of_samples(self.served, options, count)
        )
        texts = [text.decode(errors="replace") for text in outputs["text"].numpy()]
        if stop is None:
            return texts
        return [prefix + text[len(prefix) :].split(stop)[0] for text in texts]

    def verification_samples(self) -> list[Sample]:
        rows = np.array([b"", b"a", b"Ana"], object)
        shared = {"max_length": 20, "temperature": 0.8, "top_k": 5, "top_p": 0.9, "seed": 1}
        options = options_of_samples(self.served, shared, len(rows))
        of_rows = {
            "max_length": np.array([3, 20, 9], "int32"),
            "temperature": np.array([0.5, 1.0, 1.5], "float32"),
            "top_k": np.array([0, 5, 1], "int32"),
            "top_p": np.array([1.0, 0.9, 0.5], "float32"),
            "seed": np.array([7, 0, 1], "int32"),
            "sample": np.array([2, 0, 2], "int32"),
        }
        likeliest = {**options, "top_k": np.ones(len(rows), "int32")}
        return [
            Sample("prefixes", {"prefix": rows, **options}, "generate"),
            Sample("the likeliest symbols", {"prefix": rows, **likeliest}, "generate"),
            Sample("options of each prefix", {"prefix": rows, **of_rows}, "generate"),
            Sample("no prefix at all", {"prefix": rows[:0], **options_of_samples(self.served, shared, 0)}, "generate"),
            Sample(
                "one step",
                {"token_ids": np.array([1, self.encoder.start_id], "int32"), **sample_states(self.served, 2)},
                "step",
            ),
        ]

    def golden_samples(self) -> list[str | Sample]:
        return [*super().golden_samples(), *self.verification_samples()]

    def score_text(self, text: LanguageText, on_progress: Callable[[int], None] | None = None) -> dict[str, float]:
        saved = isinstance(self.served, SavedServed)
        return score_text(text, scorer_by_steps(self.served) if saved else scorer(self.model), on_progress)

    @classmethod
    def evaluation_of(cls, recipe: LanguageModelRecipe) -> Evaluation | None:
        """As of `keras_seq.tasks.language_text.evaluation_of`."""
        return evaluation_of(recipe.data, recipe.language)

    def _assets(self) -> dict[str, Callable[[Path], None]]:
        # The ids of the signature `step`.
        return {SYMBOLS_FILE: self.encoder.files()[SYMBOLS_FILE]}

    @classmethod
    def _read(cls, directory: Path, model: keras.Model, settings: LanguageSettings) -> LanguageFunctions:
        check_size(directory, model, len(settings.encoder), "ids")
        return LanguageFunctions(model, settings)
