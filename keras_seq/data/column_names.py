"""What files call their columns: which names tell the text, the label, and so on."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence

from keras_seq.data.readers import Head
from keras_seq.data.roles import IGNORED, Roles

# What files call their columns, in lower case.
_NAMES = {
    "text": "text texts sentence review content comment tweet question query utterance message document body title "
    "texto frase sentenca comentario textos pergunta mensagem satz phrase texte",
    "label": "label labels class category sentiment intent target polarity emotion gold_label topic is_duplicate stars "
    "rating rotulo rótulo classe etiqueta categoria sentimento intencao etiket étiquette klasse",
    "score": "score scores rating value similarity stars relatedness relatedness_score similarity_score nota label",
    "fold": "fold split",
    "a": "a text_a sentence1 sentence_a question1 text1 premise anchor query first",
    "b": "b text_b sentence2 sentence_b question2 text2 hypothesis positive response second",
}
HEADER_NAMES = {role: frozenset(names.split()) for role, names in _NAMES.items()}
_ANY_NAME = frozenset(("word", "words", "token", "tokens", "tag", "tags", "ner")).union(*HEADER_NAMES.values())
DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "bar": "|"}
_QUOTES = "\"'"


def named_columns(names: Sequence[str], role: str) -> list[int]:
    """The columns that are called as a role is; what has its very name counts before all others."""
    plain = [name.strip(_QUOTES).removeprefix("#").strip().casefold() for name in names]
    known = HEADER_NAMES.get(role, frozenset((role,)))
    found = [place for place, name in enumerate(plain) if name in known]
    return [plain.index(role)] if plain.count(role) == 1 else found


def are_named(names: Sequence[str], roles: Iterable[str]) -> bool:
    """Whether a column is called as each of several roles is, and each another one."""
    found = [named_columns(names, role) for role in roles]
    return all(found) and len(found) > 1 and len({places[0] for places in found}) == len(found)


def may_mean(names: Sequence[str], roles: Roles) -> bool:
    """Whether names of columns may be those that the roles mean."""
    if isinstance(roles, Mapping):
        return all(column in names or (isinstance(column, int) and column <= len(names)) for column in roles.values())
    return all(named_columns(names, role) for role in roles if role != IGNORED)


def names_roles(head: Head, roles: Sequence[str]) -> bool:
    """Whether the first line of a file names columns for all of these roles, which tabs, commas or semicolons part; or
    its records have fields for them."""
    if head.names:
        return all(named_columns(head.names, role) for role in roles)
    first = head.lines[0] if head.lines else ""
    names = [[cell.strip() for cell in first.split(delimiter)] for delimiter in DELIMITERS.values()]
    return any(len(cells) > 1 and all(named_columns(cells, role) for role in roles) for cells in names)


def csv_header(head: Head) -> list[str] | None:
    """The cells of the first line of a table: what it calls its columns, or of a CSV file without names its first row.

    `None` where lines may be prose: they have other numbers of commas, or a space follows these, or no name is one that
    columns have, and no cell stands in quotes.
    """
    for delimiter in DELIMITERS.values():
        try:
            rows = list(csv.reader((f"{line}\n" for line in head.lines), delimiter=delimiter, strict=True))
        except csv.Error:
            rows = [line.split(delimiter) for line in head.lines] if delimiter == "\t" else []
        names = rows[0] if rows else []
        is_even = len(rows) > 1 and len(names) > 1 and all(len(row) == len(names) for row in rows)
        if not is_even or any(name != name.strip() for name in names):
            continue
        is_quoted = delimiter != "\t" and any(f'{delimiter}"' in line or f'"{delimiter}' in line for line in head.lines)
        known = any(name.strip(_QUOTES).casefold() in _ANY_NAME for name in names)
        if named_columns(names, "text") or is_quoted or (known and delimiter != "\t"):
            return names
    return None
