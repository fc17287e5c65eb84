"""Documents of spaCy, as its `DocBin` writes them for training."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from keras_seq.core.errors import DataError, InputError
from keras_seq.core.lines import opened
from keras_seq.data.records import extra_module

DOCBIN_SUFFIX = ".spacy"
_FORM = "is a DocBin"


def documents(path: str | os.PathLike) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number, from 1, and content of each document of a DocBin.

    Returns:
        An iterator over `(number, record)`: `text`; `spans`, the entities; `tokens`, begin and end of each token that
        is no blank; `label`, the categories that are 1; and `answer`, `"ignore"` of a document without annotation.

    Raises:
        DataError: if spaCy is not installed, the file is damaged, or its entities are spans that may overlap.
    """
    tokens = extra_module(path, "spacy.tokens", _FORM, "spacy")
    vocab = extra_module(path, "spacy.vocab", _FORM, "spacy")
    with opened(path) as file:
        content = file.read()
    number = 0
    try:
        for number, doc in enumerate(tokens.DocBin().from_bytes(content).get_docs(vocab.Vocab()), start=1):
            yield number, _record(path, number, doc)
    except (InputError, GeneratorExit):
        raise
    except Exception as error:
        # It is unpacked by several libraries, each with exceptions of its own.
        reason = f"damaged DocBin ({' '.join(str(error).split())[:200] or type(error).__name__})"
        raise DataError(path, number + 1, reason, "write it again with spaCy 3") from error


def _record(path: str | os.PathLike, number: int, doc: Any) -> dict[str, Any]:
    if doc.spans and not doc.ents and any(len(group) for group in doc.spans.values()):
        reason = f"its entities are in groups of spans ({', '.join(doc.spans)}), which may overlap"
        raise DataError(path, number, reason, "set doc.ents before it is written")
    has_entities = doc.has_annotation("ENT_IOB")
    return {
        "text": doc.text,
        "spans": [[span.start_char, span.end_char, span.label_] for span in doc.ents],
        "tokens": [(token.idx, token.idx + len(token)) for token in doc if not token.text.isspace()],
        "label": [name for name, value in doc.cats.items() if value == 1],
        "answer": "accept" if has_entities or doc.cats else "ignore",
    }
