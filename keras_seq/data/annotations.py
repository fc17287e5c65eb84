"""What annotation tools write: texts with spans or labels, from doccano, Prodigy, Label Studio, BRAT and spaCy."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from keras_seq.core.errors import DataError
from keras_seq.core.lines import LineFacts, read_lines, read_pieces, shorten
from keras_seq.data.brat import brat_documents, is_brat
from keras_seq.data.conll_dialect import malformed, plain_tag
from keras_seq.data.description import Description, Remark
from keras_seq.data.label_names import alike_remarks
from keras_seq.data.readers import Head
from keras_seq.data.records import PARQUET, parquet_records
from keras_seq.data.roles import Roles
from keras_seq.data.spacy_files import DOCBIN_SUFFIX, documents
from keras_seq.data.tag_counter import TagCounter
from keras_seq.data.tag_schemes import tags_of
from keras_seq.ops.spans import OUTSIDE, EntitySpan, entities

FORMAT = "a line is a JSON object with `text`, and `label`, `labels`, `spans` or `entities`"
_SPAN_KEYS = ("spans", "entities", "label", "labels", "accept", "annotations")
_TOKEN_KEYS = ("tokens", "words")
_TAG_KEYS = ("ner_tags", "tags", "ner", "labels")
# What JSON may escape and no text holds: half of a surrogate pair.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
# Prodigy: what was not accepted is no example.
_LEFT_OUT = ("reject", "ignore")


class Annotated(NamedTuple):
    """A text, its labels, its spans `(type, start, end)` in characters, and the number of its line (from 1); begin and
    end of its tokens, where the file has them; and of a file of a folder its path."""

    text: str
    labels: tuple[str, ...]
    spans: tuple[EntitySpan, ...]
    line: int
    tokens: tuple[tuple[int, int], ...] = ()
    source: str = ""


class AnnotationReader:
    """Texts with spans or labels, as annotation tools write them.

    JSON lines of doccano and Prodigy: `text`, and spans as `[start, end, type]` or as objects with `start` and `end`
    (`start_offset`, `end_offset`) and `label`, and maybe `tokens` with `start` and `end`; or labels. The JSON of Label
    Studio. Files `*.ann` of BRAT, beside their texts, one or a folder of them. Offsets count characters; those of Label
    Studio are compared with the text that it gives. Records with `tokens` and `tags` (or `ner_tags`), as the package
    `datasets` writes them, in JSON lines or Parquet. A DocBin of spaCy, `*.spacy`.
    """

    name = "annotations"
    roles = ()

    def recognises(self, head: Head) -> float:
        """As of every reader: a first line that is an object with a text, an array of tasks, or files `*.ann`."""
        if head.path.suffix == DOCBIN_SUFFIX or is_brat(head.path):
            return 0.96
        if has_tokens(head):
            return 0.96
        if head.content.startswith(PARQUET):
            return 0.0
        first = next((line for line in head.lines if line.strip()), "")
        if _is_table_of_lists(head):
            return 0.9
        if first.lstrip().startswith("[") and '"annotations"' in head.content.decode("utf-8", "replace"):
            return 0.93
        if "data" in head.names or ("text" in head.names and {*_SPAN_KEYS, "answer"} & set(head.names)):
            return 0.93
        return 0.6 if "text" in head.names else 0.0

    def sniff(self, path: str | os.PathLike, columns: Roles | None = None) -> Description:
        """What the file holds; `counts` are spans by type, or texts by label.

        Args:
            path: The file.
            columns: There are none.

        Raises:
            DataError: as `examples`.
        """
        types: dict[str, int] = {}
        labels: dict[str, int] = {}
        count, facts, left_out = 0, LineFacts(), [0]
        for example in _examples(path, facts, left_out):
            count += 1
            for span in example.spans:
                types[span.type] = types.get(span.type, 0) + 1
            for label in example.labels:
                labels[label] = labels.get(label, 0) + 1
        if not count:
            raise DataError(path, None, "holds no accepted text", FORMAT)
        remarks = alike_remarks(types, "types", "write them alike")
        remarks += alike_remarks(labels, "labels", "data.normalize_labels = true joins them")
        if not types and not labels:
            remarks.append(Remark(f"no text has a label or a span, which are looked for in {', '.join(_SPAN_KEYS)}"))
        if left_out[0]:
            remarks.append(Remark(f"left out, as not accepted or no spans: {left_out[0]:,}"))
        return Description(
            os.fspath(path), self.name, "texts", count, facts=facts if facts.lines else None,
            counted="types" if types else "classes", counts=types or labels, remarks=remarks,
        )  # fmt: skip

    def examples(self, path: str | os.PathLike, columns: Roles | None = None) -> Iterator[Annotated]:
        """The texts one by one.

        Raises:
            DataError: naming file, line (or number of the record), reason and remedy, if a line is no JSON object with
                a text, a span lies outside of its text or is not what it says it is, spans overlap, a task has several
                annotations, a tag is malformed; or the package that reads Parquet or DocBin is not installed.
        """
        return _examples(path, None, [0])


ANNOTATIONS = READER = AnnotationReader()


def tagged_lines(
    path: str | os.PathLike, example: Annotated, starts: Sequence[int], ends: Sequence[int]
) -> Iterator[list[tuple[str, str]]]:
    """The rows of a CoNLL file of an annotated text: a sentence for each of its lines.

    Args:
        path: The file, for messages.
        example: The text.
        starts, ends: Where its tokens begin and end, if the file does not tell.

    Returns:
        An iterator over lists of `(token, BIO tag)`.

    Raises:
        DataError: if a span is not made of whole tokens.
    """
    if example.tokens:
        starts, ends = zip(*example.tokens, strict=True)
    first_of = {start: index for index, start in enumerate(starts)}
    last_of = {end: index for index, end in enumerate(ends)}
    spans = []
    for kind, start, end in example.spans:
        marked = example.text[start:end]
        if start not in first_of or end not in last_of:
            # Who marks with a mouse marks blanks beside words, too.
            start, end = end - len(marked.lstrip()), start + len(marked.rstrip())
        if start not in first_of or end not in last_of or start >= end:
            reason = (
                f"the span {min(start, end)}-{max(start, end)} ({shorten(marked)}) does not begin and end with tokens"
            )
            raise DataError(example.source or path, example.line or None, reason, "correct the span")
        spans.append(EntitySpan(kind, first_of[start], last_of[end] + 1))
    rows: list[tuple[str, str]] = []
    last = 0
    for start, end, tag in zip(starts, ends, tags_of(spans, len(starts)), strict=True):
        if "\n" in example.text[last:start] and rows and not tag.startswith("I-"):
            yield rows
            rows = []
        rows.append((example.text[start:end], tag))
        last = end
    if rows:
        yield rows


def _examples(path: str | os.PathLike, facts: LineFacts | None, left_out: list[int]) -> Iterator[Annotated]:
    if is_brat(path):
        for file, text, items, others in brat_documents(path, facts):
            left_out[0] += others
            found = tuple(sorted((_span(file, line, text, item) for line, item in items), key=lambda span: span.start))
            _check_apart(file, None, found)
            if text.strip():
                yield Annotated(text, (), found, 1, source=os.fspath(file) if os.path.isdir(path) else "")
        return
    tags = TagCounter(path)
    for number, record in _records(path, facts):
        if record.get("answer") in _LEFT_OUT:
            left_out[0] += 1
            continue
        if _is_tokenized(record):
            record = _with_spans(path, number, record, tags)
        yield _annotated(path, number, record)
    tags.scheme()


def has_tokens(head: Head) -> bool:
    """Whether the records of a file are lists of tokens, maybe with tags, and not texts.

    Example:

    >>> from pathlib import Path
    >>> has_tokens(Head(Path("a.jsonl"), b'{"tokens": ["Rui", "mora"]}'))
    True
    """
    if head.record:
        return _is_tokenized(head.record)
    return all(any(key in head.names for key in keys) for keys in (_TOKEN_KEYS, _TAG_KEYS))


def token_records(path: str | os.PathLike) -> Iterator[tuple[int, list[str], list[str]]]:
    """Number, tokens, and tags as they stand (`O` where there are none), of each record of a file that `has_tokens`.

    Raises:
        DataError: if a record has no tokens, or not one tag for each.
    """
    for number, record in _records(path, None):
        tokens, tags, _ = _checked_tokens(path, number, record)
        yield number, tokens, [OUTSIDE] * len(tokens) if tags is None else [str(tag) for tag in tags]


def labelled_records(path: str | os.PathLike, facts: LineFacts | None) -> Iterator[tuple[int, dict[str, str]]]:
    """Number of the line, and label and text, of each accepted text of a file of annotations.

    Raises:
        DataError: as `AnnotationReader.examples`; and if a text has not one label.
    """
    for example in _examples(path, facts, [0]):
        if len(example.labels) != 1:
            reason = f"a text with {len(example.labels)} labels"
            raise DataError(path, example.line or None, reason, "give each text one label")
        yield example.line, {"label": example.labels[0], "text": example.text}


def _is_tokenized(record: Mapping[str, Any]) -> bool:
    """Whether a record is one of tokens: what has a text, and tokens without tags, is one of a text."""
    has_lists = [any(isinstance(record.get(key), list) for key in keys) for keys in (_TOKEN_KEYS, _TAG_KEYS)]
    return has_lists[0] and (has_lists[1] or "text" not in record)


def _checked_tokens(
    path: str | os.PathLike, number: int, record: Mapping[str, Any]
) -> tuple[list[str], list[Any] | None, str]:
    """Tokens and tags of a record, and what the field of its tags is called; `None` where it has none."""
    key, tag_key = (next((key for key in keys if key in record), "") for keys in (_TOKEN_KEYS, _TAG_KEYS))
    tokens, tags = record.get(key), record.get(tag_key)
    if not isinstance(tokens, list) or not tokens:
        raise DataError(
            path, number or None, f"no list of tokens (its keys: {', '.join(map(shorten, record))})", FORMAT
        )
    for token in tokens:
        if not isinstance(token, str) or not token.strip():
            raise DataError(
                path, number or None, f"{shorten(str(token))} is no token", "write texts, none of them blank"
            )
    if tags is not None and (not isinstance(tags, list) or len(tags) != len(tokens)):
        reason = f"`{key}` and `{tag_key}` are no lists of one length"
        raise DataError(path, number or None, reason, "write one tag a token")
    return tokens, tags, tag_key


def _with_spans(path: str | os.PathLike, number: int, record: Mapping[str, Any], counter: TagCounter) -> dict[str, Any]:
    """A record of tokens and tags as one of a text with spans; the tokens have spaces between them."""
    tokens, tags, _ = _checked_tokens(path, number, record)
    if tags is None:
        reason = f"tokens without tags (its keys: {', '.join(map(shorten, record))})"
        raise DataError(path, number or None, reason, "write a list `ner_tags` or `tags` beside them")
    places: list[tuple[int, int]] = []
    plain: list[str] = []
    for token, tag in zip(tokens, tags, strict=True):
        if not isinstance(tag, str):
            remedy = "write names such as B-LOC; Parquet of `datasets` keeps them"
            raise DataError(path, number, f"the tag {shorten(str(tag))} is no name", remedy)
        if (found := plain_tag(tag)) is None:
            raise malformed(path, number, tag)
        counter.add(number, found, token)
        plain.append(found)
        begin = places[-1][1] + 1 if places else 0
        places.append((begin, begin + len(token)))
    counter.end(number)
    spans = [[places[span.start][0], places[span.end - 1][1], span.type] for span in entities(plain)]
    return {"text": " ".join(tokens), "spans": spans, "tokens": places}


def _records(path: str | os.PathLike, facts: LineFacts | None) -> Iterator[tuple[int, dict[str, Any]]]:
    if Path(path).suffix == DOCBIN_SUFFIX:
        yield from documents(path)
        return
    if os.path.isfile(path) and Head.of(path).content.startswith(PARQUET):
        yield from parquet_records(path)
        return
    if os.path.isfile(path) and _is_table_of_lists(Head.of(path)):
        remedy = "write JSON lines or Parquet, such as by Dataset.to_parquet of `datasets`"
        raise DataError(path, 2, "a CSV file whose cells are lists, printed for people to read", remedy)
    yield from json_records(path, facts)


def _is_table_of_lists(head: Head) -> bool:
    """Whether a file is CSV of tokens and tags, whose cells are lists that Python or NumPy has printed."""
    names, first = [*head.lines[:2], "", ""][:2]
    return any(name.strip('" ') in _TOKEN_KEYS for name in names.split(",")) and "[" in first


def json_records(path: str | os.PathLike, facts: LineFacts | None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number of the line, and content, of each record of JSON lines; of an array of objects all numbers are 0.

    Raises:
        DataError: if the file cannot be read, or is no JSON of this form.
    """
    lines = read_lines(path, FORMAT, facts)
    number, first = next(lines)
    if first.lstrip().startswith("["):
        for _ in lines:
            pass  # the facts are of all lines
        for record in _parsed(path, None, "".join(read_pieces(path, FORMAT)), list):
            yield 0, record
        return
    if first.strip():
        yield number, _parsed(path, number, first, dict)
    for number, line in lines:
        if line.strip():
            yield number, _parsed(path, number, line, dict)


