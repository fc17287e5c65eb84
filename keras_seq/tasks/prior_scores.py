"""A prior for the wide part of a classifier: tables trained on labelled texts of another data set, then left alone.

Long texts are cut into pieces that carry the label of the whole: much of it is wrong for the piece, but there are many.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import keras
import numpy as np

from keras_seq.core.errors import RecipeError
from keras_seq.data import LabelledText, check_labels, read_labelled_text
from keras_seq.layers import HashedBigrams
from keras_seq.losses import ClassCrossEntropy
from keras_seq.tasks.classification_data import (
    TEXTS_PER_CHUNK,
    ClassifiedBatches,
    ClassifiedTexts,
    LabelIds,
    tokenized,
)
from keras_seq.tasks.id_weights import wide_tables
from keras_seq.tasks.text_task import chunks
from keras_seq.text import WordTokenizer
from keras_seq.training import Recipe
from keras_seq.training.feeding import as_dataset
from keras_seq.training.optimizers import WarmupSchedule

# What is read of one sentence.
MOST_TOKENS = 10_000
# A text longer than a piece by this factor is cut.
LONGEST_PIECE = 2


def read_pieces(
    path: Path, recipe: Recipe, label_ids: LabelIds, tokenizer: WordTokenizer, left_out: Collection[str]
) -> ClassifiedTexts:
    """Read the labelled texts of `[transfer]`, cut into pieces.

    Args:
        path: the file.
        recipe: its section `transfer` says how to read and to cut.
        label_ids: the labels that the model knows.
        tokenizer: splits texts.
        left_out: sentences that must not take part, in the form `comparable` gives.

    Returns:
        The pieces, not encoded.

    Raises:
        DataError: if the file is broken, or has a label that the model does not know.
    """
    section = recipe.transfer
    pieces = ClassifiedTexts((), tokenizer, MOST_TOKENS)
    separator = recipe.data.label_separator

    def examples() -> Iterator[LabelledText]:
        return read_labelled_text(path, columns=section.columns, label_separator=separator)

    check_labels(examples(), label_ids.names, path)
    for chunk in chunks(examples(), TEXTS_PER_CHUNK):
        sentences = [
            example.text.split(section.separator) if section.separator else [example.text] for example in chunk
        ]
        found = iter(tokenized(tokenizer, [sentence for one in sentences for sentence in one], MOST_TOKENS))
        for example, one in zip(chunk, sentences, strict=True):
            tokens_of_sentences = (next(found) for _ in one)
            kept = [tokens for tokens in tokens_of_sentences if comparable(tokens) not in left_out]
            for piece in cut(kept, section.segment_tokens):
                pieces.store.add(piece)
                pieces.examples.append(example._replace(text=""))
    return pieces


def comparable(tokens: Iterable[str]) -> str:
    """A text in the form in which two are compared: blanks and capitals do not count."""
    return " ".join(tokens).casefold()


def cut(sentences: Iterable[list[str]], size: int) -> Iterator[list[str]]:
    """Join sentences until a piece has `size` tokens; what is twice as long is cut, a small rest goes into the last."""
    joined: list[str] = []
    pieces: list[list[str]] = []
    for sentence in sentences:
        joined += sentence
        while len(joined) > LONGEST_PIECE * size:
            pieces.append(joined[:size])
            joined = joined[size:]
        if len(joined) >= size:
            pieces.append(joined)
            joined = []
    if joined and pieces and 4 * len(joined) < size:
        pieces[-1] = pieces[-1] + joined
    elif joined:
        pieces.append(joined)
    return iter(pieces)


def train_prior(model: keras.Model, recipe: Recipe, pieces: ClassifiedBatches, texts: ClassifiedBatches) -> None:
    """Train the tables `prior_*` of a model on pieces of other texts, and scale them for the texts it is for.

    Args:
        model: a classifier whose `wide` has `prior`; the weights of its ids are set.
        recipe: its section `transfer` and its seed.
        pieces: batches of what `read_pieces` gives, with the input `token_ids`.
        texts: batches of the training texts, with the same input.
    """
    section = recipe.transfer
    tables = {name: table for name, table in wide_tables(model).items() if name.startswith("prior_")}
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    scores = []
    twins = {}
    for name, table in tables.items():
        ids = token_ids
        if name == "prior_bigrams":
            ids = HashedBigrams.from_config(model.get_layer("wide_pairs").get_config())(token_ids)
        changed = {"trainable": True, "dropout": section.dropout, "seed": recipe.seed}
        twins[name] = type(table).from_config({**table.get_config(), **changed})
        scores.append(twins[name](ids))
        twins[name].id_weights.assign(table.id_weights)
    total = keras.layers.Add()(scores) if len(scores) > 1 else scores[0]
    is_multi_label = pieces.label_ids.is_multi_label
    activation = keras.layers.Activation("sigmoid" if is_multi_label else "softmax")
    twin = keras.Model({"token_ids": token_ids}, activation(total))
    steps = len(pieces) * section.epochs
    rate = WarmupSchedule(section.learning_rate, total_steps=steps, kind="linear")
    twin.compile(keras.optimizers.Adam(rate), ClassCrossEntropy(multi_label=is_multi_label), jit_compile=False)
    all_batches = (batch for epoch in range(section.epochs) for batch in pieces.epoch(epoch))
    twin.fit(as_dataset(twin, all_batches), steps_per_epoch=steps, shuffle=False, verbose=0)
    factor = section.strength / max(_spread(keras.Model({"token_ids": token_ids}, total), texts), 1e-6)
    for name, table in tables.items():
        table.scores.assign(factor * twins[name].scores)


def check_transfer(recipe: Recipe) -> None:
    """Raise unless the model has a prior exactly where the recipe says what it is trained on.

    Raises:
        RecipeError: if one is there without the other.
    """
    wide = recipe.model.arguments.get("wide")
    has_prior = isinstance(wide, dict) and bool(wide.get("prior"))
    if has_prior and recipe.transfer.file is None:
        raise RecipeError("key `transfer.file` is missing: it trains the prior; add it, or take wide.prior out")
    if recipe.transfer.file is not None and not has_prior:
        raise RecipeError(
            "key `transfer.file` trains a prior; set wide.prior = true in [model.arguments], or take it out"
        )


def _spread(scorer: keras.Model, texts: ClassifiedBatches) -> float:
    """The standard deviation of the scores of all classes, where those of a text have the mean 0."""
    found = []
    for batch in texts.order.epoch(0):
        inputs, _ = texts.arrays(batch)
        rows = np.asarray(scorer.predict_on_batch(inputs))[: np.count_nonzero(batch.indices >= 0)]
        found.append(rows - rows.mean(axis=1, keepdims=True))
    return float(np.concatenate(found).std())
