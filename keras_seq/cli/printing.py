"""Consoles and tables: what commands print."""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from keras_seq.core.notices import visible

# Where there is no terminal there is no width: cells are not to be cut.
_WIDTH_OF_FILES = 160

MOST_GROUPS = 30


class Advance(Protocol):
    """Moves a progress line on."""

    def __call__(self, amount: int = 1, /) -> None:
        """Say that `amount` more are done."""


def output() -> Console:
    """The console on stdout; plain text where that is no terminal."""
    return Console(
        file=sys.stdout, highlight=False, soft_wrap=False, width=None if sys.stdout.isatty() else _WIDTH_OF_FILES
    )


def say(text: str) -> None:
    """Print one line on stdout as it is, however long."""
    print(visible(text), file=sys.stdout)


def json_line(value: Any) -> str:
    """JSON on one line, in which no terminal finds anything to obey."""
    text = json.dumps(value, ensure_ascii=False)
    # JSON itself escapes the others.
    return re.sub(r"[\x7f-\x9f]", lambda match: f"\\u{ord(match[0]):04x}", text)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """A table; numbers stand on the right.

    Args:
        columns: The headings.
        rows: Cells: strings, numbers, or `None` for a dash.
    """
    made = Table()
    for position, column in enumerate(columns):
        is_number = any(isinstance(row[position], int | float) for row in rows)
        made.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        made.add_row(*[_cell(value) for value in row])
    return made


def print_scores(title: str, scores: Mapping[str, Any]) -> None:
    """Print an evaluation: all numbers, and the scores of each type where there are some.

    Args:
        title: Above the tables.
        scores: Metric -> number; and groups, such as `types` or `classes`: type or class -> metric -> number.
    """
    console = output()
    console.print(Text(visible(title), style="bold"), soft_wrap=True)
    overall = [(name, value) for name, value in scores.items() if isinstance(value, float)]
    console.print(table(("metric", "score"), overall))
    for key, group in scores.items():
        groups = sorted(group.items()) if isinstance(group, Mapping) else []
        heading = singular(key)
        names = list(dict.fromkeys(name for _, values in groups for name in values))
        if len(groups) > MOST_GROUPS:
            # The worst ones are what one looks for.
            groups = sorted(groups, key=lambda each: each[1].get("f1", 0.0))[:MOST_GROUPS]
            heading = f"{heading} (the {MOST_GROUPS} of lowest f1)"
        if groups:
            rows = [(kind, *(values.get(name) for name in names)) for kind, values in groups]
            console.print(table((heading, *names), rows))


def without_groups(scores: Mapping[str, Any]) -> dict[str, Any]:
    """The scores of the data as a whole."""
    return {name: value for name, value in scores.items() if not isinstance(value, Mapping)}


def singular(name: str) -> str:
    """A plural without its ending.

    Example:

    >>> singular("types"), singular("classes"), singular("countries")
    ('type', 'class', 'country')
    """
    for ending, replacement in (("ies", "y"), ("sses", "ss"), ("s", "")):
        if name.endswith(ending):
            return name.removesuffix(ending) + replacement
    return name


@contextmanager
def progress(description: str, *, quiet: bool, total: int | None = None) -> Iterator[Advance]:
    """Show on stderr how far the work is, where that is a terminal and `quiet` is false.

    Args:
        description: Before the count.
        quiet: Show nothing.
        total: How many there are, when that is known.

    Returns:
        A context manager that gives the function to call with the number of newly done ones.
    """
    console = Console(file=sys.stderr)
    columns = [SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn()]
    if total is not None:
        columns.insert(2, BarColumn())
    shown = Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal)
    with shown:
        task = shown.add_task(description, total=total)

        def advance(amount: int = 1, /) -> None:
            shown.advance(task, amount)

        yield advance


def _cell(value: Any) -> Text:
    if value is None:
        return Text("-", style="dim")
    if isinstance(value, float):
        return Text(f"{value:.4f}")
    return Text(f"{value:,}" if isinstance(value, int) else visible(str(value)))
