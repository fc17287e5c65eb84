"""`keras-seq evaluate`."""

import json
from typing import Annotated, Any

import typer

from keras_seq.cli.options import DataDirectory, Quiet, RunOrModel, examples
from keras_seq.cli.printing import print_scores, progress, say
from keras_seq.cli.startup import start_frameworks
from keras_seq.core.errors import InputError

EPILOG = examples(
    "keras-seq evaluate runs/ner_pt",
    "keras-seq evaluate ner_pt --data test.conll --json | tail -1 | jq .metrics",
    "keras-seq evaluate intent_en --data queries.tsv",
)


def evaluate(
    run_or_model: RunOrModel,
    data: Annotated[
        str | None,
        typer.Option("--data", metavar="F", help="The file to score on. By default the test file of the recipe."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, on the last line.")] = False,
    data_dir: DataDirectory = None,
    quiet: Quiet = False,
) -> None:
    """Score a trained model on a file."""
    start_frameworks()
    from keras_seq.cli.trained_models import recipe_of
    from keras_seq.data import find_data
    from keras_seq.tasks import load
    from keras_seq.tasks.load import task_of
    from keras_seq.tasks.trained_task import DataReference

    reference: str | None = data
    options: dict[str, Any] = {}
    if reference is None:
        recipe = recipe_of(run_or_model)
        reference, options = (None, {}) if recipe is None else task_of(recipe, run_or_model).evaluation_of(recipe)
    if reference is None:
        raise InputError(f"{run_or_model}: its recipe names no test file, or is not at hand; name one with --data")
    path = find_data(reference, data_dir)
    options = {
        name: find_data(value, data_dir) if isinstance(value, DataReference) else value
        for name, value in options.items()
    }
    task = load(run_or_model)
    with progress(task.unit, quiet=quiet) as advance:
        scores = dict(task.evaluate(path, on_progress=advance, **options))
    examples_scored = scores.pop("examples")
    if as_json:
        metrics = {name: value for name, value in scores.items() if isinstance(value, float)}
        summary = {"task": task.task, "model": task.name, "data": reference, "examples": examples_scored}
        say(json.dumps({**summary, "metrics": metrics}, ensure_ascii=False))
        return
    print_scores(f"{task.name} on {reference}, {examples_scored:,} {task.unit}", scores)
