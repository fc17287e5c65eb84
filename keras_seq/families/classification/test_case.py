"""A tiny classifier and its data: what the tests of all families train."""

from pathlib import Path
from typing import Any

TEXTS = "good\ta good film\nbad\ta bad film\ngood\tgood story\nbad\tbad story\n"


def write(folder: Path) -> dict[str, Any]:
    """Write the data; give the recipe."""
    (folder / "train.tsv").write_text(3 * TEXTS, encoding="utf-8")
    (folder / "test.tsv").write_text(TEXTS, encoding="utf-8")
    return {
        "task": "classifier",
        "data": {"train": "train.tsv", "test": "test.tsv", "held_out": 0.25},
        "model": {"builder": "sentiment_model", "arguments": {"embedding_dim": 4}},
    }
