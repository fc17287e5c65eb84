"""From the formats of publishers of images to NPZ files.

As in `conversions`: bytes of the publisher's file -> bytes of ours; what does not have the expected form raises a
ValueError.
"""

import io
import re
from typing import Any

import numpy as np

from keras_seq.core.extras import extra_module
from keras_seq.data.conversions import members_of_zip
from keras_seq.data.images import PACKED_SIDE

_DRAWING = r"(?:.*/)?(?P<alphabet>[^/]+)/(?P<character>character\d+)/\d+_(?P<drawer>\d+)\.png"
_RUN = r"(?:.*/)?(run\d+)/"
_PARTS = ("training", "test")


def omniglot_images(content: bytes) -> bytes:
    """A zip archive of drawings `alphabet/character/number_drawer.png` as rows of bits with what is known of each."""
    drawings = []
    for name, png in members_of_zip(content, _DRAWING, at_least=1).items():
        match = re.fullmatch(_DRAWING, name)
        if match is None:
            raise ValueError(f"{name} is no drawing")
        drawings.append((match["alphabet"], f"{match['alphabet']}/{match['character']}", int(match["drawer"]), png))
    drawings.sort(key=lambda drawing: drawing[:3])
    alphabets, alphabet = np.unique([drawing[0] for drawing in drawings], return_inverse=True)
    characters, character = np.unique([drawing[1] for drawing in drawings], return_inverse=True)
    return _npz(
        images=np.stack([_bits(png) for *_, png in drawings]),
        alphabet=alphabet.astype("uint8"),
        character=character.astype("uint16"),
        drawer=np.array([drawing[2] for drawing in drawings], "uint8"),
        alphabet_names=alphabets,
        character_names=characters,
    )


def omniglot_runs(content: bytes) -> bytes:
    """A zip archive of runs as rows of bits, and which training image is of the class of each test image.

    A run has images in `training/` and `test/`, and `class_labels.txt`, a line `test image, training image` for each
    test image.
    """
    labels = members_of_zip(content, _RUN + r"class_labels\.txt", at_least=1)
    images = members_of_zip(content, _RUN + r"(?:training|test)/[^/]+\.png", at_least=1)
    runs: dict[str, list[Any]] = {"train": [], "test": [], "test_class": []}
    for name in sorted(labels):
        folder = name.removesuffix("class_labels.txt")
        parts = {part: sorted(image for image in images if image.startswith(f"{folder}{part}/")) for part in _PARTS}
        answers = dict(line.split() for line in labels[name].decode("utf-8").splitlines() if line.strip())
        # The lines name files from the folder of the runs on.
        root = folder.removesuffix(f"{folder.rstrip('/').split('/')[-1]}/")
        training = [image.removeprefix(root) for image in parts["training"]]
        tests = [image.removeprefix(root) for image in parts["test"]]
        if set(answers) != set(tests) or not set(answers.values()) <= set(training):
            raise ValueError(f"{name} does not name the images of its run")
        runs["train"].append([_bits(images[image]) for image in parts["training"]])
        runs["test"].append([_bits(images[image]) for image in parts["test"]])
        runs["test_class"].append([training.index(answers[image]) for image in tests])
    return _npz(**{name: np.array(values, "uint8") for name, values in runs.items()})


def _bits(png: bytes) -> np.ndarray:
    """A drawing, black on white, as bits in rows of bytes: 1 is ink."""
    # Imported here: only who fetches pictures needs it.
    image = extra_module("PIL.Image", "a picture")
    try:
        pixels = np.asarray(image.open(io.BytesIO(png)).convert("L"))
    except OSError as error:
        raise ValueError(f"no PNG picture ({error})") from error
    if pixels.shape != (PACKED_SIDE, PACKED_SIDE):
        raise ValueError(
            f"a picture of {pixels.shape[0]} x {pixels.shape[1]} pixels, not {PACKED_SIDE} x {PACKED_SIDE}"
        )
    return np.packbits(pixels < 128)


def _npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()
