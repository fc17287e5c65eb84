import sys
import tracemalloc

import numpy as np
import pytest

from keras_seq.metrics import retrieval_scores


def scores_by_loop(vectors, labels, references, other_labels, ks, without_itself):
    """Ranks by one loop for each query, in float64."""
    ranks = []
    for index, (vector, label) in enumerate(zip(vectors, labels, strict=True)):
        found = []
        for place, (other, other_label) in enumerate(zip(references, other_labels, strict=True)):
            if without_itself and place == index:
                continue
            cosine = float(np.dot(vector, other) / (np.linalg.norm(vector) * np.linalg.norm(other)))
            found.append((-cosine, other_label == label))
        # Of equally near ones those of another label come first.
        found.sort()
        if any(same for _, same in found):
            ranks.append(1 + [same for _, same in found].index(True))
    scores = {f"recall_at_{k}": np.mean([rank <= k for rank in ranks]) for k in ks}
    return {**scores, "mrr": np.mean([1 / rank for rank in ranks])}


def random_vectors(count=70, classes=9, seed=0, dtype="float64"):
    generator = np.random.default_rng(seed)
    labels = generator.integers(classes, size=count)
    centres = np.random.default_rng(9).normal(size=(classes, 6))
    return (centres[labels] + generator.normal(size=(count, 6))).astype(dtype), labels


@pytest.mark.parametrize("block_cells", [1, 200, 1 << 22])
@pytest.mark.parametrize("without_itself", [True, False])
def test_scores_by_a_plain_loop(monkeypatch, block_cells, without_itself):
    # The function has the name of its module.
    monkeypatch.setattr(sys.modules["keras_seq.metrics.retrieval_scores"], "_BLOCK_CELLS", block_cells)
    vectors, labels = random_vectors()
    references, other_labels = (vectors, labels) if without_itself else random_vectors(40, seed=1)
    given = () if without_itself else (references, other_labels)
    ks = (1, 2, 5, 1000)
    expected = scores_by_loop(vectors, labels, references, other_labels, ks, without_itself)
    assert 0.1 < expected["recall_at_1"] < 0.9 and expected["recall_at_1000"] == 1.0
    assert retrieval_scores(vectors, labels, *given, ks=ks) == pytest.approx(expected)
    names = (labels.astype(str), *((references, other_labels.astype(str)) if given else ()))
    assert retrieval_scores(7 * vectors, *names, ks=ks) == pytest.approx(expected)


def test_the_scores_that_are_given_without_asking():
    assert list(retrieval_scores(*random_vectors())) == ["recall_at_1", "recall_at_5", "recall_at_10", "mrr"]


def test_queries_whose_label_is_nowhere_else_are_left_out():
    vectors, labels = np.eye(4) + 0.1, ["a", "a", "b", "c"]
    assert retrieval_scores(vectors, labels, ks=[3])["recall_at_3"] == 1.0
    assert retrieval_scores(vectors, labels, vectors[2:], ["x", "y"], ks=[1]) == {"recall_at_1": 0.0, "mrr": 0.0}
    assert retrieval_scores(vectors, labels, vectors[:0], labels[:0], ks=[1]) == {"recall_at_1": 0.0, "mrr": 0.0}
    assert retrieval_scores(vectors[:0], [], ks=[1]) == {"recall_at_1": 0.0, "mrr": 0.0}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("value", [0.0, 0.3])
def test_a_model_that_makes_all_vectors_equal_finds_nothing(dtype, value):
    found = retrieval_scores(np.full((40, 4), value, dtype), np.arange(40) % 10, ks=[1, 10])
    # Each has 3 of its label behind 36 others.
    assert found == {"recall_at_1": 0.0, "recall_at_10": 0.0, "mrr": pytest.approx(1 / 37)}


def test_memory_is_that_of_a_block():
    vectors, labels = random_vectors(6_000, dtype="float32")
    tracemalloc.start()
    retrieval_scores(vectors, labels)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # All similarities at once would take 144 MB, and as much again for what is the same.
    assert most < 80e6


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.eye(3), [1, 2]), ValueError, "`vectors` must be `\\(rows, features\\)`"),
        ((np.ones(3), [1, 2, 3]), ValueError, "Received: vectors.shape=\\(3,\\)"),
        ((np.eye(3), [1, 2, 3], np.eye(3)), ValueError, "must be given together"),
        ((np.eye(3), [1, 2, 3], np.eye(3), [1]), ValueError, "`reference_vectors` must be"),
        ((np.eye(3), [1, 2, 3], np.eye(2), [1, 2]), ValueError, "must have as many features"),
        ((np.eye(3) * np.nan, [1, 2, 3]), ValueError, "`vectors` must be finite. Received: one that is not in row 0"),
        ((np.eye(3), [1, 2, 3], None, None, [0]), ValueError, "`ks` must be a positive integer"),
        ((np.eye(3), [1, 2, 3], None, None, [1.0]), TypeError, "`ks` must be an integer"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        retrieval_scores(*arguments)


def test_large_labels_of_two_integer_types_are_told_apart():
    vectors = np.array([[1.0, 0.0], [0.0, 1.0]])
    labels = np.array([2**60, 2**60 + 1])
    assert retrieval_scores(vectors, labels, vectors[::-1], labels.astype("uint64"), ks=[1])["recall_at_1"] == 0
    assert retrieval_scores(vectors, labels, vectors, labels.astype("uint64"), ks=[1])["recall_at_1"] == 1


def test_a_label_that_is_no_number():
    with pytest.raises(ValueError, match="`labels` must be finite"):
        retrieval_scores(np.eye(2), np.array([0.0, np.nan]))
