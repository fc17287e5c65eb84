"""Write a row of zoo/results.csv from the runs of one recipe with several seeds, and refresh README.md.

    python zoo/record_results.py runs/ner_pt_1 runs/ner_pt_2 runs/ner_pt_3 --model ner_pt

Mean and standard deviation (of the sample; empty for one run) are of the test scores. A row of the same model and data
is replaced. The time is that of the run given by --timed, by default the last one: it should have had the machine to
itself.
"""

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "zoo" / "results.csv"


def row_of_runs(runs: list[Path], model: str, metric: str, timed: Path) -> dict[str, str]:
    """The row for runs that differ in nothing but their seed."""
    recipes = [tomllib.loads((run / "recipe.toml").read_text(encoding="utf-8")) for run in runs]
    if any({**recipe, "seed": 0} != {**recipes[0], "seed": 0} for recipe in recipes):
        raise SystemExit("The runs must be of one recipe and differ in the seed alone: compare their recipe.toml.")
    metrics = [json.loads((run / "metrics.json").read_text(encoding="utf-8")) for run in runs]
    scores = [found["test"][metric] for found in metrics]
    shown = json.loads((timed / "metrics.json").read_text(encoding="utf-8"))
    data = recipes[0]["data"]
    own = tomllib.loads((ROOT / "zoo" / f"{recipes[0]['name']}.toml").read_text(encoding="utf-8"))["data"]
    changed = [f"--{split} {data[split]}" for split in ("train", "validation", "test") if data[split] != own[split]]
    return {
        "model": model,
        "task": recipes[0]["task"],
        "data": data["test"].split("/")[0],
        "split": data["test"],
        "metric": metric,
        "seeds": " ".join(str(recipe["seed"]) for recipe in recipes),
        "mean": f"{statistics.mean(scores):.4f}",
        "standard_deviation": f"{statistics.stdev(scores):.4f}" if len(scores) > 1 else "",
        "parameters": str(shown["parameters"]),
        "training_seconds": f"{shown['training_seconds']:.0f}",
        "cpu": shown["cpu"],
        "command": " ".join(["keras-seq", "train", f"zoo/{recipes[0]['name']}.toml", *changed, "--set", "seed=SEED"]),
        "date": shown["date"],
    }


def main() -> int:
    """Read the runs, write the row, refresh the README."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--metric", default="entity_f1")
    parser.add_argument("--timed", type=Path)
    options = parser.parse_args()
    row = row_of_runs(options.runs, options.model, options.metric, options.timed or options.runs[-1])
    with RESULTS.open(encoding="utf-8", newline="") as file:
        rows = [
            other for other in csv.DictReader(file) if (other["model"], other["data"]) != (row["model"], row["data"])
        ]
    rows = sorted([*rows, row], key=lambda other: (other["model"], other["data"]))
    with RESULTS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    sys.stdout.write("".join(f"{key}: {value}\n" for key, value in row.items()))
    return subprocess.call([sys.executable, str(ROOT / "zoo" / "refresh_readme.py")])


if __name__ == "__main__":
    sys.exit(main())
