"""Argument checks: each raises `ValueError` or `TypeError` naming the argument, what is expected and what came."""

import numbers
from collections.abc import Collection, Sequence
from typing import Any


def check_integer(name: str, value: Any) -> None:
    """Raise unless `value` is an integer (`True` is not one)."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"`{name}` must be an integer. Received: {name}={value!r}. Pass a whole number.")


def check_positive_integer(name: str, value: Any, most: int | None = None) -> None:
    """Raise unless `value` is an integer of at least 1 (`True` is not one), and at most `most`."""
    check_integer(name, value)
    if value < 1:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}. Pass 1 or more.")
    _check_most(name, value, most)


def check_non_negative_integer(name: str, value: Any, most: int | None = None) -> None:
    """Raise unless `value` is an integer of at least 0 (`False` is not one), and at most `most`."""
    check_integer(name, value)
    if value < 0:
        raise ValueError(f"`{name}` must be an integer of at least 0. Received: {name}={value!r}. Pass 0 or more.")
    _check_most(name, value, most)


def check_number(name: str, value: Any) -> None:
    """Raise unless `value` is a finite real number."""
    _check_real(name, value)
    if not -float("inf") < value < float("inf"):
        raise ValueError(f"`{name}` must be a finite number. Received: {name}={value!r}. Pass such a number.")


def check_positive_number(name: str, value: Any) -> None:
    """Raise unless `value` is a finite real number above 0."""
    _check_real(name, value)
    if not 0 < value < float("inf"):
        raise ValueError(f"`{name}` must be a finite number above 0. Received: {name}={value!r}. Pass such a number.")


def check_non_negative_number(name: str, value: Any) -> None:
    """Raise unless `value` is a finite real number of at least 0."""
    _check_real(name, value)
    if not 0 <= value < float("inf"):
        raise ValueError(f"`{name}` must be a finite number of at least 0. Received: {name}={value!r}. Pass 0 or more.")


def check_rate(name: str, value: Any) -> None:
    """Raise unless `value` is a real number in [0, 1): a rate of 1 would drop everything."""
    _check_real(name, value)
    if not 0 <= value < 1:
        raise ValueError(
            f"`{name}` must be a rate: at least 0 and below 1. Received: {name}={value!r}. Pass 0 to switch it off."
        )


def check_share(name: str, value: Any) -> None:
    """Raise unless `value` is a real number in (0, 1]."""
    _check_real(name, value)
    if not 0 < value <= 1:
        raise ValueError(
            f"`{name}` must be a share: above 0 and at most 1. Received: {name}={value!r}. Pass 1 for everything."
        )


def check_boolean(name: str, value: Any) -> None:
    """Raise unless `value` is `True` or `False`."""
    if not isinstance(value, bool):
        raise TypeError(f"`{name}` must be a boolean. Received: {name}={value!r}. Pass `True` or `False`.")


def check_text(name: str, value: Any) -> None:
    """Raise unless `value` is a string that is not empty."""
    if not isinstance(value, str) or not value:
        raise TypeError(f"`{name}` must be a text. Received: {name}={value!r}. Pass one that is not empty.")


def check_names(name: str, values: Any) -> None:
    """Raise unless `values` is a list of texts, at least one, none of them empty or there twice."""
    if isinstance(values, str) or not isinstance(values, Sequence) or not values:
        shown = repr(values)[:60]
        raise TypeError(f"`{name}` must be a list of texts. Received: {name}={shown}. Pass at least one text.")
    seen: set[str] = set()
    for value in values:
        if not isinstance(value, str) or not value or value in seen:
            what = "twice " if isinstance(value, str) and value else ""
            raise ValueError(f"`{name}` must hold different texts. Received: {what}{repr(value)[:60]}. Leave it out.")
        seen.add(value)


def check_choice(name: str, value: Any, choices: Collection) -> None:
    """Raise unless `value` is one of `choices`."""
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"`{name}` must be one of {listed}. Received: {name}={value!r}. Pass one of these.")


def _check_most(name, value, most):
    if most is not None and value > most:
        # Of an integer of thousands of digits Python gives no text.
        shown = f"{value!r}" if value < 10**18 else "an integer of more than 18 digits"
        raise ValueError(f"`{name}` must be at most {most}. Received: {name}={shown}. Pass a smaller number.")


def _check_real(name, value):
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"`{name}` must be a number. Received: {name}={value!r}. Pass an int or a float.")
