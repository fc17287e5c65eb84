"""The registry of families: those of this package, those of others, and what is told of those that are not there."""

import collections
import sys

import pytest

import keras_seq.families
from keras_seq.core.errors import InputError, RecipeError
from keras_seq.core.plugins import FAMILIES
from keras_seq.tasks import Family, families, family_named, register_family
from keras_seq.training import Recipe


@pytest.fixture
def forgotten(monkeypatch):
    """What is registered in the test alone."""
    monkeypatch.setattr(FAMILIES, "_added", {})


@pytest.fixture
def installed(tmp_path, monkeypatch, forgotten):
    """Installs a package whose entry point brings a family."""

    def install(name, code):
        (tmp_path / f"{name}_package.py").write_text(code)
        info = tmp_path / f"{name}_package-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}_package\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[keras_seq.families]\n{name} = {name}_package:FAMILY\n")

    monkeypatch.syspath_prepend(tmp_path)
    yield install
    for name in [name for name in sys.modules if name.endswith("_package")]:
        del sys.modules[name]


TOY = """
from keras_seq.tasks import Family
from keras_seq.training import Recipe
class Toy:
    task = "{name}"
FAMILY = Family("{name}", "toys", Recipe, "fun", task=Toy, training=dict, test_case=dict)
"""


def test_families_of_this_package():
    assert [family.name for family in families()] == sorted(keras_seq.families.FAMILIES)
    for family in families():
        assert getattr(keras_seq.families, family.task.__name__) is family.task
    with pytest.raises(AttributeError, match="no attribute 'Taggers'"):
        keras_seq.families.Taggers  # noqa: B018
    assert "Tagger" in dir(keras_seq.families)


def test_unknown_names():
    with pytest.raises(InputError, match="task 'taggr' is unknown; .* knows classifier, .*; did you mean tagger"):
        family_named("taggr")
    with pytest.raises(RecipeError, match="key `task`: task 'zzz' is unknown; .*; name one of them"):
        Recipe.from_dict({"task": "zzz", "name": "z", "data": {"train": "z"}, "model": {"builder": "z"}})


def test_another_package_brings_a_family(installed):
    installed("toy", TOY.format(name="toy"))
    assert family_named("toy").unit == "toys"
    assert {family.name for family in families()} == {*keras_seq.families.FAMILIES, "toy"}


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("toy", "import no_such_module", "task 'toy': toy_package:FAMILY cannot be imported .No module"),
        ("toy", "", "cannot be imported .*has no attribute 'FAMILY'"),
        ("toy", TOY.format(name="game"), "must have this name. Received: name='game'"),
        ("toy", "class FAMILY:\n    name = 'toy'", "must name a Family. Received: .*; correct the entry"),
        ("toy", "FAMILY = 1", "must have this name. Received: name=None; correct the entry point"),
        ("tagger", TOY.format(name="tagger"), "'tagger' is brought by keras_seq.families.tagging:FAMILY and tagger"),
    ],
)  # fmt: skip
def test_entry_points_that_cannot_be_used(installed, name, code, message):
    installed(name, code)
    with pytest.raises(InputError, match=message):
        family_named(name)
    assert family_named("classifier").unit == "texts"


def test_registration_in_a_process(forgotten):
    family = Family(
        "toy", "toys", Recipe, "fun", task="collections:Counter", training="no_such:thing", test_case="json:none"
    )
    register_family(family)
    register_family(family)
    assert family_named("toy") is family and family in families()
    assert family.task is collections.Counter
    for field, reason in (("training", "no_such:thing cannot be imported"), ("test_case", "json:none cannot be")):
        with pytest.raises(InputError, match=f"`{field}`: {reason}"):
            getattr(family, field)
    with pytest.raises(ValueError, match="task 'toy' is registered already"):
        register_family(Family("toy", "games", Recipe, "fun", task=dict, training=dict, test_case=dict))
    with pytest.raises(TypeError, match="`family` must be a Family"):
        register_family(object)
