"""Labelled images, pairs and one-shot runs from NPZ files, and their reduction."""

import io
import zipfile

import numpy as np
import pytest

from keras_seq.core.errors import DataError
from keras_seq.data import (
    check_image_classes,
    has_runs,
    read_image_pairs,
    read_images,
    read_one_shot_runs,
    resize_images,
)
from keras_seq.data.images import area_weights

GENERATOR = np.random.default_rng(0)
IMAGES = GENERATOR.integers(0, 256, (4, 6, 5)).astype("uint8")


def saved(path, **arrays):
    np.savez_compressed(path / "file.npz", **arrays)
    return path / "file.npz"


def test_labelled_images(tmp_path):
    found = read_images(saved(tmp_path, images=IMAGES[..., None], labels=["b", "a", "b", "a"], drawers=[3, 3, 7, 7]))
    np.testing.assert_array_equal(found.images, IMAGES)
    assert found.names == ("a", "b") and found.labels.tolist() == [1, 0, 1, 0]
    assert found.drawers.tolist() == [0, 0, 1, 1] and found.groups.tolist() == [0] * 4
    floats = read_images(saved(tmp_path, images=IMAGES / 255, labels=[10, 9, 10, 9]))
    assert floats.names == ("10", "9") and not has_runs(tmp_path / "file.npz")


def test_the_form_of_omniglot(tmp_path):
    drawn = GENERATOR.random((4, 105, 105)) < 0.1
    packed = np.packbits(drawn.reshape(4, -1), axis=1)
    arrays = {"alphabet": [0, 0, 1, 1], "character": [0, 1, 0, 0], "drawer": [1, 1, 1, 2]}
    found = read_images(saved(tmp_path, images=packed, **arrays))
    np.testing.assert_array_equal(found.images, drawn)
    # A character starts anew in each alphabet.
    assert found.labels.tolist() == [0, 1, 2, 2] and found.groups.tolist() == [0, 0, 1, 1]
    runs = saved(tmp_path, train=packed[None, :2], test=packed[None, 2:], test_class=np.array([[1, 0]]))
    assert has_runs(runs)
    found = read_one_shot_runs(runs)
    np.testing.assert_array_equal(found.references[0], drawn[:2])
    np.testing.assert_array_equal(found.queries[0], drawn[2:])
    assert found.answers.tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"labels": [0]}, r"file.npz: no array `images` \(its arrays: labels\); save `images`"),
        ({"images": IMAGES}, r"no array `labels` \(its arrays: images\)"),
        ({"images": IMAGES, "labels": [0, 1]}, r"`labels` has shape \(2,\) and dtype int64 for 4 images"),
        ({"images": IMAGES, "labels": [0.5] * 4}, r"`labels` has shape \(4,\) and dtype float64"),
        ({"images": IMAGES, "labels": [0] * 4, "groups": [0]}, r"`groups` has shape \(1,\)"),
        ({"images": IMAGES[0], "labels": [0]}, r"`images` has shape \(6, 5\)"),
        ({"images": IMAGES[:0], "labels": []}, r"`images` has shape \(0, 6, 5\)"),
        ({"images": IMAGES.astype(int), "labels": [0] * 4}, "pixels must be uint8, bool or floating, not int64"),
        ({"images": IMAGES / 1.0, "labels": [0] * 4}, "pixels must be from 0 to 1, or uint8; image 0 has"),
        (
            {"images": np.where(np.arange(120).reshape(4, 6, 5) == 70, np.nan, 0.5), "labels": [0] * 4},
            "`images`: pixels must be numbers; image 2 has 1 NaN",
        ),
    ],
)
def test_broken_files(tmp_path, arrays, message):
    with pytest.raises(DataError, match=message):
        read_images(saved(tmp_path, **arrays))


