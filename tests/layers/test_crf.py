import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.layers import CRF
from keras_seq.losses import CRFNegativeLogLikelihood
from keras_seq.metrics import EntityF1
from keras_seq.ops.crf import crf_log_partition, crf_score, crf_viterbi
from keras_seq.ops.spans import entities
from keras_seq.testing import run_layer_test

SCHEMES = {
    "BIO": ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"],
    "BIOES": ["I-PER", "O", "S-PER", "B-PER", "E-PER", "B-LOC", "E-LOC", "S-LOC", "I-LOC"],
}


def random_scores(shape, seed=0, scale=1.0):
    return (scale * np.random.default_rng(seed).normal(size=shape)).astype("float32")


def random_mask(batch, steps, seed=0):
    mask = np.random.default_rng(seed).random((batch, steps)) < 0.6
    mask[0] = True
    mask[1, : steps // 2], mask[1, steps // 2 :] = False, True
    mask[2, : steps // 2], mask[2, steps // 2 :] = True, False
    mask[3] = False
    return mask


def trained_like(layer, seed=0):
    layer.build((None, None, layer.num_tags))
    layer.set_weights([random_scores(weight.shape, seed + i) for i, weight in enumerate(layer.weights)])
    return layer


@pytest.mark.parametrize("tag_names", [None, SCHEMES["BIO"]], ids=["free", "BIO"])
def test_contract(tag_names):
    # The potentials of a step depend on whether it is the first or the last real one, never on padding.
    run_layer_test(
        CRF,
        arguments={"num_tags": 5, "tag_names": tag_names},
        inputs=random_scores((2, 4, 5)),
        expected_output_shape=(2, 4, 5, 5),
    )


def test_score_of_a_path_is_the_sum_of_its_parts():
    layer = trained_like(CRF(4))
    transitions, start, end = (np.array(weight) for weight in (layer.transitions, layer.start_scores, layer.end_scores))
    scores, mask = random_scores((8, 7, 4)), random_mask(8, 7)
    tag_ids = np.random.default_rng(1).integers(4, size=mask.shape)
    actual = crf_score(layer(scores, mask=ops.convert_to_tensor(mask)), tag_ids, mask)
    for b in range(8):
        steps = np.flatnonzero(mask[b])
        tags = tag_ids[b, steps]
        expected = scores[b, steps, tags].sum() + transitions[tags[:-1], tags[1:]].sum()
        if len(steps):
            expected += start[tags[0]] + end[tags[-1]]
        assert float(actual[b]) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
@pytest.mark.parametrize("tag_names", SCHEMES.values(), ids=SCHEMES)
def test_forbidden_moves_are_never_decoded(tag_names, dtype):
    layer = trained_like(CRF(len(tag_names), tag_names=tag_names, dtype=dtype))
    # Scores that all but shout for impossible tags.
    scores = random_scores((64, 9, len(tag_names)), scale=100)
    mask = random_mask(64, 9)
    tag_ids, _ = crf_viterbi(layer(scores, mask=ops.convert_to_tensor(mask)), mask)
    for row, real in zip(ops.convert_to_numpy(tag_ids), mask, strict=True):
        tags = [tag_names[i] for i in row[real]]
        written = ["O"] * len(tags)
        for kind, start, end in entities(tags):
            marks = ["B", *["I"] * (end - start - 1)]
            if "S-PER" in tag_names:
                marks = ["S"] if len(marks) == 1 else [*marks[:-1], "E"]
            written[start:end] = [f"{mark}-{kind}" for mark in marks]
        assert tags == written


def test_mixed_precision_keeps_potentials_in_float32():
    layer = CRF(3, dtype="mixed_float16")
    potentials = layer(random_scores((2, 4, 3)))
    assert keras.backend.standardize_dtype(potentials.dtype) == "float32"
    assert {weight.dtype for weight in layer.weights} == {"float32"}


def build_tagger(tag_names, dtype=None):
    inputs = keras.Input((None,), dtype="int32", name="token_ids")
    x = keras.layers.Embedding(12, 8, mask_zero=True, dtype=dtype)(inputs)
    x = keras.layers.Dense(len(tag_names), dtype=dtype)(x)
    return keras.Model(inputs, CRF(len(tag_names), tag_names=tag_names, dtype=dtype)(x))


@pytest.mark.both_backends(thorough=True)
@pytest.mark.parametrize(
    ("jit_compile", "dtype"), [(False, None), pytest.param(True, "mixed_float16", marks=pytest.mark.thorough)]
)
def test_learns_and_survives_a_file(tmp_path, jit_compile, dtype):
    keras.utils.set_random_seed(0)
    tag_names = SCHEMES["BIO"]
    rng = np.random.default_rng(0)
    # Token 2 begins a person, 3 continues it, 4 and 5 a place; all else is outside.
    token_ids = rng.choice([2, 3, 4, 5, 6, 7], size=(32, 8))
    token_ids[:16, 5:] = 0
    token_ids[16:24, :3] = 0
    labels = np.array([-1, 0, 1, 0, 3, 0, 0, 0])[token_ids]
    for b, t in np.ndindex(32, 7):
        previous = labels[b, t]
        if token_ids[b, t + 1] in (3, 5) and previous in ((1, 2) if token_ids[b, t + 1] == 3 else (3, 4)):
            labels[b, t + 1] = 2 if token_ids[b, t + 1] == 3 else 4
    model = build_tagger(tag_names, dtype)
    model.compile(
        keras.optimizers.Adam(0.1), CRFNegativeLogLikelihood(), metrics=[EntityF1(tag_names)], jit_compile=jit_compile
    )
    losses = model.fit(token_ids, labels, batch_size=16, epochs=12, verbose=0).history["loss"]
    assert losses[-1] < 0.25 * losses[0]
    scores = model.evaluate(token_ids, labels, batch_size=16, return_dict=True, verbose=0)
    assert scores["entity_f1"] > 0.9

    model.save(tmp_path / "tagger.keras")
    revived = keras.saving.load_model(tmp_path / "tagger.keras")
    np.testing.assert_array_equal(revived.predict(token_ids, verbose=0), model.predict(token_ids, verbose=0))
    assert revived.evaluate(token_ids, labels, batch_size=16, return_dict=True, verbose=0) == scores


def test_loss_ignores_the_form_of_the_mask():
    layer = trained_like(CRF(3))
    scores = random_scores((1, 4, 3))
    full = layer(scores)
    expected = float(crf_log_partition(full, np.ones((1, 4), bool))[0])
    for places in ([0, 1, 2, 3], [3, 4, 5, 6], [0, 2, 5, 6]):
        padded = random_scores((1, 7, 3), seed=9, scale=50)
        padded[:, places] = scores
        mask = np.zeros((1, 7), bool)
        mask[:, places] = True
        potentials = layer(padded, mask=ops.convert_to_tensor(mask))
        assert float(crf_log_partition(potentials, mask)[0]) == pytest.approx(expected, abs=1e-5)


def test_bad_arguments():
    with pytest.raises(ValueError, match="`num_tags` must be a positive integer. Received: num_tags=0"):
        CRF(0)
    with pytest.raises(ValueError, match=r"`tag_names` must name each .* Received: 1 names, tag_names=\['O'\]"):
        CRF(2, tag_names=["O"])
    with pytest.raises(ValueError, match=r"Received: scores.shape=\(1, 2, 3\)"):
        CRF(2)(np.zeros((1, 2, 3), "float32"))
    with pytest.raises(ValueError, match="Received:.*L-PER"):
        CRF(2, tag_names=["O", "L-PER"]).build((None, None, 2))
