"""A recipe: everything that decides a score, typed and checked, kept in one TOML file."""

import inspect
import os
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Self

import tomli_w
from pydantic import Field, ValidationError

from keras_seq.core.errors import InputError, RecipeError
from keras_seq.core.files import atomic_write
from keras_seq.core.plugins import FAMILIES
from keras_seq.core.reading import MOST_LEVELS, MOST_TOML, parse_toml, read_bytes
from keras_seq.training.fit_recipe import (
    FitSection,
    ModelSection,
    OptimizerSection,
    RowsSection,
    TensorBoardSection,
)
from keras_seq.training.recipe_errors import closest, explain, place_of, shown
from keras_seq.training.recipe_section import File, OptionalFile, Section, references_of, with_references


class DataSection(Section):
    """Which data."""

    train: File = Field(description="the file that trains: `name/file` of a registered data set, or a path")
    validation: OptionalFile = Field(default=None, description="the file by which the best weights are chosen")
    test: OptionalFile = Field(default=None, description="the file of the final scores")
    language: str = Field(default="und", description="of the data, as BCP 47 writes it; the card states it")


class HeldOutDataSection(DataSection):
    """Which data, of which a part may validate."""

    held_out: float = Field(
        default=0.1, gt=0, lt=1, description="share of the training examples that validates where no file does"
    )


class ExpectedSection(Section):
    """The score that the recipe is known to reach, so that a run can say whether it did."""

    scores: dict[str, float] = Field(default_factory=dict, description="score of the test data = number")


