"""Labels that are wrong, in every public loss and metric: right, an error that names the argument, or NaN."""

import numpy as np
import pytest

import keras_seq.losses
import keras_seq.metrics
from keras_seq.testing import Labelled, run_loss_test, run_metric_test

GENERATOR = np.random.default_rng(0)
CLASSES = 3


def floats(*shape):
    return GENERATOR.normal(size=shape).astype("float32")


def softmax(scores):
    return np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


PROBABILITIES = softmax(floats(5, 4, CLASSES))
TAGS = np.array([[0, 1, 2, 0], [1, 2, 1, 1], [2, 2, 0, 1], [0, 0, 1, 2], [1, 0, 2, 2]])
TEXTS, OF_TEXTS = np.array([0, 2, 1, 0, 2]), PROBABILITIES[:, 0]
NOTES = (floats(5, 4, 6) > 0).astype("int64")
SHARES = np.array([[0.5, 0.25, 0.25], [1, 0, 0], [0, 0.5, 0.5], [0.25, 0.5, 0.25], [0, 0, 1]], "float32")
IDS = np.array([3, 1, 3, 0, 1])
PAIRS = unit(floats(5, 2, 4))

steps = {"labels": "classes", "steps": True, "num_classes": CLASSES, "masked": True, "weights": "steps"}
sigmoid_of_notes = (1 / (1 + np.exp(-floats(5, 4, 6))),)
no_logarithms = (
    PROBABILITIES,
    PROBABILITIES.astype("float16"),
    1 / (1 + np.exp(-floats(5, 4, CLASSES))),
    floats(5, 4, CLASSES),
)
no_probabilities = (np.log(OF_TEXTS), 3 * floats(5, CLASSES))

of_steps = Labelled(TAGS, np.log(PROBABILITIES), wrong_predictions=no_logarithms, **steps)
of_notes = Labelled(
    NOTES,
    2 * floats(5, 4, 6),
    "multi_hot",
    steps=True,
    masked=True,
    weights="steps",
    wrong_predictions=sigmoid_of_notes,
)
of_texts = Labelled(TEXTS, OF_TEXTS, "classes", num_classes=CLASSES, wrong_predictions=no_probabilities)
of_pairs = Labelled(IDS, PAIRS, "ids")
of_vectors = Labelled(IDS, floats(5, 4), "ids", weights="one")
ranked = {"labels": "classes", "num_classes": CLASSES, "weights": None}

# Name -> cases: arguments and a batch.
LOSSES = {
    "CRFNegativeLogLikelihood": [
        ({}, Labelled(TAGS, floats(5, 4, CLASSES, CLASSES), **{**steps, "weights": "rows"})),
        ({"miss_cost": 0.5}, Labelled(TAGS, floats(5, 4, CLASSES, CLASSES), **{**steps, "weights": "rows"})),
    ],
    "ClassCrossEntropy": [
        ({}, of_texts),
        ({"class_weights": [1.0, 2.0, 0.5], "label_smoothing": 0.1}, of_texts),
        ({}, Labelled(SHARES, OF_TEXTS, "shares", wrong_predictions=no_probabilities)),
        (
            {"multi_label": True},
            Labelled(
                (floats(5, CLASSES) > 0).astype("int64"), OF_TEXTS, "multi_hot", wrong_predictions=no_probabilities
            ),
        ),
    ],
    "ContrastiveLoss": [
        ({"margin": 1.5}, Labelled(np.array([1, 0, 0, 1, 0]), PAIRS, "binary")),
        ({"same_label": 0}, Labelled(np.array([1, 0, 0, 1, 0]), np.abs(floats(5)), "binary")),
        (
            {},
            Labelled(np.array([1, 0, 0, 1, 0]), np.abs(floats(5, 1)), "binary", wrong_predictions=(-np.ones((5, 1)),)),
        ),
    ],
    "EuclideanTripletLoss": [({"squared": False}, Labelled(IDS, floats(5, 3, 4), "counts"))],
    "InfoNCELoss": [({}, of_pairs)],
    "MaskedCrossEntropy": [({}, of_steps)],
    "MultiSimilarityLoss": [({}, of_vectors)],
    "NoteCrossEntropy": [({}, of_notes)],
    "PairLogisticLoss": [({}, Labelled(np.array([1, 0.25, 0, 1, 0.5], "float32"), PAIRS, "shares"))],
    "SimilarityLoss": [({}, Labelled(np.array([1, 0, 0, 1, 0]), PAIRS, "shares"))],
    "TripletBatchAllLoss": [({}, of_vectors)],
    "TripletBatchHardLoss": [({"soft": True}, Labelled(IDS, floats(5, 2, 4), "ids", weights="one"))],
    "TripletLoss": [({}, of_pairs), ({"negatives": "random"}, of_pairs)],
    "TripletSemiHardLoss": [({"distance": "cosine"}, of_vectors)],
}

LETTERS = ["a", "b", "c"]
METRICS = {
    "ActiveTriplets": [({"margin": 0.5}, of_pairs)],
    "EntityF1": [
        (
            {"tag_names": ["O", "B-X", "I-X"]},
            Labelled(TAGS, predicted, "classes", steps=True, num_classes=CLASSES, masked=True, weights=None),
        )
        for predicted in (TAGS[::-1].copy(), floats(5, 4, CLASSES), floats(5, 4, CLASSES, CLASSES))
    ],
    "ExpectedCalibrationError": [({}, of_texts)],
    "FrameAccuracy": [({}, of_notes)],
    "MacroF1": [({"num_classes": CLASSES}, Labelled(TEXTS, floats(5, CLASSES), "classes", num_classes=CLASSES))],
    "MaskedTokenAccuracy": [
        ({}, Labelled(TAGS, TAGS[::-1].copy(), **{**steps, "num_classes": None})),
        ({}, Labelled(TAGS, floats(5, 4, CLASSES), **steps)),
        ({}, Labelled(TAGS, floats(5, 4, CLASSES, CLASSES), **steps)),
    ],
    "NLLPerStep": [({}, of_notes)],
    "Perplexity": [({}, of_steps)],
}

