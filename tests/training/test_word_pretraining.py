"""Skip-gram and CBOW: one step against a loop over pairs, and what the vectors of invented texts say."""

import numpy as np
import pytest
import tensorflow as tf

from keras_seq.text import SubwordHashing, Vocabulary, neighbours
from keras_seq.training import NegativeSampling, composed_vectors, pretrain_word_vectors
from keras_seq.training import word_pretraining as wp

SIZE, DIM, BUCKETS, WINDOW = 12, 5, 9, 3
METHODS = ["skip_gram", "cbow"]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def random_sentences(seed=0):
    generator = np.random.default_rng(seed)
    return [generator.integers(0, SIZE, generator.integers(0, 15)) for _ in range(9)]


def subword_table(seed=1):
    table = np.random.default_rng(seed).integers(0, BUCKETS + 1, (SIZE, 4))
    table[:2] = 0
    return np.sort(table, axis=1)[:, ::-1].astype("int32")


class Loop:
    """The same mathematics pair by pair, in float64."""

    def __init__(self, words, subwords, outputs, subword_ids):
        self.words, self.outputs = words.astype("float64"), outputs.astype("float64")
        self.subwords = None if subwords is None else subwords.astype("float64")
        self.ids = subword_ids

    def parts(self, word):
        return [] if self.subwords is None else [part for part in self.ids[word] if part]

    def vector(self, word):
        parts = self.parts(word)
        return (self.words[word] + sum(self.subwords[part] for part in parts)) / (1 + len(parts))

    def step(self, method, blocks, drawn, negatives, rate):
        gradients = {name: np.zeros_like(table) for name, table in self.tables()}
        x_gradients = np.zeros_like(self.words)

        def learn(x, word, target, weight):
            error = weight * (target - sigmoid(x @ self.outputs[word]))
            gradients["outputs"][word] += error * x
            return error * self.outputs[word]

        for words, near, pairs, negative_words in zip(*blocks, drawn, strict=True):
            weight = negatives / len(negative_words)
            for position, word in enumerate(words):
                others = near[pairs[position] > 0]
                if not len(others):
                    continue
                if method == "skip_gram":
                    x = self.vector(word)
                    for other in others:
                        x_gradients[word] += learn(x, other, 1, 1)
                        for negative in negative_words:
                            x_gradients[word] += learn(x, negative, 0, weight)
                else:
                    x = np.mean([self.vector(other) for other in others], axis=0)
                    gradient = learn(x, word, 1, 1)
                    for negative in negative_words:
                        gradient = gradient + learn(x, negative, 0, weight)
                    for other in others:
                        x_gradients[other] += gradient / len(others)
        for word, gradient in enumerate(x_gradients):
            parts = self.parts(word)
            gradients["words"][word] += gradient / (1 + len(parts))
            for part in parts:
                gradients["subwords"][part] += gradient / (1 + len(parts))
        for name, table in self.tables():
            squares = np.mean(gradients[name] ** 2, axis=1, keepdims=True)
            table += rate * gradients[name] / np.sqrt(squares + 1e-12)

    def tables(self):
        names = ["words", "outputs"] + ([] if self.subwords is None else ["subwords"])
        return [(name, getattr(self, name)) for name in names]


