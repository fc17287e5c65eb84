"""What the sections of a recipe have in common, and the keys that name files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field


class _NamesFiles:
    """Marks a key whose value is a reference to a file, or a list of references."""


NAMES_FILES = _NamesFiles()
File = Annotated[str, Field(min_length=1), NAMES_FILES]
"""A reference to a file: `name/file` of a registered data set, or a path."""
OptionalFile = Annotated[str | None, Field(min_length=1), NAMES_FILES]
"""As `File`, or nothing."""
Files = Annotated[tuple[str, ...], Field(strict=False), NAMES_FILES]
"""References to files."""


class Section(BaseModel):
    """A section of a recipe: no unknown keys, no silent conversions, no infinite numbers; it never changes."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


SomeSection = TypeVar("SomeSection", bound=Section)


def references_of(section: Section, prefix: str = "") -> Iterator[tuple[str, str | tuple[str, ...] | None]]:
    """All keys that may name files, such as `data.train`, and what they name.

    Args:
        section: a section, or a recipe.
        prefix: before the keys.
    """
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from references_of(value, f"{prefix}{name}.")
        elif NAMES_FILES in field.metadata:
            yield prefix + name, value


def with_references(section: SomeSection, change: Callable[[str], str]) -> SomeSection:
    """The same section, or recipe, with other references to files.

    Args:
        section: a section, or a recipe.
        change: gives the new reference for each old one.
    """
    update: dict[str, Any] = {}
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            update[name] = with_references(value, change)
        elif NAMES_FILES in field.metadata and value is not None:
            update[name] = change(value) if isinstance(value, str) else tuple(map(change, value))
    return section.model_copy(update=update)
