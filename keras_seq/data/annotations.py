"""What annotation tools write: texts with spans or labels, from doccano, Prodigy, Label Studio, BRAT and spaCy."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from keras_seq.core.errors import DataError
from keras_seq.core.lines import LineFacts, read_lines, read_pieces, shorten
from keras_seq.data.conll_dialect import malformed, plain_tag
from keras_seq.data.description import Description, Remark
from keras_seq.data.readers import Head
from keras_seq.data.records import PARQUET, parquet_records
from keras_seq.data.roles import Roles
from keras_seq.data.spacy_files import DOCBIN_SUFFIX, documents
from keras_seq.data.tag_counter import TagCounter
from keras_seq.data.tag_schemes import tags_of
from keras_seq.ops.spans import EntitySpan, entities

FORMAT = "a line is a JSON object with `text`, and `label`, `labels`, `spans` or `entities`"
_SPAN_KEYS = ("spans", "entities", "label", "labels", "accept")
_TOKEN_KEYS = ("tokens", "words")
_TAG_KEYS = ("ner_tags", "tags", "ner", "labels")
# What JSON may escape and no text holds: half of a surrogate pair.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_BRAT = re.compile(r"(T\S*)\t(\S+) ([0-9 ;]+)\t(.*)")
# Prodigy: what was not accepted is no example.
_LEFT_OUT = ("reject", "ignore")


class Annotated(NamedTuple):
    """A text, its labels, its spans `(type, start, end)` in characters, and the number of its line (from 1); begin and
    end of its tokens, where the file has them."""

    text: str
    labels: tuple[str, ...]
    spans: tuple[EntitySpan, ...]
    line: int
    tokens: tuple[tuple[int, int], ...] = ()


class AnnotationReader:
    """Texts with spans or labels, as annotation tools write them.

    JSON lines of doccano and Prodigy: `text`, and spans as `[start, end, type]` or as objects with `start` and `end`
    (`start_offset`, `end_offset`) and `label`; or labels. The JSON of Label Studio. A file `*.ann` of BRAT, beside its
    text. Offsets count characters; those of Label Studio are compared with the text that it gives. Records with
    `tokens` and `tags` (or `ner_tags`), as the package `datasets` writes them, in JSON lines or Parquet. A DocBin of
    spaCy, `*.spacy`.
    """

    name = "annotations"
    roles = ()

    def recognises(self, head: Head) -> float:
        """As of every reader: a first line that is an object with a text, an array of tasks, or a file `*.ann`."""
        if head.path.suffix in (".ann", DOCBIN_SUFFIX):
            return 0.96
        if _tokens_and_tags(head.names) is not None:
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
        remarks = [Remark(f"{left_out[0]:,} records that are not accepted, or no spans, are left out")]
        return Description(
            os.fspath(path), self.name, "texts", count, facts=facts if facts.lines else None,
            counted="types" if types else "classes", counts=types or labels, remarks=remarks if left_out[0] else (),
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
        if start not in first_of or end not in last_of:
            reason = f"the span {start}-{end} ({shorten(example.text[start:end])}) does not begin and end with tokens"
            raise DataError(path, example.line, reason, "correct the span")
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
    if Path(path).suffix == ".ann":
        yield from _brat(Path(path), facts, left_out)
        return
    tags = TagCounter(path)
    for number, record in _records(path, facts):
        if record.get("answer") in _LEFT_OUT:
            left_out[0] += 1
            continue
        keys = _tokens_and_tags(record)
        yield _annotated(path, number, record if keys is None else _with_spans(path, number, record, keys, tags))
    tags.scheme()


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


def _tokens_and_tags(names: Iterable[str]) -> tuple[str, str] | None:
    """The fields of a record of tokens and tags; `None` where it is none."""
    names = list(names)
    tokens, tags = (next((key for key in keys if key in names), None) for keys in (_TOKEN_KEYS, _TAG_KEYS))
    return None if tokens is None or tags is None else (tokens, tags)


def _with_spans(
    path: str | os.PathLike, number: int, record: Mapping[str, Any], keys: tuple[str, str], counter: TagCounter
) -> dict[str, Any]:
    """A record of tokens and tags as one of a text with spans; the tokens have spaces between them."""
    tokens, tags = (record[key] for key in keys)
    if not isinstance(tokens, list) or not isinstance(tags, list) or len(tokens) != len(tags) or not tokens:
        raise DataError(
            path, number, f"`{keys[0]}` and `{keys[1]}` are no lists of one length", "write one tag a token"
        )
    places: list[tuple[int, int]] = []
    plain: list[str] = []
    for token, tag in zip(tokens, tags, strict=True):
        if not isinstance(token, str) or not token.strip():
            raise DataError(path, number, f"{shorten(str(token))} is no token", "write texts, none of them blank")
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
    return _tokens_and_tags(name.strip('" ') for name in names.split(",")) is not None and "[" in first


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
    text: Any = record.get("text")
    found: list[Any] = [record[key] for key in _SPAN_KEYS if record.get(key) or record.get(key) == 0]
    if isinstance(record.get("data"), dict):
        texts = [value for value in record["data"].values() if isinstance(value, str)]
        text = record["data"].get("text", texts[0] if len(texts) == 1 else None)
        found = [_of_label_studio(path, line, record)]
    if not isinstance(text, str) or not text.strip():
        raise DataError(path, line, f"no text (its keys: {', '.join(map(shorten, record))})", FORMAT)
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
    for one, other in zip(spans, spans[1:], strict=False):
        if other.start < one.end:
            reason = f"spans overlap ({one.type} {one.start}-{one.end}, {other.type} {other.start}-{other.end})"
            raise DataError(path, line, reason, "keep one of them")
    return Annotated(text, tuple(labels), tuple(spans), number, _places(record.get("tokens")))


def _places(tokens: Any) -> tuple[tuple[int, int], ...]:
    """Begin and end of the tokens of a record, where it gives them so; Prodigy gives objects, which may leave out."""
    return tuple(tokens) if isinstance(tokens, list) and all(isinstance(token, tuple) for token in tokens) else ()


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


def _brat(path: Path, facts: LineFacts | None, left_out: list[int]) -> Iterator[Annotated]:
    source = path.with_suffix(".txt")
    text = "".join(read_pieces(source, "put the text beside its annotations"))
    found = []
    for number, line in read_lines(path, "a line is T1, a tab, TYPE START END, a tab, the text", facts):
        match = _BRAT.fullmatch(line)
        if match is None:
            if line.startswith("T"):
                raise DataError(
                    path, number, f"no span ({shorten(line)})", "a span is T1, a tab, TYPE START END, a tab, text"
                )
            left_out[0] += bool(line.strip())
            continue
        numbers = match[3].split()
        if len(numbers) != 2 or ";" in match[3]:
            raise DataError(path, number, f"a span in parts ({match[3]})", "take it out, or make it one")
        item = {"start": int(numbers[0]), "end": int(numbers[1]), "label": match[2], "text": match[4]}
        found.append(_span(path, number, text, item))
    yield _annotated(path, 1, {"text": text, "spans": [[span.start, span.end, span.type] for span in found]})
