"""Every public symbol is documented, and every example in a docstring runs."""

import doctest
import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import keras_seq

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def module_names():
    return sorted(module.name for module in pkgutil.walk_packages(keras_seq.__path__, "keras_seq."))


def public_symbols():
    """Every name in the `__all__` of a room, with the object behind it."""
    for name in module_names():
        room = importlib.import_module(name)
        if name.count(".") == 1 and hasattr(room, "__path__"):
            assert hasattr(room, "__all__") or not _exports(room), f"{name}/__init__.py re-exports without `__all__`"
            for symbol in getattr(room, "__all__", []):
                yield f"{name}.{symbol}", getattr(room, symbol)


def _exports(room):
    return [
        name
        for name, value in vars(room).items()
        if not name.startswith("_") and (inspect.isclass(value) or inspect.isfunction(value))
    ]


@pytest.mark.parametrize("name", module_names())
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with np.printoptions(legacy=False):
        result = doctest.testmod(importlib.import_module(name), optionflags=FLAGS)
    assert result.failed == 0, f"{result.failed} of {result.attempted} examples in {name} failed"


def test_public_symbols_are_documented():
    undocumented = [
        name
        for name, symbol in public_symbols()
        if (inspect.isclass(symbol) or callable(symbol)) and not (inspect.getdoc(symbol) or "").strip()
    ]
    assert not undocumented


def test_layers_losses_metrics_and_builders_show_an_example():
    rooms = ("keras_seq.layers.", "keras_seq.losses.", "keras_seq.metrics.", "keras_seq.zoo.ner")
    without = [
        name
        for name, symbol in public_symbols()
        if name.startswith(rooms) and callable(symbol) and ">>>" not in (inspect.getdoc(symbol) or "")
    ]
    assert not without, "a public symbol shows how it is used, in a doctest"


def test_modules_say_what_they_are():
    assert not [name for name in module_names() if not importlib.import_module(name).__doc__]
