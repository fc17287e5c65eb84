import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_recall_fscore_support

from keras_seq.metrics import calibration_error, class_confusion, classification_scores, multi_label_scores

NAMES = ["anger", "joy", "fear", "calm", "never"]


def random_texts(seed=0, texts=60):
    """Ids of four of five classes, the last of which is never true; one of the others is never predicted."""
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.ones(5), size=texts)
    probabilities[:, [1, 4]] *= 0.01
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return generator.integers(4, size=texts), probabilities


def calibration_error_by_loop(confidences, correct, num_bins=15):
    total = 0.0
    for index in range(num_bins):
        chosen = [
            (confidence, right)
            for confidence, right in zip(confidences, correct, strict=True)
            if index / num_bins < confidence <= (index + 1) / num_bins or (index == 0 and confidence == 0)
        ]
        if chosen:
            gap = sum(confidence for confidence, _ in chosen) / len(chosen) - sum(r for _, r in chosen) / len(chosen)
            total += len(chosen) * abs(gap)
    return total / len(confidences)


def test_scores_are_those_of_scikit_learn():
    true, probabilities = random_texts()
    predicted = probabilities.argmax(axis=1)
    scores = classification_scores(true, probabilities, NAMES)
    assert scores["accuracy"] == pytest.approx(accuracy_score(true, predicted))
    assert scores["macro_f1"] == pytest.approx(f1_score(true, predicted, average="macro", zero_division=0))
    assert scores["ece"] == pytest.approx(calibration_error_by_loop(probabilities.max(axis=1), predicted == true))
    reference = precision_recall_fscore_support(true, predicted, labels=range(5), zero_division=0)
    for name, *values in zip(NAMES, *reference, strict=True):
        assert [scores["classes"][name][key] for key in ("precision", "recall", "f1", "support")] == pytest.approx(
            values
        )
    assert scores["classes"]["joy"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": int((true == 1).sum())}
    assert list(scores["classes"]) == NAMES


def test_scores_are_plain_numbers():
    true, probabilities = random_texts()
    multi_hot = np.eye(5)[true]
    for scores in (
        classification_scores(true, probabilities, NAMES),
        multi_label_scores(multi_hot, probabilities, NAMES),
    ):
        by_class = [value for values in scores.pop("classes").values() for value in values.values()]
        assert {type(value) for value in by_class} == {float, int}
        assert {type(value) for value in scores.values()} == {float}


def test_several_labels_are_those_of_scikit_learn():
    generator = np.random.default_rng(1)
    true = generator.integers(2, size=(50, 5))
    true[:, 4] = 0
    probabilities = generator.random((50, 5))
    probabilities[:20] = np.where(true[:20] == 1, 0.9, 0.1)  # some texts are all right
    probabilities[:, 4] = 0.2
    for threshold in (0.5, 0.3):
        predicted = probabilities >= threshold
        scores = multi_label_scores(true, probabilities, NAMES, threshold=threshold)
        assert 0.2 < scores["accuracy"] < 1
        assert scores["accuracy"] == pytest.approx(accuracy_score(true, predicted))
        for average in ("macro", "micro"):
            expected = f1_score(true, predicted, average=average, zero_division=0)
            assert scores[f"{average}_f1"] == pytest.approx(expected)
        assert scores["ece"] == pytest.approx(calibration_error_by_loop(probabilities.ravel(), true.ravel()))
        reference = precision_recall_fscore_support(true, predicted, average=None, zero_division=0)
        for name, *values in zip(NAMES, *reference, strict=True):
            actual = [scores["classes"][name][key] for key in ("precision", "recall", "f1", "support")]
            assert actual == pytest.approx(values)


def test_the_threshold_itself_is_a_class():
    assert multi_label_scores([[1]], [[0.5]], ["a"])["accuracy"] == 1.0
    assert multi_label_scores([[1]], [[0.5]], ["a"], threshold=0.51)["accuracy"] == 0.0


def test_texts_without_a_label_are_left_out():
    true, probabilities = random_texts(2)
    padded = np.concatenate([[-1, -1], true, [-1]])
    padding = np.full((1, 5), np.nan)
    padded_probabilities = np.concatenate([padding, padding, probabilities, padding])
    expected = classification_scores(true, probabilities, NAMES)
    assert classification_scores(padded, padded_probabilities, NAMES) == expected
    several = np.where(padded[:, None] >= 0, np.eye(5)[padded], -1)
    expected = multi_label_scores(np.eye(5)[true], probabilities, NAMES)
    assert multi_label_scores(several, padded_probabilities, NAMES) == expected


def test_nothing_to_score():
    for scores in (
        classification_scores(np.zeros(0, int), np.zeros((0, 2)), ["a", "b"]),
        classification_scores([-1], [[0.5, 0.5]], ["a", "b"]),
        multi_label_scores(np.zeros((0, 2)), np.zeros((0, 2)), ["a", "b"]),
    ):
        assert {scores[key] for key in scores if key != "classes"} == {0.0}
        assert scores["classes"]["a"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}


def test_confusion_is_that_of_scikit_learn():
    true, probabilities = random_texts(3)
    predicted = probabilities.argmax(axis=1)
    names, counts = class_confusion([*true, -1], [*predicted, 0], NAMES)
    assert names == NAMES
    assert counts.dtype == "int64"
    np.testing.assert_array_equal(counts, confusion_matrix(true, predicted, labels=range(5)))


@pytest.mark.parametrize("num_bins", [1, 4, 15])
def test_calibration_error_by_a_plain_loop(num_bins):
    generator = np.random.default_rng(4)
    confidences = np.concatenate([generator.random(40), [0.0, 1.0, 0.25, 0.5, 0.75]])
    correct = generator.integers(2, size=len(confidences))
    expected = calibration_error_by_loop(confidences, correct, num_bins)
    assert calibration_error(confidences, correct, num_bins) == pytest.approx(expected)


def test_wrong_shapes_and_labels():
    probabilities = np.full((2, 2), 0.5)
    for arguments, message in [
        (([0, 1, 1], probabilities, ["a", "b"]), "`true_ids` must have one class id for each row"),
        (([0, 1], probabilities, ["a"]), "`probabilities` must have one column for each of the 1 `class_names`"),
        (([0, 2], probabilities, ["a", "b"]), "`true_ids` must hold ids of the 2 classes. Received: 2"),
        (([0, -2], probabilities, ["a", "b"]), "`true_ids` must hold ids of the 2 classes. Received: -2"),
        (([0, 1], probabilities * 3, ["a", "b"]), "`probabilities` must be from 0 to 1. Received: 1.5"),
    ]:
        with pytest.raises(ValueError, match=message):
            classification_scores(*arguments)
    with pytest.raises(ValueError, match="`true_multi_hot` must have the shape of `probabilities`"):
        multi_label_scores([0, 1], probabilities, ["a", "b"])
    with pytest.raises(ValueError, match="`true_multi_hot` must hold 1 and 0, or -1 in all of a row.* Received: -1"):
        multi_label_scores([[0, -1], [1, 1]], probabilities, ["a", "b"])
    with pytest.raises(ValueError, match="`true_ids` and `predicted_ids` must have one class id for each text"):
        class_confusion([0, 1], [0], ["a", "b"])
    with pytest.raises(ValueError, match="`predicted_ids` must hold ids of the 2 classes"):
        class_confusion([0, 1], [0, -1], ["a", "b"])
    with pytest.raises(ValueError, match="`confidences` and `correct` must have one number for each prediction"):
        calibration_error([0.5], [1, 0])


def test_of_very_many_classes_the_most_confused_are_counted():
    true, predicted = np.arange(50_000) % 100_000, np.arange(50_000)
    predicted[:3] = [99_999, 99_999, 7]
    names, counts = class_confusion(true, predicted, [str(index) for index in range(100_000)])
    assert len(names) == len(counts) == 1_000 and counts.sum() < 50_000
    names, counts = class_confusion(true, predicted, [str(index) for index in range(100_000)], most=3)
    assert names == ["0", "1", "99999"] and counts.tolist() == [[0, 0, 1], [0, 0, 1], [0, 0, 0]]
