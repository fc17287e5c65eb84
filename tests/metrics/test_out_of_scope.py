import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from keras_seq.metrics import out_of_scope_scores


def test_by_a_plain_loop_and_scikit_learn():
    generator = np.random.default_rng(0)
    # Rounded, so that there are ties within and between both.
    in_scope, out_of_scope = generator.beta(3, 1, 80).round(1), generator.beta(1, 1, 50).round(1)
    scores = out_of_scope_scores(in_scope, out_of_scope, 0.7)
    assert scores["out_of_scope_recall"] == pytest.approx(sum(value < 0.7 for value in out_of_scope) / 50)
    assert scores["in_scope_kept"] == pytest.approx(sum(value >= 0.7 for value in in_scope) / 80)
    assert (in_scope == 0.7).any() and (out_of_scope == 0.7).any()
    wins = sum((a > b) + (a == b) / 2 for a in in_scope for b in out_of_scope)
    assert scores["auroc"] == pytest.approx(wins / (80 * 50))
    is_in_scope = np.repeat([1, 0], [80, 50])
    assert scores["auroc"] == pytest.approx(roc_auc_score(is_in_scope, np.concatenate([in_scope, out_of_scope])))
    assert {type(value) for value in scores.values()} == {float}


def test_ends():
    assert out_of_scope_scores([2.0, 3.0], [-1.0, 1.0], 1.5) == {
        "out_of_scope_recall": 1.0,
        "in_scope_kept": 1.0,
        "auroc": 1.0,
    }
    nothing = out_of_scope_scores([], [0.1], 0.5)
    assert nothing == {"out_of_scope_recall": 1.0, "in_scope_kept": 0.0, "auroc": 0.5}


@pytest.mark.parametrize("confidence", [[0.1, np.nan], [[0.1]], 0.1])
def test_wrong_confidences(confidence):
    with pytest.raises(ValueError, match="`out_of_scope_confidence` must be a flat array of numbers"):
        out_of_scope_scores([0.5], confidence, 0.5)
