"""A tiny language model and its data: what the tests of all families train."""

from pathlib import Path
from typing import Any

TEXT = "ana\nrui\neva\n"


def write(folder: Path) -> dict[str, Any]:
    """Write the data; give the recipe."""
    (folder / "train.txt").write_text(20 * TEXT, encoding="utf-8")
    (folder / "test.txt").write_text(2 * TEXT, encoding="utf-8")
    return {
        "task": "language_model",
        "data": {"train": "train.txt", "test": "test.txt", "held_out": 0.25},
        "language": {"unit": "character", "window": 8},
        "model": {"builder": "language_model", "arguments": {"units": 4, "embedding_dim": 4}},
        "batching": {"batch_size": 2},
    }
