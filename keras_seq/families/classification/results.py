"""What a classifier says of a text: its label or labels, and how much each token counts."""

from __future__ import annotations

from keras_seq.tasks.results import Heading, Result, Span

# Tokens that are written of a text: those that count most.
MOST_TOKENS = 5


class ExplainedText(Result):
    """How much each token counts: `text`, and `tokens`, a list of `{"token", "start", "end", "weight"}`."""

    def line(self) -> str:
        """The text, and the tokens that count most."""
        heaviest = sorted(self.get("tokens", ()), key=lambda token: -token["weight"])[:MOST_TOKENS]
        told = " ".join(f"{token['token']}:{token['weight']:.2f}" for token in heaviest)
        return "\t".join([super().line(), *([told] if "tokens" in self else [])])

    def spans(self) -> list[Span]:
        """The tokens by their weight."""
        return [Span(token["start"], token["end"], weight=token["weight"]) for token in self.get("tokens", ())]


class ClassifiedText(ExplainedText):
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
