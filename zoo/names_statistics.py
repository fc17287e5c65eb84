"""Generate names at three temperatures and measure how many are new, how many differ, and how long they are.

    KERAS_SEQ_DATA=DIR python zoo/names_statistics.py names_pt
    python zoo/names_statistics.py runs/mine --data names_pt/train.txt --column '' --split '' --count 500

Writes zoo/names_statistics.csv, in which a row replaces an older one of the same model and temperature, and
docs/images/names_lengths.png, of the model that was measured. The names of --data are those the model was trained on:
by default the training split of names-br, as `keras_seq.data.read_examples` makes it.
"""

import argparse
import csv
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "zoo" / "names_statistics.csv"
PICTURE = ROOT / "docs" / "images" / "names_lengths.png"
TEMPERATURES = (0.5, 0.8, 1.0)
SCORES = (
    *("share_new", "share_distinct", "length_mean", "length_sd", "real_length_mean", "real_length_sd"),
    "length_distance",
)
COLUMNS = ("model", "data", "temperature", "count", *SCORES, "seed")


def measure(
    generate: Callable[..., list[str]], training: Sequence[str], *, count: int, seed: int
) -> dict[float, dict[str, Any]]:
    """Temperature -> the scores of so many generated names, as `keras_seq.metrics.generation_scores` has them.

    Args:
        generate: Takes a prefix, `count`, `temperature` and `seed`, and gives names.
        training: The names that the model was trained on.
        count: Names for each temperature.
        seed: Decides what is drawn.
    """
    from keras_seq.metrics import generation_scores

    return {
        temperature: generation_scores(generate("", count=count, temperature=temperature, seed=seed), training)
        for temperature in TEMPERATURES
    }


def write_table(rows: list[dict[str, Any]], path: Path) -> None:
    """Write the rows, in place of older ones of the same model and temperature."""
    kept: dict[tuple[str, str], dict[str, Any]] = {}
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            kept = {(row["model"], row["temperature"]): row for row in csv.DictReader(file)}
    kept |= {(row["model"], row["temperature"]): row for row in rows}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept.values())


def draw_lengths(scores: dict[float, dict[str, Any]], title: str, path: Path) -> None:
    """Draw the shares of lengths: bars for the real names, a line for each temperature."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 4.0), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    real = next(iter(scores.values()))["real_lengths"]
    found = [*real, *(length for each in scores.values() for length in each["lengths"])]
    lengths = range(min(found), max(found) + 1)
    axes.bar(lengths, [real.get(length, 0.0) for length in lengths], color="lightgrey", label="real names")
    colours = ("tab:blue", "tab:green", "tab:red")
    for (temperature, each), colour in zip(scores.items(), colours, strict=True):
        shares = [each["lengths"].get(length, 0.0) for length in lengths]
        label = f"temperature {temperature}: {each['share_new']:.0%} new, {each['share_distinct']:.0%} distinct"
        axes.plot(lengths, shares, marker="o", markersize=3, color=colour, label=label)
    axes.set_xticks(lengths)
    axes.set_xlabel("letters")
    axes.set_ylabel("share of names")
    axes.set_title(title, fontsize=10)
    axes.legend(fontsize=8)
    figure.savefig(path)


def main() -> int:
    """Generate, measure, write the table and the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a name, a run directory, or a SavedModel")
    parser.add_argument("--data", default="names-br/names.tsv", help="the names that it was trained on")
    parser.add_argument("--column", default="name", help="the column of the names; '' for plain lines")
    parser.add_argument("--split", default="train", help="the split of the names; '' for all of the file")
    parser.add_argument("--letter-case", default="title")
    parser.add_argument("--count", type=int, default=5000, help="names for each temperature")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from keras_seq.data import find_data, read_examples
    from keras_seq.tasks import load

    training = list(
        read_examples(
            find_data(options.data),
            column=options.column or None,
            split=options.split or None,
            letter_case=options.letter_case,
        )
    )
    model = load(options.model)
    scores = measure(model.generate, training, count=options.count, seed=options.seed)
    of_all = {"model": model.name, "data": options.data, "count": options.count, "seed": options.seed}
    rows = [
        {**of_all, "temperature": str(temperature), **{name: f"{each[name]:.4f}" for name in SCORES}}
        for temperature, each in scores.items()
    ]
    write_table(rows, TABLE)
    draw_lengths(scores, f"{model.name}: lengths of {options.count:,} generated names", PICTURE)
    for row in rows:
        sys.stdout.write("  ".join(f"{name} {row[name]}" for name in ("temperature", *SCORES)) + "\n")
    sys.stdout.write(f"Written: {TABLE.relative_to(ROOT)}, {PICTURE.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
