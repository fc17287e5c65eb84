"""Metrics: what a model is judged by. Each ignores padding."""

from keras_seq.metrics.entity_f1 import EntityF1
from keras_seq.metrics.entity_scores import confusion_matrix, entity_scores
from keras_seq.metrics.masked_token_accuracy import MaskedTokenAccuracy
from keras_seq.metrics.perplexity import Perplexity

__all__ = ["EntityF1", "MaskedTokenAccuracy", "Perplexity", "confusion_matrix", "entity_scores"]
