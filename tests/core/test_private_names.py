"""Private names of Keras stand in `core/keras_compat.py` alone."""

import ast
import inspect
from pathlib import Path

import keras
import pytest

import keras_seq
import keras_seq.layers
import keras_seq.losses
import keras_seq.metrics
import keras_seq.training.optimizers

PACKAGE = Path(keras_seq.__file__).parent
TREES = {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")}
COMPAT = TREES.pop("core/keras_compat.py")
# Documented names of the standard library, and what this package writes on tensors.
INSIDE = "keras.src"
NO_SECRETS = {"_replace", "_getframe", "_keras_seq_origin"}


def names_in(tree: ast.AST, kind: type[ast.expr_context]) -> set[str]:
    """The private attributes that are read, or written; `getattr` and its like with them."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name, ctx=context) if isinstance(context, kind):
                found.add(name)
            case ast.Call(func=ast.Name(id="getattr" | "hasattr" | "setattr"), args=[_, ast.Constant(str(name)), *_]):
                found.add(name)
    return {name for name in found if name.startswith("_") and not name.startswith("__")}


OF_KERAS = names_in(COMPAT, ast.Load) | names_in(COMPAT, ast.Store)
OWN = {
    name
    for tree in TREES.values()
    for name in (
        {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        | {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        | {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self"
        }
    )
} | NO_SECRETS


def private_names(tree: ast.AST) -> set[str]:
    """The private names of a file that the package does not define or that are Keras' own, and its inside."""
    used = names_in(tree, ast.Load) | names_in(tree, ast.Store)
    imported = {
        text
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and INSIDE in (text := ast.unparse(node))
    }
    inside = {
        text for node in ast.walk(tree) if isinstance(node, ast.Attribute) and (text := ast.unparse(node)) == INSIDE
    }
    return {name for name in used if name not in OWN or name in OF_KERAS} | imported | inside


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("model._symbolic_build()", "_symbolic_build"),
        ("self._velocities[0]", "_velocities"),
        ("self._direction = 'down'", "_direction"),
        ("getattr(tensor, '_keras_mask', None)", "_keras_mask"),
        ("from keras.src.backend import get_keras_mask", "from keras.src.backend import get_keras_mask"),
    ],
)
def test_a_private_name_is_found(source, found):
    assert private_names(ast.parse(source)) == {found}


def test_no_private_name_of_keras_beside_the_one_file():
    assert {file: names for file, tree in TREES.items() if (names := private_names(tree))} == {}


def test_no_private_method_of_keras_is_overridden():
    rooms = (keras_seq.layers, keras_seq.losses, keras_seq.metrics, keras_seq.training.optimizers)
    classes = {value for room in rooms for value in vars(room).values() if inspect.isclass(value)}
    assert len(classes) > 60
    for cls in classes:
        of_keras = {name for base in cls.__mro__ if base.__module__.startswith("keras.") for name in vars(base)}
        for base in cls.__mro__:
            if base.__module__.startswith("keras_seq."):
                private = {name for name in vars(base) if name.startswith("_") and not name.startswith(("__", "_abc_"))}
                assert not private & of_keras, base
    assert issubclass(keras_seq.layers.LSTM, keras.layers.LSTM)
