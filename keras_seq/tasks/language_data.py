"""Texts of a language model: read in pieces, as ids, in windows; and scored."""

from __future__ import annotations

import dataclasses
import math
from array import array
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_seq.data import BucketedBatches, Corpus, read_examples
from keras_seq.data.lines import read_pieces
from keras_seq.text.language_encoder import BEGIN_ID, END_ID, LanguageEncoder, whole_words
from keras_seq.training import Recipe
from keras_seq.zoo import streaming_model

FILE_FORMAT = "a text file with at least one symbol is needed"
# A text is scored in so many rows side by side, each of which has read the last symbols of the row before, unscored.
SCORED_ROWS, CONTEXT, SCORED_STEPS = 32, 256, 128


@dataclasses.dataclass(frozen=True)
class Selection:
    """What of a file is read.

    Args:
        part: of a running text, where it begins and ends, as shares of its characters.
        split, column, letter_case: of lines, as of `keras_seq.data.read_examples`.
    """

    part: tuple[float, float] = (0.0, 1.0)
    split: str | None = None
    column: str | None = None
    letter_case: str = "unchanged"


WHOLE = Selection()


def selection_of(recipe: Recipe, split: str) -> Selection:
    """What a recipe reads of the file for training, validation or test.

    Where the recipe names no file for validation, that for training is cut: of a running text the end validates, a
    share of `data.held_out`; lines are put into three splits, by themselves.
    """
    language, is_cut = recipe.language, recipe.data.validation is None
    if language.layout == "lines":
        return Selection(split=split if is_cut else None, column=language.column, letter_case=language.letter_case)
    if not is_cut or split == "test":
        return WHOLE
    end = 1.0 - recipe.data.held_out
    return Selection(part=(0.0, end) if split == "train" else (end, 1.0))


def has_own_test(recipe: Recipe) -> bool:
    """Whether the file for training holds test texts as well."""
    data = recipe.data
    return recipe.language.layout == "lines" and data.validation is None and data.test is None


def read_text(path: str | Path, unit: str, layout: str, selection: Selection = WHOLE) -> Iterator[str]:
    """A text in pieces of whole words, or of whole lines.

    In a stream of words, and in lines, the last line ends with a line break.

    Args:
        path: the file.
        unit, layout: as of `LanguageEncoder`.
        selection: what of it is read.
    """
    if layout == "lines":
        texts = read_examples(path, column=selection.column, split=selection.split, letter_case=selection.letter_case)
        yield from (f"{text}\n" for text in texts)
        return
    pieces = read_pieces(path, FILE_FORMAT)
    if selection.part != (0.0, 1.0):
        length = sum(map(len, read_pieces(path, FILE_FORMAT)))
        pieces = _cut(pieces, *(int(length * share) for share in selection.part))
    if unit == "character":
        yield from pieces
        return
    last = "\n"
    for piece in whole_words(pieces):
        yield piece
        last = piece[-1]
    if last != "\n":
        yield "\n"


