"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; what parts the cells is escaped in them, and HTML.

    Args:
        columns: the names of the columns.
        rows: the cells of each row.

    Example:
        >>> print(markdown_table(["text", "label"], [["a | b", "good"]]))
        | text | label |
        | --- | --- |
        | a &#124; b | good |
    """
    cells = [[" ".join(cell.split("\n")).replace("|", "&#124;").replace("<", "&lt;") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [columns, ["---"] * len(columns), *cells])
