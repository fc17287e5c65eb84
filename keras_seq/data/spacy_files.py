"""Documents of spaCy, as its `DocBin` writes them for training."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from keras_seq.core.errors import DataError, InputError
from keras_seq.core.extras import extra_module
from keras_seq.core.lines import opened

DOCBIN_SUFFIX = ".spacy"


def documents(path: str | os.PathLike) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number, from 1, and content of each document of a DocBin.

    Returns:
        An iterator over `(number, record)`: `text`, in which a line begins with each sentence that the document tells;
        `spans`, the entities; `tokens`, begin and end of each token that is no blank; `label`, the categories that are
        1; and `answer`, `"ignore"` of a document without annotation.

    Raises:
        DataError: if the file is damaged, or its entities are spans that may overlap.
        InputError: if spaCy is not installed.
    """
    purpose = f"{os.fspath(path)}: a DocBin"
    tokens, vocab = (extra_module(name, purpose) for name in ("spacy.tokens", "spacy.vocab"))
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
    labels = [name for name, value in doc.cats.items() if value == 1]
    if not doc.has_annotation("ENT_IOB"):
        return {"text": doc.text, "label": labels, "answer": "accept" if doc.cats else "ignore"}
    text, places = "", []
    has_sentences = doc.has_annotation("SENT_START")
    for token in doc:
        if has_sentences and token.is_sent_start and text:
            text = text.rstrip() + "\n"
        places.append((len(text), len(text) + len(token)))
        text += token.text_with_ws
    return {
        "text": text,
        "spans": [[places[span.start][0], places[span.end - 1][1], span.label_] for span in doc.ents],
        "tokens": [place for place, token in zip(places, doc, strict=True) if not token.text.isspace()],
        "label": labels,
    }
