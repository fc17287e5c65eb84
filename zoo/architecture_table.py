"""Train every architecture on every data set, write one table and one picture.

    KERAS_SEQ_DATA=DIR python zoo/architecture_table.py
    python zoo/architecture_table.py --datasets sst2 r8 --architectures GRU mean

Reads zoo/architecture_table.toml; writes zoo/architecture_table.csv and docs/images/architecture_table.png. A cell that
is in --run-dir already is not trained again, one that was stopped goes on: run it again after a stop. The scores are of
the test data, with the weights of the best epoch on the validation data.
"""

import argparse
import csv
import os
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ROOT / "zoo" / "architecture_table.toml"
TABLE = ROOT / "zoo" / "architecture_table.csv"
PICTURE = ROOT / "docs" / "images" / "architecture_table.png"
COLUMNS = ("data", "architecture", "metric", "score", "seed", "parameters", "best_epoch", "training_seconds", "cpu")


def recipe_values(settings: dict[str, Any], data: str, architecture: str) -> dict[str, Any]:
    """The recipe of one cell, as `keras_seq.training.Recipe.from_dict` takes it."""
    base, of_data, of_model = settings["base"], settings["datasets"][data], settings["architectures"][architecture]
    arguments = {key: value for key, value in of_model.items() if key != "builder"}
    name = "".join(letter if letter.isalnum() else "_" for letter in f"{data}.{architecture}".lower()).strip("_")
    return {
        **base,
        "name": name,
        "seed": settings["seed"],
        "data": of_data["data"],
        "model": {"builder": of_model["builder"], "arguments": {**base["model"]["arguments"], **arguments}},
        "fit": {"epochs": of_data["epochs"], "monitor": of_data["metric"]},
    }


def train_cell(values: dict[str, Any], metric: str, data: str, architecture: str, folder: Path) -> dict[str, Any]:
    """Train one cell, or read it where it has been trained, and give its row."""
    from keras_seq.tasks import train
    from keras_seq.training import Recipe

    recipe = Recipe.from_dict(values)
    run = folder / recipe.name
    metrics = train(recipe, run, resume=run.exists(), quiet=not sys.stderr.isatty())
    return {
        "data": data,
        "architecture": architecture,
        "metric": metric,
        "score": f"{metrics['test'][metric]:.4f}",
        "seed": recipe.seed,
        **{key: metrics[key] for key in ("parameters", "best_epoch", "cpu")},
        "training_seconds": f"{metrics['training_seconds']:.0f}",
    }


def write_table(rows: list[dict[str, Any]], path: Path) -> None:
    """Write the rows, in place of older ones of the same cells."""
    kept: dict[tuple[str, str], dict[str, Any]] = {}
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            kept = {(row["data"], row["architecture"]): row for row in csv.DictReader(file)}
    kept |= {(row["data"], row["architecture"]): row for row in rows}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept.values())


def draw_table(rows: list[dict[str, str]], path: Path) -> None:
    """Draw the scores: a row for each data set, coloured by the distance to the best of the row."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(row["data"] for row in rows))
    columns = list(dict.fromkeys(row["architecture"] for row in rows))
    scores = {(row["data"], row["architecture"]): float(row["score"]) for row in rows}
    metrics = {row["data"]: row["metric"].replace("_", "-") for row in rows}
    figure = Figure(figsize=(1.6 + 1.15 * len(columns), 1.0 + 0.45 * len(names)), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    best = {name: max(score for (data, _), score in scores.items() if data == name) for name in names}
    shown = [[scores.get((name, column), float("nan")) - best[name] for column in columns] for name in names]
    axes.imshow(shown, cmap="Blues", vmin=-0.12, vmax=0.05, aspect="auto")
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(names)), [f"{name} ({metrics[name]})" for name in names])
    axes.tick_params(length=0)
    for row, name in enumerate(names):
        for column, architecture in enumerate(columns):
            score = scores.get((name, architecture))
            if score is not None:
                weight = "bold" if score == best[name] else "normal"
                axes.text(column, row, f"{score:.3f}", ha="center", va="center", fontsize=9, fontweight=weight)
    axes.set_title("Test scores; the best of each row in bold, paler = further from it", fontsize=9)
    figure.savefig(path)


def main() -> int:
    """Train what is missing, write the table and the picture."""
    settings = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", choices=list(settings["datasets"]), default=list(settings["datasets"]))
    parser.add_argument(
        "--architectures", nargs="+", choices=list(settings["architectures"]), default=list(settings["architectures"])
    )
    parser.add_argument("--run-dir", type=Path, default=ROOT / "build" / "architecture_table")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    cells = [(data, architecture) for data in options.datasets for architecture in options.architectures]
    for number, (data, architecture) in enumerate(cells, start=1):
        metric = settings["datasets"][data]["metric"]
        row = train_cell(recipe_values(settings, data, architecture), metric, data, architecture, options.run_dir)
        write_table([row], TABLE)
        seconds = row["training_seconds"]
        sys.stdout.write(f"{number}/{len(cells)}  {data}  {architecture}  {metric} {row['score']}  {seconds} s\n")
        sys.stdout.flush()
    with TABLE.open(encoding="utf-8", newline="") as file:
        draw_table(list(csv.DictReader(file)), PICTURE)
    sys.stdout.write(f"Written: {TABLE.relative_to(ROOT)}, {PICTURE.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
