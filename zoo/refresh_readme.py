"""Write the zoo table of README.md from zoo/results.csv, between the two marker comments.

Run it from anywhere: python zoo/refresh_readme.py [--check]
"""

import csv
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- zoo table: begin -->", "<!-- zoo table: end -->"
HEADER = (
    "| model | task | data (test split) | metric | mean ± deviation | seeds | parameters | training |\n"
    "|---|---|---|---|---|---|---|---|\n"
)


def render_table(rows: list[dict[str, str]]) -> str:
    """Return the Markdown table for the rows of results.csv."""
    lines = [
        f"| `{row['model']}` | {row['task']} | {shown_data(row)} | {row['metric']} "
        f"| {_score(row)} | {shown_runs(row)} "
        f"| {int(row['parameters']) / 1e6:.1f} M | {float(row['training_seconds']) / 60:.0f} min, {row['cpu']} |"
        for row in rows
    ]
    return HEADER + "".join(f"{line}\n" for line in lines)


def shown_runs(row: dict[str, str]) -> str:
    """The number of seeds, and of folds where the data has them."""
    folds = re.search(r"\d+ folds", row["split"])
    return f"{len(row['seeds'].split())}" + (f", {folds[0]}" if folds else "")


def shown_data(row: dict[str, str]) -> str:
    """The data set, and the part of it that was scored where it has no test split."""
    part = re.search(r", (last \d+%|5% by hash)$", row["split"])
    return row["data"] + (part[0] if part else "")


def _score(row: dict[str, str]) -> str:
    mean, deviation = row["mean"], row["standard_deviation"]
    # One run has no deviation.
    return f"{float(mean):.3f} ± {float(deviation):.3f}" if deviation else f"{float(mean):.3f}"


def refreshed(readme: str, rows: list[dict[str, str]]) -> str:
    """Return the text of the README with the table in place of the old one."""
    before, _, rest = readme.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"README.md must hold the lines {BEGIN!r} and {END!r}. Received: none or one. Put them back.")
    return f"{before}{BEGIN}\n{render_table(rows)}{END}{after}"


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of results.csv."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main() -> int:
    """Refresh the README, or with --check only say whether it is up to date."""
    readme = ROOT / "README.md"
    old = readme.read_text(encoding="utf-8")
    new = refreshed(old, read_rows(ROOT / "zoo" / "results.csv"))
    if "--check" in sys.argv[1:]:
        return int(old != new)
    readme.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
