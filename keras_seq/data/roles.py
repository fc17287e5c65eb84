"""Which column is what: roles in the order of the columns, or role -> number or name of a column."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from keras_seq.core.errors import DataError
from keras_seq.core.lines import shorten

# `("label", "text")`, or `{"text": 3, "label": "stars"}`.
Roles = Sequence[str] | Mapping[Any, int | str]
IGNORED = "ignored"


def check_roles(argument: str, roles: Roles, known: Sequence[str], needed: Sequence[str]) -> Roles:
    """Check roles before a file is opened.

    Args:
        argument: What the argument is called.
        roles: What was given; one role may stand without a tuple.
        known: All roles that the reader has, `"ignored"` apart.
        needed: Those without which it cannot read.

    Returns:
        The roles, a tuple or a mapping.

    Raises:
        ValueError: if a role is unknown, needed and not there, or there twice; or a column is neither a number from 1
            nor a name.

    Example:

    >>> check_roles("columns", ["text", "label"], ("label", "text"), ("text",))
    ('text', 'label')
    """
    if isinstance(roles, Mapping):
        names = list(roles)
        is_right = all(
            (isinstance(place, str) and place) or (type(place) is int and place > 0) for place in roles.values()
        )
    else:
        roles = (roles,) if isinstance(roles, str) else tuple(roles)
        names = [role for role in roles if role != IGNORED]
        is_right = True
    if not is_right or not set(needed) <= set(names) <= set(known) or len(set(names)) < len(names):
        texts = " and ".join(repr(name) for name in needed)
        others = [repr(name) for name in known if name not in needed]
        any_of = f" and any of {', '.join(others)}" if others else ""
        example = ", ".join(repr(name) for name in (known[0], *(name for name in needed if name != known[0])))
        raise ValueError(
            f"`{argument}` must name {texts}{any_of}, {IGNORED!r} for the rest, each once ({IGNORED!r} "
            f"more often), or give the number or the name of the column of each. Received: {argument}={roles!r}. "
            f"Pass ({example}), for instance."
        )
    return dict(roles) if isinstance(roles, Mapping) else roles


def places_of(
    roles: Roles, names: Sequence[str] | None, width: int, path: str | os.PathLike, line: int | None
) -> dict[str, int]:
    """Role -> place of its column, from 0.

    Args:
        roles: As of `check_roles`.
        names: What the file calls its columns; `None` where it does not.
        width: How many columns it has.
        path, line: For messages: the file, and the line of the names, or the first row.

    Raises:
        DataError: if there is no column of this name or number.
    """
    if not isinstance(roles, Mapping):
        if len(roles) != width:
            reason = f"{width} columns, not {len(roles)} ({', '.join(roles)})"
            raise DataError(path, line, reason, "name each in data.columns, 'ignored' where it is not read")
        return {role: place for place, role in enumerate(roles) if role != IGNORED}
    found = {}
    for role, column in roles.items():
        if isinstance(column, str):
            if names is None:
                reason = f"no line names the columns, one of which is to be {shorten(column)}"
                raise DataError(path, line, reason, f"give the number of the column: data.columns.{role} = 1, or so")
            if names.count(column) != 1:
                listed = ", ".join(map(shorten, names[:10]))
                reason = f"{'no column' if column not in names else 'several columns'} {shorten(column)} ({listed})"
                raise DataError(path, line, reason, f"correct data.columns.{role}")
            found[role] = names.index(column)
        elif column > width:
            raise DataError(
                path, line, f"{width} columns, none has the number {column}", f"correct data.columns.{role}"
            )
        else:
            found[role] = column - 1
    return found


def listed_columns(cells: Iterable[str], most: int = 6) -> str:
    """The columns of a row, by number, for messages.

    Example:

    >>> listed_columns(["0", "Roma", "B-LOC"])
    "1 '0', 2 'Roma', 3 'B-LOC'"
    """
    cells = list(cells)
    listed = ", ".join(f"{place} {shorten(cell)}" for place, cell in enumerate(cells[:most], start=1))
    return f"{listed}, ... {len(cells)} {shorten(cells[-1])}" if len(cells) > most else listed
