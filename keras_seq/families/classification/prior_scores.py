"""A prior for the wide part of a classifier: tables trained on labelled texts of another data set, then left alone.

Long texts are cut into pieces that carry the label of the whole: much of it is wrong for the piece, but there are many.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import keras
import numpy as np
from keras import ops
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import expit, log_softmax

from keras_seq.core.errors import RecipeError
from keras_seq.data import LabelledText, check_labels
from keras_seq.data.batching import EMPTY_ROW
from keras_seq.data.labelled_text import LABELLED_TEXT
from keras_seq.families.classification.data import ClassifiedBatches, read_texts
from keras_seq.families.classification.recipe import ClassifierRecipe
from keras_seq.layers import WideScores
from keras_seq.tasks.id_weights import ids_of
from keras_seq.tasks.labelled_texts import TEXTS_PER_CHUNK, LabelIds, LabelledTexts, tokenized
from keras_seq.tasks.text_task import chunks
from keras_seq.text import Tokenizer
from keras_seq.zoo.parts import wide_tables_of

# What is read of one sentence.
MOST_TOKENS = 10_000
# A text longer than a piece by this factor is cut.
LONGEST_PIECE = 2
# Of the search for the best table, which is all but found by then.
MOST_ITERATIONS = 100


def read_pieces(
    path: Path, recipe: ClassifierRecipe, label_ids: LabelIds, tokenizer: Tokenizer, left_out: Collection[str]
) -> LabelledTexts:
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
    pieces = LabelledTexts((), tokenizer, MOST_TOKENS)
    separator = recipe.data.label_separator

    def examples() -> Iterator[LabelledText]:
        return LABELLED_TEXT.examples(
            path, section.columns, label_separator=separator, normalize_labels=recipe.data.normalize_labels
        )

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


def evaluated_texts(
    recipe: ClassifierRecipe,
    train: ClassifiedBatches,
    validation: ClassifiedBatches,
    test: Path | None,
    tokenizer: Tokenizer,
) -> set[str]:
    """The texts that validate and test, in the form `comparable` gives: no prior may have learned from them.

    Args:
        recipe: says whether a fold of the training file tests.
        train, validation: batches of the texts.
        test: the file that tests, where there is one.
        tokenizer: splits texts.
    """
    found = {comparable(validation.texts.store.tokens(int(row))) for row in validation.indices}
    if recipe.data.fold is not None:
        others = np.setdiff1d(np.arange(len(train.texts)), train.indices)
        found |= {comparable(train.texts.store.tokens(int(row))) for row in others}
    if test is not None:
        for chunk in chunks(read_texts(test, recipe), TEXTS_PER_CHUNK):
            texts = [example.text for example in chunk]
            found |= {comparable(tokens) for tokens in tokenized(tokenizer, texts, recipe.data.max_tokens)}
    return found


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


def fit_prior(
    model: keras.Model, recipe: ClassifierRecipe, pieces: ClassifiedBatches, texts: ClassifiedBatches
) -> None:
    """Fit the tables `prior_*` of a model to pieces of other texts, and scale them for the texts it is for.

    It is logistic regression with an L2 penalty: there is one best table, whatever the seed.

    Args:
        model: a classifier whose `wide` has `prior`; the weights of its ids are set.
        recipe: its section `transfer`.
        pieces: what `read_pieces` gives, encoded, in batches with the model's inputs.
        texts: batches of the training texts.
    """
    section = recipe.transfer
    tables = {name: table for name, table in wide_tables_of(model).items() if not table.trainable}
    features, targets = _features(model, tables, pieces)
    scores = _logistic_regression(features, targets, section.l2, is_multi_label=pieces.labels.is_multi_label)
    found = _features(model, tables, texts)[0] @ scores
    factor = section.strength / max(float((found - found.mean(axis=1, keepdims=True)).std()), 1e-6)
    first = 0
    for table in tables.values():
        table.scores.assign(scores[first : first + table.num_ids] * (factor / table.scale))
        first += table.num_ids


def check_transfer(recipe: ClassifierRecipe) -> None:
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


def _features(
    model: keras.Model, tables: Mapping[str, WideScores], batches: ClassifiedBatches
) -> tuple[csr_matrix, np.ndarray]:
    """What the tables' rows are multiplied with, `(texts, ids of all tables)`, and one row of targets per text."""
    values, columns, lengths, targets = [], [], [], []
    weights = {name: ops.convert_to_numpy(table.id_weights) for name, table in tables.items()}
    for batch in batches.order.epoch(0):
        inputs, labels = batches.arrays(batch)
        count = int(np.count_nonzero(batch.indices != EMPTY_ROW))
        first, of_batch = 0, []
        for name, table in tables.items():
            ids = ids_of(model, table, inputs)[:count].reshape(count, -1)
            found = np.where(ids > 0, weights[name][ids], 0)
            length = np.sqrt(np.square(found).sum(axis=1, keepdims=True))
            of_batch.append((found / np.where(length > 0, length, 1), ids + first))
            first += table.num_ids
        row_values, row_columns = (np.concatenate(parts, axis=1) for parts in zip(*of_batch, strict=True))
        is_used = row_values > 0
        values.append(row_values[is_used])
        columns.append(row_columns[is_used])
        lengths.append(is_used.sum(axis=1))
        targets.append(labels[:count])
    ends = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
    shape = (len(ends) - 1, sum(table.num_ids for table in tables.values()))
    labels = np.concatenate(targets)
    if labels.ndim == 1:
        labels = np.eye(len(batches.labels.names))[labels]
    return csr_matrix((np.concatenate(values), np.concatenate(columns), ends), shape), labels


def _logistic_regression(features: csr_matrix, targets: np.ndarray, l2: float, *, is_multi_label: bool) -> np.ndarray:
    """The table with the least cross-entropy plus `l2 / 2` times its squared length, `(features, classes)`."""
    shape = (features.shape[1], targets.shape[1])

    def loss_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        table = flat.reshape(shape)
        scores = features @ table
        if is_multi_label:
            logarithms = -np.logaddexp(0, np.where(targets > 0, -scores, scores))
            loss, probabilities = -logarithms.sum(), expit(scores)
        else:
            logarithms = log_softmax(scores, axis=1)
            loss, probabilities = -(targets * logarithms).sum(), np.exp(logarithms)
        gradient = features.T @ (probabilities - targets) + l2 * table
        return float(loss + l2 / 2 * np.square(table).sum()), gradient.ravel()

    start = np.zeros(shape[0] * shape[1])
    found = minimize(loss_and_gradient, start, jac=True, method="L-BFGS-B", options={"maxiter": MOST_ITERATIONS})
    return found.x.reshape(shape)
