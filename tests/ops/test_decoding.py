import functools

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

from keras_seq.ops.decoding import choose, sample_ids
from keras_seq.ops.random_numbers import uniform_numbers

pytestmark = pytest.mark.both_backends

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
VOCABULARY, STATE, LENGTH = 11, 3, 12
START = np.array([4, 0, 7, 10, 4], "int32")
ALL = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "seed": 0}
GREEDY = {**ALL, "top_k": 1}
CASES = [
    ALL,
    {**ALL, "seed": 12},
    GREEDY,
    {**GREEDY, "temperature": 2.5, "top_p": 0.3, "seed": 5},
    {**ALL, "temperature": 0.3},
    {**ALL, "temperature": 2.0, "seed": 2**31 - 1},
    {**ALL, "top_k": 3},
    {**ALL, "top_k": VOCABULARY},
    {**ALL, "top_p": 0.6},
    {**ALL, "top_p": 1e-6},
    {"temperature": 0.7, "top_k": 5, "top_p": 0.8, "seed": 3},
    {"temperature": 1.5, "top_k": 4, "top_p": 0.5, "seed": 4},
]


class SmallModel:
    """A model with a state, in Keras and in NumPy."""

    def __init__(self, rows):
        generator = np.random.default_rng(1)
        self.by_id = generator.normal(size=(VOCABULARY, VOCABULARY)).astype("float32")
        self.by_state = generator.normal(size=(STATE, VOCABULARY)).astype("float32")
        self.vectors = generator.normal(size=(VOCABULARY, STATE)).astype("float32")
        self.states = {"nested": [generator.normal(size=(rows, STATE)).astype("float32")]}

    def step(self, token_ids, states):
        (state,) = states["nested"]
        logits = ops.take(self.by_id, token_ids, axis=0) + 2 * ops.matmul(state, self.by_state)
        state = ops.tanh(0.5 * state + ops.take(self.vectors, token_ids, axis=0))
        return ops.log_softmax(logits), {"nested": [state]}

    def plain_step(self, token_id, state):
        logits = self.by_id[token_id].astype("float64") + 2 * state @ self.by_state
        exponentials = np.exp(logits - logits.max())
        return np.log(exponentials / exponentials.sum()), np.tanh(0.5 * state + self.vectors[token_id])


def plain_draw(log_probs, number, temperature, top_k, top_p, banned):
    """One id, in float64, by the definitions."""
    probs = np.exp(log_probs) ** (1 / temperature)
    probs[list(banned)] = 0
    probs /= probs.sum()
    order = np.argsort(-probs, kind="stable")
    order = order[: top_k or len(order)]
    before = np.cumsum(probs[order]) - probs[order]
    order = order[before < top_p * probs[order].sum()] if top_p < 1 else order
    kept = np.zeros_like(probs)
    kept[order] = probs[order]
    if top_k == 1:
        return int(order[0])
    return int(np.flatnonzero(np.cumsum(kept) > number * kept.sum())[0])


def plain_loop(model, start, numbers, *, temperature, top_k, top_p, seed, stop_id=None, banned=()):
    ids, sums = np.zeros((len(start), len(numbers)), int), np.zeros(len(start))
    for row, token_id in enumerate(start):
        state = model.states["nested"][0][row].astype("float64")
        for step in range(len(numbers)):
            log_probs, state = model.plain_step(token_id, state)
            token_id = plain_draw(log_probs, numbers[step, row], temperature, top_k, top_p, banned)
            ids[row, step] = token_id
            sums[row] += log_probs[token_id]
            if token_id == stop_id:
                break
    return ids, sums


def numbers(seed, steps, rows):
    return ops.convert_to_numpy(uniform_numbers(seed, np.arange(rows), steps)).astype("float64")


def traced(function, xla=False):
    if ON_TENSORFLOW:
        import tensorflow as tf

        return tf.function(function, jit_compile=xla, autograph=False)
    import jax

    return jax.jit(function)


