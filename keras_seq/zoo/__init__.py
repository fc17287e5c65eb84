"""The zoo: builders of uncompiled functional models, their registry, and the cards of trained ones."""

from keras_seq.zoo.cards import DatasetCard, ModelCard
from keras_seq.zoo.ner import ner_model
from keras_seq.zoo.registry import (
    RegisteredBuilder,
    get_builder,
    list_builders,
    register_builder,
    registered_builder,
)
from keras_seq.zoo.sequence import sequence_model

__all__ = [
    "DatasetCard",
    "ModelCard",
    "RegisteredBuilder",
    "get_builder",
    "list_builders",
    "ner_model",
    "register_builder",
    "registered_builder",
    "sequence_model",
]
