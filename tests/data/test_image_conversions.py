"""The formats of publishers of images, on invented content, and on the drawings of Omniglot packed again."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from keras_seq.data import find_data
from keras_seq.data.image_conversions import omniglot_images, omniglot_runs

SIDE = 105


def png(ink):
    file = io.BytesIO()
    Image.fromarray(~np.asarray(ink, bool)).save(file, format="png")
    return file.getvalue()


def packed(files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def unpacked(content):
    with np.load(io.BytesIO(content)) as arrays:
        return dict(arrays)


def drawn(count):
    return np.random.default_rng(0).random((count, SIDE, SIDE)) < 0.1


def test_drawings():
    names = ["Zeta/character01/0005_02", "Alpha/character02/0002_01", "Alpha/character01/0001_03"]
    ink = drawn(3)
    files = {f"images_background/{name}.png": png(image) for name, image in zip(names, ink, strict=True)}
    found = unpacked(omniglot_images(packed({"images_background/": b"", **files})))
    assert found["alphabet_names"].tolist() == ["Alpha", "Zeta"]
    assert found["character_names"].tolist() == ["Alpha/character01", "Alpha/character02", "Zeta/character01"]
    assert found["alphabet"].tolist() == [0, 0, 1] and found["character"].tolist() == [0, 1, 2]
    assert found["drawer"].tolist() == [3, 1, 2]
    np.testing.assert_array_equal(found["images"], np.packbits(ink[::-1].reshape(3, -1), axis=1))
    with pytest.raises(ValueError, match="0 files in the archive"):
        omniglot_images(packed({"readme.txt": b""}))
    with pytest.raises(ValueError, match="a picture of 3 x 4 pixels"):
        omniglot_images(packed({"A/character01/0001_01.png": png(np.zeros((3, 4)))}))
    with pytest.raises(ValueError, match="no PNG picture"):
        omniglot_images(packed({"A/character01/0001_01.png": b"text"}))


def test_runs():
    ink = drawn(4)
    parts = ("training/class01", "training/class02", "test/item01", "test/item02")
    files = {f"all_runs/run01/{part}.png": png(image) for part, image in zip(parts, ink, strict=True)}
    labels = "run01/test/item01.png run01/training/class02.png\nrun01/test/item02.png run01/training/class01.png\n"
    found = unpacked(omniglot_runs(packed({**files, "all_runs/run01/class_labels.txt": labels})))
    np.testing.assert_array_equal(found["train"][0], np.packbits(ink[:2].reshape(2, -1), axis=1))
    np.testing.assert_array_equal(found["test"][0], np.packbits(ink[2:].reshape(2, -1), axis=1))
    assert found["test_class"].tolist() == [[1, 0]]
    with pytest.raises(ValueError, match="does not name the images of its run"):
        omniglot_runs(packed({**files, "all_runs/run01/class_labels.txt": labels.replace("item02", "item03")}))


@pytest.mark.data
def test_omniglot_packed_again(data_dir):
    """What the conversions write of the runs is the pinned file, byte for byte."""
    content = find_data("omniglot/oneshot_runs.npz", data_dir).read_bytes()
    arrays = unpacked(content)
    files = {}
    for run in range(20):
        folder = f"run{run + 1:02}"
        lines = []
        for part, name, kind in (("train", "class", "training"), ("test", "item", "test")):
            for place, bits in enumerate(arrays[part][run]):
                image = np.unpackbits(bits)[: SIDE**2].reshape(SIDE, SIDE)
                files[f"{folder}/{kind}/{name}{place + 1:02}.png"] = png(image)
        for place, answer in enumerate(arrays["test_class"][run]):
            lines.append(f"{folder}/test/item{place + 1:02}.png {folder}/training/class{answer + 1:02}.png")
        files[f"{folder}/class_labels.txt"] = "\n".join(lines)
    found = omniglot_runs(packed(files))
    assert found == content or all((unpacked(found)[name] == arrays[name]).all() for name in arrays)
