"""What `keras-seq predict` shows of a result: a line of text, or colours on a terminal."""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

STYLES = ("black on cyan", "black on green", "black on yellow", "black on magenta", "white on blue", "white on red")
# Shades for tokens that count little, more, most: the share of the largest weight from which each is taken.
SHADES = ((0.75, "black on bright_yellow"), (0.4, "black on yellow"), (0.15, "yellow"))
MOST_TOKENS = 5


def line_of(result: Mapping[str, Any]) -> str:
    """A result as one line: a text with its entities marked, or label, probability and text parted by tabs; of a text
    or piece that was scored, perplexity (or cost of a step), log-probability, number of symbols or steps, and text; of
    a pair, whether it is a duplicate, its similarity, and both texts, of images its number; of a query, the text and
    what is nearest."""
    if "entities" in result:
        return marked(result["text"], result["entities"])
    if "similarity" in result:
        return "\t".join([*_label_cells(result), *(" ".join(side.split()) for side in _sides(result))])
    if "nearest" in result:
        found = (f"{near['score']:.4f} {' '.join(near['text'].split())}" for near in result["nearest"])
        return "\t".join([" ".join(result["text"].split()), *found])
    cells = [*_label_cells(result), " ".join(result["text"].split("\t"))]
    if "tokens" in result:
        heaviest = sorted(result["tokens"], key=lambda token: -token["weight"])[:MOST_TOKENS]
        cells.append(" ".join(f"{token['token']}:{token['weight']:.2f}" for token in heaviest))
    return "\t".join(cells)


def highlighted(result: Mapping[str, Any]) -> Text:
    """A result in colours: entities by their type, a label by its name, tokens by their weight."""
    shown = Text()
    if "nearest" in result:
        shown.append(f"{result['text']}", style="bold")
        for near in result["nearest"]:
            shown.append(f"\n  {near['score']:.4f} ", style="cyan").append(near["text"])
        return shown
    if "similarity" in result:
        duplicate, similarity = _label_cells(result)
        style = "black on green" if result["duplicate"] else "black on bright_black"
        return shown.append(f" {duplicate} ", style=style).append(f" {similarity}  {' | '.join(_sides(result))}")
    if "entities" not in result:
        first, *further = _label_cells(result)
        style = "bold" if "log_prob" in result else _style(first)
        shown.append(f" {first} ", style=style).append(f" {' '.join(further)}  ")
        return shown.append_text(_weighed(result["text"], result.get("tokens", ())))
    position = 0
    for entity in result["entities"]:
        shown.append(result["text"][position : entity["start"]])
        style = _style(entity["type"])
        shown.append(f" {entity['text']} ", style=style)
        shown.append(f"{entity['type']} ", style=f"{style} bold")
        position = entity["end"]
    shown.append(result["text"][position:])
    return shown


def marked(text: str, entities: Sequence[Mapping[str, Any]]) -> str:
    """The text with its entities in brackets and their types behind: `[Paulo Souza](PER) lives`."""
    parts, position = [], 0
    for entity in entities:
        parts += [text[position : entity["start"]], f"[{text[entity['start'] : entity['end']]}]({entity['type']})"]
        position = entity["end"]
    return "".join([*parts, text[position:]])


def _sides(result: Mapping[str, Any]) -> tuple[str, ...]:
    """The two texts of a pair; of images its number."""
    return (result["a"], result["b"]) if "a" in result else (f"pair {result['pair']}",)


def _label_cells(result: Mapping[str, Any]) -> tuple[str, ...]:
    """The label and its probability, of several labels those of each; or what was found of the text as a whole."""
    if "similarity" in result:
        return "same" if result["duplicate"] else "different", f"{result['similarity']:.4f}"
    if "label" in result:
        return result["label"], f"{result['score']:.4f}"
    if "perplexity" in result:
        return f"{result['perplexity']:.2f}", f"{result['log_prob']:.2f}", f"{result['num_tokens']}"
    if "nll_per_step" in result:
        return f"{result['nll_per_step']:.4f}", f"{result['log_prob']:.2f}", f"{result['num_steps']}"
    labels = result["labels"]
    return ", ".join(labels), ", ".join(f"{result['scores'][label]:.4f}" for label in labels)


def _weighed(text: str, tokens: Sequence[Mapping[str, Any]]) -> Text:
    shown = Text(text)
    largest = max((token["weight"] for token in tokens), default=0.0)
    for token in tokens:
        style = next((style for share, style in SHADES if token["weight"] >= share * largest > 0), None)
        if style is not None:
            shown.stylize(style, token["start"], token["end"])
    return shown


def _style(name: str) -> str:
    # The same name has the same colour in every line and every run.
    return STYLES[zlib.crc32(name.encode()) % len(STYLES)]
