"""A tiny n-gram model and its data: what the tests of all families train."""

from pathlib import Path
from typing import Any

TEXT = "ana\nrui\neva\n"


def write(folder: Path) -> dict[str, Any]:
    """Write the data; give the recipe."""
    (folder / "train.txt").write_text(20 * TEXT, encoding="utf-8")
    (folder / "test.txt").write_text(2 * TEXT, encoding="utf-8")
    return {
        "task": "ngram_language_model",
        "data": {"train": "train.txt", "test": "test.txt", "held_out": 0.25},
        "language": {"unit": "character"},
    }
