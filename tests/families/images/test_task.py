"""Matching images, from a recipe to a served model."""

import json

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from keras_seq.core.errors import DataError, InputError, RecipeError, RunError
from keras_seq.data import AffineRanges, LabelledImages, augment_images, read_images, read_one_shot_runs
from keras_seq.families import ImageMatcher
from keras_seq.families.images.data import ImagePairs, draw_trials, one_shot_choices
from keras_seq.families.images.recipe import ImagesSection
from keras_seq.families.images.training import ImageTraining
from keras_seq.tasks import load
from keras_seq.training import Recipe

HEIGHT, WIDTH = 12, 10
ALPHABETS, CHARACTERS, DRAWERS = 6, 5, 4


def drawings():
    """Five characters of strokes in each of six alphabets, each drawn by four people."""
    generator = np.random.default_rng(0)
    images = []
    for _ in range(ALPHABETS * CHARACTERS):
        shape = np.zeros((HEIGHT, WIDTH))
        for _ in range(3):
            begin, end = generator.integers(1, (HEIGHT - 1, WIDTH - 1), (2, 2))
            for part in np.linspace(0, 1, 30):
                y, x = np.rint(begin + part * (end - begin)).astype(int)
                shape[y, x] = 1
        images.append(np.repeat(shape[None], DRAWERS, axis=0))
    ranges = AffineRanges(degrees=8.0, shear=0.1, scale=0.1, shift=0.05)
    return augment_images(np.concatenate(images), ranges, generator)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    count = ALPHABETS * CHARACTERS
    pixels = np.rint(255 * drawings()).astype("uint8")
    drawers = np.tile(np.arange(DRAWERS), count)
    arrays = {
        "images": pixels,
        "labels": np.repeat(np.arange(count), DRAWERS),
        "groups": np.repeat(np.arange(ALPHABETS), CHARACTERS * DRAWERS),
        "drawers": drawers,
    }
    is_test = arrays["groups"] >= 4
    np.savez_compressed(folder / "train.npz", **{name: values[~is_test] for name, values in arrays.items()})
    np.savez_compressed(folder / "test.npz", **{name: values[is_test] for name, values in arrays.items()})
    by_class = pixels[is_test].reshape(2, CHARACTERS, DRAWERS, HEIGHT, WIDTH)
    answers = np.array([[2, 0, 4, 1, 3], [1, 2, 3, 4, 0]])
    queries = np.stack([one[answer, 1] for one, answer in zip(by_class, answers, strict=True)])
    np.savez_compressed(folder / "runs.npz", train=by_class[:, :, 0], test=queries, test_class=answers)
    np.savez_compressed(folder / "pairs.npz", a=by_class[:, 0, 0], b=by_class[:, 0, 1])
    return folder


@pytest.fixture(scope="module")
def recipe(folder):
    return Recipe.from_dict(
        {
            "task": "image_matcher",
            "name": "strokes",
            "seed": 1,
            "data": {"train": str(folder / "train.npz"), "test": str(folder / "runs.npz"), "held_out": 0.25},
            "pairs": {"objective": "info_nce", "temperature": 0.1},
            "images": {"height": 8, "width": 8, "ways": 5, "runs": 6, "degrees": 5.0, "view_shift": 1},
            "model": {"builder": "siamese_image_model", "arguments": {"filters": [8, 16]}},
            "batching": {"batch_size": 20},
            "optimizer": {"learning_rate": 1e-2, "ema": 0.9},
            "fit": {"epochs": 12},
        }
    )


@pytest.fixture(scope="module")
def run(recipe, shared_folder):
    return shared_folder.trained("images", recipe)


@pytest.fixture(scope="module")
def matcher(run):
    return load(run[0])


def test_training_learns_and_leaves_its_metrics(run, recipe):
    path, metrics = run
    assert recipe.fit.monitor == "accuracy"
    assert metrics["test"]["accuracy"] >= 0.6, "a guess is right in one of five cases"
    assert metrics["test"]["examples"] == 10 and metrics["validation"]["examples"] == 30
    # What is kept is scored with the mean over views, an epoch without.
    assert metrics["validation"]["accuracy"] >= max(record["accuracy"] for record in metrics["history"]) - 0.1
    tags = EventAccumulator(str(path / "tensorboard")).Reload().Tags()["tensors"]
    assert {"one_shot_trials", "roc", "precision_recall", "similarities", "validation/accuracy"} <= set(tags)
    assert (path / "tensorboard" / "images.vectors.tsv").is_file()


def test_evaluate(matcher, run, folder):
    """Again with the plain rules, from the vectors."""
    scores = matcher.evaluate(folder / "runs.npz")
    assert scores == pytest.approx(run[1]["test"], rel=1e-5)
    runs = read_one_shot_runs(folder / "runs.npz")
    right = [
        matcher.one_shot(references, queries) == answers
        for references, queries, answers in zip(runs.references, runs.queries, runs.answers, strict=True)
    ]
    assert scores["accuracy"] == np.mean(right)
    seen = []
    labelled = matcher.evaluate(folder / "test.npz", on_progress=seen.append)
    assert labelled["examples"] == sum(seen) == 2 * CHARACTERS * DRAWERS
    images = read_images(folder / "test.npz")
    similarities = matcher.embed(images.images) @ matcher.embed(images.images).T
    np.fill_diagonal(similarities, -2)
    assert labelled["recall_at_1"] == np.mean(images.labels[similarities.argmax(axis=1)] == images.labels)


