"""What a tagger says: the entities of a text, or the tags of a sentence."""

from __future__ import annotations

from keras_seq.tasks.results import Result, Span


class TaggedText(Result):
    """The entities of a text: `text`, and `entities`, a list of `{"start", "end", "type", "text", "score"}`.

    Example:
        >>> entity = {"start": 0, "end": 3, "type": "PER", "text": "Ana", "score": 0.9}
        >>> TaggedText(text="Ana mora.", entities=[entity]).line()
        '[Ana](PER) mora.'
    """

    def line(self) -> str:
        """The text with its entities in brackets and their types behind."""
        text, parts, position = self.text(), [], 0
        for span in self.spans():
            parts += [text[position : span.start], f"[{text[span.start : span.end]}]({span.label})"]
            position = span.end
        return "".join([*parts, text[position:]])

    def spans(self) -> list[Span]:
        """The entities."""
        return [Span(entity["start"], entity["end"], entity["type"], entity["score"]) for entity in self["entities"]]


class TaggedSentence(Result):
    """The tags of a sentence: `tokens`, `tags` (those of the file), `predicted`."""

    def line(self) -> str:
        """One row a token: token, tag of the file, and predicted tag."""
        rows = zip(self["tokens"], self["tags"], self["predicted"], strict=True)
        return "\n".join("\t".join(row) for row in rows)

    def text(self) -> str:
        """The rows, which are read in columns."""
        return self.line()
