"""Write a row of zoo/results.csv from the runs of one recipe, and refresh README.md.

    python zoo/record_results.py runs/ner_pt_1 runs/ner_pt_2 runs/ner_pt_3 --model ner_pt

The runs differ in the seed, or, where the data has folds, in the fold. Mean and standard deviation (of the sample;
empty for one run) are of the test scores; where the data has no test split, of the validation scores. A row of the same
model, data and metric is replaced. The time is that of the run given by --timed, by default the last one: it should
have had the machine to itself.
"""

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from keras_seq.data import list_datasets

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "zoo" / "results.csv"


def row_of_runs(runs: list[Path], model: str, metric: str, timed: Path) -> dict[str, str]:
    """The row for runs that differ in nothing but their seed or fold."""
    recipes = [tomllib.loads((run / "recipe.toml").read_text(encoding="utf-8")) for run in runs]
    if any(_without_seed_and_fold(recipe) != _without_seed_and_fold(recipes[0]) for recipe in recipes):
        raise SystemExit(
            "The runs must be of one recipe and differ in the seed or the fold alone: compare their recipe.toml."
        )
    folds = sorted({recipe["data"]["fold"] for recipe in recipes if "fold" in recipe["data"]})
    seeds = list(dict.fromkeys(str(recipe["seed"]) for recipe in recipes))
    if len(runs) != max(len(folds), 1) * len(seeds):
        raise SystemExit("Each seed needs one run, or with folds one run of every fold: leave out what is twice there.")
    metrics = [json.loads((run / "metrics.json").read_text(encoding="utf-8")) for run in runs]
    scored = "test" if "test" in metrics[0] else "validation"
    scores = [found[scored][metric] for found in metrics]
    shown = json.loads((timed / "metrics.json").read_text(encoding="utf-8"))
    data = recipes[0]["data"]
    own = tomllib.loads((ROOT / "zoo" / f"{recipes[0]['name']}.toml").read_text(encoding="utf-8"))["data"]
    splits = ("train", "validation", "test")
    changed = [f"--{split} {data[split]}" for split in splits if data.get(split) != own.get(split)]
    test = data.get(scored, data["train"])
    split = test
    if folds:
        split = f"{test}, {len(folds)} folds"
    elif scored not in data:
        by_hash = recipes[0].get("language", {}).get("layout") == "lines"
        split = f"{test}, {'5% by hash' if by_hash else 'last ' + format(data['held_out'], '.0%')}"
    varied = ["seed=SEED", *(["data.fold=FOLD"] if folds else [])]
    return {
        "model": model,
        "task": recipes[0]["task"],
        "data": _data_name(test),
        "split": split,
        "metric": metric,
        "seeds": " ".join(seeds),
        "mean": f"{statistics.mean(scores):.4f}",
        "standard_deviation": f"{statistics.stdev(scores):.4f}" if len(scores) > 1 else "",
        "parameters": str(shown["parameters"]),
        "training_seconds": f"{shown['training_seconds']:.0f}",
        "cpu": shown["cpu"],
        "command": " ".join(["keras-seq train", f"zoo/{recipes[0]['name']}.toml", *changed, "--set", *varied]),
        "date": shown["date"],
    }


def _without_seed_and_fold(recipe: dict[str, Any]) -> dict[str, Any]:
    return {**recipe, "seed": 0, "data": {**recipe["data"], "fold": 0}}


def _data_name(reference: str) -> str:
    """The name of the data set that a file belongs to; several may share a folder."""
    folder, _, file_name = reference.partition("/")
    names = [dataset.name for dataset in list_datasets() if dataset.directory == folder and file_name in dataset.files]
    return names[0] if names else folder


def _key(row: dict[str, str]) -> tuple[str, ...]:
    return row["model"], row["data"], row["metric"]


def main() -> int:
    """Read the runs, write the row, refresh the README."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--metric", help="by default the one that the recipe watches")
    parser.add_argument("--timed", type=Path)
    options = parser.parse_args()
    recipe = tomllib.loads((options.runs[0] / "recipe.toml").read_text(encoding="utf-8"))
    metric = options.metric or recipe["fit"]["monitor"]
    row = row_of_runs(options.runs, options.model, metric, options.timed or options.runs[-1])
    with RESULTS.open(encoding="utf-8", newline="") as file:
        rows = [other for other in csv.DictReader(file) if _key(other) != _key(row)]
    rows = sorted([*rows, row], key=_key)
    with RESULTS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    sys.stdout.write("".join(f"{key}: {value}\n" for key, value in row.items()))
    return subprocess.call([sys.executable, str(ROOT / "zoo" / "refresh_readme.py")])


if __name__ == "__main__":
    sys.exit(main())
