"""Files in the plain form of their kind, which every family of that kind reads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from keras_seq.core.errors import DataError
from keras_seq.data.annotations import ANNOTATIONS, Annotated, tagged_lines
from keras_seq.data.conll import CONLL
from keras_seq.data.labelled_text import LABELLED_TEXT
from keras_seq.data.pairs import PAIRS
from keras_seq.data.readers import Reader
from keras_seq.data.roles import Roles
from keras_seq.tasks.text_task import chunks

# Texts that are tokenized at once.
_CHUNK = 512


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
            return Converted("token and tag", _tagged(path), is_tagged=True)
        return Converted("label and text", _labelled(path))
    if reader is CONLL:
        sentences = CONLL.examples(path, columns, scheme="BIO")
        rows = (list(zip(sentence.tokens, sentence.tags, strict=True)) for sentence in sentences)
        return Converted("token and tag", rows, is_tagged=True)
    if reader is LABELLED_TEXT:
        examples = LABELLED_TEXT.examples(path, columns)
        return Converted("label and text", ((*one.labels, _line(one.text)) for one in examples))
    if reader is PAIRS:
        pairs = PAIRS.examples(path, columns)
        cells = ((one.score if one.label is None else one.label, one.a, one.b) for one in pairs)
        return Converted(
            "label or score, and two texts",
            ((*([] if first is None else [str(first)]), _line(a), _line(b)) for first, a, b in cells),
        )
    return None


def _tagged(path: str | os.PathLike) -> Iterator[list[tuple[str, str]]]:
    from keras_seq.text import WordTokenizer

    tokenizer = WordTokenizer()
    for chunk in chunks(ANNOTATIONS.examples(path), _CHUNK):
        tokens, starts, ends = tokenizer.tokenize([example.text for example in chunk])
        for row, example in enumerate(chunk):
            count = int((tokens[row].numpy() != b"").sum())
            yield from tagged_lines(
                path, example, starts[row, :count].numpy().tolist(), ends[row, :count].numpy().tolist()
            )


def _labelled(path: str | os.PathLike) -> Iterator[tuple[str, str]]:
    for example in ANNOTATIONS.examples(path):
        yield _label_of(path, example), _line(example.text)


def _label_of(path: str | os.PathLike, example: Annotated) -> str:
    if len(example.labels) != 1:
        reason = f"a text with {len(example.labels)} labels"
        raise DataError(path, example.line or None, reason, "give each text one label")
    return " ".join(example.labels[0].split())


def _line(text: str) -> str:
    """A text without tabs and line breaks."""
    return " ".join(text.replace("\t", " ").splitlines())