def test_match_verify_and_embed(matcher, folder):
    images = read_images(folder / "test.npz").images
    vectors = matcher.embed(images[:6])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    found = matcher.match(images[:3], images[3:6, ..., None])
    for row, (one, two) in zip(found, zip(vectors[:3], vectors[3:], strict=True), strict=True):
        assert row["similarity"] == pytest.approx(float(one @ two), abs=1e-4)
        assert row["duplicate"] == (float(one @ two) >= matcher.settings.threshold)
    assert matcher.verify(images[0], images[3:6]) == matcher.match(np.repeat(images[:1], 3, axis=0), images[3:6])
    assert matcher.match(images[:1], images[:1]) == [{"similarity": 1.0, "duplicate": True}]
    assert matcher.match(images[:0], images[:0]) == []
    # uint8 and its share of 255 are the same.
    np.testing.assert_allclose(matcher.embed(images[:2] / 255.0), vectors[:2], atol=1e-6)
    found = matcher.pairs_of(folder / "pairs.npz")
    assert [row["pair"] for row in found.answer(list(found.rows))] == [0, 1]


@pytest.mark.fresh_process
def test_saved_and_exported_models_answer_alike(matcher, folder, tmp_path):
    matcher.save(tmp_path / "saved")
    exported = matcher.export(tmp_path / "exported")
    assert json.loads((exported / "assets" / "task.json").read_text())["settings"] == {
        "height": HEIGHT,
        "width": WIDTH,
        "invert": False,
        "view_shift": 1,
        "threshold": matcher.settings.threshold,
    }
    images = read_images(folder / "test.npz").images
    for other in (ImageMatcher.load(tmp_path / "saved"), load(exported), load(tmp_path / "exported")):
        assert other.settings == matcher.settings
        np.testing.assert_allclose(other.embed(images), matcher.embed(images), atol=1e-5)
        assert other.evaluate(folder / "runs.npz") == pytest.approx(matcher.evaluate(folder / "runs.npz"), rel=1e-5)
        assert [row["duplicate"] for row in other.match(images[:4], images[4:8])] == [
            row["duplicate"] for row in matcher.match(images[:4], images[4:8])
        ]
    with pytest.raises(RunError, match="is a SavedModel, which can only predict"):
        load(exported).with_settings(threshold=0.3)


def test_dark_ink_on_bright_paper(matcher, folder):
    images = read_images(folder / "test.npz").images
    inverted = matcher.with_settings(invert=True)
    np.testing.assert_allclose(inverted.embed(255 - images), matcher.embed(images), atol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.embed(np.zeros((2, HEIGHT, WIDTH + 1))), r"`images` must have the shape \(n, 12, 10\)"),
        (lambda m: m.embed(np.zeros((HEIGHT, WIDTH))), r"Received: shape=\(12, 10\)"),
        (
            lambda m: m.embed(np.full((1, HEIGHT, WIDTH), np.nan)),
            "`images`: pixels must be numbers; image 0 has 120 NaN",
        ),
        (lambda m: m.embed(np.full((1, HEIGHT, WIDTH), 7.0)), "pixels must be from 0 to 1, or uint8"),
        (lambda m: m.match(np.zeros((2, HEIGHT, WIDTH)), np.zeros((1, HEIGHT, WIDTH))), "Received: 2 and 1"),
        (lambda m: m.one_shot(np.zeros((0, HEIGHT, WIDTH)), np.zeros((1, HEIGHT, WIDTH))), "`references` must hold"),
    ],
)
def test_wrong_images(matcher, call, message):
    with pytest.raises(ValueError, match=message):
        call(matcher)


def test_files_of_another_size(matcher, tmp_path):
    zeros = np.zeros((1, 2, 5, 5))
    np.savez(tmp_path / "runs.npz", train=zeros, test=zeros, test_class=[[0, 1]])
    np.savez(tmp_path / "images.npz", images=zeros[0], labels=[0, 1])
    np.savez(tmp_path / "pairs.npz", a=zeros[0], b=zeros[0])
    for call, name in ((matcher.evaluate, "runs"), (matcher.evaluate, "images"), (matcher.pairs_of, "pairs")):
        with pytest.raises(InputError, match=f"{name}.npz: images of 5 x 5 pixels, strokes reads 12 x 10"):
            call(tmp_path / f"{name}.npz")