@functools.cache
def in_a_graph(length=LENGTH, stop_id=None, banned_ids=()):
    """`sample_ids` of the small model, with tensors for numbers, compiled once."""

    def run(start, states, temperature, top_k, top_p, seed, max_length=length):
        return sample_ids(
            SmallModel(1).step,
            start,
            states,
            max_length=max_length,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            stop_id=stop_id,
            banned_ids=banned_ids,
        )

    if not ON_TENSORFLOW:
        return traced(run)
    import tensorflow as tf

    specs = [tf.TensorSpec([None], tf.int32), {"nested": [tf.TensorSpec([None, STATE])]}]
    specs += [tf.TensorSpec([], dtype) for dtype in (tf.float32, tf.int32, tf.float32, tf.int32, tf.int32)]
    graph = tf.function(run, input_signature=specs, autograph=False).get_concrete_function()
    kinds = {node.op for node in graph.graph.as_graph_def().node}
    kinds |= {node.op for function in graph.graph.as_graph_def().library.function for node in function.node_def}
    assert not [kind for kind in kinds if "Xla" in kind or "PyFunc" in kind]
    return lambda *arguments: graph(*arguments, tf.constant(length))


def tensors(options):
    dtypes = {"temperature": "float32", "top_k": "int32", "top_p": "float32", "seed": "int32"}
    return [ops.convert_to_tensor(options[name], dtype) for name, dtype in dtypes.items()]


def call(function, start, states, options):
    states = keras.tree.map_structure(ops.convert_to_tensor, states)
    ids, sums = function(ops.convert_to_tensor(start), states, *tensors(options))
    return ops.convert_to_numpy(ids), ops.convert_to_numpy(sums)


@pytest.mark.parametrize("options", CASES)
def test_equal_to_a_plain_loop(options):
    model = SmallModel(len(START))
    ids, sums = call(in_a_graph(), START, model.states, options)
    expected, expected_sums = plain_loop(model, START, numbers(options["seed"], LENGTH, len(START)), **options)
    assert ids.dtype == np.int32
    np.testing.assert_array_equal(ids, expected)
    np.testing.assert_allclose(sums, expected_sums, atol=1e-4)


@pytest.mark.parametrize(("options", "jit"), [(GREEDY, False), (CASES[-2], False), (CASES[-2], True)])
def test_python_numbers_and_compilers_change_nothing(options, jit):
    model = SmallModel(len(START))
    expected, expected_sums = call(in_a_graph(), START, model.states, options)
    run = functools.partial(sample_ids, model.step, START, model.states, max_length=LENGTH, **options)
    if jit:
        run = traced(run, xla=True)
    ids, sums = run()
    np.testing.assert_array_equal(ops.convert_to_numpy(ids), expected)
    np.testing.assert_allclose(ops.convert_to_numpy(sums), expected_sums, atol=1e-5)


def test_a_row_does_not_depend_on_the_others():
    model = SmallModel(len(START))
    ids, sums = call(in_a_graph(), START, model.states, CASES[1])
    first = {"nested": [model.states["nested"][0][:2]]}
    of_two, sums_of_two = call(in_a_graph(), START[:2], first, CASES[1])
    np.testing.assert_array_equal(of_two, ids[:2])
    np.testing.assert_allclose(sums_of_two, sums[:2], atol=1e-5)
    # Alike in all but their number, rows differ.
    alike = {"nested": [np.zeros((2, STATE), "float32")]}
    of_alike, _ = call(in_a_graph(), START[[0, 0]], alike, CASES[1])
    assert (of_alike[0] != of_alike[1]).any()


BY_ROW = {
    "max_length": ("int32", [12, 3, 1, 20, 12, 7, 20, 5]),
    "temperature": ("float32", [1.0, 0.3, 1.0, 2.0, 1e-3, 1.5, 1e-30, 0.7]),
    "top_k": ("int32", [0, 0, 1, 3, VOCABULARY, 4, 0, 1]),
    "top_p": ("float32", [1.0, 0.6, 1.0, 1.0, 0.2, 0.5, 1.0, 0.9]),
    "seed": ("int32", [3, 3, 0, 2**31 - 1, 3, 8, 5, 3]),
    "sample": ("int32", [0, 1, 0, 5, 0, 2**31 - 1, 4, 2]),
}


