"""What packages bring, found by name: a table of this package, and entry points of others."""

from __future__ import annotations

import difflib
import importlib
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import keras_seq
from keras_seq.core.errors import InputError


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
                f"Received: name={name!r}, value={value!r}. Rename one of them."
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
        try:
            value = place.load()
        except (ImportError, AttributeError) as error:
            raise InputError(
                f"{self.kind} {name!r}: {place.value} cannot be imported ({error}); install its package again"
            ) from error
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


FAMILIES = Plugins("keras_seq.families", "task", table=f"{keras_seq.FAMILIES}:FAMILIES", attribute="FAMILY")
"""The families of models; `keras_seq.tasks.registry` has the types."""
