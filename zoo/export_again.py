"""Export the shipped models anew, from their own weights, and say what has moved in what they answer.

What is shipped is today's: run it when served functions, cards or the form of exports have changed.

    python zoo/export_again.py                 all models of saved_models/
    python zoo/export_again.py ner_pt ner_en   some of them
"""

import argparse
import dataclasses
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

import numpy as np
import tomli_w

from keras_seq.cli.trained_models import beside_of_card, dataset_card
from keras_seq.core.reading import read_arrays
from keras_seq.export.stock_runtime import OUTPUTS, unpack
from keras_seq.tasks.card_sentences import limits_for
from keras_seq.tasks.registry import family_named
from keras_seq.tasks.trained_task import MODEL_FILE
from keras_seq.training import Recipe
from keras_seq.zoo.cards import ModelCard

SHIPPED = Path(__file__).resolve().parents[1] / "saved_models"


def renewed(card: ModelCard) -> ModelCard:
    """The card with what this version says of the recipe, the data and the scores; figures stay."""
    recipe = Recipe.from_dict(tomllib.loads(card.recipe), source=card.name, stored=True)
    family = family_named(card.task)
    return dataclasses.replace(
        card,
        recipe=tomli_w.dumps(recipe.to_dict()),
        data=dataset_card(recipe),
        limitations=(family.limits or limits_for(family.unit))(recipe, "test"),
    )


def export_again(folder: Path) -> dict[str, float]:
    """Export a model of a folder into this folder; what was there is replaced when all has been written and verified.

    Returns:
        Signature -> the largest difference between old and new golden outputs, NaN where their forms differ.
    """
    card = renewed(ModelCard.load(folder / "card.json"))
    task = family_named(card.task).task.load(folder, name=card.name)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as scratch:
        target = Path(scratch) / folder.name
        # The weights stay as they are, to the byte.
        weights = {MODEL_FILE: lambda path: path.write_bytes((folder / MODEL_FILE).read_bytes())}
        task.export(target, beside={**beside_of_card(card, task), **weights})
        moved = differences(folder / "golden.npz", target / "golden.npz")
        folder.rename(Path(scratch) / "old")
        shutil.move(target, folder)
    return moved


def differences(old: Path, new: Path) -> dict[str, float]:
    """Of each signature the largest difference between two golden files, over the samples that both have."""
    before, after = (_outputs(path) for path in (old, new))
    found: dict[str, float] = {}
    for key in before.keys() & after.keys():
        place = f"{key[0]}.{key[2]}"
        # Not `max`, which passes over NaN.
        found[place] = float(np.maximum(found.get(place, 0.0), _difference(before[key], after[key])))
    return dict(sorted(found.items()))


def _outputs(path: Path) -> dict[tuple[str, int, str], np.ndarray]:
    """(signature, which of its samples, output) -> array: a sample of another signature may have come between."""
    arrays = {tuple(key.split("/", 3)): array for key, array in unpack(read_arrays(path)).items()}
    samples: dict[str, list[int]] = {}
    for index, signature in sorted({(int(index), signature) for index, signature, *_ in arrays}):
        samples.setdefault(signature, []).append(index)
    return {
        (signature, samples[signature].index(int(index)), name): array
        for (index, signature, part, name), array in arrays.items()
        if part == OUTPUTS
    }


def _difference(old: np.ndarray, new: np.ndarray) -> float:
    if old.shape != new.shape:
        return float("nan")
    if old.dtype.kind not in "fiu":
        return float((old != new).any())
    return float(np.max(np.abs(old.astype("float64") - new), initial=0.0))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="by default all")
    names = parser.parse_args(arguments).names or sorted(path.name for path in SHIPPED.iterdir() if path.is_dir())
    for name in names:
        moved = export_again(SHIPPED / name)
        sys.stdout.write(f"{name}: {', '.join(f'{place} {value:.1e}' for place, value in moved.items())}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