def options_of(rows):
    return {name: np.array(values, dtype)[rows] for name, (dtype, values) in BY_ROW.items()}


@functools.cache
def in_a_graph_by_rows(stop_id, banned_ids):
    """`sample_ids` of the small model with options of each row, as arrays; on TensorFlow compiled once for all."""

    def run(start, states, options):
        return sample_ids(SmallModel(1).step, start, states, **options, stop_id=stop_id, banned_ids=banned_ids)

    if not ON_TENSORFLOW:
        return run
    import tensorflow as tf

    options = {name: tf.TensorSpec([None], dtype) for name, (dtype, _) in BY_ROW.items()}
    specs = [tf.TensorSpec([None], tf.int32), {"nested": [tf.TensorSpec([None, STATE])]}, options]
    return tf.function(run, input_signature=specs, autograph=False)


@pytest.mark.parametrize(("stop_id", "banned"), [(None, ()), (2, ()), (2, (0, 4))])
def test_a_row_among_others_with_other_options_is_what_it_is_alone(stop_id, banned):
    """In any company and at any place, as a plain loop with its options says."""
    rows = len(BY_ROW["seed"][1])
    model = SmallModel(rows)
    start = np.arange(rows, dtype="int32") % VOCABULARY
    run = in_a_graph_by_rows(stop_id, banned)

    def drawn(chosen):
        states = {"nested": [model.states["nested"][0][chosen]]}
        return tuple(map(ops.convert_to_numpy, run(start[chosen], states, options_of(chosen))))

    ids, sums = drawn(np.arange(rows))
    assert ids.shape == (rows, 20)
    for chosen in (np.array([5, 1, 3]), *([row] for row in range(rows))):
        of_chosen, sums_of_chosen = drawn(chosen)
        width = max(options_of(chosen)["max_length"])
        np.testing.assert_array_equal(of_chosen, ids[chosen][:, :width])
        np.testing.assert_allclose(sums_of_chosen, sums[chosen], atol=1e-5)
        assert not ids[chosen][:, width:].any()
    for row in range(rows):
        options = {name: values[row] for name, values in options_of(np.arange(rows)).items()}
        length, sample = options.pop("max_length"), options.pop("sample")
        state = {"nested": [model.states["nested"][0][row : row + 1]]}
        plain = SmallModel(1)
        plain.states = state
        uniform = ops.convert_to_numpy(uniform_numbers(options["seed"], [sample], int(length))).astype("float64")
        if options["temperature"] < 0.01:
            # In the limit, the most probable.
            options |= {"top_k": 1, "temperature": 1.0}
        expected, expected_sums = plain_loop(plain, start[[row]], uniform, stop_id=stop_id, banned=banned, **options)
        np.testing.assert_array_equal(ids[row, :length], expected[0])
        np.testing.assert_allclose(sums[row], expected_sums[0], atol=1e-4)


def test_no_rows_with_options_of_their_own():
    options = options_of(slice(0))
    ids, sums = sample_ids(SmallModel(0).step, START[:0], SmallModel(0).states, stop_id=2, **options)
    assert (tuple(ids.shape), tuple(sums.shape)) == ((0, 1), (0,))


def test_no_rows():
    states = {"nested": [np.zeros((0, STATE), "float32")]}
    for options in (ALL, GREEDY, CASES[-1]):
        ids, sums = call(in_a_graph(), START[:0], states, options)
        assert ids.shape == (0, LENGTH)
        assert sums.shape == (0,)


@pytest.mark.parametrize("options", [ALL, CASES[-2]])
def test_a_row_ends_at_the_stop_id(options):
    stop_id, length = 2, 30
    model = SmallModel(len(START))
    ids, sums = call(in_a_graph(length, stop_id), START, model.states, options)
    expected, expected_sums = plain_loop(
        model, START, numbers(options["seed"], length, len(START)), stop_id=stop_id, **options
    )
    np.testing.assert_array_equal(ids, expected)
    np.testing.assert_allclose(sums, expected_sums, atol=1e-4)
    ends = (ids == stop_id).argmax(1)
    assert len(set(ends)) > 2
    assert any(0 < end < length - 1 for end in ends)


