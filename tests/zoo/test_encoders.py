"""Encoders do what they declare, are named alike in every builder, and are refused where they lack what is needed."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.testing.padding import check_padding
from keras_seq.zoo import ner_model, sentiment_model, siamese_model, text_classifier_model
from keras_seq.zoo.encoders import (
    ENCODERS,
    NEEDS,
    Bag,
    Convolutional,
    Encoder,
    Recurrent,
    Transformer,
    able_encoders,
    check_needs,
    encoded,
    make_encoder,
    register_encoder,
)

pytestmark = pytest.mark.both_backends
SMALL = {
    "bag": {},
    "recurrent": {"units": [5]},
    "convolutional": {"units": [5, 4], "kernel_sizes": [3, 2], "dilated": True},
    "transformer": {"units": 8, "num_heads": 2, "num_blocks": 1},
}
VARIANTS = [(name, options) for name in SMALL for options in ENCODERS.get(name).variants]
STEPS = 12
IDS = np.random.default_rng(0).integers(2, 20, (2, STEPS)).astype("int32")


def reader(encoder):
    keras.utils.set_random_seed(1)
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    x = keras.layers.Embedding(20, 6, mask_zero=True, embeddings_initializer="normal")(token_ids)
    return keras.Model(token_ids, encoded(encoder.prepare({"recurrent": 0.1}), x))


def changed_steps(model, place):
    """At which steps the outputs change with the token at a place."""
    other = IDS.copy()
    other[:, place] = 1
    before, after = (ops.convert_to_numpy(model(ops.convert_to_tensor(ids))) for ids in (IDS, other))
    return np.abs(before - after).max(axis=(0, 2)) > 1e-7


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_an_encoder_does_what_it_declares(name, options):
    window = {"window": 3} if "window" in options else {}
    encoder = make_encoder({"kind": name, **SMALL[name], **options, **window})
    model = reader(encoder)
    assert changed_steps(model, STEPS - 1)[-1]
    assert changed_steps(model, STEPS - 1)[:-1].any() != encoder.causal
    assert changed_steps(model, 0)[-1] == encoder.reads_all
    assert encoder.padding == ("left", "right", "inside")
    check_padding(lambda ids, mask: model(ops.convert_to_tensor(ids)), IDS)
    assert encoder == dataclasses.replace(encoder) and hash(encoder) == hash(dataclasses.replace(encoder))


def test_every_encoder_is_here_and_every_need_has_one_that_can():
    assert set(SMALL) == set(ENCODERS.names())
    assert able_encoders("causal") == [
        "bag",
        "convolutional(causal=True)",
        "recurrent(bidirectional=False)",
        "transformer(causal=True)",
    ]
    assert all(able_encoders(need) for need in NEEDS)


@pytest.mark.parametrize("build", [text_classifier_model, sentiment_model])
def test_it_is_named_in_three_ways(build):
    ways = [GRU := Recurrent("gru", 4), {"kind": "recurrent", "cell": "gru", "units": [4]}]
    assert GRU.units == (4,)
    models = [build(20, 3, embedding_dim=4, encoder=way) for way in ways]
    if build is text_classifier_model:
        models.append(build(20, 3, embedding_dim=4, recurrent={"cell": "gru", "units": 4}))
    configs = [model.get_config() for model in models]
    names = [[layer["class_name"] for layer in config["layers"]] for config in configs]
    assert all(each == names[0] for each in names) and "Bidirectional" in names[0]


@pytest.mark.parametrize("name", SMALL)
def test_every_builder_takes_every_encoder(name):
    encoder = {"kind": name, **SMALL[name]}
    assert ner_model(20, 3, embedding_dim=6, encoder=encoder).output_shape == (None, None, 3, 3)
    assert text_classifier_model(20, 3, embedding_dim=6, encoder=encoder).output_shape == (None, 3)
    assert siamese_model(20, embedding_dim=6, encoder=encoder).output_shape == (None,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"encoder": Bag(), "pooling": "last"}, "`pooling` 'last' needs an encoder of which the state at the end of .*"
         r"Received: encoder=Bag\(\)\. Those that can: recurrent, transformer\."),
        ({"encoder": Convolutional(), "pooling": "last"}, "Those that can: recurrent, transformer"),
        ({"encoder": Bag(), "recurrent": {}}, "`recurrent` and `encoder` exclude each other"),
        ({"encoder": {"kind": "recurent"}}, "encoder 'recurent' is unknown.* did you mean recurrent"),
        ({"encoder": {"kind": "bag", "units": 3}}, "`encoder` takes the keys"),
        ({"encoder": {"kind": "recurrent", "cell": "rnn"}}, "`encoder.cell` must be one of"),
        ({"encoder": {"kind": "convolutional", "units": []}}, "`encoder.units` must hold at least one size"),
        ({"encoder": {"kind": "convolutional", "kernel_sizes": 0}}, "`encoder.kernel_sizes`"),
        ({"encoder": {"kind": "transformer", "num_heads": 3}}, "`encoder.num_heads` must divide `units`"),
        ({"encoder": {"kind": "transformer", "positions": "cosine"}}, "`positions` must be one of"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        text_classifier_model(20, 3, **arguments)


@pytest.mark.parametrize("encoder", ["bag", {}, {"units": 3}, {"kind": 3}, {"kind": "recurrent", "bidirectional": 1}])
def test_wrong_types_are_refused(encoder):
    for build in (ner_model, sentiment_model, text_classifier_model):
        with pytest.raises(TypeError, match="`encoder.* must be"):
            build(20, 3, encoder=encoder)


def test_a_tagger_has_one_description_of_its_encoder():
    with pytest.raises(ValueError, match="`units` and `encoder` exclude each other"):
        ner_model(20, 3, encoder=Transformer(), units=[3])


def test_a_need_that_is_met_is_no_error():
    check_needs(Recurrent(bidirectional=False), ("causal", "streams", "reads_all"), "a test")
    with pytest.raises(ValueError, match="a test needs an encoder of which no step sees a later one"):
        check_needs(Recurrent(), ("causal",), "a test")


@dataclasses.dataclass(frozen=True)
class Shifted(Encoder):
    """Loses the mask: an operation passes none on."""

    def __call__(self, x, rates):
        return ops.roll(x, 1, axis=1)


def test_a_lost_mask_is_refused():
    with pytest.raises(ValueError, match="`encoder` must give one vector per step.* Received: .* no mask"):
        ner_model(20, 3, encoder=Shifted())


def test_what_is_no_encoder_is_not_registered():
    def options(name, base, **namespace):
        return dataclasses.make_dataclass(name, [], bases=(base,), frozen=True, namespace=namespace)

    with pytest.raises(TypeError, match="must be a dataclass that extends Encoder, with `__call__` or `prepare`"):
        register_encoder("empty")(options("Empty", Encoder))
    with pytest.raises(ValueError, match="`padding` must hold left and right"):
        register_encoder("right")(options("Right", Shifted, padding=("right",)))
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'units'"):
        register_encoder("needy")(dataclasses.make_dataclass("Needy", [("units", int)], bases=(Shifted,), frozen=True))
    with pytest.raises(ValueError, match="encoder 'bag' is registered already"):
        register_encoder("bag")(Shifted)
    assert set(ENCODERS.names()) == set(SMALL)