# Functions over arrays: of labels and predictions, and a batch.
FUNCTIONS = {
    "best_threshold": (
        lambda y_true, y_pred: keras_seq.metrics.best_threshold(y_pred, y_true),
        Labelled(
            np.array([1, 0, 0, 1, 0]),
            floats(5),
            "binary",
            padding=False,
            label_name="is_same",
            prediction_name="similarities",
        ),
    ),
    "calibration_error": (
        lambda y_true, y_pred: keras_seq.metrics.calibration_error(y_pred, y_true),
        Labelled(
            np.array([1, 0, 0, 1, 0]),
            OF_TEXTS[:, 0],
            "binary",
            padding=False,
            label_name="correct",
            prediction_name="confidences",
        ),
    ),
    "class_confusion": (
        lambda y_true, y_pred: keras_seq.metrics.class_confusion(y_true, y_pred, LETTERS)[1],
        Labelled(TEXTS, TEXTS[::-1].copy(), label_name="true_ids", prediction_name="predicted_ids", **ranked),
    ),
    "classification_scores": (
        lambda y_true, y_pred: [
            keras_seq.metrics.classification_scores(y_true, y_pred, LETTERS)[key]
            for key in ("accuracy", "macro_f1", "ece")
        ],
        Labelled(
            TEXTS,
            OF_TEXTS,
            label_name="true_ids",
            prediction_name="probabilities",
            wrong_predictions=no_probabilities,
            **ranked,
        ),
    ),
    "correlation_scores": (
        lambda y_true, y_pred: keras_seq.metrics.correlation_scores(y_pred, y_true),
        Labelled(IDS, floats(5), "any", padding=False, label_name="scores", prediction_name="similarities"),
    ),
    "curve_points": (
        lambda y_true, y_pred: [points[1:] for points in keras_seq.metrics.curve_points(y_pred, y_true)],
        Labelled(
            np.array([1, 0, 0, 1, 0]),
            floats(5),
            "binary",
            padding=False,
            label_name="is_same",
            prediction_name="similarities",
        ),
    ),
    "multi_label_scores": (
        lambda y_true, y_pred: [
            keras_seq.metrics.multi_label_scores(y_true, y_pred, LETTERS)[key]
            for key in ("accuracy", "micro_f1", "ece")
        ],
        Labelled(
            (floats(5, CLASSES) > 0).astype("int64"),
            OF_TEXTS,
            "multi_hot",
            label_name="true_multi_hot",
            prediction_name="probabilities",
            wrong_predictions=no_probabilities,
        ),
    ),
    "pair_scores": (
        lambda y_true, y_pred: keras_seq.metrics.pair_scores(y_pred, y_true, 0.0),
        Labelled(
            np.array([1, 0, 0, 1, 0]),
            floats(5),
            "binary",
            padding=False,
            label_name="is_same",
            prediction_name="similarities",
        ),
    ),
    "reliability_bins": (
        lambda y_true, y_pred: keras_seq.metrics.reliability_bins(y_pred, y_true),
        Labelled(
            np.array([1, 0, 0, 1, 0]),
            OF_TEXTS[:, 0],
            "binary",
            padding=False,
            label_name="correct",
            prediction_name="confidences",
        ),
    ),
}

# Public names without labels -> why.
EXEMPT = {
    "CurvePoints": "what `curve_points` gives",
    "confusion_matrix": "tags are strings; tests/metrics/test_entity_scores.py",
    "embedding_spread": "vectors have no labels",
    "entity_scores": "tags are strings; tests/metrics/test_entity_scores.py",
    "generation_scores": "texts have no labels",
    "out_of_scope_scores": "two arrays of confidences, each of one label",
    "retrieval_scores": "only the equality of labels counts; tests/metrics/test_retrieval_scores.py",
}


def test_no_loss_and_no_metric_is_forgotten():
    assert set(LOSSES) == set(keras_seq.losses.__all__)
    tried = [*METRICS, *FUNCTIONS, *EXEMPT]
    assert sorted(tried) == sorted(keras_seq.metrics.__all__)


def cases(table):
    return [
        pytest.param(name, *case, id=f"{name}-{number}")
        for name, cases_of_name in table.items()
        for number, case in enumerate(cases_of_name)
    ]


@pytest.mark.parametrize(("name", "arguments", "batch"), cases(LOSSES))
def test_losses(name, arguments, batch):
    # Compiled with XLA in the first case of each.
    run_jit = arguments is LOSSES[name][0][0]
    run_loss_test(getattr(keras_seq.losses, name), batch=batch, arguments=arguments, run_jit=run_jit)


@pytest.mark.parametrize(("name", "arguments", "batch"), cases(METRICS))
def test_metrics(name, arguments, batch):
    run_metric_test(getattr(keras_seq.metrics, name), batch=batch, arguments=arguments)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_arrays(name):
    function, batch = FUNCTIONS[name]
    run_metric_test(function, batch=batch)


@pytest.mark.parametrize("name", ["ClassCrossEntropy", "MaskedCrossEntropy", "NoteCrossEntropy"])
def test_a_batch_without_rows_costs_nothing(name):
    _, batch = LOSSES[name][0]
    assert float(getattr(keras_seq.losses, name)()(batch.y_true[:0], batch.y_pred[:0])) == 0