@pytest.mark.skipif(not ON_TENSORFLOW, reason="eagerly, TensorFlow alone runs a step at a time")
def test_the_loop_stops_once_all_rows_have_ended():
    calls = []
    model = SmallModel(len(START))

    def step(token_ids, states):
        calls.append(token_ids)
        return model.step(token_ids, states)

    options = {**ALL, "temperature": 3.0, "seed": 2}
    ids, _ = sample_ids(step, START, model.states, max_length=60, stop_id=2, **options)
    ids = ops.convert_to_numpy(ids)
    assert (ids == 2).any(axis=1).all()
    assert len(calls) == (ids == 2).argmax(axis=1).max() + 1 < 60


def test_what_is_banned_is_not_drawn_and_the_sum_is_the_models():
    banned = (0, 4, 7)
    model = SmallModel(len(START))
    for options in (GREEDY, CASES[-1], {**ALL, "temperature": 50.0}):
        ids, sums = call(in_a_graph(LENGTH, None, banned), START, model.states, options)
        expected, expected_sums = plain_loop(
            model, START, numbers(options["seed"], LENGTH, len(START)), banned=banned, **options
        )
        np.testing.assert_array_equal(ids, expected)
        np.testing.assert_allclose(sums, expected_sums, atol=1e-4)
        assert not np.isin(ids, banned).any()


@pytest.mark.parametrize("stop_id", [None, 2])
def test_a_prefix_that_was_read_as_a_whole(stop_id):
    model = SmallModel(len(START))
    expected, expected_sums = call(in_a_graph(LENGTH, stop_id), START, model.states, CASES[-1])
    log_probs, states = model.step(START, model.states)
    options = {**CASES[-1], "max_length": LENGTH, "stop_id": stop_id}
    ids, sums = sample_ids(model.step, None, states, first_log_probs=log_probs, **options)
    np.testing.assert_array_equal(ops.convert_to_numpy(ids), expected)
    np.testing.assert_allclose(ops.convert_to_numpy(sums), expected_sums, atol=1e-5)
    one, _ = sample_ids(model.step, None, states, first_log_probs=log_probs, **{**options, "max_length": 1})
    np.testing.assert_array_equal(ops.convert_to_numpy(one), expected[:, :1])


@pytest.mark.parametrize(("temperature", "top_k", "top_p"), [(1.0, 0, 1.0), (0.5, 3, 1.0), (2.0, 0, 0.7)])
def test_ids_are_drawn_as_often_as_they_are_probable(temperature, top_k, top_p):
    rows = 20_000
    probs = np.array([0.3, 0.02, 0.25, 0.0, 0.1, 0.33])
    log_probs = np.log(np.maximum(probs, 1e-38)).astype("float32")
    first = np.broadcast_to(log_probs, (rows, len(probs)))
    options = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "first_log_probs": first}
    ids, _ = sample_ids(lambda token_ids, states: (first, states), None, (), max_length=1, **options)
    counts = np.bincount(ops.convert_to_numpy(ids)[:, 0], minlength=len(probs))
    expected = probs ** (1 / temperature)
    kept = {3: [5, 0, 2], 0: [5, 0, 2, 4, 1]}[top_k] if top_p == 1 else [5, 0, 2]
    expected[[index for index in range(len(probs)) if index not in kept]] = 0
    expected *= rows / expected.sum()
    assert not counts[expected == 0].any()
    assert stats.chisquare(counts[kept], expected[kept]).pvalue > 1e-3


