import warnings

import numpy as np
import pytest
from seqeval.metrics import classification_report

from keras_seq.metrics import confusion_matrix, entity_scores

TYPES = ["PER", "LOC", "ORG-X"]


def random_sentences(rng, num_sentences, prefixes, max_steps=10):
    tags = ["O", *(f"{prefix}-{name}" for prefix in prefixes for name in TYPES)]
    true, predicted = [], []
    for _ in range(num_sentences):
        steps = rng.integers(1, max_steps + 1)
        sentence = [tags[i] for i in rng.integers(len(tags), size=steps)]
        true.append(sentence)
        # Predictions that are partly right, so that every count is far from zero.
        noise = [tags[i] for i in rng.integers(len(tags), size=steps)]
        predicted.append(
            [a if keep else b for a, b, keep in zip(sentence, noise, rng.random(steps) < 0.7, strict=True)]
        )
    return true, predicted


def assert_same_as_seqeval(true, predicted):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # seqeval warns of ratios over nothing
        report = classification_report(true, predicted, output_dict=True, zero_division=0)
    scores = entity_scores(true, predicted)
    micro = report["micro avg"]
    assert scores["entity_f1"] == pytest.approx(micro["f1-score"], abs=1e-12)
    assert scores["entity_precision"] == pytest.approx(micro["precision"], abs=1e-12)
    assert scores["entity_recall"] == pytest.approx(micro["recall"], abs=1e-12)
    assert scores["support"] == micro["support"]
    assert list(scores["types"]) == [key for key in report if not key.endswith(" avg")]
    for name, numbers in scores["types"].items():
        expected = report[name]
        assert numbers["f1"] == pytest.approx(expected["f1-score"], abs=1e-12)
        assert numbers["precision"] == pytest.approx(expected["precision"], abs=1e-12)
        assert numbers["recall"] == pytest.approx(expected["recall"], abs=1e-12)
        assert numbers["support"] == expected["support"]


@pytest.mark.parametrize("prefixes", ["BI", "I", "BIES", "ES"])
def test_same_as_seqeval_on_malformed_sequences(prefixes):
    rng = np.random.default_rng(0)
    for _ in range(5):
        assert_same_as_seqeval(*random_sentences(rng, 400, prefixes))
    for _ in range(100):
        assert_same_as_seqeval(*random_sentences(rng, 2, prefixes, max_steps=5))


def test_ratios_over_nothing_are_zero():
    assert entity_scores([["O"]], [["O"]]) == {
        "entity_f1": 0.0,
        "entity_precision": 0.0,
        "entity_recall": 0.0,
        "support": 0,
        "types": {},
    }
    assert entity_scores([], [])["entity_f1"] == 0.0
    assert entity_scores([["O"]], [["B-PER"]])["types"]["PER"] == {
        "f1": 0.0,
        "precision": 0.0,
        "recall": 0.0,
        "support": 0,
    }


def test_missing_prediction_is_an_error():
    scores = entity_scores([["B-PER", "I-PER", "O", "B-LOC"]], [["B-PER", "", "O", "B-LOC"]])
    assert scores["types"]["PER"]["f1"] == 0.0
    assert scores["entity_f1"] == 0.5


@pytest.mark.parametrize("function", [entity_scores, confusion_matrix])
def test_lengths_must_agree(function):
    with pytest.raises(ValueError, match="`predicted_sequences` .* Received: 1 tags for the 2 of sentence 3."):
        function([["O"], [], ["O", "O"]], [["O"], [], ["O"]])
    with pytest.raises(ValueError, match="Received: no sentence 2 in `predicted_sequences`"):
        function([["O"], ["O"]], [["O"]])
    with pytest.raises(ValueError, match="Received: no sentence 1 in `true_sequences`"):
        function([], [["O"]])
    with pytest.raises(ValueError, match="Received: tag='L-PER'"):
        function([["O"]], [["L-PER"]])


def test_confusion_matrix_counts_every_token():
    rng = np.random.default_rng(3)
    true, predicted = random_sentences(rng, 100, "BIES")
    labels, counts = confusion_matrix(true, predicted)
    assert labels == ["O", "LOC", "ORG-X", "PER"]
    assert counts.sum() == sum(map(len, true))
    per = labels.index("PER")
    expected = sum(
        a.endswith("PER") and b.endswith("LOC")
        for x, y in zip(true, predicted, strict=True)
        for a, b in zip(x, y, strict=True)
    )
    assert counts[per, labels.index("LOC")] == expected > 0
    assert confusion_matrix([["O", "B-A"]], [["", "I-A"]])[1].tolist() == [[1, 0], [0, 1]]


def test_of_very_many_types_the_most_confused_are_counted():
    true = [[f"B-T{index:05}"] for index in range(20_000)]
    predicted = [*true[:-2], ["B-T00000"], ["O"]]
    names, counts = confusion_matrix(true, predicted)
    assert len(names) == len(counts) == 1_000
    names, counts = confusion_matrix(true, predicted, most=3)
    assert names == ["O", "T00000", "T19998"] and counts.tolist() == [[0, 0, 0], [0, 1, 0], [0, 1, 0]]
