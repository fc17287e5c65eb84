"""A result in the colours of a terminal."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from rich.text import Text

from keras_seq.core.notices import visible

if TYPE_CHECKING:
    from keras_seq.tasks.results import Result

STYLES = ("black on cyan", "black on green", "black on yellow", "black on magenta", "white on blue", "white on red")
TONES = {"yes": "black on green", "no": "black on bright_black", "number": "bold"}
# Shades for what counts little, more, most: the share of the largest weight from which each is taken.
SHADES = ((0.75, "black on bright_yellow"), (0.4, "black on yellow"), (0.15, "yellow"))


def highlighted(result: Result, before: str = "") -> Text:
    """A result in colours: its heading by the label, and the spans of its text by their labels or weights.

    Args:
        result: What a task says of an example.
        before: What is printed before it.
    """
    shown = Text(visible(before))
    heading = result.heading()
    if heading is not None:
        style = TONES.get(heading.tone) or _colour(heading.label)
        shown.append(f" {visible(heading.label)} ", style=style).append(f" {' '.join(heading.numbers)}  ")
    rows = result.rows()
    shown.append_text(_marked(result, "bold" if rows else ""))
    for number, text in rows:
        shown.append(f"\n  {number} ", style="cyan").append(visible(text))
    return shown


def _marked(result: Result, style: str) -> Text:
    """The text, with labels behind the spans that have one."""
    text, spans = result.text(), result.spans()
    largest = max((span.weight for span in spans), default=0.0)
    shown, position = Text(style=style), 0
    for span in spans:
        shown.append(visible(text[position : span.start]))
        stretch = visible(text[span.start : span.end])
        if span.label:
            colour = _colour(span.label)
            shown.append(f" {stretch} ", style=colour).append(f"{visible(span.label)} ", style=f"{colour} bold")
        else:
            shade = next((shade for share, shade in SHADES if span.weight >= share * largest > 0), "")
            shown.append(stretch, style=shade)
        position = span.end
    return shown.append(visible(text[position:]))


def _colour(name: str) -> str:
    # The same name has the same colour in every line and every run.
    return STYLES[zlib.crc32(name.encode()) % len(STYLES)]
