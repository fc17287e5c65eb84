"""What is known of a run or an exported model besides its weights: its recipe and its card."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tomli_w

from keras_seq.cli.recipe_command import ZOO
from keras_seq.core.errors import InputError, RunError
from keras_seq.core.files import atomic_write
from keras_seq.core.reading import parse_toml
from keras_seq.data import Dataset, list_datasets
from keras_seq.export import write_golden
from keras_seq.export.manifest import is_of_version
from keras_seq.tasks.card_sentences import limits_for
from keras_seq.tasks.loading import find_model
from keras_seq.tasks.registry import family_named
from keras_seq.training import KerasRecipe, Recipe, RunDirectory
from keras_seq.zoo.cards import CARD_FILE, DatasetCard, ModelCard

# What a card takes over from `metrics.json` as it is.
CARD_METRICS = ("parameters", "training_seconds", "cpu", "versions", "date")


def recipe_of(run_or_model: str) -> Recipe | None:
    """The recipe that a run directory or an exported model was trained with, or `None` when it is not kept there.

    Raises:
        InputError: if there is no such model, or its card is broken.
    """
    folder = Path(run_or_model)
    if (folder / "recipe.toml").is_file():
        return RunDirectory(folder).recipe
    card = card_of(folder if folder.is_dir() else find_model(run_or_model))
    if card is None:
        return None
    try:
        values = parse_toml(card.recipe)
    except ValueError as error:
        raise InputError(f"{run_or_model}: the recipe in its card is no TOML ({error}); export it again") from None
    return Recipe.from_dict(values, source=card.name, stored=True)


def card_of(folder: Path) -> ModelCard | None:
    """The card of an exported model; `folder` is that of the model or of one version.

    `None` where there is no card, or only that of a later version.
    """
    for place in (folder, folder.resolve().parent):
        if (place / CARD_FILE).is_file():
            is_its = place == folder or is_of_version(place / CARD_FILE, folder)
            return ModelCard.load(place / CARD_FILE) if is_its else None
    return None


def files_beside(run: RunDirectory, task: Any, name: str) -> dict[str, Callable[[Path], None]]:
    """What stands beside the versions of an exported model: its card, as JSON and rendered, and golden outputs.

    Args:
        run: The run directory that the model comes from.
        task: The loaded model.
        name: What the exported model is called.

    Returns:
        File name -> function that writes it.
    """
    return beside_of_card(card_of_run(run, name), task)


def beside_of_card(card: ModelCard, task: Any) -> dict[str, Callable[[Path], None]]:
    """As `files_beside`, of a card that is there already."""

    def write_page(path: Path) -> None:
        with atomic_write(path, "w") as file:
            file.write(card.render())

    return {
        CARD_FILE: card.save,
        "README.md": write_page,
        "golden.npz": lambda path: write_golden(path, task.served, task.golden_samples()),
    }


def card_of_run(run: RunDirectory, name: str) -> ModelCard:
    """The card of a run that has ended.

    Raises:
        RunError: if the run has not ended, or its metrics lack what a card states.
    """
    recipe, metrics = run.recipe.with_files(_published), run.read_metrics()
    family = family_named(recipe.task)
    split = "test" if "test" in metrics else "validation"
    missing = [key for key in (split, *CARD_METRICS) if key not in metrics]
    if missing:
        raise RunError(f"{run.metrics_path}: lacks {', '.join(missing)}; train again")
    return ModelCard(
        name=name,
        task=recipe.task,
        builder=recipe.model.builder if isinstance(recipe, KerasRecipe) else recipe.task,
        description=recipe.description or f"A model of the task {recipe.task}, trained by the recipe {recipe.name}.",
        language=recipe.data.language,
        data=dataset_card(recipe),
        recipe=tomli_w.dumps(recipe.to_dict()),
        seeds=(recipe.seed,),
        command=_command(recipe),
        metrics={key: value for key, value in metrics[split].items() if isinstance(value, float)},
        **{key: metrics[key] for key in CARD_METRICS},
        limitations=(family.limits or limits_for(family.unit))(recipe, split),
    )


def _command(recipe: Recipe) -> str:
    """What trains it again: a recipe of the zoo where that differs in the seed alone, else the recipe in the card."""
    path = ZOO / f"{recipe.name}.toml"
    if path.is_file():
        # These decide no score, or are in the command.
        same = {key: getattr(recipe, key) for key in ("seed", "description", "expected")}
        if Recipe.load(path).model_copy(update=same) == recipe:
            return f"keras-seq train zoo/{path.name} --set seed={recipe.seed}"
    return "keras-seq train recipe.toml"


def _published(reference: str) -> str:
    """A reference as a card gives it: one below a folder of data sets finds the file again; others name no folder."""
    path = Path(reference)
    return path.name if path.is_absolute() or ".." in path.parts or reference.startswith("~") else reference


def _dataset_of(reference: str) -> Dataset | None:
    """The registered data set that a reference names."""
    folder, _, file_name = reference.partition("/")
    for dataset in list_datasets():
        if dataset.directory == folder and file_name.removesuffix(".gz") in dataset.files:
            return dataset
    return None


def dataset_card(recipe: Recipe) -> DatasetCard:
    """What a card says of the data that a recipe names."""
    of_data = {key.removeprefix("data."): file for key, file in recipe.files().items() if key.startswith("data.")}
    parts = [f"{key.replace('_', ' ')}: {reference}" for key, reference in of_data.items()]
    split = ", ".join([*parts, *recipe.data_remarks()])
    train = recipe.data.train
    dataset = _dataset_of(train)
    if dataset is None:
        return DatasetCard(name=train, split=split, licence="not stated")
    further = [reference for key, reference in recipe.files().items() if not key.startswith("data.")]
    others = {other.name: other for other in map(_dataset_of, further) if other not in (None, dataset)}
    licence = "; ".join([dataset.licence, *(f"{name}: {other.licence}" for name, other in others.items())])
    citation = "; ".join([dataset.citation, *(other.citation for other in others.values())])
    url = dataset.files[train.partition("/")[2].removesuffix(".gz")].url
    return DatasetCard(name=dataset.name, split=split, licence=licence, citation=citation, url=url)
