"""The command `keras-seq`."""

from typing import Annotated

import typer

from keras_seq import __version__
from keras_seq.cli import (
    data_commands,
    evaluate_command,
    export_command,
    generate_command,
    list_command,
    predict_command,
    recipe_command,
    train_command,
)
from keras_seq.cli.errors import DEBUG, DEBUG_VARIABLE, CommandGroup
from keras_seq.cli.options import examples

app = typer.Typer(
    name="keras-seq",
    cls=CommandGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "keras-seq train zoo/ner_pt.toml --run-dir runs/ner_pt",
        "keras-seq evaluate runs/ner_pt",
        "keras-seq export runs/ner_pt --to saved_models/ner_pt",
        'keras-seq predict saved_models/ner_pt "O juiz Paulo Souza decidiu em Brasília."',
    ),
)
app.command("list", epilog=list_command.EPILOG)(list_command.list_zoo)
app.add_typer(data_commands.app, name="data")
app.command("recipe", epilog=recipe_command.EPILOG)(recipe_command.recipe)
app.command("train", cls=train_command.TrainCommand, epilog=train_command.EPILOG)(train_command.train)
app.command("evaluate", epilog=evaluate_command.EPILOG)(evaluate_command.evaluate)
app.command("predict", epilog=predict_command.EPILOG)(predict_command.predict)
app.command("generate", epilog=generate_command.EPILOG)(generate_command.generate)
app.command("export", epilog=export_command.EPILOG)(export_command.export)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        print(f"keras-seq {__version__}")
        raise typer.Exit


@app.callback()
def keras_seq(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[
        bool,
        typer.Option(DEBUG, envvar=DEBUG_VARIABLE, help="Show the cause of an error, too; may stand anywhere."),
    ] = False,
) -> None:
    """Sequence models for Keras: train on your files, score, predict, export a SavedModel that takes raw text."""


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
