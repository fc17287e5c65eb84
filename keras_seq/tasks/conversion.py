"""Files in the plain form of their kind, which every family of that kind reads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from keras_seq.data.annotations import ANNOTATIONS, labelled_records
from keras_seq.data.conll import CONLL, Sentence
from keras_seq.data.labelled_text import LABELLED_TEXT
from keras_seq.data.pairs import PAIRS
from keras_seq.data.readers import Reader
from keras_seq.data.roles import Roles
from keras_seq.tasks.tagged_text import TAGGED_TEXT


@dataclass(frozen=True)
class Converted:
    """What is to be written.

    Args:
        form: what it is, in words.
        rows: rows of cells; where they are tagged, sentences of rows.
        is_tagged: whether they are sentences of tokens and tags.
    """

    form: str
    rows: Iterable[Any]
    is_tagged: bool = False


def converted(reader: Reader, path: str | os.PathLike, columns: Roles | None = None) -> Converted | None:
    """The content of a file in the plain form of its kind; `None` where there is none.

    Args:
        reader: reads the file; all of it is checked first.
        path: the file.
        columns: the roles of its columns, as of the reader.

    Raises:
        ValueError: if the roles make no sense.
        DataError: if the file is broken, what it means is not sure, or a text has not one label.
    """
    if reader is ANNOTATIONS:
        if ANNOTATIONS.sniff(path).counted == "types":
            return Converted("token and tag", _tagged(TAGGED_TEXT.examples(path)), is_tagged=True)
        return Converted("label and text", _labelled(path))
    if reader is CONLL:
        return Converted("token and tag", _tagged(CONLL.examples(path, columns, scheme="BIO")), is_tagged=True)
    if reader is LABELLED_TEXT:
        return Converted(
            "label or score, and text",
            (_cells(next(iter(one.labels), one.score), one.text) for one in LABELLED_TEXT.examples(path, columns)),
        )
    if reader is PAIRS:
        pairs = PAIRS.examples(path, columns)
        return Converted(
            "label or score, and two texts",
            (_cells(one.score if one.label is None else one.label, one.a, one.b) for one in pairs),
        )
    return None


def _tagged(sentences: Iterable[Sentence]) -> Iterator[list[tuple[str, str]]]:
    return (list(zip(sentence.tokens, sentence.tags, strict=True)) for sentence in sentences)


def _labelled(path: str | os.PathLike) -> Iterator[tuple[str, ...]]:
    return (_cells(record["label"], record["text"]) for _, record in labelled_records(path, None))


def _cells(first: str | float | None, *texts: str) -> tuple[str, ...]:
    """A row: the label or the score, where there is one, and texts; none of them with tabs and line breaks."""
    named = () if first is None else (" ".join(str(first).split()),)
    return (*named, *(" ".join(text.replace("\t", " ").splitlines()) for text in texts))
