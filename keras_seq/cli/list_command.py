"""`keras-seq list`: the zoo."""

import json
from typing import Annotated

import typer

from keras_seq.cli.options import examples
from keras_seq.cli.printing import output, say, table
from keras_seq.cli.startup import start_frameworks

EPILOG = examples("keras-seq list", "keras-seq list --task tagger --json")


def list_zoo(
    task: Annotated[str | None, typer.Option("--task", metavar="T", help="Only models for this task.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List the zoo: builders, their task, and trained weights with parameters and score."""
    start_frameworks()
    from keras_seq.cli.trained_models import trained_cards
    from keras_seq.zoo import list_builders, registered_builder

    cards = trained_cards()
    entries = []
    for name in list_builders(task):
        builder = registered_builder(name)
        unnamed = {"builder": name, "task": builder.task, "summary": builder.summary}
        trained = [card for card in cards if card.builder == name]
        entries += [
            {
                **unnamed,
                "model": card.name,
                "language": card.language,
                "parameters": card.parameters,
                "data": card.data.name,
                "metrics": card.metrics,
            }
            for card in trained
        ] or [{**unnamed, "model": None}]
    if as_json:
        for entry in entries:
            say(json.dumps(entry, ensure_ascii=False))
        return
    columns = ("builder", "task", "trained weights", "language", "parameters", "score", "data")
    rows = [
        (
            entry["builder"],
            entry["task"],
            entry["model"],
            entry.get("language"),
            entry.get("parameters"),
            _score(entry.get("metrics")),
            entry.get("data"),
        )
        for entry in entries
    ]
    output().print(table(columns, rows))


def _score(metrics):
    """The first metric of a card, the one that its task is judged by."""
    return next((f"{name} {value:.4f}" for name, value in (metrics or {}).items()), None)
