"""What is known of a run or an exported model besides its weights: its recipe and its card."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keras_seq.core.errors import InputError
from keras_seq.data import list_datasets
from keras_seq.export import write_golden
from keras_seq.export.verify import read_signatures
from keras_seq.tasks.load import find_model, model_folders
from keras_seq.training import Recipe, RunDirectory
from keras_seq.zoo.cards import DatasetCard, ModelCard

CARD_FILE = "card.json"


def recipe_of(run_or_model: str) -> Recipe | None:
    """The recipe that a run directory or an exported model was trained with, or `None` when it is not kept there.

    Raises:
        InputError: When there is no such model, or its card is broken.
    """
    folder = Path(run_or_model)
    if (folder / "recipe.toml").is_file():
        return RunDirectory(folder).recipe
    card = card_of(folder if folder.is_dir() else find_model(run_or_model))
    return None if card is None else Recipe.from_dict(tomllib.loads(card.recipe), source=card.name)


def card_of(folder: Path) -> ModelCard | None:
    """The card of an exported model; `folder` is that of the model or of one version."""
    for place in (folder, folder.resolve().parent):
        if (place / CARD_FILE).is_file():
            return ModelCard.load(place / CARD_FILE)
    return None


def trained_cards() -> list[ModelCard]:
    """The cards of all trained models at hand, by name; a broken card is passed over."""
    cards: dict[str, ModelCard] = {}
    for folder in reversed(model_folders()):
        for path in sorted(folder.glob(f"*/{CARD_FILE}")):
            try:
                cards[path.parent.name] = ModelCard.load(path)
            except InputError:
                continue
    return [cards[name] for name in sorted(cards)]


def files_beside(run: RunDirectory, task: Any, name: str) -> dict[str, Callable[[Path], None]]:
    """What stands beside the versions of an exported model: its card, as JSON and rendered, and golden outputs.

    Args:
        run: The run directory that the model comes from.
        task: The loaded model.
        name: What the exported model is called.

    Returns:
        File name -> function that writes it.
    """
    card = card_of_run(run, name)
    return {
        CARD_FILE: card.save,
        "README.md": lambda path: _write_text(path, card.render()),
        "golden.npz": lambda path: write_golden(path, task.functions),
    }


def card_of_run(run: RunDirectory, name: str) -> ModelCard:
    """The card of a run that has ended.

    Raises:
        RunError: When the run has not ended.
    """
    recipe, metrics = run.recipe, run.read_metrics()
    split = "test" if "test" in metrics else "validation"
    return ModelCard(
        name=name,
        task=recipe.task,
        builder=recipe.model.builder,
        description=recipe.description or f"A {recipe.task} trained by the recipe {recipe.name}.",
        language=recipe.data.language,
        data=_dataset_card(recipe),
        recipe=run.recipe_path.read_text(encoding="utf-8"),
        seeds=(recipe.seed,),
        command=f"keras-seq train zoo/{recipe.name}.toml --set seed={recipe.seed}",
        metrics={key: value for key, value in metrics[split].items() if isinstance(value, float)},
        parameters=metrics["parameters"],
        training_seconds=metrics["training_seconds"],
        cpu=metrics["cpu"],
        versions=metrics["versions"],
        date=metrics["date"],
        limitations=(f"Scores hold for text like that of its data ({split} file); text of another kind scores lower.",),
    )


def _dataset_card(recipe: Recipe) -> DatasetCard:
    files = recipe.data
    split = ", ".join(
        f"{name}: {reference}"
        for name, reference in (("train", files.train), ("validation", files.validation), ("test", files.test))
        if reference is not None
    )
    folder, _, file_name = files.train.partition("/")
    for dataset in list_datasets():
        if dataset.directory == folder and file_name.removesuffix(".gz") in dataset.files:
            url = next(iter(dataset.files[file_name.removesuffix(".gz")].urls), "")
            return DatasetCard(
                name=dataset.name, split=split, licence=dataset.licence, citation=dataset.citation, url=url
            )
    return DatasetCard(name=Path(files.train).name, split=split, licence="not stated")


def signatures_of(folder: Path) -> list[str]:
    """The signatures of a SavedModel as one would write a function: `serving_default(text: string[batch])`."""
    axes = ("batch", "steps")
    lines = []
    for name, inputs in read_signatures(folder).items():
        arguments = [
            f"{key}: {dtype}[{', '.join((*axes, *('...' for _ in range(dimensions or 0)))[: dimensions or 0])}]"
            for key, (dtype, dimensions) in inputs.items()
        ]
        lines.append(f"{name}({', '.join(arguments)})")
    return lines


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
