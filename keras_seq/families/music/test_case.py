"""A tiny music model and its data: what the tests of all families train."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from keras_seq.data import write_midi
from keras_seq.data.midi import NUM_NOTES

PIECE = [[60, 64], [], [62], [60]]


def write(folder: Path) -> dict[str, Any]:
    """Write the data, and the piece of the example call; give the recipe."""
    tunes = {"train": [PIECE] * 6, "valid": [PIECE], "test": [PIECE] * 2}
    (folder / "tunes.json").write_text(json.dumps(tunes), encoding="utf-8")
    notes = np.zeros((1, 4, NUM_NOTES), "float32")
    notes[0, :, 40] = 1
    write_midi(folder / "tune.mid", notes[0] > 0)
    np.savez(folder / "tune.npz", notes=notes, lengths=np.array([4], "int32"))
    return {
        "task": "music",
        "data": dict.fromkeys(("train", "validation", "test"), "tunes.json"),
        "model": {"builder": "music_model", "arguments": {"units": 4}},
        "batching": {"batch_size": 4},
        "music": {"sample_length": 3},
    }
