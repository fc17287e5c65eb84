"""Results: what a task says of one example, as a mapping that knows how it is written and what is highlighted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self


@dataclass(frozen=True)
class Span:
    """A stretch of a text that is highlighted.

    Args:
        start, end: character offsets: the stretch is `text[start:end]`.
        label: what the stretch is, which is shown behind it and decides its colour; `""`: the weight decides alone.
        weight: how much it counts, compared with the other spans of the text.
    """

    start: int
    end: int
    label: str = ""
    weight: float = 1.0


@dataclass(frozen=True)
class Heading:
    """What is shown first, and highlighted: the answer for the example as a whole.

    Args:
        label: the answer, such as the name of a class.
        numbers: how sure it is, and the like.
        tone: `"name"`: the same label always has the same colour; `"yes"` and `"no"`: the colours of these answers;
            `"number"`: the label is a number, and has no colour.
    """

    label: str
    numbers: tuple[str, ...] = ()
    tone: Literal["name", "yes", "no", "number"] = "name"

    def cells(self) -> tuple[str, ...]:
        """The label and the numbers."""
        return (self.label, *self.numbers)


class Result(dict[str, Any]):
    """What a task says of one example: a mapping, which `json.dumps` writes, that can show itself.

    A family derives its results from this class. By default a result has the key `text`, and nothing in it is
    highlighted.

    Example:
        >>> result = Result(text="it rains")
        >>> result["text"], result.line(), result.spans()
        ('it rains', 'it rains', [])
    """

    def line(self) -> str:
        """The result in writing: the cells of the heading and the text, parted by tabs."""
        heading = self.heading()
        return "\t".join([*(() if heading is None else heading.cells()), " ".join(self.text().split("\t"))])

    def heading(self) -> Heading | None:
        """What stands before the text, if anything does."""
        return None

    def text(self) -> str:
        """The text that the spans are in."""
        return str(self.get("text", ""))

    def spans(self) -> list[Span]:
        """What is highlighted in the text, from its start to its end, without overlap."""
        return []

    def rows(self) -> list[tuple[str, str]]:
        """What is listed below the text: a number, and a text."""
        return []

    def as_dict(self) -> dict[str, Any]:
        """The same as a plain dictionary."""
        return dict(self)

    def joined(self, other: dict[str, Any]) -> Self:
        """This result with what another one says of the same example."""
        return type(self)({**self, **other})


class Match(Result):
    """What was found of a pair: `similarity`, and `duplicate`, whether both are called the same."""

    def heading(self) -> Heading:
        """Same or different, and the similarity."""
        is_same = self["duplicate"]
        return Heading("same" if is_same else "different", (f"{self['similarity']:.4f}",), "yes" if is_same else "no")

    def line(self) -> str:
        """Same or different, the similarity, and both sides."""
        return "\t".join([*self.heading().cells(), *(" ".join(side.split()) for side in self.sides())])

    def text(self) -> str:
        """Both sides."""
        return " | ".join(self.sides())

    def sides(self) -> tuple[str, ...]:
        """The two that are compared, or what they are called."""
        return ()


class ScoredText(Result):
    """How probable a text is: `text`, `log_prob` (nats), `perplexity`, and `num_tokens`, how many symbols it has."""

    def heading(self) -> Heading:
        """The perplexity, the logarithm of the probability, and the number of symbols."""
        numbers = (f"{self['log_prob']:.2f}", f"{self['num_tokens']}")
        return Heading(f"{self['perplexity']:.2f}", numbers, "number")
