"""Train every architecture for every task, on one data set each or more, and write one table.

    KERAS_SEQ_DATA=DIR python zoo/architecture_table.py
    python zoo/architecture_table.py --datasets sick --architectures GRU bag

Reads zoo/architecture_table.toml; writes zoo/architecture_table.csv and docs/architectures.md. A row that is there is
not trained again, and a run that was stopped goes on: run it again after a stop. To train a row anew, delete it and its
folder in --run-dir. The scores are of the test data, with the weights of the best epoch on the validation data.
"""

import argparse
import csv
import inspect
import os
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ROOT / "zoo" / "architecture_table.toml"
TABLE = ROOT / "zoo" / "architecture_table.csv"
PAGE = ROOT / "docs" / "architectures.md"
KEY = ("task", "data", "architecture", "seed")
COLUMNS = (*KEY, "metric", "score", "parameters", "best_epoch", "training_seconds", "cpu")
INTRODUCTION = """# Architectures and tasks

Written by `python zoo/architecture_table.py`, which trains each encoder for each task by one recipe
([zoo/architecture_table.toml](../zoo/architecture_table.toml)): words alone, vectors that begin random, one layer. It
shows what the architecture brings by itself; the recipes of the zoo do better. The scores are of test data, with the
weights of the best epoch on validation data. One run each: differences below about 0.01 (tweets: 0.03) are noise. The
best of a row is bold; "-" was not tried. Seeds, parameters and times are in
[zoo/architecture_table.csv](../zoo/architecture_table.csv).
"""


def cells_of(settings: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """What the table is to hold: task, data set, architecture and seed of each row."""
    return [
        (of_data["task"], data, architecture, str(seed))
        for data, of_data in settings["datasets"].items()
        for architecture in of_data.get("architectures", settings["architectures"])
        for seed in settings["seeds"]
    ]


def recipe_values(settings: dict[str, Any], data: str, architecture: str, seed: int) -> dict[str, Any]:
    """The recipe of one row, as `keras_seq.training.Recipe.from_dict` takes it."""
    from keras_seq.zoo import get_builder

    of_data = settings["datasets"][data]
    of_task = settings["tasks"][of_data["task"]]
    known = inspect.signature(get_builder(of_task["builder"])).parameters
    arguments = {**of_task["arguments"], **settings["architectures"][architecture]}
    name = "".join(letter if letter.isalnum() else "_" for letter in f"{data}.{architecture}.{seed}".lower())
    sections = {
        key: value for key, value in of_data.items() if key not in ("task", "epochs", "metric", "architectures")
    }
    return {
        **settings["base"],
        **sections,
        "task": of_data["task"],
        "name": name,
        "seed": seed,
        # A tagger has nothing to pool.
        "model": {"builder": of_task["builder"], "arguments": {k: v for k, v in arguments.items() if k in known}},
        "fit": {"epochs": of_data["epochs"], "monitor": of_data["metric"]},
    }


def train_cell(settings: dict[str, Any], cell: tuple[str, str, str, str], folder: Path) -> dict[str, Any]:
    """Train one row, or go on with it where it was stopped."""
    from keras_seq.tasks import train
    from keras_seq.training import Recipe

    _, data, architecture, seed = cell
    metric = settings["datasets"][data]["metric"]
    recipe = Recipe.from_dict(recipe_values(settings, data, architecture, int(seed)))
    run = folder / recipe.name
    metrics = train(recipe, run, resume=run.exists(), quiet=not sys.stderr.isatty())
    return {
        **dict(zip(KEY, cell, strict=True)),
        "metric": metric,
        "score": f"{metrics['test'][metric]:.4f}",
        **{key: metrics[key] for key in ("parameters", "best_epoch", "cpu")},
        "training_seconds": f"{metrics['training_seconds']:.0f}",
    }


def read_table(path: Path) -> dict[tuple[str, ...], dict[str, Any]]:
    """The rows of the table by what they are of."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {tuple(row[key] for key in KEY): row for row in csv.DictReader(file)}


def write_table(rows: dict[tuple[str, ...], dict[str, Any]], path: Path) -> None:
    """Write the rows."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows.values())


def page_of(rows: list[dict[str, Any]]) -> str:
    """The table as Markdown: for each task a row for each data set, a column for each architecture, means of seeds."""
    scores: dict[tuple[str, str, str], list[float]] = {}
    for row in rows:
        scores.setdefault((row["task"], row["data"], row["architecture"]), []).append(float(row["score"]))
    columns = list(dict.fromkeys(row["architecture"] for row in rows))
    lines = [INTRODUCTION]
    for task in dict.fromkeys(row["task"] for row in rows):
        lines += [f"## {task}", "", f"| data | score | {' | '.join(columns)} |", "|---" * (2 + len(columns)) + "|"]
        for data, metric in dict.fromkeys((row["data"], row["metric"]) for row in rows if row["task"] == task):
            found = [scores.get((task, data, column)) for column in columns]
            means = [None if each is None else sum(each) / len(each) for each in found]
            best = max(mean for mean in means if mean is not None)
            shown = ["-" if mean is None else f"**{mean:.3f}**" if mean == best else f"{mean:.3f}" for mean in means]
            lines.append(f"| {data} | {metric} | {' | '.join(shown)} |")
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    """Train what is missing, write the table and the page."""
    settings = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("datasets", "architectures"):
        parser.add_argument(f"--{name}", nargs="+", choices=list(settings[name]), default=list(settings[name]))
    parser.add_argument("--run-dir", type=Path, default=ROOT / "build" / "architecture_table")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    chosen = [cell for cell in cells_of(settings) if cell[1] in options.datasets and cell[2] in options.architectures]
    missing = [cell for cell in chosen if cell not in read_table(TABLE)]
    for number, cell in enumerate(missing, start=1):
        row = train_cell(settings, cell, options.run_dir)
        write_table({**read_table(TABLE), cell: row}, TABLE)
        shown = f"{' '.join(cell)}  {row['metric']} {row['score']}  {row['training_seconds']} s"
        sys.stdout.write(f"{number}/{len(missing)}  {shown}\n")
        sys.stdout.flush()
    PAGE.write_text(page_of(list(read_table(TABLE).values())), encoding="utf-8")
    sys.stdout.write(f"Written: {TABLE.relative_to(ROOT)}, {PAGE.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
