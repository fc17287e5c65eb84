"""`keras-seq recipe`."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from keras_seq.cli.options import examples
from keras_seq.cli.printing import output, say, table
from keras_seq.core.errors import InputError
from keras_seq.core.files import atomic_write

EPILOG = examples(
    "keras-seq recipe",
    "keras-seq recipe tagger",
    "keras-seq recipe tagger --to mine.toml",
    "keras-seq recipe --keys",
)
# The recipes of a source checkout.
ZOO = Path(__file__).resolve().parents[2] / "zoo"


def recipe(
    task: Annotated[
        str | None, typer.Argument(metavar="TASK", help="A task, such as tagger: a recipe of it, to fill in.")
    ] = None,
    target: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Write it into a new file instead of printing it.")
    ] = None,
    keys: Annotated[
        bool, typer.Option("--keys", help="All keys of recipes, of each task or of this one, as a page of Markdown.")
    ] = False,
) -> None:
    """List the shipped recipes; or give a recipe with all keys of a task, to fill in."""
    if target is not None and target.exists():
        raise InputError(f"{target}: exists already; name another file, or remove it")
    if task is None and not keys:
        if target is not None:
            raise InputError("--to needs a task, such as `keras-seq recipe tagger --to mine.toml`; name one")
        rows = list(shipped_recipes())
        if not rows:
            raise InputError(f"{ZOO}: holds no recipe; shipped ones stand in `zoo/` of a source checkout, name a task")
        output().print(table(("recipe", "task", "description"), rows))
        return
    from keras_seq.tasks import families, family_named
    from keras_seq.training.recipe_keys import page, template
    from keras_seq.zoo.registry import builder_notes

    chosen = families() if task is None else [family_named(task)]
    if keys:
        text = page({family.name: family.recipe for family in chosen})
    else:
        (family,) = chosen
        of_task = family.builders_of or family.name
        builders = [builder.name for builder in builder_notes() if builder.task == of_task]
        text = template(family.name, family.recipe, {"model.builder": builders})
    if target is None:
        say(text.removesuffix("\n"))
        return
    with atomic_write(target, "w") as file:
        file.write(text)
    say(f"Written: {target}; fill it in, then: keras-seq train {target}")


def shipped_recipes() -> Iterator[tuple[str, str, str]]:
    """Path, task and description of each recipe of the zoo, by name."""
    for path in sorted(ZOO.glob("*.toml")):
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        if "task" in values:
            yield f"zoo/{path.name}", values["task"], values.get("description", "")
