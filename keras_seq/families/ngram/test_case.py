"""A tiny n-gram model and its data: what the tests of all families train."""

from pathlib import Path
from typing import Any


def write(folder: Path) -> dict[str, Any]:
    """Write the data; give the recipe."""
    for name, times in (("train", 20), ("test", 2)):
        (folder / f"{name}.txt").write_text(times * "ana\nrui\neva\n", encoding="utf-8")
    return {
        "task": "ngram_language_model",
        "data": {"train": "train.txt", "test": "test.txt", "held_out": 0.25},
        "language": {"unit": "character"},
    }
