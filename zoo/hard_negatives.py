"""Train the recipe clinc150 with hard negatives and with random ones, three seeds each, and write the table.

    KERAS_SEQ_DATA=DIR python zoo/hard_negatives.py

`triplet` compares each pair with the closest negative of the batch and with their mean, `random_triplet` with the next
pair of a shuffled batch; all else is as in zoo/clinc150.toml. Writes zoo/hard_negatives.csv: scores of the validation
queries, whose nearest neighbour is looked for among the training queries; the test split is not read. A run that is in
--run-dir already is not trained again, one that was stopped goes on.
"""

import csv
import os
import statistics
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

ROOT = Path(__file__).resolve().parent.parent
RECIPE = ROOT / "zoo" / "clinc150.toml"
TABLE = ROOT / "zoo" / "hard_negatives.csv"
OBJECTIVES, SEEDS = ("triplet", "random_triplet"), (1, 2, 3)
SCORES = ("recall_at_1", "mrr")
COLUMNS = ("objective", "seed", *SCORES, "epochs", "seconds")


def changes_of(objective: str, seed: int) -> list[str]:
    """What differs from the recipe, as `keras_seq.training.Recipe.override` takes it."""
    return [f"pairs.objective={objective}", f"seed={seed}", "data.test=none", "expected=none"]


def train_run(objective: str, seed: int, folder: Path) -> dict[str, Any]:
    """Train with one objective and seed, or read what has been trained, and give the row."""
    from keras_seq.tasks import train
    from keras_seq.training import Recipe

    run = folder / f"{objective}_{seed}"
    recipe = Recipe.load(RECIPE).override(changes_of(objective, seed))
    metrics = train(recipe, run, resume=run.exists(), quiet=not sys.stderr.isatty())
    return {
        "objective": objective,
        "seed": seed,
        **{name: f"{metrics['validation'][name]:.4f}" for name in SCORES},
        "epochs": metrics["epochs"],
        "seconds": f"{metrics['training_seconds']:.0f}",
    }


def summary(rows: list[dict[str, Any]]) -> list[str]:
    """Mean and standard deviation (of the sample) of the scores, a line for each objective."""
    lines = []
    for objective in dict.fromkeys(row["objective"] for row in rows):
        values = {name: [float(row[name]) for row in rows if row["objective"] == objective] for name in SCORES}
        shown = (f"{name} {statistics.mean(v):.4f} ± {statistics.stdev(v):.4f}" for name, v in values.items())
        lines.append(f"{objective}: {', '.join(shown)}")
    return lines


def main(
    run_dir: Annotated[Path, typer.Option(help="Where the runs are.")] = ROOT / "build" / "hard_negatives",
) -> None:
    """Train what is missing, write the table, print means and deviations."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    rows = [train_run(objective, seed, run_dir) for seed in SEEDS for objective in OBJECTIVES]
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: OBJECTIVES.index(row["objective"])))
    sys.stdout.write("".join(f"{line}\n" for line in summary(rows)))


if __name__ == "__main__":
    typer.run(main)
