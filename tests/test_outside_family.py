"""A family that another package brings through an entry point does all that those of this one do."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from command_line import run_command
from every_family import check_family, said

from keras_seq.core.plugins import FAMILIES
from keras_seq.zoo.registry import list_builders, unregister_builder

FIXTURE = Path(__file__).parent / "fixtures" / "outside_family" / "halving.py"


@pytest.fixture(scope="module", autouse=True)
def installed(tmp_path_factory):
    """The package, as `pip install` leaves it; nothing of it stays."""
    site = tmp_path_factory.mktemp("site")
    shutil.copy(FIXTURE, site)
    info = site / "halving-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: halving\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[keras_seq.families]\nhalver = halving:FAMILY\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        patch.setattr(FAMILIES, "_added", dict(FAMILIES._added))
        yield
    sys.modules.pop("halving", None)
    if "halving_model" in list_builders():
        unregister_builder("halving_model")


def test_it_does_all_that_families_do(tmp_path, monkeypatch):
    made = check_family("halver", tmp_path, monkeypatch)
    errors = [record["error"] for record in made.metrics["history"]]
    assert made.metrics["best_epoch"] == errors.index(min(errors)) + 1 and errors[-1] < errors[0]
    assert made.metrics["test"]["error"] < 0.2 and made.metrics["parameters"] == 1 and "error" in made.trained
    assert "serving_default(number: float32[batch])" in made.exported
    assert (made.card.builder, made.card.limitations) == ("halving_model", ("It knows small numbers alone.",))
    assert "[halving]" in made.card.recipe and "subwords" not in made.card.recipe
    assert json.loads(said("predict", "run", "8", "--json"))["half"] == pytest.approx(4, abs=0.5)
    for command, message in (
        (("predict", "run", "8", "--explain"), "a halver does not explain"),
        (("train", "tiny.toml", "--run-dir", "other", "--set", "images.ways=5"), "images"),
    ):
        result = run_command(*command)
        assert result.code == 2 and message in result.lines[-1] and len(result.lines) == 1


def test_its_recipe():
    template = said("recipe", "halver")
    assert "[halving]" in template and "repeats" in template and "[subwords]" not in template
