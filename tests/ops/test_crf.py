import itertools

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.ops.crf import crf_log_partition, crf_marginals, crf_score, crf_viterbi

pytestmark = pytest.mark.both_backends

NUM_TAGS = 3
ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
# JAX computes in float32.
DTYPE, TOLERANCE = ("float64", 1e-10) if ON_TENSORFLOW else ("float32", 1e-4)
MODES = ("eager", "jit")


def compiled(function):
    """Under XLA, whatever the backend."""
    if ON_TENSORFLOW:
        import tensorflow as tf

        return tf.function(function, jit_compile=True)
    import jax

    return jax.jit(function)


def gradient(function, argument):
    if ON_TENSORFLOW:
        import tensorflow as tf

        argument = tf.convert_to_tensor(argument)
        with tf.GradientTape() as tape:
            tape.watch(argument)
            result = function(argument)
        return tape.gradient(result, argument).numpy()
    import jax

    return np.array(jax.grad(function)(argument))


def to_numpy(structure):
    return keras.tree.map_structure(ops.convert_to_numpy, structure)


def every_mask(steps):
    """All masks of so many steps: padding left, right, on both sides, with holes, nothing real, all real."""
    return np.array(list(itertools.product([False, True], repeat=steps)), bool).reshape(2**steps, steps)


def random_chain(steps, seed=0, scale=2.0):
    """Potentials with every mask of `steps`; what stands at masked steps is large and must not matter."""
    rng = np.random.default_rng(seed)
    mask = every_mask(steps)
    potentials = scale * rng.normal(size=(*mask.shape, NUM_TAGS, NUM_TAGS))
    return np.where(mask[..., None, None], potentials, 1e4 * potentials).astype(DTYPE), mask


def enumerate_paths(potentials, mask):
    """All tag sequences of one row, with their scores, in float64; 0 stands at masked steps."""
    real = np.flatnonzero(mask)
    paths, scores = [], []
    for tags in itertools.product(range(potentials.shape[-1]), repeat=len(real)):
        score, previous = 0.0, 0
        for step, tag in zip(real, tags, strict=True):
            score += float(potentials[step, previous, tag])
            previous = tag
        path = np.zeros(len(mask), int)
        path[real] = tags
        paths.append(path)
        scores.append(score)
    return np.array(paths), np.array(scores)


def log_sum_exp(scores):
    return scores.max() + np.log(np.exp(scores - scores.max()).sum())


def brute_force(potentials, mask):
    """Per row: log partition, best path, its score, marginals."""
    results = []
    for row, real in zip(potentials, mask, strict=True):
        paths, scores = enumerate_paths(row, real)
        total = log_sum_exp(scores)
        hits = paths[:, :, None] == np.arange(potentials.shape[-1])
        marginals = (np.exp(scores - total)[:, None, None] * hits).sum(0) * real[:, None]
        results.append((total, paths[scores.argmax()], scores.max(), marginals))
    return [np.array(column) for column in zip(*results, strict=True)]


def run_all(potentials, tag_ids, mask):
    path, best = crf_viterbi(potentials, mask)
    return {
        "log_partition": crf_log_partition(potentials, mask),
        "score": crf_score(potentials, tag_ids, mask),
        "path": path,
        "best": best,
        "marginals": crf_marginals(potentials, mask),
    }


# XLA compiles no loop over nothing on TensorFlow: `jit` starts at one step.
@pytest.mark.both_backends("0-eager", "4-jit")
@pytest.mark.parametrize(("steps", "mode"), [(steps, mode) for mode in MODES for steps in range(mode == "jit", 6)])
def test_equal_to_the_enumeration_of_all_paths(steps, mode):
    potentials, mask = random_chain(steps)
    tag_ids = np.random.default_rng(1).integers(NUM_TAGS, size=mask.shape)
    tag_ids = np.where(mask, tag_ids, -1)
    log_partition, path, best, marginals = brute_force(potentials, mask)
    results = to_numpy((compiled(run_all) if mode == "jit" else run_all)(potentials, tag_ids, mask))
    np.testing.assert_allclose(results["log_partition"], log_partition, rtol=TOLERANCE, atol=TOLERANCE)
    np.testing.assert_array_equal(results["path"], path)
    np.testing.assert_allclose(results["best"], best, rtol=TOLERANCE, atol=TOLERANCE)
    np.testing.assert_allclose(results["marginals"], marginals, rtol=TOLERANCE, atol=TOLERANCE)
    for row, real, tags, score in zip(potentials, mask, tag_ids, results["score"], strict=True):
        paths, scores = enumerate_paths(row, real)
        (index,) = np.flatnonzero((paths == np.where(real, tags, 0)).all(-1))
        assert score == pytest.approx(scores[index], rel=TOLERANCE, abs=TOLERANCE)
    assert results["path"].dtype == "int32"
    assert results["log_partition"][~mask.any(-1)] == 0
    assert results["best"][~mask.any(-1)] == results["score"][~mask.any(-1)] == 0


