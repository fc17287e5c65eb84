import numpy as np
import pytest

from keras_seq.metrics import EntityF1, MaskedTokenAccuracy
from keras_seq.ops.crf import crf_viterbi
from keras_seq.ops.tag_decoding import decode_tags

pytestmark = pytest.mark.both_backends

MASK = np.array([[True, True, False, True], [False, True, True, True]])


def random_potentials(seed=0):
    return np.random.default_rng(seed).normal(size=(2, 4, 3, 3)).astype("float32")


def test_every_form_of_outputs():
    tag_ids = np.array([[0, 2, -1, 1], [1, 1, 0, 2]])
    np.testing.assert_array_equal(decode_tags(tag_ids, MASK), tag_ids)
    np.testing.assert_array_equal(decode_tags(np.eye(3)[tag_ids], MASK)[MASK], tag_ids[MASK])
    potentials = random_potentials()
    np.testing.assert_array_equal(decode_tags(potentials, MASK), crf_viterbi(potentials, MASK)[0])


def test_metrics_take_potentials():
    """What stands at masked steps of the potentials does not reach a metric."""
    potentials = random_potentials()
    best = np.where(MASK, crf_viterbi(potentials, MASK)[0], -1)
    potentials[~MASK] = 1e4
    accuracy, entity_f1 = MaskedTokenAccuracy(), EntityF1(["S-A", "S-B", "S-C"])
    for metric in (accuracy, entity_f1):
        metric.update_state(best, potentials)
    assert float(accuracy.result()) == 1.0
    assert entity_f1.scores()["entity_f1"] == 1.0
    assert entity_f1.scores()["support"] == MASK.sum()


@pytest.mark.parametrize("shape", [(2,), (2, 5), (3, 4), (2, 5, 3), (2, 4, 3, 3, 3)])
def test_shapes_must_fit(shape):
    with pytest.raises(ValueError, match=r"`outputs` must be tag ids .* Received: outputs.shape=\("):
        decode_tags(np.zeros(shape), MASK)
