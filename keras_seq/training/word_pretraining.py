"""Word vectors from running text: skip-gram and continuous bag of words with sampled negatives; subwords."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.sparse import csr_matrix

from keras_seq.core.checks import (
    check_choice,
    check_non_negative_number,
    check_positive_integer,
    check_positive_number,
)

METHODS = ("skip_gram", "cbow")
# Positions that share one product of matrices, and the negatives that they share.
BLOCK, NEGATIVES_PER_BLOCK = 32, 24
LEAST_BATCH, MOST_BATCH, BATCHES_PER_EPOCH = 128, 2048, 64
NEGATIVE_SMOOTHING = 0.75
FIRST_WORD = 2


@dataclass(frozen=True)
class NegativeSampling:
    """What is learned of a text, and how long.

    Skip-gram learns to tell the neighbours of a word from words drawn at random; the continuous bag of words (`"cbow"`)
    tells the word from its neighbours' mean.

    Args:
        method: `"skip_gram"` or `"cbow"`.
        window: the farthest neighbour; for each word a window from 1 to this is drawn.
        negatives: how many random words count against each neighbour.
        epochs: how often the text is read, each time in another order of its sentences.
        learning_rate: the size of a row's first step; later ones are smaller.
        batch_size: words between two updates; by default an epoch has 64 batches of 128 to 2,048 words.
        subsample: words of a larger share of the text are thinned out, 0 for none.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if one is out of range.

    Example:
        >>> NegativeSampling("cbow", window=3).epochs
        5

    Reference:
        Mikolov, Sutskever, Chen, Corrado and Dean, "Distributed Representations of Words and Phrases and their
        Compositionality", NeurIPS 2013.
    """

    method: str = "skip_gram"
    window: int = 5
    negatives: int = 5
    epochs: int = 5
    learning_rate: float = 0.2
    batch_size: int | None = None
    subsample: float = 1e-3

    def __post_init__(self) -> None:
        check_choice("method", self.method, METHODS)
        for name in ("window", "negatives", "epochs"):
            check_positive_integer(name, getattr(self, name))
        check_positive_number("learning_rate", self.learning_rate)
        check_non_negative_number("subsample", self.subsample)
        if self.batch_size is not None:
            check_positive_integer("batch_size", self.batch_size)


def pretrain_word_vectors(
    sentences: Iterable[np.ndarray],
    vocabulary_size: int,
    sampling: NegativeSampling = NegativeSampling(),
    *,
    subwords: np.ndarray | None = None,
    num_buckets: int = 0,
    embedding_dim: int = 100,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, np.ndarray | None]:
    """Learn vectors of words from the words that stand near them.

    With subwords the vector of a word is the mean of its own vector and those of its n-grams, so that words which
    training never saw have a vector too: see `composed_vectors`. It runs on NumPy: a block of 32 neighbouring positions
    shares its negatives (Ji et al., 2016), so that all its scores are one product of matrices, and only the rows of a
    batch are updated (Adagrad, one rate for each row).

    Args:
        sentences: token ids of each sentence, integer arrays; ids 0 and 1 (padding, unknown) are left out.
        vocabulary_size: number of ids.
        sampling: what is learned, and how long.
        subwords: n-gram ids of each word, `(vocabulary_size, s)`, padded with 0, as `TokenEncoder.subword_table`
            gives them; `None` for vectors of words alone.
        num_buckets: the largest n-gram id.
        embedding_dim: size of the vectors.
        seed: decides all that is random; the same seed gives the same numbers.
        on_progress: called with the number of words since the last call, and of all words in all epochs.

    Returns:
        `"word"`: float32 `(vocabulary_size, embedding_dim)`; rows of ids 0 and 1 and of words without a place in the
        text are zero. `"subword"`: `(num_buckets + 1, embedding_dim)`, where row 0 and unused rows are zero, or `None`.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if an argument or an id is out of range.

    Example:
        >>> sentences = [np.array([2, 3, 4])] * 50
        >>> pretrain_word_vectors(sentences, 5, NegativeSampling(epochs=1), embedding_dim=8)["word"].shape
        (5, 8)

    Reference:
        Bojanowski, Grave, Joulin and Mikolov, "Enriching Word Vectors with Subword Information", TACL 5, 2017.
    """
    for name, value in (("vocabulary_size", vocabulary_size), ("embedding_dim", embedding_dim)):
        check_positive_integer(name, value)
    generator = np.random.default_rng(seed)
    text = _Text(sentences, vocabulary_size)
    inputs = _Inputs(vocabulary_size, subwords, num_buckets, embedding_dim, generator)
    outputs = _Table(np.zeros((vocabulary_size, embedding_dim), "float32"))
    _learn(text, inputs, outputs, sampling, generator, on_progress or (lambda done, total: None))
    return inputs.result(text.counts)


def composed_vectors(
    vectors: dict[str, np.ndarray | None], token_ids: np.ndarray, subword_ids: np.ndarray | None = None
) -> np.ndarray:
    """Vectors of words, those among them that training never saw: the mean of the word's vector and its n-grams'.

    Args:
        vectors: what `pretrain_word_vectors` returns.
        token_ids: `(words,)`; 1 for words that are not in the vocabulary: these have n-grams alone.
        subword_ids: `(words, s)`, padded with 0; needed where there are vectors of n-grams.

    Returns:
        float32 `(words, embedding_dim)`, zero for a word of which nothing is known.
    """
    words = vectors["word"]
    if words is None:
        raise ValueError('`vectors` must hold vectors of words. Received: vectors["word"]=None. Train them first.')
    token_ids = np.asarray(token_ids)
    parts, counts = words[token_ids], (token_ids >= FIRST_WORD).astype("float32")
    if vectors["subword"] is not None:
        if subword_ids is None:
            raise ValueError("`subword_ids` must be given. Received: subword_ids=None. Encode the words with subwords.")
        parts = parts + vectors["subword"][subword_ids].sum(axis=1)
        counts = counts + (np.asarray(subword_ids) > 0).sum(axis=1)
    return (parts / np.maximum(counts, 1)[:, None]).astype("float32")


class _Blocks(NamedTuple):
    """Neighbouring words, 32 to a block, and all that stands near them."""

    words: np.ndarray  # (blocks, 32), 0 beyond the end of the text
    near: np.ndarray  # (blocks, 32 + 2 window): the words of the block, and those `window` before and after it
    pairs: np.ndarray  # float32 (blocks, 32, 32 + 2 window): 1 where one is a neighbour of the other


class _Text:
    """The words of all sentences in one array."""

    def __init__(self, sentences: Iterable[np.ndarray], vocabulary_size: int):
        arrays = [np.asarray(sentence) for sentence in sentences]
        lengths = [len(array) for array in arrays]
        words = np.concatenate([np.zeros(0, "int32"), *arrays])
        if words.size and (words.dtype.kind not in "iu" or words.min() < 0 or words.max() >= vocabulary_size):
            raise ValueError(
                f"`sentences` must hold integers from 0 to vocabulary_size - 1 = {vocabulary_size - 1}. Received: "
                f"numbers from {words.min()} to {words.max()}, {words.dtype}. Encode them with the vocabulary."
            )
        is_word = words >= FIRST_WORD
        self.words = words[is_word].astype("int32")
        self.sentences = np.repeat(np.arange(len(arrays), dtype="int32"), lengths)[is_word]
        self.num_sentences = len(arrays)
        self.counts = np.bincount(self.words, minlength=vocabulary_size)
        weights = np.cumsum(self.counts**NEGATIVE_SMOOTHING)
        self._cumulative = weights / max(weights[-1], 1)

    def negatives(self, shape: tuple[int, int], generator: np.random.Generator) -> np.ndarray:
        """Random words, frequent ones more often."""
        return np.searchsorted(self._cumulative, generator.random(shape), side="right")

    def epoch(
        self, window: int, subsample: float, blocks_per_batch: int, generator: np.random.Generator
    ) -> Iterator[tuple[_Blocks, float]]:
        """Batches of the text, its sentences in a random order and its frequent words thinned out, and the share of
        the epoch that they end."""
        order = np.argsort(generator.permutation(self.num_sentences)[self.sentences], kind="stable")
        if subsample:
            frequency = np.maximum(self.counts / max(len(self.words), 1) / subsample, 1e-12)
            kept = np.sqrt(1 / frequency) + 1 / frequency
            order = order[generator.random(len(order)) < kept[self.words[order]]]
        num_blocks = -(-len(order) // BLOCK)
        around = (window, window + num_blocks * BLOCK - len(order))
        width = BLOCK + 2 * window
        if not num_blocks:
            return
        reach = np.pad(generator.integers(1, window + 1, len(order)), (0, num_blocks * BLOCK - len(order)))
        reach = reach.reshape(-1, BLOCK, 1)
        near = sliding_window_view(np.pad(self.words[order], around), width)[::BLOCK]
        # Beyond the ends there is no sentence.
        sentences = sliding_window_view(np.pad(self.sentences[order], around, constant_values=-1), width)[::BLOCK]
        own = slice(window, window + BLOCK)
        distance = np.abs(np.arange(width) - window - np.arange(BLOCK)[:, None])
        for begin in range(0, num_blocks, blocks_per_batch):
            end = min(begin + blocks_per_batch, num_blocks)
            pairs = (distance > 0) & (distance <= reach[begin:end])
            pairs &= sentences[begin:end, own, None] == sentences[begin:end, None]
            yield _Blocks(near[begin:end, own], near[begin:end], pairs.astype("float32")), end / num_blocks


class _Table:
    """Vectors, and for each row the sum of its squared gradients, which makes its steps smaller (Adagrad)."""

    def __init__(self, vectors: np.ndarray):
        self.vectors = vectors
        self.squares = np.zeros(len(vectors), "float32")

    def ascend(self, rows: np.ndarray, gradients: np.ndarray, learning_rate: float) -> None:
        """One step for rows that are all different."""
        self.squares[rows] += np.einsum("rd,rd->r", gradients, gradients) / gradients.shape[1]
        rates = learning_rate / np.sqrt(self.squares[rows] + 1e-12)
        self.vectors[rows] += rates[:, None] * gradients


class _Inputs:
    """The vectors that are kept: of words, and of their n-grams."""

    def __init__(
        self,
        vocabulary_size: int,
        subwords: np.ndarray | None,
        num_buckets: int,
        embedding_dim: int,
        generator: np.random.Generator,
    ):
        def table(rows: int) -> _Table:
            return _Table((generator.random((rows, embedding_dim), "float32") - 0.5) / embedding_dim)

        self.words = table(vocabulary_size)
        self.subwords = None if subwords is None else table(num_buckets + 1)
        self.ids = _checked_subwords(subwords, vocabulary_size, num_buckets)

    def forward(self, words: np.ndarray) -> tuple[Any, np.ndarray]:
        """Vectors of words, and what `backward` needs."""
        distinct, places = np.unique(words, return_inverse=True)
        if self.subwords is None:
            return (distinct, places), self.words.vectors[words]
        ids = self.ids[distinct]
        is_real = ids > 0
        counts = is_real.sum(axis=1)
        parts, columns = np.unique(ids[is_real], return_inverse=True)
        shares = (1 / (1 + counts)).astype("float32")
        splits = np.concatenate([[0], np.cumsum(counts)])
        mixing = csr_matrix((np.repeat(shares, counts), columns, splits), shape=(len(distinct), len(parts)))
        vectors = shares[:, None] * self.words.vectors[distinct] + mixing @ self.subwords.vectors[parts]
        return (distinct, places, shares, parts, mixing), vectors[places.reshape(words.shape)]

    def backward(self, kept: Any, gradients: np.ndarray, learning_rate: float) -> None:
        """One step along the gradients of the vectors that `forward` gave."""
        distinct, places = kept[:2]
        sums = _sums(places, gradients, len(distinct))
        if self.subwords is None:
            self.words.ascend(distinct, sums, learning_rate)
            return
        shares, parts, mixing = kept[2:]
        self.words.ascend(distinct, shares[:, None] * sums, learning_rate)
        self.subwords.ascend(parts, mixing.T @ sums, learning_rate)

    def result(self, counts: np.ndarray) -> dict[str, np.ndarray | None]:
        """The tables, with zeros where nothing was learned."""
        seen = counts > 0
        words = np.where(seen[:, None], self.words.vectors, np.float32(0))
        if self.subwords is None:
            return {"word": words, "subword": None}
        is_used = np.zeros(len(self.subwords.vectors), bool)
        is_used[self.ids[seen].ravel()] = True
        is_used[0] = False
        return {"word": words, "subword": np.where(is_used[:, None], self.subwords.vectors, np.float32(0))}


def _learn(
    text: _Text,
    inputs: _Inputs,
    outputs: _Table,
    sampling: NegativeSampling,
    generator: np.random.Generator,
    on_progress: Callable[[int, int], None],
) -> None:
    """All epochs."""
    batch_size = sampling.batch_size or min(max(len(text.words) // BATCHES_PER_EPOCH, LEAST_BATCH), MOST_BATCH)
    weight = sampling.negatives / NEGATIVES_PER_BLOCK
    step = _skip_gram if sampling.method == "skip_gram" else _cbow
    for _ in range(sampling.epochs):
        reported = 0
        for blocks, share in text.epoch(sampling.window, sampling.subsample, -(-batch_size // BLOCK), generator):
            drawn = text.negatives((len(blocks.words), NEGATIVES_PER_BLOCK), generator)
            step(inputs, outputs, blocks, drawn, weight, sampling.learning_rate)
            done = int(share * len(text.words))
            on_progress(done - reported, len(text.words) * sampling.epochs)
            reported = done


def _skip_gram(
    inputs: _Inputs, outputs: _Table, blocks: _Blocks, drawn: np.ndarray, weight: float, learning_rate: float
) -> None:
    kept, x = inputs.forward(blocks.words)
    rows = np.concatenate([blocks.near, drawn], axis=1)
    c = outputs.vectors[rows]
    # A word with more neighbours has more negatives.
    negative_weights = weight * blocks.pairs.sum(axis=2, keepdims=True)
    errors = -_sigmoid(x @ c.transpose(0, 2, 1))
    width = blocks.near.shape[1]
    errors[:, :, :width] += 1
    errors[:, :, :width] *= blocks.pairs
    errors[:, :, width:] *= negative_weights
    x_gradients = errors @ c
    c_gradients = errors.transpose(0, 2, 1) @ x
    inputs.backward(kept, x_gradients, learning_rate)
    _ascend(outputs, rows, c_gradients, learning_rate)


def _cbow(
    inputs: _Inputs, outputs: _Table, blocks: _Blocks, drawn: np.ndarray, weight: float, learning_rate: float
) -> None:
    kept, x = inputs.forward(blocks.near)
    num_neighbours = blocks.pairs.sum(axis=2, keepdims=True)
    has_neighbours = (num_neighbours > 0).astype("float32")
    shares = blocks.pairs / np.maximum(num_neighbours, 1)
    h = shares @ x
    c, n = outputs.vectors[blocks.words], outputs.vectors[drawn]
    errors = has_neighbours * (1 - _sigmoid((h * c).sum(axis=2, keepdims=True)))
    negative_errors = -weight * has_neighbours * _sigmoid(h @ n.transpose(0, 2, 1))
    h_gradients = errors * c + negative_errors @ n
    c_gradients = np.concatenate([errors * h, negative_errors.transpose(0, 2, 1) @ h], axis=1)
    inputs.backward(kept, shares.transpose(0, 2, 1) @ h_gradients, learning_rate)
    _ascend(outputs, np.concatenate([blocks.words, drawn], axis=1), c_gradients, learning_rate)


def _ascend(table: _Table, rows: np.ndarray, gradients: np.ndarray, learning_rate: float) -> None:
    distinct, places = np.unique(rows, return_inverse=True)
    table.ascend(distinct, _sums(places, gradients, len(distinct)), learning_rate)


def _sums(places: np.ndarray, gradients: np.ndarray, size: int) -> np.ndarray:
    """The sum of the gradients at each place."""
    flat = gradients.reshape(-1, gradients.shape[-1])
    ones = np.ones(len(flat), flat.dtype)
    return csr_matrix((ones, (places.ravel(), np.arange(len(flat)))), shape=(size, len(flat))) @ flat


def _sigmoid(scores: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * scores))


def _checked_subwords(subwords: np.ndarray | None, vocabulary_size: int, num_buckets: int) -> np.ndarray:
    if subwords is None:
        return np.zeros((vocabulary_size, 0), "int32")
    check_positive_integer("num_buckets", num_buckets)
    ids = np.asarray(subwords)
    fits = ids.ndim == 2 and len(ids) == vocabulary_size and ids.dtype.kind in "iu"
    if not fits or (ids.size and not 0 <= ids.min() <= ids.max() <= num_buckets):
        raise ValueError(
            "`subwords` must be integers from 0 to num_buckets of the shape (vocabulary_size, s). "
            f"Received: shape {ids.shape}, dtype {ids.dtype}, vocabulary_size={vocabulary_size}, "
            f"num_buckets={num_buckets}. Pass `encoder.subword_table()`."
        )
    return ids
