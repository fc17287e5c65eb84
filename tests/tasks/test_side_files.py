"""Files of names and settings that do not fit their model are refused in one line, never read as something else."""

import json
import random
import shutil
import time

import keras
import pytest

from keras_seq.core.errors import InputError
from keras_seq.core.manifests import check_files, read_manifest
from keras_seq.core.reading import read_names
from keras_seq.export.task_file import read_settings
from keras_seq.families.classification.served import ClassificationFunctions, ClassificationSettings
from keras_seq.families.classification.task import Classifier
from keras_seq.families.images.served import ImageSettings
from keras_seq.families.language.served import LanguageFunctions, LanguageSettings
from keras_seq.families.language.task import LanguageModel
from keras_seq.families.music.served import MusicSettings
from keras_seq.families.ngram.task import NgramLanguageModel
from keras_seq.families.pairs.served import MatchingFunctions, MatchingSettings
from keras_seq.families.pairs.task import PairMatcher
from keras_seq.families.tagging.served import TaggingFunctions, TaggingSettings
from keras_seq.families.tagging.task import Tagger
from keras_seq.text import LanguageEncoder, SubwordHashing, TokenEncoder, WordTokenizer
from keras_seq.zoo import language_model, ner_model, siamese_model, text_classifier_model

WORDS = [f"palavra{index}" for index in range(12)]
TAGS = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]


def encoder(**options):
    return TokenEncoder.build([WORDS, ["água", "Lei"]], max_characters=6, **options)


def tagger():
    made = encoder()
    characters = {"vocabulary_size": len(made.characters), "embedding_dim": 2, "units": 2}
    features = {"characters": characters, "max_characters": 6}
    model = ner_model(len(made.vocabulary), TAGS, embedding_dim=4, units=[4], features=features)
    return Tagger(TaggingFunctions(model, WordTokenizer(), made, TaggingSettings(TAGS)))


def classifier():
    made = encoder(subwords=SubwordHashing(num_buckets=20))
    features = {"subwords": {"num_buckets": 20}}
    wide = {"words": True, "subwords": 20}
    model = text_classifier_model(len(made.vocabulary), 2, embedding_dim=4, features=features, wide=wide)
    return Classifier(ClassificationFunctions(model, WordTokenizer(), made, ClassificationSettings(("bad", "good"))))


def matcher():
    made = encoder()
    model = siamese_model(len(made.vocabulary), embedding_dim=4)
    return PairMatcher(MatchingFunctions(model, WordTokenizer(), made))


def language():
    made = LanguageEncoder.build(["ana lima\n"], unit="character", layout="lines")
    return LanguageModel(
        LanguageFunctions(language_model(len(made), units=4, embedding_dim=4), LanguageSettings.of(made))
    )


def ngrams():
    import pathlib
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "text.txt"
        path.write_text("a rose is a rose\n" * 9)
        return NgramLanguageModel.train(path, order=2)


TASKS = {"tagger": tagger, "classifier": classifier, "matcher": matcher, "language": language, "ngrams": ngrams}
# Files of which each has a size that the model knows.
SIZED = {
    "tagger": ("encoder/words.txt", "encoder/characters.txt"),
    "classifier": ("encoder/words.txt",),
    "matcher": ("encoder/words.txt",),
    "language": (),
    "ngrams": ("encoder/symbols.txt",),
}


@pytest.fixture(
    scope="module",
    # The encoder of a classifier and a matcher is that of a tagger.
    params=[pytest.param(name, marks=[pytest.mark.thorough] * (name in ("classifier", "matcher"))) for name in TASKS],
)
def saved(request, tmp_path_factory):
    """The folder of a model that was never trained, and its task."""
    keras.utils.set_random_seed(1)
    task = TASKS[request.param]()
    folder = tmp_path_factory.mktemp("side_files") / "model"
    folder.mkdir()
    task.save(folder)
    return folder, type(task), SIZED[request.param]


def side_files(folder):
    return [path for path in sorted(folder.rglob("*")) if path.suffix in (".txt", ".json")]


