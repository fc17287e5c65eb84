"""Metrics: what a model is judged by. Each ignores padding."""

from keras_seq.metrics.active_triplets import ActiveTriplets
from keras_seq.metrics.classification_scores import class_confusion, classification_scores, multi_label_scores
from keras_seq.metrics.embedding_spread import embedding_spread
from keras_seq.metrics.entity_f1 import EntityF1
from keras_seq.metrics.entity_scores import confusion_matrix, entity_scores
from keras_seq.metrics.expected_calibration_error import ExpectedCalibrationError
from keras_seq.metrics.frame_accuracy import FrameAccuracy
from keras_seq.metrics.generation_scores import generation_scores
from keras_seq.metrics.macro_f1 import MacroF1
from keras_seq.metrics.masked_token_accuracy import MaskedTokenAccuracy
from keras_seq.metrics.nll_per_step import NLLPerStep
from keras_seq.metrics.out_of_scope import out_of_scope_scores
from keras_seq.metrics.pair_scores import CurvePoints, best_threshold, correlation_scores, curve_points, pair_scores
from keras_seq.metrics.perplexity import Perplexity
from keras_seq.metrics.reliability import calibration_error, reliability_bins
from keras_seq.metrics.retrieval_scores import retrieval_scores

__all__ = [
    "ActiveTriplets",
    "CurvePoints",
    "EntityF1",
    "ExpectedCalibrationError",
    "FrameAccuracy",
    "MacroF1",
    "MaskedTokenAccuracy",
    "NLLPerStep",
    "Perplexity",
    "best_threshold",
    "calibration_error",
    "class_confusion",
    "classification_scores",
    "confusion_matrix",
    "correlation_scores",
    "curve_points",
    "embedding_spread",
    "entity_scores",
    "generation_scores",
    "multi_label_scores",
    "out_of_scope_scores",
    "pair_scores",
    "reliability_bins",
    "retrieval_scores",
]
