"""Metrics: what a model is judged by. Each ignores padding."""

from keras_seq.metrics.entity_f1 import EntityF1 as EntityF1
from keras_seq.metrics.entity_scores import confusion_matrix as confusion_matrix
from keras_seq.metrics.entity_scores import entity_scores as entity_scores
from keras_seq.metrics.masked_token_accuracy import MaskedTokenAccuracy as MaskedTokenAccuracy
