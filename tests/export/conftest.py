"""One small tagger, exported once for all tests of this folder."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_seq.export import Served, write_golden, write_saved_model
from keras_seq.families.tagging.served import TaggingFunctions, TaggingSettings
from keras_seq.text import NUM_CASE_CLASSES, TokenEncoder, WordTokenizer
from keras_seq.zoo import ner_model

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
SENTENCES = (
    ("Ana", "mora", "em", "Lisboa", "."),
    ("O", "juiz", "Paulo", "Souza", "decidiu"),
    ("1", ",", "São", "d'água"),
)


def make_functions(sentences=SENTENCES):
    """A tagger with random weights, large enough for its answers to differ from token to token."""
    encoder = TokenEncoder.build(sentences)
    features = {
        "characters": {"vocabulary_size": len(encoder.characters)},
        "max_characters": encoder.max_characters,
        "num_cases": NUM_CASE_CLASSES,
    }
    model = ner_model(len(encoder.vocabulary), TAGS, embedding_dim=8, units=(6,), features=features)
    generator = np.random.default_rng(3)
    for variable in model.trainable_variables:
        variable.assign(generator.normal(scale=0.7, size=variable.shape))
    return TaggingFunctions(model, WordTokenizer(), encoder, TaggingSettings(TAGS))


@pytest.fixture(scope="session")
def make_tagger():
    """What makes the functions of a random tagger, from sentences."""
    return make_functions


@pytest.fixture(scope="session")
def functions():
    return make_functions()


@pytest.fixture(scope="session")
def model_folder(functions, shared_folder):
    """The folder of the model: version 1, and golden outputs beside it. Its sources are gone when a test sees it."""

    def make(folder):
        write_saved_model(
            folder / "tiny",
            functions,
            family="tagger",
            beside={"golden.npz": lambda path: write_golden(path, functions)},
        )
        (folder / "tiny").rename(folder / "moved")

    return shared_folder.once("export", make) / "moved"


class Lookup(Served):
    """A table, a variable that serving reads, and two that only training needs."""

    def __init__(self, vocabulary_file, scale=2.0):
        super().__init__()
        initializer = tf.lookup.TextFileInitializer(
            str(vocabulary_file), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        )  # fmt: skip
        self.table = tf.lookup.StaticHashTable(initializer, -1)
        self.scale = tf.Variable(scale)
        self.momentum = tf.Variable(tf.zeros([1000]))
        self.dropout = keras.layers.Dropout(0.5, seed=1)
        self.declare("serving_default", self.answer, tf.TensorSpec([None], tf.string, name="text"))

    def answer(self, text):
        return {"ids": self.table.lookup(text), "scores": self.scale * tf.cast(tf.strings.length(text), tf.float32)}


@pytest.fixture
def lookup(tmp_path):
    path = tmp_path / "vocabulary.txt"
    path.write_text("a\nb\n")
    return Lookup(path)
