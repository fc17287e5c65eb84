import functools
import itertools

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.ops.beam_search import beam_search
from keras_seq.ops.decoding import sample_ids

pytestmark = pytest.mark.both_backends

VOCABULARY, STOP, LENGTH, ROWS = 4, 3, 4, 2
START = np.array([1, 2], "int32")


def model():
    """Its state decides about what comes next, so that beams which lose their own state are found out."""
    generator = np.random.default_rng(0)
    by_id = generator.normal(size=(VOCABULARY, VOCABULARY)).astype("float32")
    by_state = 2 * generator.normal(size=(3, VOCABULARY)).astype("float32")
    vectors = generator.normal(size=(VOCABULARY, 3)).astype("float32")

    def step(token_ids, states):
        logits = ops.take(by_id, token_ids, axis=0) + ops.matmul(states[0], by_state)
        return ops.log_softmax(logits), [ops.tanh(0.5 * states[0] + ops.take(vectors, token_ids, axis=0))]

    return step, [generator.normal(size=(ROWS, 3)).astype("float32")]


def search(compiled=True, **options):
    step, states = model()
    run = functools.partial(beam_search, step, START, states, max_length=LENGTH, stop_id=STOP, **options)
    if compiled:
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            run = tf.function(run, autograph=False)
        else:
            import jax

            run = jax.jit(run)
    return tuple(ops.convert_to_numpy(part) for part in run())


@functools.cache
def all_sequences(length_penalty):
    """For each row all sequences that end, or are as long as may be, the best first."""
    others = [token_id for token_id in range(VOCABULARY) if token_id != STOP]
    sequences = [
        [*begin, STOP][:LENGTH] for length in range(LENGTH + 1) for begin in itertools.product(others, repeat=length)
    ]
    log_probs = tables()
    found = []
    for row in range(ROWS):
        scored = []
        for sequence in sequences:
            total = sum(log_probs[row, tuple(sequence[:place])][token_id] for place, token_id in enumerate(sequence))
            padded = (*sequence, *[0] * (LENGTH - len(sequence)))
            scored.append((total / ((5 + len(sequence)) / 6) ** length_penalty, padded))
        found.append(sorted(scored, reverse=True))
    return found


@functools.cache
def tables():
    """The log-probabilities after every beginning, in one call of the model for each length."""
    step, (state,) = model()
    found, begins = {}, [(row, ()) for row in range(ROWS)]
    token_ids, states = START, [state]
    for _ in range(LENGTH):
        log_probs, states = step(ops.convert_to_tensor(token_ids), states)
        for place, begin in enumerate(begins):
            found[begin] = ops.convert_to_numpy(log_probs)[place].astype("float64")
        order = np.repeat(np.arange(len(begins)), VOCABULARY)
        token_ids = np.tile(np.arange(VOCABULARY, dtype="int32"), len(begins))
        states = [ops.take(states[0], order, axis=0)]
        begins = [(row, (*ids, token_id)) for row, ids in begins for token_id in range(VOCABULARY)]
    return found


def plain_search(row, width, length_penalty):
    """The same search over the table, in lists."""
    beam = [(0.0, ())]
    for _ in range(LENGTH):
        continued = []
        for total, ids in beam:
            if ids and ids[-1] == STOP:
                continued.append((total, ids))
            else:
                continued += [(total + value, (*ids, k)) for k, value in enumerate(tables()[row, ids])]
        beam = sorted(continued, key=lambda pair: -pair[0] / ((5 + len(pair[1])) / 6) ** length_penalty)[:width]
    return [(*ids, *[0] * (LENGTH - len(ids))) for _, ids in beam]


@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_as_wide_as_can_be_it_finds_the_best_of_all(length_penalty):
    width = 60
    ids, scores = search(beam_width=width, length_penalty=length_penalty)
    assert ids.shape == (ROWS, width, LENGTH)
    for row, expected in enumerate(all_sequences(length_penalty)):
        assert [tuple(sequence) for sequence in ids[row].tolist()] == [sequence for _, sequence in expected[:width]]
        np.testing.assert_allclose(scores[row], [score for score, _ in expected[:width]], atol=1e-5)


@pytest.mark.parametrize(("width", "length_penalty"), [(2, 0.0), (3, 0.6)])
def test_a_narrow_beam_is_that_of_a_plain_loop(width, length_penalty):
    ids, scores = search(beam_width=width, length_penalty=length_penalty)
    of_all = [{sequence: score for score, sequence in found} for found in all_sequences(length_penalty)]
    for row in range(ROWS):
        sequences = [tuple(sequence) for sequence in ids[row].tolist()]
        assert sequences == plain_search(row, width, length_penalty)
        np.testing.assert_allclose(scores[row], [of_all[row][sequence] for sequence in sequences], atol=1e-5)
    assert (np.diff(scores) <= 0).all()


def test_a_width_of_one_takes_the_most_probable():
    step, states = model()
    for banned in ((), (1,)):
        ids, scores = search(compiled=False, beam_width=1, banned_ids=banned)
        expected, log_prob = sample_ids(
            step, START, states, max_length=LENGTH, top_k=1, stop_id=STOP, banned_ids=banned
        )
        np.testing.assert_array_equal(ids[:, 0], ops.convert_to_numpy(expected))
        np.testing.assert_allclose(scores[:, 0], ops.convert_to_numpy(log_prob), atol=1e-5)


def test_fewer_sequences_than_the_beam_is_wide():
    log_probs = np.log(np.array([[0.5, 0.2, 0.3]], "float32"))
    step = lambda token_ids, states: (ops.tile(log_probs, (ops.shape(token_ids)[0], 1)), states)  # noqa: E731
    ids, scores = beam_search(step, [1], (), beam_width=5, max_length=1)
    assert np.ravel(ops.convert_to_numpy(ids))[:3].tolist() == [0, 2, 1]
    np.testing.assert_allclose(np.exp(ops.convert_to_numpy(scores)[0]), [0.5, 0.3, 0.2, 0, 0], atol=1e-6)
    ids, scores = beam_search(step, np.zeros(0, "int32"), (), beam_width=2, max_length=3)
    assert (tuple(ids.shape), tuple(scores.shape)) == ((0, 2, 3), (0, 2))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"beam_width": 0}, ValueError, "`beam_width` must be a positive integer. Received: beam_width=0"),
        ({"beam_width": 2, "length_penalty": -1.0}, ValueError, "`length_penalty` must be a finite number of at least"),
        ({"beam_width": 2, "banned_ids": range(4)}, ValueError, "`banned_ids` must leave an id to draw"),
    ],
)
def test_wrong_arguments(options, error, message):
    with pytest.raises(error, match=message):
        search(compiled=False, **options)
    step, states = model()
    with pytest.raises(ValueError, match="`max_length` must be a positive integer. Received: max_length=0"):
        beam_search(step, START, states, beam_width=2, max_length=0)
