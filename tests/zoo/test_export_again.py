"""The script that exports shipped models anew: cards are those of today, and what has moved is told."""

import numpy as np
import pytest

from keras_seq.export.stock_runtime import pack
from keras_seq.zoo.cards import ModelCard


@pytest.fixture(scope="module")
def script(zoo_script):
    return zoo_script("export_again")


def test_shipped_cards_say_what_this_version_does(script):
    names = [path.name for path in script.SHIPPED.iterdir() if path.is_dir()]
    assert len(names) >= 10
    for name in names:
        card = ModelCard.load(script.SHIPPED / name / "card.json")
        assert script.renewed(card) == card, f"{name}: run python zoo/export_again.py {name}"


def test_what_has_moved_is_told_though_samples_have_moved_apart(script, tmp_path):
    before = {
        "0/step/outputs/x": np.array([1.0, 2.0]),
        "1/serving_default/outputs/y": np.array([3.0]),
        "1/serving_default/outputs/label": np.array(["a"], object),
    }
    after = {
        "0/step/outputs/x": np.array([1.0, 2.5]),
        "1/step/outputs/x": np.array([9.0]),
        "2/serving_default/outputs/y": np.array([3.0, 4.0]),
        "2/serving_default/outputs/label": np.array(["b"], object),
    }
    for name, arrays in (("old", before), ("new", after)):
        np.savez(tmp_path / f"{name}.npz", **pack(arrays))
    found = script.differences(tmp_path / "old.npz", tmp_path / "new.npz")
    assert found["step.x"] == 0.5 and np.isnan(found["serving_default.y"]) and found["serving_default.label"] == 1
