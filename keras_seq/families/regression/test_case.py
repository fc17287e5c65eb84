"""A tiny regressor and its data: what the tests of all families train."""

from pathlib import Path
from typing import Any


def write(folder: Path) -> dict[str, Any]:
    """Write the data; give the recipe."""
    rows = [f"{number % 5}\t{'good ' * (number % 5)}film {number}\n" for number in range(40)]
    (folder / "train.tsv").write_text("".join(rows), encoding="utf-8")
    (folder / "test.tsv").write_text("".join(rows[:5]), encoding="utf-8")
    return {
        "task": "regressor",
        "data": {"train": "train.tsv", "test": "test.tsv", "held_out": 0.3},
        "model": {"builder": "sentiment_model", "arguments": {"embedding_dim": 4}},
    }
