"""Generic rooms know no family by name: what a family needs of them is a hook for all."""

import ast
from pathlib import Path

import pytest

import keras_seq.training
from keras_seq.tasks.registry import families
from keras_seq.training import KerasRecipe
from keras_seq.zoo import list_builders

PACKAGE = Path(keras_seq.training.__file__).resolve().parents[1]
ROOMS = ("cli", "core", "export", "tasks", "training")
FILES = sorted(
    [path for room in ROOMS for path in (PACKAGE / room).rglob("*.py")]
    + [PACKAGE / "zoo" / "registry.py", PACKAGE / "zoo" / "cards.py", PACKAGE / "data" / "batching.py"]
)


def sections_of_families():
    """Sections that only recipes of some families have."""
    return {name for family in families() for name in family.recipe.model_fields} - set(KerasRecipe.model_fields)


@pytest.fixture(scope="module")
def names():
    found = {family.name for family in families()} | set(list_builders()) | sections_of_families()
    assert {"tagger", "ner_model", "images", "transfer"} <= found
    return found


def docstrings_of(tree):
    """The constants that document: the first statement of a module, class or function, and those behind attributes."""
    for node in ast.walk(tree):
        for statement in getattr(node, "body", []) if not isinstance(node, ast.Lambda | ast.IfExp) else []:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                yield statement.value


def found_in(path, names, sections):
    tree = ast.parse(path.read_text("utf-8"))
    documentation = {id(node) for node in docstrings_of(tree)}
    for node in ast.walk(tree):
        if any(module.startswith("keras_seq.families") for module in imported_by(node)):
            yield f"{path}:{node.lineno}: imports families"
        elif isinstance(node, ast.Constant) and node.value in names and id(node) not in documentation:
            yield f"{path}:{node.lineno}: names {node.value!r}"
        elif isinstance(node, ast.Attribute) and node.attr in sections and of_a_recipe(node.value):
            yield f"{path}:{node.lineno}: reads recipe.{node.attr}"


def imported_by(node):
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def of_a_recipe(node):
    return (isinstance(node, ast.Name) and node.id == "recipe") or (
        isinstance(node, ast.Attribute) and node.attr == "recipe"
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_family_is_named(path, names):
    assert list(found_in(path, names, sections_of_families())) == []


def test_each_of_them_would_be_noticed(tmp_path):
    path = tmp_path / "room.py"
    path.write_text(
        '"""tagger"""\nfrom keras_seq.families.tagging import FAMILY\nimport keras_seq.families\n'
        'if task == "tagger":\n    recipe.images.ways + self.recipe.images.ways + images.ways\n'
    )
    assert [line.split(": ", 1)[1] for line in found_in(path, {"tagger"}, {"images"})] == [
        "imports families", "imports families", "names 'tagger'", "reads recipe.images", "reads recipe.images"
    ]  # fmt: skip


@pytest.mark.parametrize("room", ["cli", "export", "families", "tasks", "training"])
def test_functions_and_classes_are_small(room):
    """At most 60 lines a function, docstring and signature included, and 14 methods a class."""
    large = []
    for path in sorted((PACKAGE / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 60:
                large.append(f"{path}:{node.lineno}: {node.name} has {node.end_lineno - node.lineno + 1} lines")
            if isinstance(node, ast.ClassDef):
                count = sum(isinstance(part, ast.FunctionDef) for part in node.body)
                large += [f"{path}:{node.lineno}: {node.name} has {count} methods"] * (count > 14)
    assert not large