@pytest.mark.parametrize("num_tags", [1, 2])
def test_few_tags(num_tags):
    mask = every_mask(3)
    potentials = np.random.default_rng(2).normal(size=(*mask.shape, num_tags, num_tags)).astype(DTYPE)
    log_partition, path, _, marginals = brute_force(potentials, mask)
    np.testing.assert_allclose(crf_log_partition(potentials, mask), log_partition, rtol=TOLERANCE, atol=TOLERANCE)
    np.testing.assert_array_equal(crf_viterbi(potentials, mask)[0], path)
    np.testing.assert_allclose(crf_marginals(potentials, mask), marginals, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("mode", MODES)
def test_gradient_of_the_loss_is_that_of_finite_differences(mode):
    potentials, mask = random_chain(4, seed=3, scale=1.0)
    tag_ids = np.where(mask, np.random.default_rng(4).integers(NUM_TAGS, size=mask.shape), -1)
    # Rows weigh differently: a gradient that forgets what flows in from above would show.
    row_weights = np.random.default_rng(5).normal(size=len(mask)).astype(DTYPE)

    def loss(potentials):
        return ops.sum((crf_log_partition(potentials, mask) - crf_score(potentials, tag_ids, mask)) * row_weights)

    def exact_loss(row, real, tags):
        paths, scores = enumerate_paths(row, real)
        (index,) = np.flatnonzero((paths == np.where(real, tags, 0)).all(-1))
        return log_sum_exp(scores) - scores[index]

    actual = gradient(compiled(loss) if mode == "jit" else loss, potentials)
    expected = np.zeros(potentials.shape)
    step = 1e-5
    for index in np.ndindex(potentials.shape):
        b = index[0]
        if not mask[index[:2]]:
            continue
        moved = [potentials[b].astype("float64"), potentials[b].astype("float64")]
        moved[0][index[1:]] += step
        moved[1][index[1:]] -= step
        up, down = (exact_loss(row, mask[b], tag_ids[b]) for row in moved)
        expected[index] = row_weights[b] * (up - down) / (2 * step)
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-7 if ON_TENSORFLOW else 1e-5)
    assert np.abs(expected).max() > 0.1


@pytest.mark.both_backends(thorough=True)
def test_half_precision_is_computed_in_float32():
    rng = np.random.default_rng(6)
    mask = np.ones((4, 200), bool)
    potentials = rng.normal(size=(4, 200, NUM_TAGS, NUM_TAGS)).astype("float16") * 20
    tag_ids = rng.integers(NUM_TAGS, size=mask.shape)
    wide = to_numpy(run_all(potentials.astype("float32"), tag_ids, mask))
    half = to_numpy(run_all(potentials, tag_ids, mask))
    for key, expected in wide.items():
        np.testing.assert_array_equal(half[key], expected, err_msg=key)
        assert half[key].dtype == ("int32" if key == "path" else "float32")

    def loss(potentials):
        return ops.sum(crf_log_partition(potentials, mask))

    slope = gradient(loss, potentials)
    assert slope.dtype == "float16"
    np.testing.assert_allclose(slope, gradient(loss, potentials.astype("float32")), atol=1e-3)


def test_long_chains_stay_finite():
    rng = np.random.default_rng(7)
    potentials = (30 * rng.normal(size=(2, 3000, NUM_TAGS, NUM_TAGS))).astype("float32")
    mask = np.ones((2, 3000), bool)
    mask[1] = rng.random(3000) < 0.5
    tag_ids = rng.integers(NUM_TAGS, size=mask.shape)
    results = to_numpy(compiled(run_all)(potentials, tag_ids, mask))
    assert all(np.isfinite(result).all() for result in results.values())
    np.testing.assert_allclose(results["marginals"].sum(-1), mask, atol=2e-2)
    assert (results["log_partition"] >= results["best"] * (1 - 1e-5)).all()
    path_score = crf_score(potentials, results["path"], mask)
    np.testing.assert_allclose(path_score, results["best"], rtol=1e-5)


@pytest.mark.both_backends(thorough=True)
def test_padding_moves_no_number():
    rng = np.random.default_rng(8)
    potentials = rng.normal(size=(1, 4, NUM_TAGS, NUM_TAGS)).astype("float32")
    tag_ids = rng.integers(NUM_TAGS, size=(1, 4))
    expected = to_numpy(run_all(potentials, tag_ids, np.ones((1, 4), bool)))
    for places in ([0, 1, 2, 3], [3, 4, 5, 6], [0, 2, 3, 6]):
        mask = np.zeros((1, 7), bool)
        mask[0, places] = True
        padded = 100 * rng.normal(size=(1, 7, NUM_TAGS, NUM_TAGS)).astype("float32")
        padded[:, places] = potentials
        padded_tags = np.full((1, 7), -1)
        padded_tags[:, places] = tag_ids
        results = to_numpy(run_all(padded, padded_tags, mask))
        for key in ("log_partition", "score", "best"):
            np.testing.assert_allclose(results[key], expected[key], rtol=1e-5)
        np.testing.assert_array_equal(results["path"][:, places], expected["path"])
        np.testing.assert_allclose(results["marginals"][:, places], expected["marginals"], rtol=1e-4, atol=1e-6)
        assert not results["path"][~mask].any()
        assert not results["marginals"][~mask].any()