def test_wrong_recipes(recipe, folder, tmp_path):
    def training(*changes, **paths):
        return ImageTraining(recipe.override(changes), {"train": folder / "train.npz", **paths}).prepare()

    with pytest.raises(RecipeError, match=r"key `images.rotations` must be false where height and width differ"):
        training("images.width=9")
    with pytest.raises(InputError, match=r"`batching.batch_size` must be at most the number of classes.*500 for 60"):
        training("batching.batch_size=500")
    np.savez(tmp_path / "one.npz", images=np.zeros((4, HEIGHT, WIDTH)), labels=[1] * 4)
    with pytest.raises(DataError, match="all 4 images are of one class"):
        training(train=tmp_path / "one.npz")
    np.savez(tmp_path / "other.npz", images=np.zeros((4, 5, 5)), labels=[0, 0, 1, 1])
    for key in ("validation", "test"):
        with pytest.raises(InputError, match="other.npz: images of 5 x 5 pixels, those that train have 12 x 10"):
            training(**{key: tmp_path / "other.npz"})


def test_classes_that_validate_are_new(recipe, folder):
    training = ImageTraining(recipe, {"train": folder / "train.npz"}).prepare()
    assert not set(training.train.names) & set(training.validation.names)
    # A whole alphabet of four.
    assert len(training.validation.names) == CHARACTERS and len(training.train.names) == 3 * CHARACTERS


def numbered(groups=(0,) * 5):
    """Five classes of three images that can be told apart by their pixels."""
    images = np.arange(5 * 3 * 4 * 4).reshape(15, 4, 4).astype("float32")
    labels = np.repeat(np.arange(5), 3)
    return LabelledImages(images, labels, np.repeat(groups, 3), np.zeros(15, int), tuple("abcde"))


def test_batches():
    images = numbered()
    options = ImagesSection(degrees=0.0, shear=0.0, scale=0.0, shift=0.0)
    batches = ImagePairs(images, batch_size=6, options=options, seed=3)
    assert len(batches) == 3
    seen = []
    for inputs, classes in batches.epoch(1):
        for a, b, label in zip(inputs["image_a"], inputs["image_b"], classes, strict=True):
            sides = [np.rot90(side[..., 0], -(label // 5)) for side in (a, b)]
            rows = [int(np.argmin(np.abs(images.images - side).sum(axis=(1, 2)))) for side in sides]
            np.testing.assert_allclose(images.images[rows], np.stack(sides), atol=1e-3)
            assert rows[0] != rows[1] and (images.labels[rows] == label % 5).all()
        seen += classes.tolist()
    assert len(set(seen)) == 18
    for one, two in zip(list(batches.epoch(1))[2:], batches.epoch(1, skip=2), strict=True):
        np.testing.assert_array_equal(one[0]["image_a"], two[0]["image_a"])
        np.testing.assert_array_equal(one[1], two[1])


def test_both_images_of_a_pair_are_turned_alike():
    same = numbered()._replace(images=np.repeat(np.random.default_rng(0).random((5, 9, 9)), 3, axis=0))
    still = {"degrees": 0.0, "shear": 0.0, "scale": 0.0, "shift": 0.0, "rotations": False}
    options = ImagesSection(**still, class_degrees=180.0, class_shear=0.3, class_scale=0.2, class_mirror=True)
    inputs, classes = next(iter(ImagePairs(same, batch_size=5, options=options, seed=1).epoch(0)))
    np.testing.assert_array_equal(inputs["image_a"], inputs["image_b"])
    changes = np.abs(inputs["image_a"][..., 0] - same.images[3 * classes]).max(axis=(1, 2))
    assert (changes > 0.3).all()


def test_groups_side_by_side():
    options = ImagesSection(within_groups=True)
    images = numbered(groups=(0, 0, 1, 1, 1))
    for _, classes in ImagePairs(images, batch_size=10, options=options, seed=1).epoch(0):
        parts = [(label % 5 > 1, label // 5) for label in classes.tolist()]
        assert sum(one != two for one, two in zip(parts, parts[1:], strict=False)) == len(set(parts)) - 1


def test_trials_have_two_drawers():
    count = 4 * 3
    images = LabelledImages(
        np.zeros((count, 2, 2)),
        np.repeat(np.arange(4), 3),
        np.repeat([0, 0, 1, 1], 3),
        np.tile(np.arange(3), 4),
        tuple("abcd"),
    )
    trials = draw_trials(images, ways=20, runs=7, seed=0)
    assert trials.references.shape == trials.queries.shape == (7, 2)
    np.testing.assert_array_equal(images.labels[trials.references], images.labels[trials.queries])
    assert (images.groups[trials.references] == images.groups[trials.references][:, :1]).all()
    for rows in trials:
        assert (images.drawers[rows] == images.drawers[rows][:, :1]).all()
    assert (images.drawers[trials.references] != images.drawers[trials.queries]).all()
    # Without drawers: two images of each class all the same.
    unknown = draw_trials(images._replace(drawers=np.zeros(count, int)), ways=2, runs=5, seed=0)
    assert (unknown.references != unknown.queries).all()
    np.testing.assert_array_equal(images.labels[unknown.references], images.labels[unknown.queries])
    with pytest.raises(InputError, match="validation needs a group with two classes of two images"):
        draw_trials(images._replace(labels=np.arange(count)), ways=2, runs=1, seed=0)


def test_choices():
    references = np.eye(3)[None]
    assert one_shot_choices(references, np.array([[[0, 0.9, 0.1], [0.5, 0.1, 0.6]]])).tolist() == [[1, 2]]
