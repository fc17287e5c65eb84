"""A tiny matcher of texts and its data: what the tests of all families train."""

from pathlib import Path
from typing import Any


def write(folder: Path) -> dict[str, Any]:
    """Write the data, and the pairs of the example call; give the recipe."""
    pairs = [f"pin {number} a\tpin {number} {'cb'[number % 2]}\n" for number in range(20)]
    rows = [f"{number % 2}\t{pair}" for number, pair in enumerate(pairs)]
    for name, lines in (("train", rows), ("test", rows[:6]), ("pairs", pairs[:2])):
        (folder / f"{name}.tsv").write_text("".join(lines), encoding="utf-8")
    return {
        "task": "pair_matcher",
        "data": {"train": "train.tsv", "test": "test.tsv", "held_out": 0.3},
        "model": {"builder": "siamese_model", "arguments": {"embedding_dim": 4}},
        "batching": {"batch_size": 4},
    }
