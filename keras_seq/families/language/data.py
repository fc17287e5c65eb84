"""The text of a language model in batches and in windows, and its scores on a text."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from keras_seq.data import BucketedBatches, Corpus
from keras_seq.tasks.language_text import LanguageText, language_scores
from keras_seq.text.language_encoder import BEGIN_ID
from keras_seq.zoo import streaming_model

# A text is scored in so many rows side by side, each of which has read the last symbols of the row before, unscored.
SCORED_ROWS, CONTEXT, SCORED_STEPS = 32, 256, 128


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

    def score(arrays: dict[str, np.ndarray], states: dict[str, Any] | None) -> tuple[Any, dict[str, Any]]:
        states = streaming.initial_state(len(arrays["token_ids"])) if states is None else states
        outputs = streaming.predict_on_batch({**arrays, **states})
        return outputs.pop("log_probs"), outputs

    return score