def _parsed(path: str | os.PathLike, number: int | None, text: str, kind: Any) -> Any:
    try:
        found = json.loads(text, object_pairs_hook=_object)
        if _SURROGATE.search(text):
            json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise DataError(path, number, f"{half} is half of a character", "write both, such as \\ud83d\\ude00") from None
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error).split(":")[0]
        raise DataError(path, number, f"not JSON ({reason})", FORMAT) from None
    if not isinstance(found, kind) or (kind is list and not all(isinstance(record, dict) for record in found)):
        raise DataError(path, number, f"no {'array of objects' if kind is list else 'object'}", FORMAT)
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for index, (key, _) in enumerate(pairs) if key in dict(pairs[:index]))
        raise ValueError(f"an object has the key {shorten(twice)} twice")
    return found


def _annotated(path: str | os.PathLike, number: int, record: Mapping[str, Any]) -> Annotated:
    line = number or None
    text = text_of(path, number, record)
    found: list[Any] = [record[key] for key in _SPAN_KEYS if record.get(key) or record.get(key) == 0]
    if isinstance(record.get("data"), dict):
        found = [_of_label_studio(path, line, record)]
    labels: list[str] = []
    spans: list[EntitySpan] = []
    for value in found:
        items: list[Any] = value if isinstance(value, list) else [value]
        for item in items:
            if isinstance(item, str) or type(item) is int:
                labels.append(str(item))
            else:
                spans.append(_span(path, line, text, item))
    spans.sort(key=lambda span: span.start)
    _check_apart(path, line, spans)
    return Annotated(text, tuple(labels), tuple(spans), number, _places(path, line, text, record.get("tokens")))