def test_a_number_finds_its_place():
    """The first id whose cumulative probability is above it; never one without probability."""
    generator = np.random.default_rng(0)
    probs = generator.dirichlet(np.full(50, 0.1), 2000).astype("float32")
    probs[generator.random(probs.shape) < 0.5] = 0
    probs[np.arange(2000), generator.integers(0, 50, 2000)] += 1e-6
    number = generator.random(2000).astype("float32")
    number[:500], number[500:1000] = 0, 1 - 2.0**-24
    ids = ops.convert_to_numpy(choose(ops.convert_to_tensor(probs), ops.convert_to_tensor(number)))
    assert (np.take_along_axis(probs, ids[:, None], 1) > 0).all()
    assert (ids[:500] == (probs[:500] > 0).argmax(1)).all()
    cumulative = probs.astype("float64").cumsum(1)
    above = np.take_along_axis(cumulative, ids[:, None], 1)[:, 0] / cumulative[:, -1]
    below = above - np.take_along_axis(probs, ids[:, None], 1)[:, 0] / cumulative[:, -1]
    assert (below <= number + 1e-6).all()
    assert (above >= number - 1e-6).all()


def test_of_equally_probable_ids_the_first_is_taken_and_all_are_kept():
    log_probs = np.log(np.array([[0.1, 0.2, 0.25, 0.25, 0.2]] * 400, "float32"))
    step = lambda token_ids, states: (log_probs, states)  # noqa: E731
    start = np.zeros(len(log_probs), "int32")
    draw = lambda **options: set(np.ravel(sample_ids(step, start, (), max_length=1, **options)[0]).tolist())  # noqa: E731
    assert draw(top_k=1) == {2}
    assert draw(top_k=1, temperature=1e-3) == {2}
    assert draw(top_k=2) == {2, 3}
    assert draw(top_k=3) == {1, 2, 3, 4}


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("max_length", 0, ValueError, "`max_length` must be a positive integer. Received: max_length=0"),
        ("max_length", 2.0, TypeError, "`max_length` must be an integer"),
        ("temperature", 0, ValueError, "`temperature` must be a finite number above 0.*set top_k=1"),
        ("temperature", -1.0, ValueError, "Received: temperature=-1.0"),
        ("temperature", float("nan"), ValueError, "`temperature` must be a finite number"),
        ("temperature", "hot", TypeError, "`temperature` must be a number"),
        ("top_k", -1, ValueError, "`top_k` must be an integer of at least 0. Received: top_k=-1"),
        (
            "top_k",
            VOCABULARY + 1,
            ValueError,
            "`top_k` must not be above the size of the vocabulary, 11.*top_k=12",
        ),
        ("top_k", 1.5, TypeError, "`top_k` must be an integer"),
        ("top_p", 0.0, ValueError, "`top_p` must be a share: above 0 and at most 1. Received: top_p=0.0"),
        ("top_p", 1.1, ValueError, "Received: top_p=1.1"),
        ("seed", -1, ValueError, "`seed` must be an integer of at least 0. Received: seed=-1"),
        ("seed", 2**31, ValueError, "`seed` must be at most 2147483647. Received: seed=2147483648"),
        (
            "temperature",
            1e-50,
            ValueError,
            r"`temperature` must be from 1.2e-38 to 3.4e\+38. Received: temperature=1e-50",
        ),
        ("temperature", 1e39, ValueError, r"Received: temperature=1e\+39"),
        ("temperature", [0.5, -2.0], ValueError, "Received: temperature=-2.0"),
        ("top_k", [3, 12], ValueError, r"`top_k` must not be above the size of the vocabulary, 11.*top_k=\[3, 12\]"),
        ("sample", [-1], ValueError, "`sample` must be an integer of at least 0. Received: sample=-1"),
        ("banned_ids", range(VOCABULARY), ValueError, "`banned_ids` must leave an id to draw. Received: all 11 ids"),
        ("start_ids", None, ValueError, "`start_ids` must be given without `first_log_probs`"),
    ],
)
def test_wrong_arguments(name, value, error, message):
    model = SmallModel(1)
    arguments = {"start_ids": START[:1], "max_length": 2, name: value}
    with pytest.raises(error, match=message):
        sample_ids(model.step, states=model.states, **arguments)
