"""`keras-seq train`."""

import json
import re
import shlex
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from keras_seq.cli.errors import EXIT_INTERRUPTED
from keras_seq.cli.options import DataDirectory, Quiet, Strict, examples
from keras_seq.cli.printing import print_scores, say, without_groups
from keras_seq.cli.startup import start_frameworks
from keras_seq.core.errors import InputError
from keras_seq.core.notices import notify

EPILOG = examples(
    "keras-seq train zoo/ner_pt.toml",
    "keras-seq train zoo/ner_pt.toml --train my.conll --validation dev.conll --test test.conll --run-dir runs/mine",
    "keras-seq train zoo/ner_pt.toml --set seed=2 optimizer.learning_rate=1e-3 --run-dir runs/seed2",
    "keras-seq train zoo/ner_pt.toml --resume",
    "keras-seq train zoo/sentiment_pt.toml --set model.builder=transformer_classifier_model --run-dir runs/transformer",
)
SPLITS = ("train", "validation", "test")


class TrainCommand(TyperCommand):
    """Takes several values after one `--set`: `--set a=1 b=2` is `--set a=1 --set b=2`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Write `--set` before each of its values."""
        spread: list[str] = []
        follows_set = False
        for argument in args:
            is_assignment = re.match(r"[A-Za-z_][\w.]*=", argument) is not None
            if follows_set and is_assignment and spread[-1] != "--set":
                spread.append("--set")
            spread.append(argument)
            follows_set = argument == "--set" or (follows_set and is_assignment)
        return super().parse_args(ctx, spread)


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A recipe, a TOML file such as zoo/ner_pt.toml.")],
    train_file: Annotated[
        str | None, typer.Option("--train", metavar="F", help="Train on this file instead of the recipe's.")
    ] = None,
    validation_file: Annotated[
        str | None, typer.Option("--validation", metavar="F", help="Choose the best weights on this file.")
    ] = None,
    test_file: Annotated[
        str | None, typer.Option("--test", metavar="F", help="Give the final scores on this file.")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="key=value ...", help="Change values of the recipe: --set fit.epochs=3 seed=2."),
    ] = None,
    run_dir: Annotated[
        Path | None,
        typer.Option("--run-dir", metavar="D", help="Where everything is written. By default runs/<recipe name>."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in that folder, from its last checkpoint.")
    ] = False,
    data_dir: DataDirectory = None,
    strict: Strict = False,
    quiet: Quiet = False,
) -> None:
    """Train the model of a recipe; it leaves the resolved recipe, scores, weights and TensorBoard files in a folder."""
    start_frameworks()
    from keras_seq.tasks import family_named
    from keras_seq.tasks import train as train_task
    from keras_seq.training import Recipe, TrainingInterrupted

    original = Recipe.load(recipe)
    files = zip(SPLITS, (train_file, validation_file, test_file), strict=True)
    overrides = [f"data.{split}={json.dumps(file, ensure_ascii=False)}" for split, file in files if file is not None]
    if strict:
        if "strict" not in type(original.data).model_fields:
            raise InputError(f"--strict is of folders of files; a {original.task} reads none: leave it out")
        overrides.append("data.strict=true")
    # TOML escapes as JSON does, but for characters beyond 16 bits: those stay as they are.
    resolved = original.override([*(assignments or []), *overrides])
    folder = run_dir if run_dir is not None else Path("runs") / resolved.name
    try:
        metrics = train_task(resolved, folder, resume=resume, quiet=quiet, data_directory=data_dir)
    except TrainingInterrupted as error:
        notify(str(error))
        raise typer.Exit(EXIT_INTERRUPTED) from None
    show_result(metrics, folder)
    if original.override(["data.strict=true"] if strict else []).data == resolved.data:
        lower_is_better = family_named(resolved.task).lower_is_better
        for line in compared_with_expected(resolved.expected.scores, metrics, lower_is_better):
            say(line)


def show_result(metrics: Mapping[str, Any], folder: Path) -> None:
    """Print the scores of a run, where things are, and what can be done with them."""
    from keras_seq.tasks import family_named
    from keras_seq.tasks.capabilities import Exports, has
    from keras_seq.training import RunDirectory

    splits = [split for split in ("validation", "test") if split in metrics]
    for split in splits:
        # The types or classes of the last one will do.
        print_scores(split, metrics[split] if split == splits[-1] else without_groups(metrics[split]))
    minutes, seconds = divmod(round(metrics["training_seconds"]), 60)
    say(
        f"{metrics['parameters']:,} parameters; best of {metrics['epochs']} epochs is {metrics['best_epoch']}; "
        f"{minutes} min {seconds:02d} s of training"
    )
    place = shlex.quote(str(folder))
    shown = [entry for entry in sorted(folder.iterdir()) if not entry.name.startswith(".")]
    names = ", ".join(f"{entry.name}/" if entry.is_dir() else entry.name for entry in shown)
    say(f"Everything is in {folder}: {names}")
    curves = RunDirectory(folder).tensorboard_path
    if curves.is_dir():
        say(f"  tensorboard --logdir {shlex.quote(str(curves))}")
    say(f"  keras-seq evaluate {place}")
    if has(family_named(metrics["task"]).task, Exports):
        say(f"  keras-seq export {place} --to saved_models/{shlex.quote(folder.resolve().name)}")


def compared_with_expected(
    expected: Mapping[str, float], metrics: Mapping[str, Any], lower_is_better: Collection[str] = ()
) -> list[str]:
    """One line for each score that the recipe expects: whether this run reached it.

    Args:
        expected: Metric -> score on the test data (validation data where there is no test file). `validation.` or
            `test.` before the metric names the data.
        metrics: What `train` returned.
        lower_is_better: The scores of which less is better.
    """
    default = "test" if "test" in metrics else "validation"
    lines = []
    for key, score in expected.items():
        split, _, name = key.rpartition(".")
        split = split or default
        reached = metrics.get(split, {}).get(name)
        if isinstance(reached, float):
            short = reached - score if name in lower_is_better else score - reached
            # Recipes give scores with four places.
            short = round(short, 4)
            verdict = "reached" if short <= 0 else f"missed by {short:.4f}"
            lines.append(f"Expected {split} {name} {score:.4f}: {verdict} ({reached:.4f})")
    return lines
