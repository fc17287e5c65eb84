import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as reference

from keras_seq.metrics import best_threshold, correlation_scores, curve_points, pair_scores

# Few values, so that there are ties; and any.
values = st.one_of(st.sampled_from([-0.5, 0.0, 0.25, 0.25, 1.0]), st.floats(-1, 1, width=32))
pairs = st.lists(st.tuples(values, st.booleans()), min_size=1, max_size=30)


def scores_by_loop(similarities, is_same, threshold):
    both = sum(value >= threshold and same for value, same in zip(similarities, is_same, strict=True))
    found = sum(value >= threshold for value in similarities)
    right = sum((value >= threshold) == same for value, same in zip(similarities, is_same, strict=True))
    f1 = 2 * both / (found + sum(is_same)) if found + sum(is_same) else 0.0
    return {"f1": f1, "accuracy": right / len(is_same)}


@settings(max_examples=150, deadline=None)
@given(pairs=pairs, score=st.sampled_from(["f1", "accuracy"]))
def test_no_threshold_is_better_than_the_best(pairs, score):
    similarities, is_same = zip(*pairs, strict=True)
    threshold = best_threshold(similarities, is_same, score=score)
    # All that differ: at each value, and above the highest.
    candidates = [*sorted(set(similarities)), max(similarities) + 1]
    reached = {candidate: scores_by_loop(similarities, is_same, candidate)[score] for candidate in candidates}
    best = max(reached.values())
    assert scores_by_loop(similarities, is_same, threshold)[score] == pytest.approx(best)
    assert pair_scores(similarities, is_same, threshold)[score] == pytest.approx(best)
    # Of equally good ones it is the highest: it leaves out what the lowest of them would find in vain.
    highest = max(candidate for candidate, value in reached.items() if value == pytest.approx(best, abs=1e-12))
    assert sum(value >= threshold for value in similarities) == sum(value >= highest for value in similarities)
    order = np.random.default_rng(0).permutation(len(pairs))
    assert best_threshold(np.array(similarities)[order], np.array(is_same)[order], score=score) == threshold


def test_the_threshold_lies_in_the_middle():
    assert best_threshold([0.9, 0.5, 0.25, 0.1], [1, 1, 0, 0]) == 0.375
    assert best_threshold(np.array([0.5, 0.25], "float32"), np.array([True, False]), score="accuracy") == 0.375
    assert best_threshold([0.5, 0.25], [1, 1]) == 0.25
    assert best_threshold([0.5, 0.25], [0, 0], score="accuracy") == np.nextafter(0.5, 1)
    # F1 and accuracy do not choose the same.
    assert best_threshold([0.9, 0.8, 0.7, 0.6, 0.5], [1, 0, 0, 0, 1], score="accuracy") == pytest.approx(0.85)
    assert best_threshold([0.9, 0.8, 0.7, 0.6, 0.5], [1, 0, 0, 1, 1], score="f1") == 0.5


def test_between_neighbouring_numbers_is_no_middle():
    low = 0.5
    high = np.nextafter(low, 1)
    assert best_threshold([high, low], [1, 0]) == high


@settings(max_examples=150, deadline=None)
@given(pairs=pairs, threshold=values)
def test_scores_against_scikit_learn(pairs, threshold):
    similarities, is_same = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    found = pair_scores(similarities, is_same.astype(int), threshold)
    called = similarities >= threshold
    precision, recall, f1, _ = reference.precision_recall_fscore_support(
        is_same, called, average="binary", zero_division=0
    )
    expected = {"accuracy": (called == is_same).mean(), "f1": f1, "precision": precision, "recall": recall}
    if is_same.any() and not is_same.all():
        expected["roc_auc"] = reference.roc_auc_score(is_same, similarities)
        expected["average_precision"] = reference.average_precision_score(is_same, similarities)
    else:
        expected |= {"roc_auc": 0.5, "average_precision": float(is_same.any())}
    assert found == pytest.approx(expected)
    assert all(type(value) is float for value in found.values())


@settings(max_examples=100, deadline=None)
@given(pairs=pairs)
def test_curves_against_scikit_learn(pairs):
    similarities, is_same = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    points = curve_points(similarities, is_same)
    assert len(points.thresholds) == len(set(similarities)) + 1
    if not is_same.any() or is_same.all():
        assert all(np.isfinite(values).all() for values in points[1:])
        return
    false_rate, true_rate, thresholds = reference.roc_curve(is_same, similarities, drop_intermediate=False)
    np.testing.assert_allclose(points.thresholds, thresholds)
    np.testing.assert_allclose(points.true_positive_rate, true_rate)
    np.testing.assert_allclose(points.false_positive_rate, false_rate)
    precision, recall, _ = reference.precision_recall_curve(is_same, similarities)
    np.testing.assert_allclose(points.precision, precision[::-1])
    np.testing.assert_allclose(points.true_positive_rate, recall[::-1])


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200])
@pytest.mark.parametrize("with_ties", [True, False])
def test_correlations_against_scipy(scale, with_ties):
    generator = np.random.default_rng(1)
    scores = generator.integers(6, size=80) if with_ties else generator.normal(size=80)
    similarities = 0.3 * scores + generator.normal(size=80)
    found = correlation_scores(scale * similarities, scores)
    assert found["pearson"] == pytest.approx(stats.pearsonr(similarities, scores).statistic)
    assert found["spearman"] == pytest.approx(stats.spearmanr(similarities, scores).statistic)
    backwards = correlation_scores(-similarities, scores)
    assert backwards == pytest.approx({name: -value for name, value in found.items()})


def test_correlation_with_what_does_not_vary():
    for similarities, scores in (([0.1] * 3, [1, 2, 3]), ([1, 2, 3], [0.1] * 3), ([], []), ([1.0], [2.0])):
        assert correlation_scores(similarities, scores) == {"pearson": 0.0, "spearman": 0.0}


def test_nothing_to_score():
    assert set(pair_scores([], [], 0.5).values()) == {0.0, 0.5}
    assert [values.tolist() for values in curve_points([], [])] == [[np.inf], [0.0], [0.0], [1.0]]


@pytest.mark.parametrize(
    ("similarities", "targets", "message"),
    [
        ([0.5, 0.5], [1], "`similarities` and `is_same` must have one number for each pair"),
        ([[0.5]], [[1]], "Received: similarities.shape=\\(1, 1\\)"),
        ([0.5, np.nan], [1, 0], "`similarities` must be finite. Received: nan"),
        ([0.5, 0.4], [1, np.inf], "`is_same` must be finite. Received: inf"),
        ([0.5, 0.4], [1, 4.5], "`is_same` must be 1 or 0. Received: 4.5"),
        ([0.5, 0.4], [1, -1], "`is_same` must be 1 or 0. Received: -1"),
    ],
)
def test_wrong_pairs(similarities, targets, message):
    for function in (best_threshold, lambda *pairs: pair_scores(*pairs, 0.5), curve_points):
        with pytest.raises(ValueError, match=message):
            function(similarities, targets)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="`score` must be one of 'f1', 'accuracy'. Received: score='recall'"):
        best_threshold([0.5], [1], score="recall")
    with pytest.raises(ValueError, match="`similarities` must hold at least one pair"):
        best_threshold([], [])
    with pytest.raises(ValueError, match="`similarities` and `scores` must have one number for each pair"):
        correlation_scores([0.5], [1, 2])
    with pytest.raises(ValueError, match="`scores` must be finite. Received: nan"):
        correlation_scores([0.5, 0.1], [1, np.nan])
