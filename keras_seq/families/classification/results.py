"""What a classifier says of a text: its label or labels, and how much each token counts."""

from __future__ import annotations

from typing import Any

from keras_seq.tasks.results import Heading, Result, Span

# Tokens that are written of a text: those that count most.
MOST_TOKENS = 5


class ExplainedText(Result):
    """How much each token counts: `text`, and `tokens`, a list of `{"token", "start", "end", "weight"}`."""

    def line(self) -> str:
        """The text, and the tokens that count most."""
        return "\t".join([super().line(), *_heaviest(self)])

    def spans(self) -> list[Span]:
        """The tokens by their weight."""
        return _weighed(self)


class ClassifiedText(Result):
    """The class of a text: `text`, `label` and `score`, or `labels` of a text that may have several; `scores` of all.

    With what `explain` says, also `tokens`.

    Example:
        >>> ClassifiedText(text="fine", label="good", score=0.75, scores={"good": 0.75, "bad": 0.25}).line()
        'good\\t0.7500\\tfine'
    """

    def heading(self) -> Heading:
        """The label and its probability; of several labels those of each."""
        if "label" in self:
            return Heading(self["label"], (f"{self['score']:.4f}",))
        labels = self["labels"]
        return Heading(", ".join(labels), (", ".join(f"{self['scores'][label]:.4f}" for label in labels),))

    def line(self) -> str:
        """Label, probability and text; and the tokens that count most, where that is known."""
        return "\t".join([super().line(), *_heaviest(self)])

    def spans(self) -> list[Span]:
        """The tokens by their weight, where that is known."""
        return _weighed(self)


def _heaviest(result: dict[str, Any]) -> list[str]:
    if "tokens" not in result:
        return []
    heaviest = sorted(result["tokens"], key=lambda token: -token["weight"])[:MOST_TOKENS]
    return [" ".join(f"{token['token']}:{token['weight']:.2f}" for token in heaviest)]


def _weighed(result: dict[str, Any]) -> list[Span]:
    return [Span(token["start"], token["end"], weight=token["weight"]) for token in result.get("tokens", ())]
