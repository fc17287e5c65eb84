"""Draw a piece, what a music model expects of each of its steps, and music that the model makes up.

    KERAS_SEQ_DATA=DIR python zoo/piano_rolls.py runs/jsb_chorales
    python zoo/piano_rolls.py runs/mine --data tunes.json --piece 3 --seed 7

Writes docs/images/piano_rolls.png. The piece is one of the test pieces of --data, the first being 1.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "piano_rolls.png"


def draw(model: Any, piece: np.ndarray, path: Path, *, steps: int, temperature: float, seed: int) -> None:
    """Write the picture.

    Args:
        model: A `keras_seq.families.MusicModel`.
        piece: Bool `(steps, 88)`.
        path: The PNG file.
        steps: How many steps are shown.
        temperature: Of the music that is made up.
        seed: Decides what is drawn.
    """
    import matplotlib.image

    from keras_seq.families.music.data import note_probabilities
    from keras_seq.families.music.drawing_piano_rolls import draw_piano_rolls

    piece = piece[:steps]
    (made_up,) = model.generate(max_length=steps, temperature=temperature, seed=seed)
    rolls = {
        "a test piece": piece,
        f"{model.name}: the probability of each note, given the steps before": note_probabilities(piece, model.logits),
        f"made up by {model.name}, temperature {temperature:g}": made_up,
    }
    matplotlib.image.imsave(path, draw_piano_rolls(rolls))


def main() -> int:
    """Read the model and the piece, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--data", default="jsb-chorales/jsb-chorales-quarter.json")
    parser.add_argument("--piece", type=int, default=1)
    parser.add_argument("--steps", type=int, default=64)
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from keras_seq.data import find_data, read_piano_rolls
    from keras_seq.tasks import load

    pieces = read_piano_rolls(find_data(options.data), "test")
    if not 1 <= options.piece <= len(pieces):
        raise SystemExit(f"--piece must be from 1 to {len(pieces)}. Received: {options.piece}.")
    chosen = {name: getattr(options, name) for name in ("steps", "temperature", "seed")}
    draw(load(options.model), pieces[options.piece - 1], PICTURE, **chosen)
    sys.stdout.write(f"Written: {PICTURE.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
