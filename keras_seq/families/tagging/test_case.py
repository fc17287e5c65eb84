"""A tiny tagger and its data: what the tests of all families train."""

from pathlib import Path
from typing import Any

TRAIN = "Ana B-PER\nmora O\nem O\nLisboa B-LOC\n\nRui B-PER\nviaja O\n"
VALIDATION = "Eva B-PER\nviaja O\n"


def write(folder: Path) -> dict[str, Any]:
    """Write the data; give the recipe."""
    for name, text in (("train", TRAIN), ("validation", VALIDATION), ("test", VALIDATION)):
        (folder / f"{name}.conll").write_text(text, encoding="utf-8")
    return {
        "task": "tagger",
        "data": {name: f"{name}.conll" for name in ("train", "validation", "test")} | {"scheme": "BIO"},
        "model": {"builder": "ner_model", "arguments": {"embedding_dim": 4, "units": [4]}},
    }