class LanguageText:
    """A whole text as ids.

    Args:
        path: the file.
        encoder: turns symbols into ids.
        selection: as of `read_text`.
    """

    def __init__(self, path: str | Path, encoder: LanguageEncoder, selection: Selection = WHOLE) -> None:
        self.path = path
        self.encoder = encoder
        self.num_characters = 0
        self._ends = array("q", [0])
        self.corpus = Corpus(self._encoded(selection), len(encoder))

    @property
    def num_lines(self) -> int:
        """Number of texts, where lines are texts."""
        return len(self._ends) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Number of ids of each line, its end mark among them."""
        return np.diff(np.frombuffer(self._ends, np.int64))

    def line(self, index: int) -> np.ndarray:
        """The ids of one line, and the end mark."""
        return self.corpus.read(self._ends[index], self._ends[index + 1])

    def _encoded(self, selection: Selection) -> Iterator[np.ndarray]:
        encoder = self.encoder
        for piece in read_text(self.path, encoder.unit, encoder.layout, selection):
            self.num_characters += len(piece)
            if encoder.layout == "stream":
                yield encoder.ids(piece)
            else:
                ids = np.append(encoder.ids(piece.removesuffix("\n")), END_ID)
                self._ends.append(self._ends[-1] + len(ids))
                yield ids


class LineBatches:
    """Batches of lines that stand alone, of similar length.

    Args:
        text: the lines.
        batch_size, tokens_per_batch, bucket_boundaries, seed, shuffle: as of `BucketedBatches`.
    """

    def __init__(self, text: LanguageText, **options: Any) -> None:
        self.text = text
        self.order = BucketedBatches(text.lengths, **options)

    def __len__(self) -> int:
        return len(self.order)

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
        """Inputs `token_ids` and `target_ids` `(batch, steps)`, padded with 0; the targets once more, -1 at padding."""
        for batch in self.order.epoch(epoch)[skip:]:
            token_ids = np.zeros((len(batch.indices), batch.steps), "int32")
            target_ids = np.zeros_like(token_ids)
            for row, index in enumerate(batch.indices):
                if index >= 0:
                    ids = self.text.line(int(index))
                    target_ids[row, : len(ids)] = ids
                    token_ids[row, : len(ids)] = [BEGIN_ID, *ids[:-1]]
            yield {"token_ids": token_ids, "target_ids": target_ids}, np.where(target_ids > 0, target_ids, -1)


def scoring_windows(corpus: Corpus, start_id: int) -> Iterator[dict[str, np.ndarray]]:
    """Windows in which each token of a stream is a target once.

    The text is cut into rows; each begins with the last tokens of the row before, so that its first token is predicted
    from a context as well. Targets are 0 where nothing is scored.

    Returns:
        An iterator over `token_ids` and `target_ids` int32 `(rows, steps)`; states are carried from one to the next.
    """
    length = len(corpus)
    rows = max(1, min(SCORED_ROWS, length // (8 * CONTEXT)))
    width = math.ceil(length / rows)
    for begin in range(-CONTEXT if rows > 1 else 0, width, SCORED_STEPS):
        steps = min(SCORED_STEPS, width - begin)
        token_ids = np.zeros((rows, steps), "int32")
        target_ids = np.zeros_like(token_ids)
        for row in range(rows):
            first = row * width + begin
            end = min(first + steps, (row + 1) * width, length)
            # The first row has nothing before it.
            low = max(first, 0)
            if low >= end:
                continue
            place = slice(low - first, end - first)
            before = corpus.read(low - 1, end - 1) if low else np.append(start_id, corpus.read(0, end - 1))
            token_ids[row, place] = before
            if begin >= 0:
                target_ids[row, place] = corpus.read(low, end)
        yield {"token_ids": token_ids, "target_ids": target_ids}


def language_scores(nats: float, num_tokens: int, num_characters: int) -> dict[str, float]:
    """What a language model is measured by.

    Args:
        nats: minus the sum of the natural logarithms of all probabilities.
        num_tokens: how many were summed.
        num_characters: characters of the text, line breaks among them.

    Returns:
        `nll` nats a token, `perplexity` its exponential, `nats_per_character`, `bits_per_character`, `num_tokens`.

    Example:
        >>> scores = language_scores(nats=4 * math.log(2), num_tokens=2, num_characters=4)
        >>> round(scores["perplexity"], 6), round(scores["bits_per_character"], 6)
        (4.0, 1.0)
    """
    nll = nats / max(num_tokens, 1)
    per_character = nats / max(num_characters, 1)
    return {
        "perplexity": math.exp(min(nll, 700.0)),
        "nll": nll,
        "nats_per_character": per_character,
        "bits_per_character": per_character / math.log(2),
        "num_tokens": num_tokens,
    }


def score_text(
    text: LanguageText,
    score: Callable[[dict[str, np.ndarray], Any], tuple[Any, Any]],
    on_progress: Callable[[int], None] | None = None,
) -> dict[str, float]:
    """The scores of a model on a text.

    Args:
        text: the text.
        score: takes `token_ids`, `target_ids` and states (`None` = the first ones); gives log-probabilities of the
            targets, 0 where the target is 0, and the new states.
        on_progress: called with the number of tokens that were scored since the last call.
    """
    is_stream = text.encoder.layout == "stream"
    if is_stream:
        windows = scoring_windows(text.corpus, text.encoder.start_id)
    else:
        batches = LineBatches(text, batch_size=256, tokens_per_batch=8192, shuffle=False)
        windows = (arrays for arrays, _ in batches.epoch(0))
    nats, num_tokens, states = 0.0, 0, None
    for arrays in windows:
        log_probs, new_states = score(arrays, states)
        # Lines stand alone.
        states = new_states if is_stream else None
        count = int(np.count_nonzero(arrays["target_ids"]))
        nats -= float(np.sum(np.asarray(log_probs, "float64")))
        num_tokens += count
        if on_progress is not None and count:
            on_progress(count)
    return language_scores(nats, num_tokens, text.num_characters)


def scorer(model: keras.Model, jit_compile: Any = False) -> Callable[..., tuple[Any, dict[str, Any]]]:
    """What `score_text` calls: the present weights of a language model."""
    streaming = streaming_model(model, with_targets=True)
    streaming.compile(jit_compile=jit_compile)
    sizes = {tensor.name: tensor.shape[1:] for tensor in streaming.inputs if tensor.name.startswith("state")}

    def score(arrays: dict[str, np.ndarray], states: dict[str, Any] | None) -> tuple[Any, dict[str, Any]]:
        rows = len(arrays["token_ids"])
        if states is None:
            states = {name: np.zeros((rows, *size), "float32") for name, size in sizes.items()}
        outputs = streaming.predict_on_batch({**arrays, **states})
        return outputs.pop("log_probs"), outputs

    return score


def _cut(pieces: Iterable[str], begin: int, end: int) -> Iterator[str]:
    """The characters of a text between two places."""
    place = 0
    for piece in pieces:
        part = piece[max(begin - place, 0) : max(end - place, 0)]
        place += len(piece)
        if part:
            yield part
