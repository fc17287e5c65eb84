"""`keras-seq list`: the zoo."""

import dataclasses
import difflib
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from keras_seq.cli.options import examples
from keras_seq.cli.printing import json_line, output, say, table
from keras_seq.core.errors import InputError

EPILOG = examples("keras-seq list", "keras-seq list --task tagger --json")
COLUMNS = ["builder", "task", "trained weights", "text language", "parameters", "score", "data"]


@dataclass(frozen=True)
class Entry:
    """A builder, or trained weights, of a task."""

    builder: str | None
    task: str
    summary: str | None = None
    model: str | None = None
    language: str | None = None
    parameters: int | None = None
    data: str | None = None
    metrics: dict[str, float] | None = None

    def row(self) -> tuple[Any, ...]:
        """The cells of the table; the score is the first metric, the one that its task is judged by."""
        score = next((f"{name} {value:.4f}" for name, value in (self.metrics or {}).items()), None)
        return self.builder, self.task, self.model, self.language, self.parameters, score, self.data

    def as_dict(self) -> dict[str, Any]:
        """What is known of it; what has no trained weights has the model `None`."""
        values = dataclasses.asdict(self)
        known = [field.name for field in dataclasses.fields(self)][: None if self.model else 4]
        return {name: values[name] for name in known}


def list_zoo(
    task: Annotated[str | None, typer.Option("--task", metavar="T", help="Only models for this task.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List the zoo: builders, their task, and trained weights with parameters and score."""
    entries = all_entries()
    if task is not None:
        known = sorted({entry.task for entry in entries})
        if task not in known:
            close = difflib.get_close_matches(task, known, n=3, cutoff=0.4) or known
            raise InputError(f"--task: {task!r} is unknown; did you mean {' or '.join(close)}?")
        entries = [entry for entry in entries if entry.task == task]
    if as_json:
        for entry in entries:
            say(json_line(entry.as_dict()))
        return
    output().print(table(COLUMNS, [entry.row() for entry in entries]))


def all_entries() -> list[Entry]:
    """Each builder with its trained weights; then the weights, and the tasks, that no registered builder is for."""
    from keras_seq.tasks import families
    from keras_seq.tasks.model_folders import trained_cards
    from keras_seq.zoo.registry import builder_notes

    # They may bring builders of their own.
    tasks = [family.name for family in families()]
    cards = trained_cards()
    entries: list[Entry] = []
    builders = builder_notes()
    for builder in builders:
        of_builder = [_trained(card, builder.summary) for card in cards if card.builder == builder.name]
        entries += of_builder or [Entry(builder.name, builder.task, builder.summary)]
    known = {builder.name for builder in builders}
    entries += [_trained(card, None) for card in cards if card.builder not in known]
    return [*entries, *(Entry(None, task) for task in tasks if task not in {entry.task for entry in entries})]


def _trained(card: Any, summary: str | None) -> Entry:
    return Entry(
        card.builder or None,
        card.task,
        summary,
        card.name,
        card.language,
        card.parameters,
        card.data.name,
        card.metrics,
    )