class Recipe(Section):
    """Everything that decides a score: the keys that recipes of all families have.

    Each family has a class of its own, with the keys that it reads and no others. `Recipe.load` and `from_dict` take
    that of the task. Use `override` to change single values, `save` to write all values, defaults included. Whatever is
    wrong with a recipe is told in one line that names the file, the key, what is expected and what came.

    Example:

    >>> recipe = Recipe.from_dict({
    ...     "task": "tagger", "name": "demo",
    ...     "data": {"train": "train.conll", "validation": "dev.conll"},
    ...     "model": {"builder": "ner_model", "arguments": {"units": 64}},
    ... })
    >>> recipe.override(["fit.epochs=3", "model.arguments.units=32"]).fit.epochs
    3
    """

    task: str = Field(min_length=1, description="what the model is for")
    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="of the recipe; by default the run has it too"
    )
    description: str = Field(default="", description="a sentence for the card")
    seed: int = Field(default=0, ge=0, lt=2**31, description="of all that is random")
    data: DataSection
    expected: ExpectedSection = ExpectedSection()

    @classmethod
    def load(cls, path: str | os.PathLike, *, stored: bool = False) -> Self:
        """Read a recipe from a TOML file.

        Args:
            path: The file.
            stored: Whether a run keeps it, maybe one of an earlier version: keys that its family does not know are then
                passed over, for nobody ever read them.

        Returns:
            The checked recipe, of the class of its family.

        Raises:
            RecipeError: if the file cannot be read, is not TOML, or holds an unknown key, one of another family, a
                wrong type or an impossible value.
        """
        remedy = "name a recipe, a TOML file"
        try:
            text = read_bytes(path, remedy, most=MOST_TOML).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise RecipeError(f"{path}: is not UTF-8 text (byte {error.start}); {remedy}") from None
        except InputError as error:
            raise RecipeError(str(error)) from error
        try:
            values = parse_toml(text)
        except tomllib.TOMLDecodeError as error:
            match = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
            line = int(match[1]) if match else text.count("\n") + 1
            reason = re.sub(r" \(at .*\)$", "", str(error))
            raise RecipeError(f"{path}:{line}: is not valid TOML: {reason}; correct this line") from None
        except ValueError as error:
            raise RecipeError(f"{path}: {error}: no recipe is; {remedy}") from error
        return cls.from_dict(values, source=os.fspath(path), text=text, stored=stored)

    @classmethod
    def from_dict(
        cls, values: Mapping[str, Any], source: str = "recipe", text: str = "", *, stored: bool = False
    ) -> Self:
        """Check a dict shaped like the TOML file.

        Args:
            values: The sections and keys.
            source: What messages call the recipe, usually its path.
            text: The TOML text, where there is one: messages then name the line of the key.
            stored: As of `load`; a card keeps a recipe as well.

        Returns:
            The checked recipe, of the class of its family.

        Raises:
            RecipeError: as for `load`.
        """
        place = place_of(["task"], source, text)
        if "task" not in values:
            known = ", ".join(FAMILIES.names())
            raise RecipeError(f"{source}: key `task` is missing; add it, with one of {known}")
        if not isinstance(values["task"], str):
            raise RecipeError(f"{place}: key `task` must be a string. Received: {shown(values['task'])}; correct it")
        try:
            family_class = FAMILIES.get(values["task"]).recipe
        except InputError as error:
            raise RecipeError(f"{place}: key `task`: {error}") from None
        try:
            checked = _known(values, family_class) if stored else dict(values)
            recipe = family_class.model_validate(checked, context={"stored": stored})
        except ValidationError as error:
            details = error.errors(include_url=False)
            raise RecipeError(explain(details, family_class, values["task"], source, text)) from None
        return recipe.resolved()

    def resolved(self) -> Self:
        """The same, with the defaults that depend on other keys."""
        return self

    def override(self, assignments: Iterable[str]) -> Self:
        """Change single values, as `--set key=value` does.

        Args:
            assignments: Texts such as `"fit.epochs=3"`. The value is read as TOML; what is not TOML is a string, so
                quotes may be left out. `none` takes the key away, so that its default holds.

        Returns:
            A new, checked recipe.

        Raises:
            RecipeError: if a text has no `=`, or the key or the value does not fit.
        """
        # What was not given may have another default by what is changed.
        values = self.model_dump(mode="json", exclude_none=True, exclude_unset=True)
        for assignment in assignments:
            key, separator, value_text = assignment.partition("=")
            keys = [part.strip() for part in key.split(".")]
            if not separator or not all(keys) or len(keys) > MOST_LEVELS:
                raise RecipeError(
                    f"--set: expected key=value. Received: {shown(assignment)}; write for example fit.epochs=3"
                )
            section = values
            for depth, part in enumerate(keys[:-1], start=1):
                section = section.setdefault(part, {})
                if not isinstance(section, dict):
                    value = ".".join(keys[:depth])
                    raise RecipeError(f"--set {shown(assignment)}: `{value}` is a value, not a section; name it alone")
            if value_text.strip().lower() == "none":
                section.pop(keys[-1], None)
            else:
                section[keys[-1]] = _parse_value(assignment, value_text.strip())
        return type(self).from_dict(values, source="--set")

    def to_dict(self) -> dict[str, Any]:
        """All values, defaults included, as plain dicts, lists and scalars; keys without a value are left out."""
        return self.model_dump(mode="json", exclude_none=True)

    def save(self, path: str | os.PathLike) -> None:
        """Write all values, defaults included, as TOML; the file appears whole or not at all."""
        with atomic_write(path) as file:
            file.write(tomli_w.dumps(self.to_dict()).encode())

    def first_difference(self, other: "Recipe", ignored: Collection[str] = ()) -> tuple[str, Any, Any] | None:
        """The first key in which two recipes differ, with both values, or `None` when they are equal.

        Args:
            other: The other recipe.
            ignored: Keys such as `data.train` that may differ.
        """
        mine, theirs = _flatten(self.to_dict()), _flatten(other.to_dict())
        for key in [*mine, *(key for key in theirs if key not in mine)]:
            if key not in ignored and mine.get(key) != theirs.get(key):
                return key, mine.get(key), theirs.get(key)
        return None

    def file_keys(self) -> list[str]:
        """All keys that may name files, such as `data.train`."""
        return [key for key, _ in references_of(self)]

    def files(self) -> dict[str, str]:
        """All files that a training reads: key, such as `data.train` or `texts.files[0]`, and reference."""
        found: dict[str, str] = {}
        for key, value in references_of(self):
            if isinstance(value, str):
                found[key] = value
            else:
                found |= {f"{key}[{index}]": reference for index, reference in enumerate(value or ())}
        return found

    def with_files(self, change: Callable[[str], str]) -> Self:
        """The same with other references to files.

        Args:
            change: Gives the new reference for each old one.
        """
        return with_references(self, change)

    def data_remarks(self) -> list[str]:
        """What a card says of the data beside the files of `data`, such as what validates where no file does."""
        if self.data.validation is not None or not isinstance(self.data, HeldOutDataSection):
            return []
        return [f"validation: {self.data.held_out:.0%} of the training {FAMILIES.get(self.task).unit}"]