def _check_apart(path: str | os.PathLike, line: int | None, spans: Sequence[EntitySpan]) -> None:
    """Raise if spans overlap."""
    for one, other in zip(spans, spans[1:], strict=False):
        if other.start < one.end:
            reason = f"spans overlap ({one.type} {one.start}-{one.end}, {other.type} {other.start}-{other.end})"
            raise DataError(path, line, reason, "keep one of them")


def text_of(path: str | os.PathLike, number: int, record: Mapping[str, Any]) -> str:
    """The text of a record, or of the data of a task of Label Studio.

    Raises:
        DataError: if there is none, or it is blank.
    """
    text: Any = record.get("text")
    if isinstance(record.get("data"), dict):
        texts = [value for value in record["data"].values() if isinstance(value, str)]
        text = record["data"].get("text", texts[0] if len(texts) == 1 else None)
    if not isinstance(text, str) or not text.strip():
        raise DataError(path, number or None, f"no text (its keys: {', '.join(map(shorten, record))})", FORMAT)
    return text


def _places(path: str | os.PathLike, line: int | None, text: str, tokens: Any) -> tuple[tuple[int, int], ...]:
    """Begin and end of the tokens of a text that are no blanks, where its record gives them, as Prodigy does."""
    if not isinstance(tokens, list) or not tokens:
        return ()
    if all(isinstance(token, tuple) for token in tokens):
        return tuple(tokens)
    if not all(isinstance(token, dict) and {"start", "end"} <= set(token) for token in tokens):
        return ()
    places: list[tuple[int, int]] = []
    for token in tokens:
        start, end = token["start"], token["end"]
        is_within = type(start) is int and type(end) is int and (places[-1][1] if places else 0) <= start < end
        if not is_within or end > len(text) or token.get("text", text[start:end]) != text[start:end]:
            reason = f"{shorten(str(token))} is no token of its text, behind the one before it"
            raise DataError(path, line, reason, "count characters; export it again, or leave `tokens` out")
        if not text[start:end].isspace():
            places.append((start, end))
    return tuple(places)


