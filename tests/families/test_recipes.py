"""Recipes of all families: each reads its own keys, and no others."""

import re
import tomllib
from pathlib import Path

import pytest
import tomli_w
from typer.testing import CliRunner

from keras_seq.cli.main import app
from keras_seq.core.errors import RecipeError
from keras_seq.tasks import families, family_named
from keras_seq.training import KerasRecipe, Recipe
from keras_seq.training.recipe_keys import keys_of, page, sections_of, template
from keras_seq.training.recipe_section import Section

ROOT = Path(__file__).resolve().parents[2]
ZOO = [path for path in sorted((ROOT / "zoo").glob("*.toml")) if "task" in tomllib.loads(path.read_text("utf-8"))]
TASKS = [family.name for family in families()]


def smallest(task):
    """Values of a recipe that has what it must have."""
    values = {"task": task, "name": "demo", "data": {"train": "a.txt", "validation": "b.txt"}}
    if issubclass(family_named(task).recipe, KerasRecipe):
        values["model"] = {"builder": "some_model"}
    return values


def keys_with_values(section: type[Section], prefix=()):
    """All keys of a recipe or section, with a value that they may have."""
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from keys_with_values(field.annotation, (*prefix, name))
        else:
            value = None if field.is_required() else field.get_default(call_default_factory=True)
            yield (*prefix, name), "x" if value is None else value


def foreign_keys(task):
    """Keys of other families that recipes of a task do not have."""
    own = {keys for keys, _ in keys_with_values(family_named(task).recipe)}
    others = (family.recipe for family in families() if family.name != task)
    found = {keys: value for recipe_class in others for keys, value in keys_with_values(recipe_class)}
    return {keys: value for keys, value in found.items() if keys not in own}


def test_keys_of_other_families_are_refused():
    cases = 0
    for task in TASKS:
        for keys, value in foreign_keys(task).items():
            values = smallest(task)
            section = values
            for name in keys[:-1]:
                section = section.setdefault(name, {})
            section[keys[-1]] = value
            text = tomli_w.dumps(values)
            with pytest.raises(RecipeError) as caught:
                Recipe.from_dict(tomllib.loads(text), source="demo.toml", text=text)
            found = re.fullmatch(
                r"demo\.toml:(\d+): key `([\w.]+)` belongs to recipes of (.+), not of (\w+); take it out(, or .*)?",
                str(caught.value),
            )
            assert found, caught.value
            assert found[2] == ".".join(keys) and found[4] == task
            assert text.splitlines()[int(found[1]) - 1].startswith((keys[-1], f"[{found[2]}]"))
            assert task not in re.split(r", | and ", found[3])
            assert Recipe.from_dict(values, stored=True) == Recipe.from_dict(smallest(task))
            cases += 1
    assert cases >= 100


def test_many_unknown_keys_are_one_line():
    values = {**smallest("tagger"), "images": {"ways": 5}, "zzz": 1, "language": {"unit": "word"}}
    with pytest.raises(RecipeError) as caught:
        Recipe.from_dict(values)
    assert str(caught.value) == (
        "recipe: key `images.ways` belongs to recipes of image_matcher, not of tagger; take it out "
        "(unknown are also `zzz`, `language`)"
    )
    values["data"] |= dict.fromkeys("abcdefg", 1)
    with pytest.raises(RecipeError, match=r"unknown key `data.a`; .*`data.b`, .* and 4 more\)$"):
        Recipe.from_dict(values)


@pytest.mark.parametrize("task", TASKS)
def test_every_key_is_described(task):
    recipe_class = family_named(task).recipe
    for section in (recipe_class, *sections_of(recipe_class).values()):
        assert section.__doc__
        assert not [key.name for key in keys_of(section) if not key.description]


@pytest.mark.parametrize("task", TASKS)
def test_templates_can_be_filled_in(task):
    recipe_class = family_named(task).recipe
    text = template(task, recipe_class, {"model.builder": ["some_model"]})
    with pytest.raises(RecipeError, match="key `name` must be made of letters"):
        Recipe.from_dict(tomllib.loads(text))
    filled = re.sub(r'^(\w+) = ""$', r'\1 = "x"', text, flags=re.MULTILINE)
    recipe = Recipe.from_dict(tomllib.loads(filled))
    assert type(recipe) is recipe_class
    # Each default is what the template says.
    spelt = tomllib.loads(re.sub(r"^#(\w+ = .+)$", r"\1", filled, flags=re.MULTILINE))
    assert Recipe.from_dict(spelt) == recipe
    shown = {match[1] or match[2] for match in re.finditer(r"^#?(\w+) =|^\[\w+\.(\w+)\]", text, re.MULTILINE)}
    assert {keys[-1] for keys, _ in keys_with_values(recipe_class)} == shown


@pytest.mark.parametrize("path", ZOO, ids=lambda path: path.stem)
def test_recipes_of_the_zoo(path, tmp_path):
    recipe = Recipe.load(path)
    assert recipe.name == path.stem and recipe.description
    assert type(recipe) is family_named(recipe.task).recipe
    recipe.save(tmp_path / "resolved.toml")
    assert Recipe.load(tmp_path / "resolved.toml") == recipe
    assert Recipe.load(tmp_path / "resolved.toml", stored=True) == recipe
    assert {re.sub(r"\[\d+\]", "", key) for key in recipe.files()} <= set(recipe.file_keys())


def test_the_page_of_all_keys_is_current():
    shown = (ROOT / "docs" / "recipes.md").read_text("utf-8")
    expected = page({family.name: family.recipe for family in families()})
    assert shown == expected, "write it anew: keras-seq recipe --keys > docs/recipes.md"


def test_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke
    listed = run(app, ["recipe"])
    assert listed.exit_code == 0 and all(f"zoo/{path.name}" in listed.stdout for path in ZOO)
    printed = run(app, ["recipe", "tagger"])
    assert 'task = "tagger"' in printed.stdout and "ner_model" in printed.stdout
    written = run(app, ["recipe", "tagger", "--to", "mine.toml"])
    assert written.exit_code == 0 and "keras-seq train mine.toml" in written.stdout
    assert (tmp_path / "mine.toml").read_text("utf-8") == printed.stdout
    keys = run(app, ["recipe", "--keys"])
    assert keys.stdout == (ROOT / "docs" / "recipes.md").read_text("utf-8")
    assert "## music" in run(app, ["recipe", "music", "--keys"]).stdout
    for arguments, message in (
        (["tagger", "--to", "mine.toml"], "mine.toml: exists already"),
        (["taggr"], "did you mean tagger"),
        (["--to", "other.toml"], "--to needs a task"),
    ):
        failed = run(app, ["recipe", *arguments])
        assert failed.exit_code == 2 and message in failed.stderr and failed.stderr.count("\n") == 1
    monkeypatch.setattr("keras_seq.cli.recipe_command.ZOO", tmp_path / "none")
    assert "holds no recipe" in run(app, ["recipe"]).stderr
