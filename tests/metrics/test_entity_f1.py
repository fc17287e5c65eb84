import keras
import numpy as np
import pytest

from keras_seq.metrics import EntityF1, entity_scores

pytestmark = pytest.mark.both_backends

TYPES = ["PER", "LOC"]
SCHEMES = {
    "BIO": ["O", *(f"{prefix}-{name}" for name in TYPES for prefix in "BI")],
    "IOB1": ["I-PER", "I-LOC", "O", "B-LOC"],
    "BIOES": [*(f"{prefix}-{name}" for name in TYPES for prefix in "BIES"), "O"],
}


def random_batch(rng, num_tags, batch=16, steps=9, missing=0.1):
    """Labels with padding on either side and holes; predictions that are right for the most part."""
    y_true = rng.integers(num_tags, size=(batch, steps))
    y_pred = np.where(rng.random(y_true.shape) < 0.7, y_true, rng.integers(num_tags, size=y_true.shape))
    y_pred[rng.random(y_true.shape) < missing] = -1
    y_true[rng.random(y_true.shape) < 0.2] = -1
    y_true[: batch // 4, steps // 2 :] = -1
    y_true[batch // 4 : batch // 2, : steps // 2] = -1
    y_true[-1] = -1
    return y_true, y_pred


def as_sequences(y_true, y_pred, tag_names):
    names = np.array([*tag_names, "O"])
    return [names[row[row >= 0]].tolist() for row in y_true], [
        names[predicted[row >= 0]].tolist() for row, predicted in zip(y_true, y_pred, strict=True)
    ]


def assert_scores_equal(metric, expected):
    scores = metric.scores()
    assert {key: scores[key] for key in expected if key != "types"} == {
        key: value for key, value in expected.items() if key != "types"
    }
    assert {name: row for name, row in scores["types"].items() if name in expected["types"]} == expected["types"]
    for key in ("entity_f1", "entity_precision", "entity_recall"):
        assert float(metric.result()[key]) == pytest.approx(expected[key], abs=1e-6)


@pytest.mark.both_backends(thorough=True)
@pytest.mark.parametrize("tag_names", SCHEMES.values(), ids=SCHEMES)
def test_same_as_entity_scores(tag_names):
    rng = np.random.default_rng(0)
    metric = EntityF1(tag_names)
    true, predicted = [], []
    for _ in range(40):
        y_true, y_pred = random_batch(rng, len(tag_names), steps=int(rng.integers(1, 12)))
        metric.update_state(y_true, y_pred)
        for sequences, more in zip((true, predicted), as_sequences(y_true, y_pred, tag_names), strict=True):
            sequences.extend(more)
    assert_scores_equal(metric, entity_scores(true, predicted))
    assert metric.scores()["support"] > 100
    metric.reset_state()
    assert metric.scores()["entity_f1"] == metric.scores()["support"] == 0


def test_padding_never_counts():
    rng = np.random.default_rng(1)
    tag_names = SCHEMES["BIO"]
    y_true, y_pred = random_batch(rng, len(tag_names))
    results = []
    for left, right in ((0, 0), (3, 0), (0, 4), (2, 2)):
        metric = EntityF1(tag_names)
        padding = ((0, 0), (left, right))
        metric.update_state(np.pad(y_true, padding, constant_values=-1), np.pad(y_pred, padding, constant_values=1))
        results.append(metric.scores())
    assert all(result == results[0] for result in results)


def test_missing_and_impossible_predictions_are_outside():
    for prediction in (-1, -5, 5, 99):
        metric = EntityF1(SCHEMES["BIO"])
        metric.update_state([[1, 2, 0, 3]], [[1, prediction, 0, 3]])
        assert metric.scores()["types"]["PER"]["f1"] == 0.0
        assert metric.scores()["types"]["LOC"]["f1"] == 1.0


@pytest.mark.parametrize("shape", [(2, 0), (0, 4)])
def test_nothing_to_count(shape):
    metric = EntityF1(SCHEMES["BIO"])
    metric.update_state(np.zeros(shape, "int32"), np.zeros(shape, "int32"))
    assert {key: float(value) for key, value in metric.result().items()} == {
        "entity_f1": 0.0,
        "entity_precision": 0.0,
        "entity_recall": 0.0,
    }


def test_only_outside_tags():
    metric = EntityF1(["O"])
    metric.update_state([[0, -1]], [[0, 0]])
    assert metric.scores()["types"] == {}
    assert float(metric.result()["entity_f1"]) == 0.0


@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.thorough)], ids=["graph", "jit"])
def test_in_a_compiled_model(jit_compile):
    tag_names = SCHEMES["BIO"]
    rng = np.random.default_rng(2)
    y_true, y_pred = random_batch(rng, len(tag_names), missing=0)
    inputs = keras.Input((None,), dtype="int32")
    model = keras.Model(inputs, keras.layers.Embedding(5, 5, embeddings_initializer="identity")(inputs))
    model.compile(
        metrics=[EntityF1(tag_names), EntityF1(tag_names, name="other")], jit_compile=jit_compile, loss=_no_loss
    )
    logs = model.evaluate(y_pred, y_true, batch_size=8, return_dict=True, verbose=0)
    expected = entity_scores(*as_sequences(y_true, y_pred, tag_names))
    for key in ("entity_f1", "entity_precision", "entity_recall"):
        assert logs[key] == pytest.approx(expected[key], abs=1e-6)
    assert logs["other"] == logs["entity_f1"]
    assert logs["other_recall"] == logs["entity_recall"]
    history = model.fit(y_pred, y_true, validation_data=(y_pred, y_true), batch_size=8, verbose=0).history
    assert history["val_entity_f1"] == pytest.approx([expected["entity_f1"]], abs=1e-6)


def _no_loss(y_true, y_pred):
    return keras.ops.sum(y_pred, axis=(1, 2)) * 0


def test_config_round_trip():
    metric = EntityF1(SCHEMES["BIOES"], name="dev_f1", dtype="float32")
    copy = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert isinstance(copy, EntityF1)
    assert copy.get_config() == metric.get_config()
    assert list(copy.result()) == ["dev_f1", "dev_precision", "dev_recall"]


@pytest.mark.parametrize("tag_names", [[], "BIO", ["O", "O"], ["O", "X-PER"]])
def test_bad_tag_names(tag_names):
    with pytest.raises(ValueError, match="Received: tag"):
        EntityF1(tag_names)


def test_bad_calls():
    metric = EntityF1(SCHEMES["BIO"])
    with pytest.raises(ValueError, match="`sample_weight` must be None"):
        metric.update_state([[0]], [[0]], sample_weight=[1.0])
    with pytest.raises(ValueError, match="`y_true` must be class ids"):
        metric.update_state([[0, 1]], [[0, 1, 2]])
