"""The language model: how probable a text is, and new text, from a text file to a served model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras

from keras_seq.export.language import LanguageFunctions, SavedLanguageFunctions
from keras_seq.tasks.language_data import LanguageText, held_out_part, score_text, scorer
from keras_seq.tasks.text_task import TextTask, call_rows, check_texts
from keras_seq.text import LanguageEncoder
from keras_seq.training import Recipe


class LanguageModel(TextTask):
    """A trained model of the characters or words of a language.

    Make one with `keras_seq.load(name_or_folder)`, or train one with `keras_seq.tasks.train`.

    Args:
        functions: `keras_seq.export.LanguageFunctions`, or those of a SavedModel.
        name: what the model is called.

    Example:
        >>> import keras_seq
        >>> names = keras_seq.load("names_pt")  # doctest: +SKIP
        >>> names.generate("L", count=2, temperature=0.8, seed=1)  # doctest: +SKIP
        ['Luciana', 'Laurindo']
    """

    task = "language_model"
    unit = "symbols"
    functions_class = LanguageFunctions
    saved_functions_class = SavedLanguageFunctions
    encoder_class = LanguageEncoder
    encoder_folder = ""

    def __init__(
        self, functions: LanguageFunctions | SavedLanguageFunctions, name: str = "language_model"
    ) -> None:
        super().__init__(functions, name)

    @property
    def encoder(self) -> LanguageEncoder:
        """Symbols and their ids."""
        return self.functions.encoder

    def predict(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """How probable texts are.

        Args:
            texts: the texts.

        Returns:
            For each text `{"text", "log_prob", "perplexity", "num_tokens"}`; see `LanguageFunctions.text`.

        Raises:
            TypeError: if `texts` is one string, or holds something else than strings.
        """
        check_texts(texts)
        return [
            {
                "text": text,
                "log_prob": round(float(row["log_prob"]), 4),
                "perplexity": round(float(row["perplexity"]), 4),
                "num_tokens": int(row["num_tokens"]),
            }
            for text, row in zip(texts, call_rows(self.functions.text, texts), strict=True)
        ]

    def evaluate(
        self,
        data: str | Path,
        on_progress: Callable[[int], None] | None = None,
        *,
        part: tuple[float, float] = (0.0, 1.0),
    ) -> dict[str, Any]:
        """The scores of the model on a text file.

        Args:
            data: the file.
            on_progress: called with the number of symbols that were scored since the last call.
            part: where the text begins and ends, as shares of the file.

        Returns:
            `perplexity` and `nll` (nats) a token, `nats_per_character`, `bits_per_character` (of all characters of the
            file, line breaks among them), `num_tokens`, and `examples`, the number of symbols or of lines.

        Raises:
            DataError: if the file is broken.
        """
        text = LanguageText(data, self.encoder, part)
        saved = isinstance(self.functions, SavedLanguageFunctions)
        scores = score_text(text, self.functions.score if saved else scorer(self.model), on_progress)
        return {**scores, "examples": text.num_lines or len(text.corpus)}

    @classmethod
    def evaluation_of(cls, recipe: Recipe) -> tuple[str | None, dict[str, Any]]:
        part = held_out_part(recipe)
        if recipe.data.test is None and part is not None:
            return recipe.data.train, {"part": part}
        return recipe.data.test, {}

    def _files(self) -> dict[str, Callable[[Path], None]]:
        return self.encoder.files()

    @classmethod
    def _read_functions(cls, directory: Path, model: keras.Model, encoder: Any) -> LanguageFunctions:
        return LanguageFunctions(model, encoder)
