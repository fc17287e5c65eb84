"""The padding property of every public layer, loss and metric: for any lengths, any sides and any amount of padding.

Hypothesis draws where the real steps of each row stand. What is public is read from the `__all__` of the rooms: a class
that has no entry in the tables below fails here until it gets one, or a place among the exempt with the reason.
"""

import functools
import inspect
import os

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

import keras_seq.layers
import keras_seq.losses
import keras_seq.metrics
from keras_seq.layers import (
    CRF,
    GRU,
    LSTM,
    AttentionPooling,
    Bidirectional,
    CharacterEncoder,
    ConcatenateFeatures,
    HashedBigrams,
    LastStep,
    MaskFromIds,
    MaxPooling,
    MeanLayer,
    PositionEncoding,
    RecurrentStack,
    SimpleRNN,
    StepConvolution,
    SubwordEmbedding,
    SumFeatures,
    TiedEmbedding,
    TokenDropout,
    TokenSoftmax,
    TransformerBlock,
    TransformerStack,
    WideScores,
)
from keras_seq.losses import ClassCrossEntropy, CRFNegativeLogLikelihood, MaskedCrossEntropy, NoteCrossEntropy
from keras_seq.metrics import (
    EntityF1,
    ExpectedCalibrationError,
    FrameAccuracy,
    MacroF1,
    MaskedTokenAccuracy,
    NLLPerStep,
    Perplexity,
)
from keras_seq.testing import UnpaddedOutputs, pad_rows

ROWS, STEPS, TAGS = 4, 5, 3
# Few sizes of a padded batch, so that little is traced anew; at the first, a row may be without padding.
PADDED_STEPS = (5, 8)


def floats(*shape):
    return np.random.default_rng(0).standard_normal((ROWS, STEPS, *shape)).astype("float32")


def ids(*shape):
    return np.random.default_rng(0).integers(1, 9, (ROWS, STEPS, *shape)).astype("int32")


