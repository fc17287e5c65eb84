"""What a matcher of texts says: how alike two texts are, and which texts are nearest."""

from __future__ import annotations

from keras_seq.tasks.results import Match, Result


class MatchedTexts(Match):
    """A pair of texts: `a`, `b`, `similarity`, `duplicate`.

    Example:
        >>> MatchedTexts(a="one", b="two", similarity=0.5, duplicate=False).line()
        'different\\t0.5000\\tone\\ttwo'
    """

    def sides(self) -> tuple[str, ...]:
        """The two texts."""
        return self["a"], self["b"]


class NearestTexts(Result):
    """The texts of an index that are most similar to a text: `text`, and `nearest`, a list of `{"text", "score"}`."""

    def line(self) -> str:
        """The text, and what is nearest with its similarity."""
        found = (f"{number} {' '.join(text.split())}" for number, text in self.rows())
        return "\t".join([" ".join(self.text().split()), *found])

    def rows(self) -> list[tuple[str, str]]:
        """What is nearest, the most similar first."""
        return [(f"{near['score']:.4f}", near["text"]) for near in self["nearest"]]
