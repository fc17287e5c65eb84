"""`keras-seq evaluate`."""

from typing import Annotated

import typer

from keras_seq.cli.options import DataDirectory, Quiet, RunOrModel, Strict, check_option, examples
from keras_seq.cli.printing import json_line, print_scores, progress, say
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
    strict: Strict = False,
    quiet: Quiet = False,
) -> None:
    """Score a trained model on a file."""
    start_frameworks()
    from keras_seq.cli.trained_models import recipe_of
    from keras_seq.data.description import tell
    from keras_seq.tasks import load
    from keras_seq.tasks.capabilities import Describes, has
    from keras_seq.tasks.evaluation import Evaluation
    from keras_seq.tasks.loading import task_of

    evaluation = None if data is None else Evaluation(data)
    if evaluation is None:
        recipe = recipe_of(run_or_model)
        evaluation = None if recipe is None else task_of(recipe, run_or_model).evaluation_of(recipe)
    if evaluation is None:
        raise InputError(f"{run_or_model}: its recipe names no test file, or is not at hand; name one with --data")
    arguments = evaluation.arguments(data_dir)
    task = load(run_or_model)
    if strict:
        check_option(task.evaluate, "strict", f"--strict is of folders of files; {run_or_model} reads none")
        arguments["strict"] = True
    with progress(task.unit, quiet=quiet) as advance:
        scores = dict(task.evaluate(**arguments, on_progress=advance))
    examples_scored = scores.pop("examples")
    if has(task, Describes):
        tell(task.describe(**arguments), quiet)
    if as_json:
        metrics = {name: value for name, value in scores.items() if isinstance(value, float)}
        summary = {"task": task.task, "model": task.name, "data": evaluation.reference, "examples": examples_scored}
        say(json_line({**summary, "metrics": metrics}))
        return
    print_scores(f"{task.name} on {evaluation.reference}, {examples_scored:,} {task.unit}", scores)
