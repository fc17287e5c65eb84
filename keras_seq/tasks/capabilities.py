"""What a task can do beside being scored, each ability a protocol: whoever has its methods has it.

The command line asks for abilities, never for the name of a task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from keras_seq.core.errors import InputError
from keras_seq.data.description import Description
from keras_seq.tasks.registry import families
from keras_seq.tasks.results import Result


@dataclass(frozen=True)
class Examples:
    """The examples of a file, and how a task answers them.

    Args:
        unit: what they are called, in the plural.
        rows: the examples, read one by one.
        answer: takes some of them, gives a result for each.
        separator: what is written between two results, beside the line break.
    """

    unit: str
    rows: Iterator[Any]
    answer: Callable[[list[Any]], Sequence[Result]]
    separator: str = ""


@runtime_checkable
class Predicts(Protocol):
    """Says something of each text, or of what a text names."""

    max_characters: int
    """A file with a longer line is of another kind."""

    def predict(self, texts: Sequence[str], /) -> Sequence[Result]:
        """A result for each text."""


@runtime_checkable
class ReadsFiles(Protocol):
    """Answers what is in files of a form of its own, beside texts, one a line."""

    @staticmethod
    def reads(name: str) -> bool:
        """Whether a file of this name has such a form; asked of the file that is written, too."""

    def examples_of(self, path: str, /) -> Examples:
        """What is in such a file."""


@runtime_checkable
class KnowsFiles(ReadsFiles, Protocol):
    """Knows files of its own form by what is in them, whatever their names are."""

    @staticmethod
    def holds(path: str, reader: str) -> bool:
        """Whether a file has such a form.

        Args:
            path: the file.
            reader: the name of the reader that is surest of it; empty if none is.
        """


@runtime_checkable
class Matches(Protocol):
    """Compares pairs."""

    def pairs_of(self, path: str, /) -> Examples:
        """The pairs of a file; of images with the keyword `invert`."""


@runtime_checkable
class Explains(Protocol):
    """Tells what its answer rests on."""

    def explain(self, texts: Sequence[str], /) -> Sequence[Result]:
        """A result for each text, which joins the one that `predict` gives."""


@runtime_checkable
class Finds(Protocol):
    """Looks texts up in an index."""

    def find(self, texts: Sequence[str], k: int, /) -> Sequence[Result]:
        """For each text a result with the `k` nearest."""


@runtime_checkable
class Indexes(Protocol):
    """Keeps an index of texts."""

    def with_index(self, texts: Sequence[str], /) -> Any:
        """The same task with an index of these texts."""


@runtime_checkable
class Generates(Protocol):
    """Goes on from a prefix. Its keyword arguments are the options that the model has."""

    def generate(self, prefix: str, /, *, count: int, temperature: float, seed: int) -> Sequence[Any]:
        """So many pieces, each with the prefix: texts, unless it `WritesFiles`."""


@runtime_checkable
class WritesFiles(Protocol):
    """Generates what is no text, and writes it."""

    def output_paths(self, path: Path | None, count: int, /) -> list[Path]:
        """The files for so many pieces, where one is named.

        Raises:
            InputError: if none is named, or one of another form.
        """

    def write_generated(self, path: Path, pieces: Sequence[Any], /) -> list[Path]:
        """Write what `generate` gave; returns the files."""


@runtime_checkable
class Exports(Protocol):
    """Is written as a SavedModel."""

    def export(self, target: Path, version: int, beside: dict[str, Callable[[Path], None]]) -> Path:
        """Write it, with further files; returns the folder of the version."""


@runtime_checkable
class Describes(Protocol):
    """Says what it understands of a file that it is scored on."""

    def describe(self, data: str | Path, **options: Any) -> Description | None:
        """What a reader understood, with the options of `evaluate`; `None` where there is nothing to say."""


_VERBS: dict[Any, str] = {
    Predicts: "read texts",
    Matches: "compare pairs",
    Explains: "explain",
    Finds: "find texts",
    Indexes: "keep an index",
    Generates: "generate",
    Exports: "export",
}


def families_that(is_able: Callable[[type[Any]], bool]) -> list[str]:
    """The names of the families whose tasks are able to do something, sorted.

    Args:
        is_able: takes the class of a task.
    """
    return [family.name for family in families() if is_able(family.task)]


def has(task: Any, capability: Any) -> bool:
    """Whether a task, or a class of tasks, has an ability."""
    # The methods of a class are attributes of it as well as of what it makes.
    return isinstance(task, capability)


def reads(task: Any, name: str) -> bool:
    """Whether a task, or a class of tasks, reads files of a form of its own, and a file of this name has it."""
    return has(task, ReadsFiles) and task.reads(name)


def check_able(task: Any, capability: Any, source: object, option: str) -> None:
    """Raise unless a task has an ability.

    Args:
        task: what was loaded.
        capability: a protocol of this module.
        source: what the message calls the model.
        option: what asks for the ability, as it is written on a command line.

    Raises:
        InputError: if it has not; the message names the families that have.
    """
    if not has(task, capability):
        able = ", ".join(families_that(lambda each: has(each, capability))) or "none of the models at hand"
        raise InputError(f"{source}: {with_article(task.task)} does not {_VERBS[capability]}; {option} is for {able}")


def with_article(name: str) -> str:
    """The name with the indefinite article before it.

    Example:
        >>> with_article("apple"), with_article("pear")
        ('an apple', 'a pear')
    """
    return f"{'an' if name[:1] in 'aeiou' else 'a'} {name}"
