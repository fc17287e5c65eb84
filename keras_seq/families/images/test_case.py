"""A tiny matcher of images and its data: what the tests of all families train."""

from pathlib import Path
from typing import Any

import numpy as np


def write(folder: Path) -> dict[str, Any]:
    """Write the data, and the pairs of the example call; give the recipe."""
    images = np.random.default_rng(0).integers(0, 255, (24, 6, 5)).astype("uint8")
    labels = np.repeat(np.arange(8), 3)
    np.savez(folder / "train.npz", images=images, labels=labels, groups=labels // 2, drawers=np.tile(np.arange(3), 8))
    a = images[:3, :, :, None].astype("float32") / 255
    np.savez(folder / "pairs.npz", a=a, b=a[::-1])
    return {
        "task": "image_matcher",
        "data": {"train": "train.npz", "test": "train.npz", "held_out": 0.25},
        "pairs": {"objective": "info_nce"},
        "images": {"height": 4, "width": 4, "ways": 2, "runs": 3, "view_shift": 1},
        "model": {"builder": "siamese_image_model", "arguments": {"filters": [4]}},
        "batching": {"batch_size": 4},
    }
