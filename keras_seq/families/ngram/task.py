"""The classical language model, to compare neural ones with: counts of n-grams, smoothed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from keras_seq.core.checks import check_non_negative_integer, check_positive_integer, check_positive_number
from keras_seq.core.errors import InputError, RunError
from keras_seq.core.reading import read_arrays
from keras_seq.families.ngram.recipe import NgramRecipe
from keras_seq.ops.kneser_ney import KneserNey
from keras_seq.tasks.evaluation import Evaluation
from keras_seq.tasks.generation import MOST_SAMPLES
from keras_seq.tasks.language_task import LanguageTask
from keras_seq.tasks.language_text import WHOLE, LanguageText, Selection, evaluation_of, language_scores, read_text
from keras_seq.tasks.results import ScoredText
from keras_seq.tasks.text_task import ENCODER_FOLDER, check_texts, chunks
from keras_seq.text.language_encoder import BEGIN_ID, END_ID, SYMBOLS_FILE, LanguageEncoder
from keras_seq.text.vocabulary import PADDING_ID

NGRAMS_FILE = "ngrams.npz"
# What is scored at once.
LINES_PER_CALL, SYMBOLS_PER_CALL = 4096, 1 << 20


class NgramLanguageModel(LanguageTask):
    """An n-gram language model with interpolated Kneser-Ney smoothing.

    It shows what a neural model buys: it is trained in seconds, on the processor, and is scored by the same command.
    It is a baseline only, and is not exported.

    Make one with `train`, with a recipe of the task `"ngram_language_model"`, or with `keras_seq.load`.

    Args:
        ngrams: the fitted counts.
        encoder: turns symbols into ids.
        name: what the model is called.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "text.txt"
        >>> _ = path.write_text("a rose is a rose\\n" * 20)
        >>> model = NgramLanguageModel.train(path, order=3, unit="word")
        >>> round(model.evaluate(path)["perplexity"], 2)
        1.27
        >>> model.generate("a rose is", max_length=2, temperature=0.1)
        ['a rose is a rose']
    """

    task = "ngram_language_model"
    model_file = NGRAMS_FILE

    def __init__(self, ngrams: KneserNey, encoder: LanguageEncoder, name: str = "ngrams") -> None:
        super().__init__(name)
        self.ngrams = ngrams
        self.encoder = encoder

    @classmethod
    def train(
        cls,
        path: str | Path,
        *,
        order: int = 5,
        unit: str = "character",
        layout: str = "stream",
        min_count: int = 1,
        max_symbols: int | None = None,
        selection: Selection = WHOLE,
        name: str = "ngrams",
    ) -> Self:
        """Count the n-grams of a text, which is held in memory meanwhile.

        Args:
            path: the text file.
            order: the longest n-grams.
            unit, layout: as of `keras_seq.text.LanguageEncoder`.
            min_count: rarer symbols are unknown.
            max_symbols: the most symbols to know.
            selection: what of the file is read.
            name: what the model is called.

        Raises:
            DataError: if the file is broken.
            InputError: if it holds no symbol.
        """
        pieces = read_text(path, unit, layout, selection)
        encoder = LanguageEncoder.build(pieces, unit=unit, layout=layout, min_count=min_count, max_size=max_symbols)
        text = LanguageText(path, encoder, selection)
        if not len(text.corpus):
            raise InputError(f"{path}: holds no training text; give a longer one")
        return cls.count(text, order, name)

    @classmethod
    def count(cls, text: LanguageText, order: int, name: str = "ngrams") -> Self:
        """Count the n-grams of a text that was read.

        Args:
            text: the text, with the encoder of the model.
            order: the longest n-grams.
            name: what the model is called.
        """
        if text.encoder.layout == "lines":
            sequences = [text.line(line) for line in range(text.num_lines)]
        else:
            sequences = [text.corpus.read(0, len(text.corpus))]
        return cls(_unfitted(order, text.encoder).fit(sequences), text.encoder, name)

    @property
    def num_parameters(self) -> int:
        """How many probabilities and backoff weights the model keeps."""
        counts = self.ngrams.num_ngrams
        return sum(counts) + 1 + sum(counts[:-1])

    def score_text(self, text: LanguageText, on_progress: Callable[[int], None] | None = None) -> dict[str, float]:
        """As of every language model; and `memory_mb`, megabytes of the model."""
        nats = 0.0
        for log_probs in _scored(self.ngrams, text):
            nats -= math.fsum(log_probs)
            if on_progress is not None:
                on_progress(len(log_probs))
        scores = language_scores(nats, len(text.corpus), text.num_characters)
        return {**scores, "memory_mb": self.ngrams.num_bytes / 1e6}

    def predict(self, texts: Sequence[str]) -> list[ScoredText]:
        """How probable raw texts are.

        Args:
            texts: the texts; where lines are texts, each is one with its end.

        Returns:
            For each text `{"text", "log_prob", "perplexity", "num_tokens"}`.

        Raises:
            TypeError: if `texts` is one string, or holds something else than strings.
        """
        check_texts(texts)
        results = []
        for text in texts:
            ids = self.encoder.ids(text)
            if self.encoder.layout == "lines":
                ids = np.append(ids, END_ID)
            log_prob = math.fsum(self.ngrams.log_probs([ids]))
            perplexity = language_scores(-log_prob, len(ids), len(text))["perplexity"]
            results.append(ScoredText(text=text, log_prob=log_prob, perplexity=perplexity, num_tokens=len(ids)))
        return results

    def generate(
        self, prefix: str = "", *, count: int = 1, max_length: int = 100, temperature: float = 1.0, seed: int = 0
    ) -> list[str]:
        """Draw texts, symbol by symbol.

        Args:
            prefix: how they begin.
            count: how many.
            max_length: the most symbols that are drawn; where lines are texts, the end mark ends them earlier.
            temperature: below 1 likely symbols become likelier, above 1 rarer ones.
            seed: the same seed gives the same texts.

        Returns:
            The texts, each with the prefix.

        Raises:
            InputError: if the prefix holds a symbol that the model does not know.
            TypeError, ValueError: if a number is not of its kind.
        """
        check_positive_integer("count", count, MOST_SAMPLES)
        check_non_negative_integer("max_length", max_length)
        check_positive_number("temperature", temperature)
        check_non_negative_integer("seed", seed)
        unknown = self.encoder.unknown_symbols(prefix)
        if unknown:
            raise InputError(f"prefix: holds {unknown[0]!r}, which the model does not know; leave it out")
        generator = np.random.default_rng(seed)
        begin = [self.encoder.start_id] * (self.ngrams.order - 1)
        texts = []
        for _ in range(count):
            ids = [*begin, *self.encoder.ids(prefix).tolist()]
            for _ in range(max_length):
                ids.append(_drawn(self.ngrams, ids, self.encoder.banned_ids, temperature, generator))
                if ids[-1] == self.encoder.stop_id:
                    break
            texts.append(self.encoder.text(ids[len(begin) :]))
        return texts

    @classmethod
    def evaluation_of(cls, recipe: NgramRecipe) -> Evaluation | None:
        """As of `keras_seq.tasks.language_text.evaluation_of`."""
        return evaluation_of(recipe.data, recipe.language)

    def _beside(self) -> dict[str, Callable[[Path], None]]:
        return {ENCODER_FOLDER: self.encoder.save}

    def _write_model(self, path: Path) -> None:
        sizes = {"order": np.array(self.ngrams.order), "num_ids": np.array(len(self.encoder))}
        arrays: dict[str, Any] = {**sizes, **self.ngrams.arrays()}
        with path.open("wb") as file:
            np.savez(file, **arrays)

    @classmethod
    def _loaded(cls, directory: Path, name: str) -> Self:
        encoder = LanguageEncoder.load(directory / ENCODER_FOLDER)
        arrays = read_arrays(directory / NGRAMS_FILE)
        # Files of version 0.1 do not tell.
        num_ids = int(arrays.pop("num_ids", len(encoder)))
        if num_ids != len(encoder):
            raise RunError(
                f"{directory / ENCODER_FOLDER / SYMBOLS_FILE}: makes {len(encoder)} ids with the marks, the n-grams "
                f"were counted with {num_ids}; put the original back, or train again"
            )
        return cls(_unfitted(int(arrays["order"]), encoder).load_arrays(arrays), encoder, name)


def _scored(ngrams: KneserNey, text: LanguageText) -> Iterator[np.ndarray]:
    """The log-probabilities of all symbols of a text, piece by piece."""
    if text.encoder.layout == "lines":
        for lines in chunks(range(text.num_lines), LINES_PER_CALL):
            yield ngrams.log_probs([text.line(line) for line in lines])
        return
    before = [text.encoder.start_id] * (ngrams.order - 1)
    for piece in text.corpus.pieces(SYMBOLS_PER_CALL):
        yield ngrams.log_probs([piece], history=before)
        before = [*before, *piece[-ngrams.order :].tolist()][-ngrams.order :]


def _drawn(
    ngrams: KneserNey, ids: Sequence[int], banned: Sequence[int], temperature: float, generator: np.random.Generator
) -> int:
    """A symbol after those of `ids`."""
    probabilities = ngrams.distribution(ids[-ngrams.order :])
    probabilities[list(banned)] = 0
    # Of a low temperature the largest power must not underflow.
    powers = (probabilities / probabilities.max()) ** (1 / temperature)
    bounds = np.cumsum(powers)
    return int(np.searchsorted(bounds, generator.random() * bounds[-1], side="right"))


def _unfitted(order: int, encoder: LanguageEncoder) -> KneserNey:
    excluded = [PADDING_ID, BEGIN_ID]
    if encoder.layout == "stream" and encoder.unit == "character":
        # Lines do not end there: they are parted by a character.
        excluded.append(END_ID)
    return KneserNey(order, len(encoder), start_id=encoder.start_id, excluded_ids=excluded)
