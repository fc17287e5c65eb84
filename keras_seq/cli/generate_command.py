"""`keras-seq generate`."""

import inspect
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from keras_seq.cli.options import RunOrModel, examples
from keras_seq.cli.printing import json_line, say
from keras_seq.cli.startup import start_frameworks
from keras_seq.core.checks import check_positive_integer, check_positive_number
from keras_seq.core.errors import InputError
from keras_seq.core.files import atomic_write, check_output
from keras_seq.core.notices import visible

EPILOG = examples(
    "keras-seq generate names_pt --prefix L --count 10 --temperature 0.8 --seed 1",
    "keras-seq generate runs/shakespeare --prefix 'ROMEO:' --max-length 400 --top-p 0.95",
    "keras-seq generate runs/machado --prefix 'A noite' --stop '\\n' --count 3 --json",
    "keras-seq generate chorales --max-length 128 --output tune.mid",
)
# Between texts that have several lines.
RULE = "-" * 40

MaxLength = Annotated[
    int | None,
    typer.Option("--max-length", metavar="N", help="The most symbols to add: characters, words or steps."),
]
Temperature = Annotated[
    float, typer.Option("--temperature", metavar="T", help="Below 1 likely symbols become likelier, above 1 rarer.")
]
TopP = Annotated[
    float | None,
    typer.Option("--top-p", metavar="P", help="Draw from the likeliest symbols that have this probability."),
]
Stop = Annotated[
    str | None, typer.Option("--stop", metavar="TEXT", help="A text ends before this; \\n is a line break.")
]
OutputFile = Annotated[
    Path | None,
    typer.Option("--output", metavar="F", help="Write there, not to stdout; of a music model a MIDI file (*.mid)."),
]


def generate(
    run_or_model: RunOrModel,
    prefix: Annotated[
        str, typer.Option("--prefix", metavar="TEXT", help="How each text begins; of a music model a MIDI file.")
    ] = "",
    count: Annotated[int, typer.Option("--count", metavar="N", help="How many texts.")] = 1,
    max_length: MaxLength = None,
    temperature: Temperature = 1.0,
    top_k: Annotated[
        int | None, typer.Option("--top-k", metavar="K", help="Draw from the K likeliest symbols alone.")
    ] = None,
    top_p: TopP = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="The same seed gives the same texts.")] = 0,
    stop: Stop = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line: prefix and text.")] = False,
    output_file: OutputFile = None,
) -> None:
    """Let a language model write on from a prefix, or a music model play."""
    check_positive_integer("count", count)
    check_positive_number("temperature", temperature)
    if output_file is not None:
        check_output(output_file)
    start_frameworks()
    from keras_seq.tasks import load
    from keras_seq.tasks.capabilities import Generates, WritesFiles, check_able, has

    task: Any = load(run_or_model)
    check_able(task, Generates, run_or_model, "`keras-seq generate`")
    options: dict[str, Any] = {"temperature": temperature, "seed": seed, "count": count}
    end = None if stop is None else stop.replace("\\n", "\n")
    chosen = {"max_length": max_length, "top_k": top_k, "top_p": top_p, "stop": end}
    options |= _options_of(task, run_or_model, {name: value for name, value in chosen.items() if value is not None})
    if not has(task, WritesFiles):
        texts = task.generate(prefix, **options)
        text = rendered(texts, prefix, as_json)
        if output_file is None:
            sys.stdout.write(visible(text))
            return
        with atomic_write(output_file, "w") as file:
            file.write(text)
        return
    if as_json:
        raise InputError(f"{run_or_model}: what it generates is no text; leave --json out")
    for path in task.output_paths(output_file, count):
        check_output(path, [prefix])
    for path in task.write_generated(output_file, task.generate(prefix, **options)):
        say(f"Written: {path}")


def rendered(texts: list[str], prefix: str, as_json: bool) -> str:
    """What is written: one text or one JSON object a line; a rule parts texts that have several lines."""
    if as_json:
        objects = ({"prefix": prefix, "text": text} for text in texts)
        return "".join(f"{json_line(each)}\n" for each in objects)
    between = f"\n{RULE}\n" if any("\n" in text for text in texts) else "\n"
    return between.join(texts) + "\n"


def _options_of(task: Any, run_or_model: str, chosen: dict[str, Any]) -> dict[str, Any]:
    """The options that were chosen, when the model takes them."""
    known = inspect.signature(task.generate).parameters
    for name in chosen:
        if name not in known:
            option = f"--{name.replace('_', '-')}"
            raise InputError(f"{run_or_model}: a model of the task {task.task} has no {option}; leave it out")
    return chosen