def test_files_of_another_kind(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_images(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("images")
    with pytest.raises(DataError, match="text.npz: no NPZ file, or a damaged one"):
        has_runs(tmp_path / "text.npz")
    np.save(tmp_path / "one.npy", IMAGES)
    with pytest.raises(DataError, match="it holds one array"):
        read_images(tmp_path / "one.npy")
    path = saved(tmp_path, images=IMAGES, labels=[0, 1, 0, 1])
    path.write_bytes(path.read_bytes()[:-30] + b"\0" * 30)
    with pytest.raises(DataError, match="or a damaged one"):
        read_images(path)
    # Python objects are never read: they could run a program.
    with pytest.raises(DataError, match="or a damaged one"):
        read_images(saved(tmp_path, images=np.array([None, {}], object), labels=[0, 1]))


def test_classes(tmp_path):
    one = read_images(saved(tmp_path, images=IMAGES, labels=[0] * 4))
    with pytest.raises(DataError, match="all 4 images are of one class"):
        check_image_classes(one, "file.npz")
    alone = read_images(saved(tmp_path, images=IMAGES, labels=["a", "a", "b", "c"]))
    with pytest.raises(DataError, match="2 of 3 classes have a single image, such as 'b'"):
        check_image_classes(alone, "file.npz")


def test_pairs(tmp_path):
    a, b = read_image_pairs(saved(tmp_path, a=IMAGES, b=IMAGES[::-1, ..., None]))
    np.testing.assert_array_equal(a[::-1], b)
    with pytest.raises(DataError, match=r"no array `b` \(its arrays: a\); save `a` and `b`"):
        read_image_pairs(saved(tmp_path, a=IMAGES))
    with pytest.raises(DataError, match=r"`a` has shape \(4, 6, 5\), `b` \(4, 6, 4\)"):
        read_image_pairs(saved(tmp_path, a=IMAGES, b=IMAGES[..., :4]))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"test_class": [[0]]}, "the shapes do not fit"),
        ({"test": IMAGES[None, :, :5]}, "the shapes do not fit"),
        ({"test_class": [[0, 1, 2, 4]]}, "`test_class` has values from 0 to 4; give places of `train`, from 0 to 3"),
    ],
)
def test_broken_runs(tmp_path, arrays, message):
    whole = {"train": IMAGES[None], "test": IMAGES[None], "test_class": [[0, 1, 2, 3]]}
    assert read_one_shot_runs(saved(tmp_path, **whole)).answers.shape == (1, 4)
    with pytest.raises(DataError, match=message):
        read_one_shot_runs(saved(tmp_path, **{**whole, **arrays}))


@pytest.mark.parametrize(("size", "source"), [(3, 9), (4, 9), (9, 4), (5, 5), (1, 7)])
def test_areas(size, source):
    """Against pixels that are cut into so many parts that each lies in one new pixel."""
    parts = np.repeat(np.eye(source), size, axis=0).reshape(size, source, source).mean(axis=1)
    np.testing.assert_allclose(area_weights(size, source), parts, atol=1e-6)


def test_resizing():
    same = resize_images(IMAGES, 6, 5)
    np.testing.assert_allclose(same, IMAGES / 255, atol=1e-6)
    half = resize_images(IMAGES, 3, 5, invert=True)
    np.testing.assert_allclose(half, 1 - IMAGES.reshape(4, 3, 2, 5).mean(axis=2) / 255, atol=1e-6)
    assert resize_images(IMAGES > 100, 2, 2).dtype == np.float32
    with pytest.raises(ValueError, match="`size` must be a positive integer"):
        resize_images(IMAGES, 0, 5)


def member(shape="(4, 2, 2)", end="}\n"):
    """An array of an NPZ file, of which the header says this."""
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, {end}".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(16)


def archive(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        for name, content in members.items():
            opened.writestr(name.replace("_npy", ".npy"), content)
    return bytearray(file.getvalue())


def with_field(content, local, central, value):
    """An archive whose first member has another value in its two headers."""
    directory = content.index(b"PK\x01\x02")
    for place in (content.index(b"PK\x03\x04") + local, directory + central):
        content[place : place + 2] = value.to_bytes(2, "little")
    return content


@pytest.mark.parametrize(
    "content",
    [
        archive(images_npy=member("(1000000000000000,)")),
        archive(images_npy=member("(99999999999999999999999,)")),
        archive(images_npy=member("(4, 2, 2", end="")),
        archive(images_npy=member("(" * 5_000)),
        archive(images_npy=member("(" + "9" * 5_000 + ",)")),
        archive(images_npy=b""),
        archive(images=b"no array"),
        with_field(archive(images_npy=member()), 6, 8, 1),
        with_field(archive(images_npy=member()), 8, 10, 99),
        with_field(archive(images_npy=member()), 4, 6, 109),
        archive(images_npy=member())[:-30],
        b"PK\x03\x04",
        b"\x80\x04pickle",
    ],
    ids=["memory", "overflow", "token", "nest", "digits", "empty", "bytes", "locked", "method", "version", "cut",
         "head", "pickle"],
)  # fmt: skip
@pytest.mark.parametrize("read", [read_images, read_image_pairs, read_one_shot_runs])
def test_archives_of_any_content_are_one_line(content, read, tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match="a.npz: (no NPZ file, or a damaged one|no array)") as caught:
        read(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500
