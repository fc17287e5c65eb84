"""Training losses that ignore padding."""

from keras_seq.losses.class_cross_entropy import ClassCrossEntropy
from keras_seq.losses.crf_negative_log_likelihood import CRFNegativeLogLikelihood
from keras_seq.losses.masked_cross_entropy import MaskedCrossEntropy
from keras_seq.losses.note_cross_entropy import NoteCrossEntropy

__all__ = ["CRFNegativeLogLikelihood", "ClassCrossEntropy", "MaskedCrossEntropy", "NoteCrossEntropy"]