def _of_label_studio(path: str | os.PathLike, line: int | None, record: Mapping[str, Any]) -> list[Any]:
    """Spans and choices of the one annotation of a task."""
    annotations = record.get("annotations")
    done = [one for one in annotations if isinstance(one, dict)] if isinstance(annotations, list) else []
    done = [one for one in done if not one.get("was_cancelled")]
    if len(done) != 1 or not isinstance(done[0].get("result"), list):
        raise DataError(path, line, f"a task with {len(done)} annotations", "export one annotation of each task")
    values = [one["value"] for one in done[0]["result"] if isinstance(one, dict) and isinstance(one.get("value"), dict)]
    return [item for value in values for item in (value.get("choices") or [value])]


def _span(path: str | os.PathLike, line: int | None, text: str, item: Any) -> EntitySpan:
    if isinstance(item, list) and len(item) == 3:
        item = dict(zip(("start", "end", "label"), item, strict=True))
    if not isinstance(item, dict):
        raise DataError(path, line, f"{shorten(str(item))} is neither a label nor a span", FORMAT)
    start: Any
    end: Any
    start, end = (item.get(key, item.get(f"{key}_offset")) for key in ("start", "end"))
    kind: Any = item.get("label") or item.get("labels") or item.get("type")
    kind = kind[0] if isinstance(kind, list) and len(kind) == 1 else kind
    is_within = type(start) is int and type(end) is int and 0 <= start < end <= len(text)
    is_type = isinstance(kind, str) and bool(kind) and not any(sign.isspace() for sign in kind)
    if not (is_within and is_type):
        reason = f"{shorten(str(item))} is no span of its {len(text)} characters with one type"
        raise DataError(path, line, reason, "give start, end and label; a type has no spaces")
    said = item.get("text")
    if isinstance(said, str) and said != text[start:end]:
        reason = f"the span {start}-{end} is {shorten(text[start:end])}, not {shorten(said)}"
        raise DataError(path, line, reason, "count characters; export it again")
    return EntitySpan(kind, start, end)