class OneToken(keras.layers.Layer):
    """An encoder of the parts of tokens seen as a layer whose steps are the parts of one token."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def call(self, character_ids):
        return self.encoder(character_ids[:, None, :])[:, 0]


class StepWeights(keras.layers.Layer):
    """A way of pooling seen as a layer that puts out what each step weighs."""

    def __init__(self, pooling):
        super().__init__()
        self.pooling = pooling
        self.supports_masking = True

    def call(self, sequences, mask=None):
        return self.pooling.step_weights(sequences, mask)


class RowsFirst(keras.layers.Layer):
    """A stack whose final states, `(layers, rows, units)`, are seen as `(rows, layers, units)`."""

    def __init__(self, stack):
        super().__init__()
        self.stack = stack
        self.supports_masking = True

    def call(self, sequences, mask=None, training=False):
        outputs, *states = self.stack(sequences, mask=mask, training=training)
        return outputs, *(keras.ops.transpose(state, (1, 0, 2)) for state in states)


class VectorsOnly(keras.layers.Layer):
    """An embedding without its table, which has no steps."""

    def __init__(self, embedding):
        super().__init__()
        self.embedding = embedding

    def call(self, token_ids):
        return self.embedding(token_ids)[0]


def wide_scores():
    """A layer whose table is not that of the beginning, all zeros."""
    layer = WideScores(9, 3)
    layer.build((None, None))
    generator = np.random.default_rng(1)
    layer.set_weights([generator.normal(size=(9, 3)), generator.uniform(0.5, 3, 9)])
    return layer


def recurrent(layer_class):
    """The cases of a recurrent layer."""
    return {
        "sequences": lambda: (layer_class(3, return_sequences=True), floats(2)),
        "zeros": lambda: (layer_class(3, return_sequences=True, zero_output_for_mask=True), floats(2)),
        "last": lambda: (layer_class(3, return_state=True), floats(2)),
        "backwards": lambda: (layer_class(3, go_backwards=True, return_state=True), floats(2)),
        "learned state": lambda: (layer_class(3, learn_initial_state=True, return_sequences=True), floats(2)),
        "stock code": lambda: (layer_class(3, activation="softsign", return_sequences=True), floats(2)),
        # The loop with its own gradient.
        "training": lambda: (layer_class(3, return_sequences=True), floats(2), True),
        "both, sequences": lambda: (Bidirectional(layer_class(3, return_sequences=True)), floats(2)),
        "both, last": lambda: (Bidirectional(layer_class(3, return_state=True)), floats(2)),
        "both, sum": lambda: (Bidirectional(layer_class(3, return_sequences=True), merge_mode="sum"), floats(2)),
    }


# Class -> name of a case -> (the layer, its inputs without padding, and `True` if it trains). A layer
# that takes a mask is given it.
LAYERS = {
    "CRF": {
        "free": lambda: (CRF(TAGS), floats(TAGS)),
        "scheme": lambda: (CRF(TAGS, tag_names=["O", "B-A", "I-A"]), floats(TAGS)),
    },
    "Bidirectional": {
        "stock code": lambda: (Bidirectional(LSTM(3, activation="softsign", return_sequences=True)), floats(2))
    },
    "GRU": recurrent(GRU) | {"reset before": lambda: (GRU(3, reset_after=False, return_sequences=True), floats(2))},
    "LSTM": recurrent(LSTM),
    "SimpleRNN": recurrent(SimpleRNN),
    "RecurrentStack": {
        "one layer": lambda: (RecurrentStack("simple_rnn", 3), floats(2)),
        "two layers": lambda: (RecurrentStack("gru", 3, num_layers=2), floats(2)),
        "both": lambda: (RecurrentStack("gru", 3, bidirectional=True), floats(2)),
        "both, two layers, last": lambda: (
            RecurrentStack("lstm", 3, num_layers=2, bidirectional=True, return_sequences=False),
            floats(2),
        ),
        "states": lambda: (RowsFirst(RecurrentStack("lstm", 3, num_layers=2, return_state=True)), floats(2)),
        "both, states, training": lambda: (
            RowsFirst(RecurrentStack("gru", 3, num_layers=2, bidirectional=True, return_state=True)),
            floats(2),
            True,
        ),
    },
    "CharacterEncoder": {
        "cnn": lambda: (CharacterEncoder(9, embedding_dim=3, units=4), ids(6)),
        "lstm": lambda: (CharacterEncoder(9, encoder="lstm", embedding_dim=3, units=4), ids(6)),
        "cnn, characters": lambda: (OneToken(CharacterEncoder(9, embedding_dim=3, units=4)), ids()),
        "lstm, characters": lambda: (
            OneToken(CharacterEncoder(9, encoder="lstm", embedding_dim=3, units=4)),
            ids(),
        ),
    },
    "ConcatenateFeatures": {"two": lambda: (ConcatenateFeatures(), [floats(2), floats(3)])},
    "TokenDropout": {"prediction": lambda: (TokenDropout(0.5), ids())},
    "MeanLayer": {
        "mean": lambda: (MeanLayer(), floats(2)),
        "sqrt": lambda: (MeanLayer(scale="sqrt"), floats(2)),
        "features": lambda: (MeanLayer(axis=-1), floats(2)),
        "weights": lambda: (StepWeights(MeanLayer()), floats(2)),
    },
    "MaxPooling": {
        "plain": lambda: (MaxPooling(), floats(2)),
        "weights": lambda: (StepWeights(MaxPooling()), floats(2)),
    },
    "LastStep": {
        "last": lambda: (LastStep(), floats(2)),
        "both ends": lambda: (LastStep(both_ends=True), floats(2)),
        "weights": lambda: (StepWeights(LastStep(both_ends=True)), floats(2)),
    },
    "AttentionPooling": {
        "plain": lambda: (AttentionPooling(3), floats(2)),
        "weights": lambda: (StepWeights(AttentionPooling(3)), floats(2)),
    },
    "SubwordEmbedding": {
        "mean": lambda: (SubwordEmbedding(8, 3), ids(4)),
        "sum": lambda: (SubwordEmbedding(8, 3, combine="sum"), ids(4)),
        "n-grams": lambda: (OneToken(SubwordEmbedding(8, 3)), ids()),
    },
    "SumFeatures": {"two": lambda: (SumFeatures(), [floats(2), floats(2)])},
    "MaskFromIds": {"two": lambda: (MaskFromIds(), [floats(2), ids(3), ids()])},
    "HashedBigrams": {"plain": lambda: (HashedBigrams(50), ids())},
    "PositionEncoding": {
        "sines": lambda: (PositionEncoding(), floats(4)),
        "learned": lambda: (PositionEncoding(kind="learned", max_steps=STEPS), floats(4)),
    },
    "StepConvolution": {
        "centred": lambda: (StepConvolution(3, 2), floats(4)),
        "causal, in groups": lambda: (StepConvolution(4, 2, dilation_rate=2, groups=2, causal=True), floats(4)),
    },
    "TransformerBlock": {
        "plain": lambda: (TransformerBlock(2, feed_forward_units=3), floats(4)),
        "training": lambda: (TransformerBlock(2, feed_forward_units=3), floats(4), True),
        "causal, rotary": lambda: (TransformerBlock(2, norm="post", causal=True, rotary=True), floats(4)),
    },
    "TransformerStack": {
        "both sides": lambda: (TransformerStack(1, 2), floats(4)),
        "causal, learned": lambda: (
            TransformerStack(1, 2, positions="learned", max_steps=STEPS, causal=True, norm="post", input_norm=True),
            floats(4),
        ),
    },
    "TiedEmbedding": {"vectors": lambda: (VectorsOnly(TiedEmbedding(9, 3)), ids())},
    "TokenSoftmax": {
        "plain": lambda: (TokenSoftmax(9), floats(4)),
        "clusters": lambda: (TokenSoftmax(9, cutoffs=(3, 6)), floats(4)),
    },
    "WideScores": {
        "tokens": lambda: (wide_scores(), ids()),
        "n-grams": lambda: (wide_scores(), ids(4)),
    },
}


class OfTexts:
    """A loss or a metric of whole texts: each step is a text, and padding is a text without a label."""

    def __init__(self, judge, multi_label=False):
        self.judge, self.multi_label = judge, multi_label

    def _texts(self, labels, predictions):
        labels = np.reshape(labels, -1)
        if self.multi_label:
            labels = np.where(labels[:, None] >= 0, np.eye(TAGS)[labels], -1)
        return labels, np.reshape(predictions, (-1, TAGS))

    def __call__(self, labels, predictions):
        return self.judge(*self._texts(labels, predictions))

    def update_state(self, labels, predictions):
        self.judge.update_state(*self._texts(labels, predictions))

    def result(self):
        return self.judge.result()


class OfNotes:
    """A loss or a metric of several notes at each step: the label is one that sounds, and padding is -1 at all."""

    def __init__(self, judge):
        self.judge = judge

    def _notes(self, labels):
        labels = np.asarray(labels)
        return np.where(labels[..., None] >= 0, np.eye(TAGS)[labels], -1)

    def __call__(self, labels, predictions):
        return self.judge(self._notes(labels), predictions)

    def update_state(self, labels, predictions):
        self.judge.update_state(self._notes(labels), predictions)

    def result(self):
        return self.judge.result()


def class_cross_entropy(reduction, **arguments):
    loss = ClassCrossEntropy(reduction=reduction, class_weights=[0.5, 1, 2], label_smoothing=0.1, **arguments)
    return OfTexts(loss, loss.multi_label)


def probabilities():
    return np.exp(floats(TAGS)) / np.exp(floats(TAGS)).sum(-1, keepdims=True)


# Class -> name of a case -> (the loss of a given reduction, its predictions without padding).
LOSSES = {
    "ClassCrossEntropy": {
        "one class": (class_cross_entropy, probabilities()),
        "several classes": (functools.partial(class_cross_entropy, multi_label=True), probabilities()),
    },
    "CRFNegativeLogLikelihood": {
        "plain": (CRFNegativeLogLikelihood, floats(TAGS, TAGS)),
        "miss_cost": (functools.partial(CRFNegativeLogLikelihood, miss_cost=0.5), floats(TAGS, TAGS)),
    },
    "MaskedCrossEntropy": {"plain": (MaskedCrossEntropy, -np.abs(floats(TAGS)))},
    "NoteCrossEntropy": {"plain": (lambda reduction: OfNotes(NoteCrossEntropy(reduction=reduction)), floats(TAGS))},
}

# Class -> name of a case -> (how to make the metric, its predictions without padding).
METRICS = {
    name: {
        "ids": (make, ids() % TAGS),
        "scores": (make, floats(TAGS)),
        "potentials": (make, floats(TAGS, TAGS)),
    }
    for name, make in [
        ("EntityF1", lambda: EntityF1(["O", "B-A", "I-A"])),
        ("MaskedTokenAccuracy", MaskedTokenAccuracy),
    ]
} | {
    "Perplexity": {"plain": (Perplexity, -np.abs(floats(TAGS)))},
    "NLLPerStep": {"plain": (lambda: OfNotes(NLLPerStep()), floats(TAGS))},
    "FrameAccuracy": {"plain": (lambda: OfNotes(FrameAccuracy()), floats(TAGS))},
    "MacroF1": {"texts": (lambda: OfTexts(MacroF1(TAGS)), probabilities())},
    "ExpectedCalibrationError": {"texts": (lambda: OfTexts(ExpectedCalibrationError()), probabilities())},
}

LABELS = np.random.default_rng(3).integers(TAGS, size=(ROWS, STEPS))

# Cases whose contract covers padding on either side, but none between real steps -> why.
WITHOUT_HOLES = {("CharacterEncoder", "cnn, characters"): "a convolution reads neighbours: holes would part a word"}

OF_VECTORS = "reads one vector a row; rows of padding are tested with the losses of pairs"

# Public names to which the property does not apply -> why.
EXEMPT = {
    "retrieval_scores": "arrays of vectors, which have no padding",
    "pair_scores": "arrays of pairs, which have no padding",
    "embedding_spread": "an array of vectors, which has no padding",
    "CurvePoints": "what `curve_points` gives",
    "curve_points": "arrays of pairs, which have no padding",
    "correlation_scores": "arrays of pairs, which have no padding",
    "best_threshold": "arrays of pairs, which have no padding",
    "ActiveTriplets": OF_VECTORS,
    "ContrastiveLoss": OF_VECTORS,
    "EuclideanTripletLoss": OF_VECTORS,
    "InfoNCELoss": OF_VECTORS,
    "MultiSimilarityLoss": OF_VECTORS,
    "PairLogisticLoss": OF_VECTORS,
    "SimilarityLoss": OF_VECTORS,
    "TripletBatchAllLoss": OF_VECTORS,
    "TripletBatchHardLoss": OF_VECTORS,
    "TripletLoss": OF_VECTORS,
    "TripletLossLayer": OF_VECTORS,
    "UnitLength": OF_VECTORS,
    "TripletSemiHardLoss": OF_VECTORS,
    "GRUCell": "a cell computes a single step; its layer masks",
    "LSTMCell": "a cell computes a single step; its layer masks",
    "SimpleRNNCell": "a cell computes a single step; its layer masks",
    "calibration_error": "arrays of predictions, which have no padding",
    "class_confusion": "arrays of texts; its test leaves out those without a label",
    "classification_scores": "arrays of texts; its test leaves out those without a label",
    "confusion_matrix": "counts over plain lists of tags, which have no padding",
    "load_torch_weights": "moves weights; it sees no sequences",
    "torch_weights": "moves weights; it sees no sequences",
    "entity_scores": "counts over plain lists of tags, which have no padding",
    "generation_scores": "lists of generated texts, which have no padding",
    "multi_label_scores": "arrays of texts; its test leaves out those without a label",
    "out_of_scope_scores": "arrays of predictions, which have no padding",
    "reliability_bins": "arrays of predictions, which have no padding",
}

ROOMS = [(keras_seq.layers, LAYERS), (keras_seq.losses, LOSSES), (keras_seq.metrics, METRICS)]


@pytest.mark.parametrize("name", sorted({name for room, _ in ROOMS for name in room.__all__}))
def test_every_public_name_is_covered(name):
    """A new layer, loss or metric cannot be forgotten."""
    covered = any(name in room.__all__ and table.get(name) for room, table in ROOMS)
    assert covered != (name in EXEMPT), (
        f"`{name}` is public: give it cases in LAYERS, LOSSES or METRICS of {__file__}, or, where the property does "
        "not apply to it, a line in EXEMPT with the reason; not both"
    )


def test_tables_name_public_symbols_alone():
    for room, table in ROOMS:
        public = {name for name, value in vars(room).items() if inspect.isclass(value)}
        assert public <= set(room.__all__), f"classes of {room.__name__} that its `__all__` lacks"
        assert set(table) <= public, f"cases for classes that {room.__name__} does not have"
    assert set(EXEMPT) <= {name for room, _ in ROOMS for name in room.__all__}


@st.composite
def layouts(draw):
    """Where the real steps stand: each row has none, few or all of its steps, in one piece anywhere, or in pieces."""
    padded = draw(st.sampled_from(PADDED_STEPS))
    mask = np.zeros((ROWS, padded), bool)
    for row in mask:
        if draw(st.booleans()):
            length = draw(st.integers(0, STEPS))
            start = draw(st.integers(0, padded - length))
            row[start : start + length] = True
        else:
            row[sorted(draw(st.sets(st.integers(0, padded - 1), max_size=STEPS)))] = True
    return mask


def for_any_layout(test):
    """The same few layouts in every run, and those at the edges."""
    right, left = np.arange(8) < 5, np.arange(8) >= 3
    for mask in (
        np.zeros((ROWS, PADDED_STEPS[1]), bool),
        np.ones((ROWS, STEPS), bool),
        np.array([right, left, right & False, right & left]),
    ):
        test = example(mask=mask)(test)
    quick = settings(
        max_examples=25 if os.environ.get("KERAS_SEQ_THOROUGH") else 5,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    return quick(given(mask=layouts())(test))


def cases_of(table):
    return [(name, case) for name, cases in table.items() for case in cases]


@functools.cache
def unpadded_outputs(name, case):
    keras.utils.set_random_seed(1)
    layer, inputs, *training = LAYERS[name][case]()

    takes_mask = "mask" in inspect.signature(layer.call).parameters

    def call(padded, mask):
        tensors = keras.tree.map_structure(keras.ops.convert_to_tensor, padded)
        arguments = {"training": True} if training else {}
        if takes_mask:
            arguments["mask"] = keras.ops.convert_to_tensor(mask)
        return layer(tensors, **arguments)

    call(inputs, np.ones((ROWS, STEPS), bool))
    # Weights that begin at zero, such as biases and transitions, would hide what they do at padding.
    generator = np.random.default_rng(1)
    for weight in layer.trainable_weights:
        weight.assign(weight + generator.normal(size=weight.shape, scale=0.5))
    return UnpaddedOutputs(call, inputs)


@pytest.mark.parametrize(("name", "case"), cases_of(LAYERS))
@for_any_layout
def test_layers(name, case, mask):
    if (name, case) in WITHOUT_HOLES:
        place = np.arange(mask.shape[1]) - mask.argmax(axis=1)[:, None]
        mask = (place >= 0) & (place < mask.sum(axis=1)[:, None])
    unpadded_outputs(name, case).check(mask, np.random.default_rng(2))


def padded_batch(predictions, mask):
    return pad_rows((LABELS, predictions), mask, np.random.default_rng(2), integer_padding=-1)


@functools.cache
def sum_over_row(name, case, row, length):
    make, predictions = LOSSES[name][case]
    return float(make(reduction="sum")(LABELS[row : row + 1, :length], predictions[row : row + 1, :length]))


@pytest.mark.parametrize(("name", "case"), cases_of(LOSSES))
@for_any_layout
def test_losses(name, case, mask):
    """The sum is that of the rows one by one without padding, and the mean is over the real steps of all rows."""
    make, predictions = LOSSES[name][case]
    lengths = mask.sum(axis=1)
    total = sum(sum_over_row(name, case, row, int(length)) for row, length in enumerate(lengths) if length)
    batch = padded_batch(predictions, mask)
    for reduction, expected in [
        ("sum", total),
        (None, total),
        ("sum_over_batch_size", total / max(lengths.sum(), 1)),
    ]:
        values = keras.ops.convert_to_numpy(make(reduction=reduction)(*batch))
        np.testing.assert_allclose(values.sum(), expected, rtol=1e-4, atol=1e-5, err_msg=f"reduction={reduction}")
        assert np.isfinite(values).all()


@pytest.mark.parametrize(("name", "case"), cases_of(METRICS))
@for_any_layout
def test_metrics(name, case, mask):
    """One padded batch gives what the rows give one by one without padding."""
    make, predictions = METRICS[name][case]
    metric, padded_metric = make(), make()
    padded_metric.update_state(*padded_batch(predictions, mask))
    for row, length in enumerate(mask.sum(axis=1)):
        if length:
            metric.update_state(LABELS[row : row + 1, :length], predictions[row : row + 1, :length])
    expected, actual = (keras.tree.flatten(each.result()) for each in (metric, padded_metric))
    for value, padded_value in zip(expected, actual, strict=True):
        assert np.isfinite(float(padded_value))
        np.testing.assert_allclose(float(padded_value), float(value), rtol=1e-4, atol=1e-5)
