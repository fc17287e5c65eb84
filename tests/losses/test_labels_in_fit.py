"""Labels and weights on their way through `fit`: what Keras makes of them before a loss sees them."""

import keras
import numpy as np
import pytest

from keras_seq.losses import (
    ClassCrossEntropy,
    CRFNegativeLogLikelihood,
    InfoNCELoss,
    MaskedCrossEntropy,
    TripletBatchHardLoss,
)
from keras_seq.metrics import ActiveTriplets, MaskedTokenAccuracy

ON_JAX = keras.backend.backend() == "jax"
GENERATOR = np.random.default_rng(0)
VECTORS = GENERATOR.normal(size=(6, 4)).astype("float32")
PAIRS = GENERATOR.normal(size=(6, 2, 4)).astype("float32")
IDS = np.array([0, 0, 1, 1, 2, 2])
TOKENS = GENERATOR.integers(1, 5, size=(4, 3))
TAGS = TOKENS % 3


class Scaled(keras.layers.Layer):
    """Multiplies by a weight of 1."""

    def build(self, input_shape):
        self.scale = self.add_weight(name="scale", shape=(), initializer="ones")

    def call(self, inputs):
        return inputs * self.scale


def loss_of_fit(loss, x, y, metrics=(), **options):
    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, Scaled()(inputs))
    model.compile(keras.optimizers.SGD(0.0), loss, metrics=list(metrics), **options)
    history = model.fit(x, y, batch_size=len(x), verbose=0, shuffle=False).history
    return [values[0] for values in history.values()]


LARGE = {
    "2^24": IDS + 2**24,
    "uint32": (IDS + 2**31).astype("uint32"),
    "2^31": IDS * 300 + 2**31,
    "2^40": IDS + 2**40,
    "uint64": (IDS * 7).astype("uint64") + np.uint64(2**63),
}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *(
            pytest.param(name, {"jit_compile": False}, marks=[pytest.mark.thorough] * (name != "2^31"))
            for name in LARGE
        ),
        *(pytest.param(name, {"run_eagerly": True}, marks=pytest.mark.thorough) for name in LARGE),
        ("2^31", {"jit_compile": True}),
    ],
)
def test_large_ids_are_told_apart(name, options):
    ids = LARGE[name]
    for loss, x in ((TripletBatchHardLoss(), VECTORS), (InfoNCELoss(), PAIRS)):
        expected = float(loss(IDS, x))
        assert float(loss(ids, x)) == pytest.approx(expected, rel=1e-6)
        if ON_JAX and name in ("2^31", "2^40", "uint64"):
            with pytest.raises(ValueError, match="`y_true` must fit 32 bits on JAX"):
                loss_of_fit(loss, x, ids, **options)
        else:
            assert loss_of_fit(loss, x, ids, **options)[0] == pytest.approx(expected, rel=1e-5)


def test_large_ids_of_a_metric():
    metric = ActiveTriplets()
    metric.update_state(IDS, PAIRS)
    found = loss_of_fit(InfoNCELoss(), PAIRS, IDS + 2**24, [ActiveTriplets(name="active")], jit_compile=False)
    assert found[0] == pytest.approx(float(metric.result()))


@pytest.mark.skipif(not ON_JAX, reason="TensorFlow holds 64 bits")
def test_a_generator_of_large_labels_on_jax():
    def made():
        inputs = keras.Input((4,))
        model = keras.Model(inputs, Scaled()(inputs))
        model.compile("sgd", TripletBatchHardLoss())
        return model

    def batches():
        while True:
            yield VECTORS, IDS + 2**40

    with pytest.raises(ValueError, match="`y_true` must fit 32 bits on JAX"):
        made().fit(batches(), steps_per_epoch=1, shuffle=False, verbose=0)
    with pytest.raises(ValueError, match="`y_true` must fit 32 bits on JAX"):
        made().train_on_batch(VECTORS, IDS + 2**40)
    with pytest.raises(ValueError, match="`y_true` must fit 32 bits on JAX"):
        made().evaluate(VECTORS, IDS + 2**40, verbose=0)


def tagger(loss, head="log_softmax", **options):
    inputs = keras.Input((3,), dtype="int32")
    x = keras.layers.Embedding(5, 4)(inputs)
    if head == "potentials":
        x = keras.layers.Reshape((3, 3, 3))(keras.layers.Dense(9)(x))
    else:
        x = keras.layers.Dense(3, activation=head)(x)
    model = keras.Model(inputs, x)
    model.compile("sgd", loss, **options)
    return model


CLASS_WEIGHT = {0: 1.0, 1: 5.0, 2: 9.0}


@pytest.mark.parametrize("options", [{"jit_compile": False}, {"run_eagerly": True}], ids=str)
@pytest.mark.parametrize(
    ("loss", "head"),
    [
        (MaskedCrossEntropy(), "log_softmax"),
        (CRFNegativeLogLikelihood(), "potentials"),
    ],
    ids=["MaskedCrossEntropy", "CRF"],
)
def test_class_weight_of_steps_is_refused(loss, head, options):
    def made():
        return tagger(loss, head, weighted_metrics=[MaskedTokenAccuracy()], **options)

    with pytest.raises(ValueError, match="`class_weight` must be None where .* Received: class_weight={0: 1.0"):
        made().fit(TOKENS, TAGS, class_weight=CLASS_WEIGHT, verbose=0)
    with pytest.raises(ValueError, match="`class_weight` must be None where"):
        made().train_on_batch(TOKENS, TAGS, class_weight=CLASS_WEIGHT)


def test_class_weight_in_a_data_set():
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            return TOKENS, TAGS

    with pytest.raises(ValueError, match="`class_weight` must be None where"):
        tagger(MaskedCrossEntropy(), jit_compile=False).fit(Batches(), class_weight=CLASS_WEIGHT, verbose=0)


def test_weights_beside_class_weight_are_taken():
    """Sample weights of `fit`, and those of the validation inside of it, are no class weights."""
    model = tagger(MaskedCrossEntropy(), jit_compile=False)
    weights = np.take([1.0, 5.0, 9.0], TAGS)
    model.fit(TOKENS, TAGS, sample_weight=weights, validation_data=(TOKENS, TAGS, weights), verbose=0)


@pytest.mark.parametrize("options", [{"jit_compile": False}, {"run_eagerly": True}], ids=str)
def test_class_weight_of_texts_is_taken(options):
    probabilities = np.array([[0.7, 0.3], [0.4, 0.6], [0.2, 0.8]], "float32")
    labels = np.array([0, 1, 0])
    inputs = keras.Input((2,))
    model = keras.Model(inputs, Scaled()(inputs))
    model.compile(keras.optimizers.SGD(0.0), ClassCrossEntropy(), **options)
    history = model.fit(probabilities, labels, class_weight={0: 2.0, 1: 3.0}, verbose=0).history
    expected = -(2 * np.log(0.7) + 3 * np.log(0.6) + 2 * np.log(0.2)) / 3
    assert history["loss"] == [pytest.approx(expected, rel=1e-5)]


def test_class_weight_of_texts_with_several_labels_is_refused():
    probabilities = np.full((3, 2), 0.5, "float32")
    inputs = keras.Input((2,))
    model = keras.Model(inputs, Scaled()(inputs))
    model.compile("sgd", ClassCrossEntropy(multi_label=True), jit_compile=False)
    with pytest.raises(ValueError, match="`class_weight` must be None .* Give `class_weights` of the loss"):
        model.fit(probabilities, np.eye(2)[[0, 1, 1]], class_weight={0: 2.0, 1: 3.0}, verbose=0)
