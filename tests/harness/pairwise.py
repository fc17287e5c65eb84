"""Combinations of parameters: all pairs of values by default, the whole product among the thorough tests."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import pytest

LARGEST_PRODUCT = 5000


def covering_rows(*parameters: Sequence[Any]) -> list[tuple[int, ...]]:
    """Few rows of places in `parameters`, in which each pair of values of two parameters stands together once or more.

    A row begins with a pair that no row before has; each further parameter then takes the value that brings most new
    pairs. Ties go to the value that was taken least, then to the first, so the rows are always the same.
    """
    sizes = [len(values) for values in parameters]
    if len(sizes) < 2:
        return [(place,) for size in sizes for place in range(size)]
    missing = {
        (first, a, second, b)
        for first, second in itertools.combinations(range(len(sizes)), 2)
        for a, b in itertools.product(range(sizes[first]), range(sizes[second]))
    }
    taken = [[0] * size for size in sizes]
    rows = []
    while missing:
        first, a, second, b = min(missing)
        row = {first: a, second: b}
        for parameter in range(len(sizes)):
            if parameter not in row:
                row[parameter] = max(
                    range(sizes[parameter]),
                    key=lambda value: (_new_pairs(row, parameter, value, missing), -taken[parameter][value], -value),  # noqa: B023
                )
        rows.append(tuple(row[parameter] for parameter in range(len(sizes))))
        for parameter, value in row.items():
            taken[parameter][value] += 1
        missing -= {(i, row[i], j, row[j]) for i, j in itertools.combinations(range(len(sizes)), 2)}
    return rows


def _new_pairs(row, parameter, value, missing):
    pairs = ((other, row[other], parameter, value) if other < parameter else (parameter, value, other, row[other])
             for other in row)  # fmt: skip
    return sum(pair in missing for pair in pairs)


def pairwise(*, rest: bool = True, **parameters: Sequence[Any]) -> tuple[list[str], list[Any]]:
    """What `pytest.mark.parametrize` takes: rows that cover all pairs of values, and the rest marked `thorough`.

        @pytest.mark.parametrize(*pairwise(cell=CELLS, side=["left", "right"], mixed=[False, True]))

    Args:
        rest: Whether the other rows of the product follow, marked `thorough`; `False` where they would be too many.
        **parameters: Name of an argument of the test -> its values. A value may be a `pytest.param` with an id; a
            value that is no string, number, bool or `None` is named by its parameter and its place.
    """
    names = list(parameters)
    values = [[_param(name, place, value) for place, value in enumerate(parameters[name])] for name in names]
    covering = covering_rows(*values)
    size = math.prod(map(len, values))
    if rest and size > LARGEST_PRODUCT:
        raise ValueError(f"{size} combinations are too many even for a thorough run; pass rest=False")
    others = set(itertools.product(*map(range, map(len, values)))) - set(covering) if rest else ()
    rows = [_row(values, row) for row in covering]
    return names, rows + [_row(values, row, pytest.mark.thorough) for row in sorted(others)]


def _param(name, place, value):
    param = value if hasattr(value, "values") and hasattr(value, "marks") else pytest.param(value)
    if param.id is not None:
        return param
    (given,) = param.values
    if isinstance(given, bool) or given is None:
        shown = f"{name}={given}"
    else:
        shown = str(given) if isinstance(given, str | int | float) else f"{name}{place}"
    return pytest.param(*param.values, marks=param.marks, id=shown)


def _row(values, row, *marks):
    params = [of_parameter[place] for of_parameter, place in zip(values, row, strict=True)]
    return pytest.param(
        *(param.values[0] for param in params),
        marks=[*(mark for param in params for mark in param.marks), *marks],
        id="-".join(str(param.id) for param in params),
    )
