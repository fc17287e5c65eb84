"""What language models of all kinds have in common: they are scored on a running text, or on lines."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from keras_seq.tasks.language_text import WHOLE, LanguageText, Selection
from keras_seq.tasks.trained_task import TrainedTask
from keras_seq.text import LanguageEncoder


class LanguageTask(TrainedTask):
    """What gives texts a probability."""

    encoder: LanguageEncoder
    """Symbols and their ids."""
    max_characters: ClassVar[int] = 100_000
    """A file with a longer line is of another kind."""

    def evaluate(
        self,
        data: str | Path,
        on_progress: Callable[[int], None] | None = None,
        *,
        selection: Selection = WHOLE,
    ) -> dict[str, Any]:
        """The scores of the model on a text file.

        Args:
            data: the file.
            on_progress: called with the number of symbols that were scored since the last call.
            selection: what of the file is read.

        Returns:
            `perplexity` and `nll` (nats) a token, `nats_per_character`, `bits_per_character` (of all characters of the
            file, line breaks among them), `num_tokens`, and `examples`, the number of symbols or of lines.

        Raises:
            DataError: if the file is broken.
        """
        text = LanguageText(data, self.encoder, selection)
        return {**self.score_text(text, on_progress), "examples": text.num_examples}

    @abstractmethod
    def score_text(self, text: LanguageText, on_progress: Callable[[int], None] | None = None) -> dict[str, float]:
        """As `evaluate`, of a text that was read, without `examples`."""