class KerasRecipe(Recipe):
    """A recipe of a Keras model that is fitted by gradients: a builder, batches, an optimizer, epochs."""

    model: ModelSection
    batching: RowsSection = RowsSection()
    optimizer: OptimizerSection = OptimizerSection()
    fit: FitSection = FitSection()
    tensorboard: TensorBoardSection = TensorBoardSection()

    def resolved(self) -> Self:
        """With the score that decides, and its direction, where the recipe does not say them."""
        family, given = FAMILIES.get(self.task), self.fit.model_fields_set
        monitor = self.fit.monitor
        if not monitor:
            monitor = family.monitor if isinstance(family.monitor, str) else family.monitor(self)
        direction = self.fit.direction or ("min" if monitor in family.lower_is_better else "max")
        values = {**dict(self.fit), "monitor": monitor, "direction": direction}
        # These two do not become given ones: by what is overridden they may be others.
        return self.model_copy(update={"fit": type(self.fit).model_construct(set(given), **values)})

    def build_model(self, builder: Callable[..., Any], source: str = "recipe", **from_data: Any) -> Any:
        """Call a builder with `model.arguments` and with what follows from the data.

        Args:
            builder: A builder of the zoo; `model.arguments` are checked against its signature.
            source: What messages call the recipe, usually its path.
            **from_data: Arguments that the data decides, such as `vocabulary_size` and `num_tags`.

        Returns:
            What the builder returns.

        Raises:
            RecipeError: if an argument is unknown, missing, decided by the data, or refused by the builder.
        """
        parameters = inspect.signature(builder).parameters
        free = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
        for key in self.model.arguments:
            place = f"{source}: key `model.arguments.{key}`"
            if key in from_data:
                raise RecipeError(f"{place} follows from the data (here {shown(from_data[key])}); take it out")
            if key not in parameters and not free:
                known = [name for name in parameters if name not in from_data]
                raise RecipeError(f"{place} is unknown to {self.model.builder}; {closest(key, known)}")
        arguments = {**from_data, **self.model.arguments}
        for name, parameter in parameters.items():
            required = parameter.default is parameter.empty and parameter.kind in (
                parameter.POSITIONAL_OR_KEYWORD,
                parameter.KEYWORD_ONLY,
            )
            if required and name not in arguments:
                raise RecipeError(f"{source}: key `model.arguments.{name}` is missing; {self.model.builder} needs it")
        try:
            return builder(**arguments)
        except (TypeError, ValueError) as error:
            raise RecipeError(f"{source}: [model.arguments] refused by {self.model.builder}: {error}") from error


def _parse_value(assignment: str, text: str) -> Any:
    try:
        return parse_toml(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    except ValueError as error:
        raise RecipeError(f"--set {shown(assignment)}: {error}; give a value that a recipe may have") from error


def _flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict) and value:
            flat.update(_flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def _known(values: Mapping[str, Any], section: type[Section]) -> dict[str, Any]:
    """The keys that a section has, and those of the sections in it."""
    kept = {}
    for name, field in section.model_fields.items():
        if name in values:
            value = values[name]
            kind: Any = field.annotation
            is_section = isinstance(kind, type) and issubclass(kind, Section) and isinstance(value, Mapping)
            kept[name] = _known(value, kind) if is_section else value
    return kept
