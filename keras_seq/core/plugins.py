"""What packages bring, found by name: a table of this package, and entry points of others."""

from __future__ import annotations

import difflib
import importlib
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, NoReturn, TypeVar, overload

import keras_seq
from keras_seq.core.errors import InputError

T = TypeVar("T")


class Plugins:
    """Objects that stand in modules of this package and of others; each is imported when it is first asked for.

    This package names its modules in a table; other packages have entry points: name = "module:attribute".

    Args:
        group: the group of the entry points.
        kind: what a name is the name of, as messages say it.
        table: the place of the table of this package, `module:attribute`: name -> module.
        attribute: what the object is called in a module of this package.
    """

    def __init__(self, group: str, kind: str, table: str, attribute: str) -> None:
        self.group = group
        self.kind = kind
        self.table = table
        self.attribute = attribute
        self._added: dict[str, Any] = {}

    def names(self) -> list[str]:
        """All names, in alphabetical order; nothing is imported."""
        return sorted({*self._added, *self._places()})

    def get(self, name: str) -> Any:
        """The object of a name; it has this `name` itself.

        Raises:
            InputError: if there is none, with the closest names; if it cannot be imported; or if two packages bring one
                of this name.
        """
        if name not in self._added:
            places = self._places()
            if name not in places:
                raise InputError(self._unknown(name))
            self.add(name, self._imported(name, places[name]))
        return self._added[name]

    def add(self, name: str, value: Any) -> None:
        """Add an object, for this process.

        Raises:
            ValueError: if another one has this name.
        """
        if self._added.setdefault(name, value) is not value:
            raise ValueError(
                f"`name` must be a new one: {self.kind} {name!r} is registered already. "
                f"Received: name={name!r}. Rename one of them."
            )

    def remove(self, name: str) -> None:
        """Forget an object that was added or imported; what a package brings is imported anew when it is asked for."""
        self._added.pop(name, None)

    def _places(self) -> dict[str, dict[str, EntryPoint]]:
        """Name -> the places that bring an object of this name, by their text."""
        module, _, attribute = self.table.partition(":")
        own = getattr(importlib.import_module(module), attribute)
        found: dict[str, dict[str, EntryPoint]] = {}
        for place in (
            *(EntryPoint(name, f"{module}:{self.attribute}", self.group) for name, module in own.items()),
            *entry_points(group=self.group),
        ):
            found.setdefault(place.name, {})[place.value] = place
        return found

    def _imported(self, name: str, places: dict[str, EntryPoint]) -> Any:
        if len(places) > 1:
            raise InputError(
                f"{self.kind} {name!r} is brought by {' and '.join(places)}; uninstall the package of one of them"
            )
        (place,) = places.values()
        value = _imported(place, f"{self.kind} {name!r}")
        if (found := getattr(value, "name", None)) != name:
            raise InputError(
                f"{self.kind} {name!r}: {place.value} must have this name. Received: name={found!r}; correct the entry "
                "point"
            )
        return value

    def _unknown(self, name: str) -> str:
        known = self.names()
        closest = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(closest)}?" if closest else "name one of them"
        return f"{self.kind} {name!r} is unknown; this version of keras_seq knows {', '.join(known)}; {hint}"


class Reference(Generic[T]):
    """A field of a dataclass: an object, or its place `"module:name"`, from which it is imported when it is first read.

    Raises:
        InputError: if it cannot be imported, when it is read.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Tool:
        ...     run: Reference[Any] = Reference()
        >>> Tool("math:sqrt").run(4)
        2.0
    """

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> NoReturn: ...

    @overload
    def __get__(self, instance: object, owner: type[Any]) -> T: ...

    def __get__(self, instance: object | None, owner: type[Any]) -> T:
        if instance is None:
            # To a dataclass it says that there is no default.
            raise AttributeError(self.name)
        values = vars(instance)
        if isinstance(values[self.name], str):
            values[self.name] = _imported(EntryPoint(self.name, values[self.name], ""), f"`{self.name}`")
        return values[self.name]

    def __set__(self, instance: object, value: T | str) -> None:
        vars(instance)[self.name] = value


def _imported(place: EntryPoint, what: str) -> Any:
    try:
        return place.load()
    except (ImportError, AttributeError) as error:
        raise InputError(f"{what}: {place.value} cannot be imported ({error}); install its package again") from error


FAMILIES = Plugins("keras_seq.families", "task", table=f"{keras_seq.FAMILIES}:FAMILIES", attribute="FAMILY")
"""The families of models; `keras_seq.tasks.registry` has the types."""
