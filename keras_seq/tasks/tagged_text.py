"""Sentences of tokens with tags, from CoNLL files and from texts whose spans annotation tools have marked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from keras_seq.core.errors import DataError
from keras_seq.data.annotations import ANNOTATIONS, has_tokens, tagged_lines, token_records
from keras_seq.data.conll import CoNLLReader
from keras_seq.data.description import Description
from keras_seq.data.readers import Head
from keras_seq.data.roles import Roles
from keras_seq.tasks.text_task import chunks

# Texts that are tokenized at once.
_CHUNK = 512


class TaggedTextReader(CoNLLReader):
    """As `CoNLLReader`; and what `AnnotationReader` reads, a sentence for each line of a text.

    Marked spans must be made of whole tokens; their tags are BIO, unless `scheme` names another. Texts without tokens
    of their own are split by `keras_seq.text.WordTokenizer`. Tokens of records need no tags where `gold` is false.
    """

    def sniff(self, path: str | os.PathLike, columns: Roles | None = None, *, gold: bool = True) -> Description:
        """As of `CoNLLReader`, or of `AnnotationReader`.

        Raises:
            ValueError, DataError: as these.
        """
        if not _is_annotated(path, columns):
            return super().sniff(path, columns, gold=gold)
        if gold or not has_tokens(Head.of(path)):
            return ANNOTATIONS.sniff(path)
        return Description(os.fspath(path), ANNOTATIONS.name, "sentences", sum(1 for _ in token_records(path)))

    def _sentences(
        self, path: str | os.PathLike, columns: Roles | None, max_length: int | None, gold: bool
    ) -> Iterator[tuple[Sequence[str], Sequence[str], int]]:
        if not _is_annotated(path, columns):
            yield from super()._sentences(path, columns, max_length, gold)
            return
        is_copied = not gold and has_tokens(Head.of(path))
        for line, tokens, tags in token_records(path) if is_copied else _tagged(path):
            if max_length is not None and len(tokens) > max_length:
                reason = f"sentence of {len(tokens):,} tokens, more than {max_length:,}"
                raise DataError(path, line or None, reason, "break the text into lines")
            yield tokens, tags, line


TAGGED_TEXT = TaggedTextReader()


def _is_annotated(path: str | os.PathLike, columns: Roles | None) -> bool:
    is_there = os.path.isfile(path) or os.path.isdir(path)
    return columns is None and is_there and ANNOTATIONS.recognises(Head.of(path)) > 0


def _tagged(path: str | os.PathLike) -> Iterator[tuple[int, Sequence[str], Sequence[str]]]:
    from keras_seq.text import WordTokenizer

    tokenizer = WordTokenizer()
    for chunk in chunks(ANNOTATIONS.examples(path), _CHUNK):
        tokens, starts, ends = tokenizer.tokenize([example.text for example in chunk])
        for row, example in enumerate(chunk):
            count = int((tokens[row].numpy() != b"").sum())
            places = starts[row, :count].numpy().tolist(), ends[row, :count].numpy().tolist()
            for rows in tagged_lines(path, example, *places):
                tokens_of_line, tags = zip(*rows, strict=True)
                yield example.line, tokens_of_line, tags