@pytest.mark.parametrize("with_subwords", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_one_step_is_that_of_a_loop_over_pairs(method, with_subwords):
    generator = np.random.default_rng(3)
    ids = subword_table() if with_subwords else None
    text = wp._Text(random_sentences(), SIZE)
    inputs = wp._Inputs(SIZE, ids, BUCKETS if with_subwords else 0, DIM, generator)
    for table in [inputs.words] + ([inputs.subwords] if with_subwords else []):
        table.vectors = generator.normal(size=table.vectors.shape).astype("float32")
    outputs = wp._Table(generator.normal(size=(SIZE, DIM)).astype("float32"))
    loop = Loop(inputs.words.vectors, inputs.subwords and inputs.subwords.vectors, outputs.vectors, ids)
    ((blocks, share),) = text.epoch(WINDOW, 0, 99, generator)
    assert share == 1 and blocks.pairs.sum() > 100
    drawn = text.negatives((len(blocks.words), wp.NEGATIVES_PER_BLOCK), generator)
    step = {"skip_gram": wp._skip_gram, "cbow": wp._cbow}[method]
    step(inputs, outputs, blocks, drawn, 5 / wp.NEGATIVES_PER_BLOCK, 0.1)
    loop.step(method, blocks, drawn, 5, 0.1)
    seen = text.counts > 0
    np.testing.assert_allclose(inputs.words.vectors[seen], loop.words[seen], atol=2e-5)
    np.testing.assert_allclose(outputs.vectors[seen], loop.outputs[seen], atol=2e-5)
    if with_subwords:
        np.testing.assert_allclose(inputs.subwords.vectors[1:], loop.subwords[1:], atol=2e-5)


def test_the_second_step_of_a_row_is_smaller():
    table = wp._Table(np.zeros((3, 2), "float32"))
    gradient = np.array([[3.0, 4.0]], "float32")
    table.ascend(np.array([1]), gradient, 0.1)
    first = table.vectors[1].copy()
    table.ascend(np.array([1]), gradient, 0.1)
    np.testing.assert_allclose(first, 0.1 * gradient[0] / np.sqrt(12.5), rtol=1e-5)
    np.testing.assert_allclose(table.vectors[1] - first, first / np.sqrt(2), rtol=1e-5)
    assert not table.vectors[[0, 2]].any()


def test_pairs_are_neighbours_in_one_sentence():
    # Every word is known by its number, so that places can be told.
    sentences = [np.arange(2, 52), np.array([60, 1, 61]), np.arange(70, 75), np.array([0]), np.array([80])]
    text = wp._Text(sentences, 90)
    reached = set()
    for _ in range(30):
        for blocks, _ in text.epoch(2, 0, 2, np.random.default_rng(len(reached))):
            for words, near, pairs in zip(*blocks, strict=True):
                for position, place in np.argwhere(pairs):
                    reached.add((int(words[position]), int(near[place])))
    rows = [list(range(2, 52)), [60, 61], list(range(70, 75)), [80]]
    expected = {
        (row[i], row[j]) for row in rows for i in range(len(row)) for j in range(len(row)) if 0 < abs(i - j) <= 2
    }
    assert reached == expected


def test_windows_are_drawn_and_frequent_words_thinned_out():
    sentences = [np.array([2, 2, 2, 2, 2, 2, 2, 3, 4, 5])] * 2000
    text = wp._Text(sentences, 6)
    generator = np.random.default_rng(0)
    ((blocks, _),) = text.epoch(5, 0.05, 10**6, generator)
    kept = np.bincount(blocks.words.ravel(), minlength=6)[2:] / text.counts[2:]
    # A word of the share f is kept with the probability sqrt(t / f) + t / f, which is above 1 for rare ones.
    np.testing.assert_allclose(kept, [np.sqrt(0.05 / 0.7) + 0.05 / 0.7, 1, 1, 1], rtol=0.05)
    ((blocks, _),) = wp._Text([np.full(50_000, 2)], 3).epoch(5, 0, 10**6, generator)
    distance = np.abs(np.arange(42) - 5 - np.arange(32)[:, None])
    for far in range(1, 6):
        share = blocks.pairs[5:-5][:, distance == far].mean()
        assert abs(share - (6 - far) / 5) < 0.02


def test_negatives_are_drawn_by_smoothed_frequency():
    text = wp._Text([np.array([2] * 80 + [3] * 20 + [0, 1] * 50)], 5)
    drawn = text.negatives((200, 100), np.random.default_rng(0))
    shares = np.bincount(drawn.ravel(), minlength=5) / drawn.size
    expected = np.array([0, 0, 80**0.75, 20**0.75, 0])
    np.testing.assert_allclose(shares, expected / expected.sum(), atol=0.02)


# Words of two groups, each with its own company; a few words that all share.
GROUPS = [
    (["walking", "walked", "walks", "runner", "running"], ["road", "shoe", "mile", "track"]),
    (["bread", "cheese", "butter", "apple", "honey"], ["plate", "spoon", "oven", "table"]),
]
WORDS = Vocabulary([word for group in GROUPS for words in group for word in words] + ["the", "a"])


def invented_text(seed=0, sentences=700):
    generator = np.random.default_rng(seed)
    texts = []
    for number in range(sentences):
        members, company = GROUPS[number % 2]
        draw = [generator.choice(words) for words in (company, members, company)]
        texts.append(WORDS.lookup(["the", draw[0], draw[1], "a", draw[2]]))
    return texts


def sampling_for_invented_text(method):
    return NegativeSampling(method, window=3, epochs=10, subsample=0)


@pytest.mark.parametrize("method", METHODS)
def test_neighbours_are_of_the_same_group(method):
    vectors = pretrain_word_vectors(
        invented_text(), len(WORDS), sampling_for_invented_text(method), embedding_dim=20, seed=1
    )
    assert vectors["subword"] is None and vectors["word"].dtype == np.float32
    for members, _ in GROUPS:
        for word in members:
            nearest = [other for other, _ in neighbours(word, vectors["word"], WORDS, k=4)]
            assert set(nearest) == set(members) - {word}


@pytest.mark.parametrize("method", METHODS)
def test_an_unseen_word_is_near_those_that_share_its_ngrams(method):
    hashing = SubwordHashing(5000)
    ids = np.pad(hashing(tf.constant(WORDS.tokens), 20).numpy(), [(2, 0), (0, 0)])
    vectors = pretrain_word_vectors(
        invented_text(),
        len(WORDS),
        sampling_for_invented_text(method),
        subwords=ids,
        num_buckets=5000,
        embedding_dim=20,
        seed=1,
    )
    table = composed_vectors(vectors, np.arange(len(WORDS)), ids)
    unseen = composed_vectors(vectors, np.array([1]), hashing(tf.constant(["walker"]), 20).numpy())[0]
    nearest = [word for word, _ in neighbours(unseen, table, WORDS, k=3)]
    assert set(nearest) <= {*GROUPS[0][0]}
    assert neighbours(table[0], table, WORDS) == []


def test_the_same_seed_gives_the_same_numbers():
    def train(seed):
        return pretrain_word_vectors(
            random_sentences(), SIZE, subwords=subword_table(), num_buckets=BUCKETS, embedding_dim=DIM, seed=seed
        )

    first, again, other = train(0), train(0), train(1)
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
        assert not np.array_equal(first[name], other[name])


def test_what_was_not_seen_is_zero():
    ids = subword_table()
    ids[7] = [9, 0, 0, 0]
    ids[8] = [8, 0, 0, 0]
    ids[2:7] = [1, 2, 0, 0]
    vectors = pretrain_word_vectors(
        [np.array([2, 3, 0, 1, 8, 3])] * 9, SIZE, subwords=ids, num_buckets=BUCKETS, embedding_dim=DIM
    )
    assert np.flatnonzero(vectors["word"].any(axis=1)).tolist() == [2, 3, 8]
    assert np.flatnonzero(vectors["subword"].any(axis=1)).tolist() == [1, 2, 8]
    assert vectors["word"].shape == (SIZE, DIM) and vectors["subword"].shape == (BUCKETS + 1, DIM)


@pytest.mark.parametrize("sentences", [[], [np.array([0, 1])], [np.array([2])], [np.array([], "int32")]])
def test_texts_with_nothing_to_learn(sentences):
    for method in METHODS:
        vectors = pretrain_word_vectors(sentences, 4, NegativeSampling(method), embedding_dim=3)
        assert vectors["word"].shape == (4, 3) and np.isfinite(vectors["word"]).all()
        assert not vectors["word"][[0, 1, 3]].any()


def test_progress_counts_all_words():
    calls = []
    sentences = random_sentences() * 5
    total = sum(int((sentence > 1).sum()) for sentence in sentences)
    pretrain_word_vectors(
        sentences,
        SIZE,
        NegativeSampling(epochs=3, batch_size=32, subsample=0),
        embedding_dim=3,
        on_progress=lambda *numbers: calls.append(numbers),
    )
    assert len(calls) > 3 and all(done >= 0 for done, _ in calls)
    assert sum(done for done, _ in calls) == 3 * total and {all_words for _, all_words in calls} == {3 * total}


def test_composed_vectors_are_means():
    vectors = {"word": np.arange(8.0).reshape(4, 2), "subword": np.array([[0, 0], [10, 20], [30, 40.0]])}
    vectors["word"][:2] = 0
    found = composed_vectors(vectors, np.array([2, 1, 3, 0]), np.array([[1, 2], [2, 0], [0, 0], [0, 0]]))
    np.testing.assert_allclose(found, [[44 / 3, 65 / 3], [30, 40], [6, 7], [0, 0]])
    np.testing.assert_allclose(composed_vectors({**vectors, "subword": None}, np.array([1, 3])), [[0, 0], [6, 7]])
    with pytest.raises(ValueError, match="`subword_ids` must be given"):
        composed_vectors(vectors, np.array([2]))
    with pytest.raises(ValueError, match="`vectors` must hold vectors of words"):
        composed_vectors({"word": None, "subword": None}, np.array([2]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "glove"}, "`method` must be one of 'skip_gram', 'cbow'"),
        ({"window": 0}, "`window`"),
        ({"learning_rate": 0.0}, "`learning_rate`"),
        ({"batch_size": 0}, "`batch_size`"),
        ({"subsample": -1}, "`subsample`"),
    ],
)
def test_what_cannot_be_sampled(arguments, message):
    with pytest.raises(ValueError, match=message):
        NegativeSampling(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"subwords": np.zeros((3, 2), int), "num_buckets": 2}, "`subwords` must be integers from 0 to num_buckets"),
        ({"subwords": np.full((4, 2), 3), "num_buckets": 2}, "`subwords` must be integers from 0 to num_buckets"),
        ({"subwords": np.zeros((4, 2), int)}, "`num_buckets` must be a positive integer"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        pretrain_word_vectors([np.array([2, 3])], 4, **arguments)


@pytest.mark.parametrize("sentence", [[2, 4], [-1], [2.5]])
def test_ids_that_are_none(sentence):
    with pytest.raises(ValueError, match="`sentences` must hold integers from 0 to vocabulary_size - 1 = 3"):
        pretrain_word_vectors([np.array(sentence)], 4)