def refused(task, folder, name):
    with pytest.raises(InputError) as caught:
        task.load(folder)
    message = str(caught.value)
    assert "\n" not in message and name in message and len(message) < 500
    return message


def test_a_whole_model_loads_with_its_manifest_and_without(saved, tmp_path):
    folder, task, _ = saved
    shutil.copytree(folder, tmp_path / "m")
    task.load(tmp_path / "m")
    (tmp_path / "m" / "manifest.json").unlink()
    task.load(tmp_path / "m")


@pytest.mark.parametrize("name", ["tagger", "classifier", "matcher", "language"])
def test_with_settings_the_model_is_the_same(name):
    model = TASKS[name]()
    again = model.with_settings()
    assert type(again) is type(model) and again.served is not model.served
    assert (again.model, again.settings, again.name) == (model.model, model.settings, model.name)


def test_whatever_is_changed_is_named(saved, tmp_path):
    folder, task, _ = saved
    shutil.copytree(folder, tmp_path / "m")
    for path in side_files(tmp_path / "m"):
        original = path.read_bytes()
        lines = original.splitlines(keepends=True)
        # Reversed: as many lines, every one of them fine.
        for content in (b"", original[: len(original) // 2], original + b"x\n", b"".join(lines[::-1]), b"[" * 100_000):
            if content != original:
                path.write_bytes(content)
                refused(task, tmp_path / "m", path.name)
        path.write_bytes(original)


def test_sizes_tell_where_there_is_no_manifest(saved, tmp_path):
    folder, task, sized = saved
    shutil.copytree(folder, tmp_path / "m")
    (tmp_path / "m" / "manifest.json").unlink()
    for name in sized:
        path = tmp_path / "m" / name
        original = path.read_bytes()
        lines = original.splitlines(keepends=True)
        more = b"U+2603\n" if lines[0].startswith(b"U+") else b"more\n"
        for content in (b"", b"".join(lines[:-1]), original + more, original + lines[0], original + b"\xff\n"):
            path.write_bytes(content)
            refused(task, tmp_path / "m", path.name)
        path.write_bytes(original)


def test_settings_of_another_model_are_refused(tmp_path):
    classifier().save(tmp_path / "m")
    (tmp_path / "m" / "manifest.json").unlink()
    path = tmp_path / "m" / "encoder" / "encoder.json"
    options = json.loads(path.read_text())
    for changes in (
        {"subwords": None},
        {"subwords": {**options["subwords"], "num_buckets": 21}},
        {"subwords": {"buckets": 20}},
        {"max_characters": 10**400},
        {"max_characters": "6"},
        {"unknown": 1},
    ):
        path.write_text(json.dumps({**options, **changes}))
        refused(Classifier, tmp_path / "m", "encoder.json")
    tagger().save(tmp_path / "t")
    (tmp_path / "t" / "manifest.json").unlink()
    (tmp_path / "t" / "encoder" / "encoder.json").write_text('{"max_characters": 7}')
    assert "max_characters is 7, the model reads 6" in refused(Tagger, tmp_path / "t", "encoder.json")
    shutil.copy(tmp_path / "t" / "model.keras", tmp_path / "m")
    refused(Classifier, tmp_path / "m", "")
    (tmp_path / "m" / "model.keras").write_bytes(b"PK\3\4 no model")
    refused(Classifier, tmp_path / "m", "model.keras: cannot be loaded")


def test_names_that_the_model_has_no_outputs_for_are_refused(tmp_path):
    for task, key in ((tagger(), "tags"), (classifier(), "labels")):
        task.save(tmp_path / key)
        (tmp_path / key / "manifest.json").unlink()
        path = tmp_path / key / "task.json"
        values = json.loads(path.read_text("utf-8"))
        names = values["settings"][key]
        for other, message in (
            (names[:-1], f"its settings name {len(names) - 1} {key}, the model has {len(names)}"),
            ([*names, "more"], f"its settings name {len(names) + 1} {key}, the model has {len(names)}"),
            ([*names[:-1], names[0]], f"task.json: damaged (`{key}` must hold different texts"),
            ([*names[:-1], ""], f"task.json: damaged (`{key}` must hold different texts"),
            ([], f"task.json: damaged (`{key}` must be a list of texts"),
            ("O", f"task.json: damaged (`{key}` must be a list of texts"),
            (None, f"task.json: damaged (`{key}` must be a list of texts"),
        ):
            path.write_text(json.dumps({**values, "settings": {**values["settings"], key: other}}))
            assert message in refused(type(task), tmp_path / key, "")


@pytest.mark.parametrize("content", [b"", b"a", b"a\n\nb\n", b"a\nb\na\n", b"a\n\xff\n"])
def test_damaged_names_of_the_first_version(content, tmp_path):
    path = tmp_path / "labels.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match="labels.txt") as caught:
        read_names(path, "put the original back")
    assert "\n" not in str(caught.value)


WRONG = [None, True, -1, 0.5, 10**400, "x", "", [], [[]], {}, float("nan"), float("inf"), "\0"]
SETTINGS = (
    TaggingSettings(TAGS),
    ClassificationSettings(("bad", "good")),
    MatchingSettings(),
    ImageSettings(),
    MusicSettings(),
)


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: type(settings).__name__)
def test_settings_of_the_wrong_type_are_one_line_or_mean_what_they_say(settings):
    values = settings.to_dict()
    for key in values:
        for wrong in WRONG:
            try:
                read = type(settings).from_dict(json.loads(json.dumps({**values, key: wrong})), "task.json")
            except InputError as error:
                assert "\n" not in str(error) and "task.json: damaged" in str(error)
            else:
                # What is taken is of the type of the field, or `None` where that may be.
                assert isinstance(getattr(read, key), (type(values[key]), str, int, float, type(None)))
                assert not isinstance(getattr(read, key), float) or abs(getattr(read, key)) < 1e300


def mutated(content, generator):
    content, place = bytearray(content), generator.randrange(max(len(content), 1))
    kind = generator.randrange(5)
    if kind == 0:
        return bytes(content[:place])
    if kind == 1 and content:
        content[place] ^= 1 << generator.randrange(8)
    if kind == 2:
        content[place:place] = generator.randbytes(3)
    if kind == 3:
        content[place : place + 5] = b""
    if kind == 4:
        content[place:place] = generator.choice([b"\n", b"\r", b"\0", b"[", b'"', b"\xe2\x80\xa8", b"1e999"])
    return bytes(content)


def test_two_hundred_mutations_end_in_one_line_or_in_what_the_file_says(saved, tmp_path):
    folder, task, _ = saved
    manifest = read_manifest(folder / "manifest.json")
    seed = time.time_ns() % 2**32
    print("seed", seed)
    generator = random.Random(seed)
    shutil.copytree(folder, tmp_path / "m")
    readers = {
        "task.json": lambda path: read_settings(path.parent, task.task, task.settings_class),
        "encoder.json": lambda path: TokenEncoder.load(path.parent),
        "words.txt": lambda path: TokenEncoder.load(path.parent),
        "characters.txt": lambda path: TokenEncoder.load(path.parent),
        "symbols.txt": lambda path: LanguageEncoder.load(path.parent),
        "language.json": lambda path: LanguageEncoder.load(path.parent),
    }
    paths = [path for path in side_files(tmp_path / "m") if path.name != "manifest.json"]
    for _ in range(200 // len(TASKS)):
        path = generator.choice(paths)
        original = path.read_bytes()
        content = mutated(original, generator)
        path.write_bytes(content)
        # Without the manifest: the reader itself never ends in a traceback.
        try:
            readers[path.name](path)
        except InputError as error:
            assert "\n" not in str(error) and path.name in str(error)
        # With it: nothing but the original is taken.
        if content != original:
            with pytest.raises(InputError, match=f"{path.name}: is not the file that was written with the model"):
                check_files(tmp_path / "m", manifest["files"], "manifest.json")
        path.write_bytes(original)
