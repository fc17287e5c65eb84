"""Every public symbol is documented, and every example in a docstring runs."""

import doctest
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import keras_seq

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
SHOWN = (
    "keras_seq.layers.",
    "keras_seq.losses.",
    "keras_seq.metrics.",
    "keras_seq.zoo.ner",
    "keras_seq.zoo.sentiment",
    "keras_seq.zoo.sequence",
    "keras_seq.zoo.text_classifier",
    "keras_seq.zoo.transformer_classifier",
)

# Rooms whose sections `Raises:` are of one form.
UNIFORM = ("core", "layers", "losses", "metrics", "ops")
OTHER_ROOMS = ("cli", "data", "export", "families", "tasks", "testing", "text", "training", "zoo")


def module_names():
    return sorted(module.name for module in pkgutil.walk_packages(keras_seq.__path__, "keras_seq."))


def public_symbols():
    """Every class and function that a room re-exports, by its full name."""
    for name in module_names():
        room = importlib.import_module(name)
        if name.count(".") == 1 and hasattr(room, "__path__"):
            for symbol, value in vars(room).items():
                if not symbol.startswith("_") and (inspect.isclass(value) or inspect.isfunction(value)):
                    yield f"{name}.{symbol}", value


@pytest.mark.parametrize("name", module_names())
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(name), optionflags=FLAGS)
    assert result.failed == 0, f"{result.failed} of {result.attempted} examples in {name} failed"


def test_public_symbols_are_documented():
    assert not [name for name, symbol in public_symbols() if not (inspect.getdoc(symbol) or "").strip()]


def test_layers_losses_metrics_and_builders_show_an_example():
    without = [
        name
        for name, symbol in public_symbols()
        if name.startswith(SHOWN) and ">>>" not in (inspect.getdoc(symbol) or "")
    ]
    assert not without, "a public symbol shows how it is used, in a doctest"


def test_modules_say_what_they_are():
    assert not [name for name in module_names() if not importlib.import_module(name).__doc__]


@pytest.mark.parametrize("room", [*UNIFORM, *OTHER_ROOMS])
def test_errors_are_said_in_one_form(room):
    """`ValueError: if ...` below `Raises:`; in the rooms above it may refer to another function, or say when first."""
    form = r"[\w., ]+: if " if room in UNIFORM else r"[\w., ]+: (if |as |naming |after |when the graph runs, if )"
    for path in (Path(keras_seq.__file__).parent / room).rglob("*.py"):
        for section in re.findall(r"^ +Raises:\n((?: +[^\s\"].*\n)+)", path.read_text("utf-8"), re.MULTILINE):
            indent = re.match(" +", section)[0]
            entries = re.findall(rf"^{indent}(\S.*)", section, re.MULTILINE)
            assert [entry for entry in entries if not re.match(form, entry)] == [], path.name
