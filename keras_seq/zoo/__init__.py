"""The zoo: builders of uncompiled functional models, their registry, and the cards of trained ones."""

from typing import TYPE_CHECKING

from keras_seq.core.lazy import lazy_imports

if TYPE_CHECKING:
    from keras_seq.zoo.cards import DatasetCard, ModelCard
    from keras_seq.zoo.language import language_model, name_generator_model
    from keras_seq.zoo.music import music_model
    from keras_seq.zoo.ner import ner_model
    from keras_seq.zoo.registry import (
        RegisteredBuilder,
        get_builder,
        list_builders,
        register_builder,
        registered_builder,
    )
    from keras_seq.zoo.sequence import sequence_model
    from keras_seq.zoo.siamese import siamese_model
    from keras_seq.zoo.siamese_image import siamese_image_model
    from keras_seq.zoo.streaming import StreamingModel, streaming_model, target_model
    from keras_seq.zoo.text_classifier import sentiment_model, text_classifier_model, transformer_classifier_model
    from keras_seq.zoo.twins import stacked_twins
else:
    __getattr__, __dir__ = lazy_imports(__name__, __file__)

__all__ = [
    "DatasetCard",
    "ModelCard",
    "RegisteredBuilder",
    "StreamingModel",
    "get_builder",
    "language_model",
    "list_builders",
    "music_model",
    "name_generator_model",
    "ner_model",
    "register_builder",
    "registered_builder",
    "sentiment_model",
    "sequence_model",
    "siamese_image_model",
    "siamese_model",
    "stacked_twins",
    "streaming_model",
    "target_model",
    "text_classifier_model",
    "transformer_classifier_model",
]
