import gzip
import hashlib
import re

import numpy as np
import pytest

from keras_seq.core.errors import InputError
from keras_seq.data import (
    check_classes,
    check_image_classes,
    fetch,
    find_data,
    get_dataset,
    labels_of,
    list_datasets,
    read_images,
    read_labelled_text,
    read_one_shot_runs,
    read_pairs,
    split_of_folds,
)
from keras_seq.data.registry import cache_directory, register_dataset

LABEL, FOLD = ("label", "text"), ("fold", "label", "text")
SIZES_OF_LANGUAGE = {"train": 1839, "dev": 324, "test": 870}
# Number of classes, columns, and examples of each file as the publishers count them.
TEXTS = {
    "quickstart_sentiment": (3, LABEL, {"train.tsv": 900, "validation.tsv": 150, "test.tsv": 150}),
    "sst2": (2, LABEL, {"sst2.train.tsv": 6920, "sst2.dev.tsv": 872, "sst2.test.tsv": 1821}),
    "sst5": (5, LABEL, {"sst5.train.tsv": 8544, "sst5.dev.tsv": 1101, "sst5.test.tsv": 2210}),
    "polarity2": (2, FOLD, {"polarity2.tsv": 2000}),
    "subj": (2, FOLD, {"subj.tsv": 10_000}),
    "r8": (8, LABEL, {"train.tsv": 5485, "test.tsv": 2189}),
    "banking77": (77, LABEL, {"train.tsv": 10_003, "test.tsv": 3080}),
    "clinc150": (
        150,
        LABEL,
        {
            "train.tsv": 15_000,
            "dev.tsv": 3000,
            "test.tsv": 4500,
            "oos_train.tsv": 100,
            "oos_dev.tsv": 100,
            "oos_test.tsv": 1000,
        },
    ),
    "told-br": (2, LABEL, {"train.tsv": 16_800, "dev.tsv": 2100, "test.tsv": 2100}),
    **{
        f"umsab-sentiment-{language}": (
            3,
            LABEL,
            {f"{language}.{split}.tsv": size for split, size in SIZES_OF_LANGUAGE.items()},
        )
        for language in ("pt", "en", "es")
    },
    "tweeteval-emotion": (4, LABEL, {"emotion.train.tsv": 3257, "emotion.dev.tsv": 374, "emotion.test.tsv": 1421}),
    "tweeteval-irony": (2, LABEL, {"irony.train.tsv": 2862, "irony.dev.tsv": 955, "irony.test.tsv": 784}),
}
# Pairs: columns, the least and the largest score or label, pairs of each file, and how many files of the publisher
# make one of ours.
SCORED, LABELLED, ENTAILED = ("score", "a", "b"), ("label", "a", "b"), ("ignored", "score", "ignored", "a", "b")
PAIRS = {
    **{
        f"stsb-{language}": (
            SCORED,
            (0, 5),
            {f"{language}.train.tsv": 5749, f"{language}.dev.tsv": 1500, f"{language}.test.tsv": 1379},
            1,
        )
        for language in ("en", "pt")
    },
    "sick": (ENTAILED, (1, 5), {"train.tsv": 4500, "dev.tsv": 500, "test.tsv": 4927}, 1),
    **{
        f"assin1-{variety}": (
            ENTAILED,
            (1, 5),
            {f"assin1-{variety}.{split}.tsv": size for split, size in (("train", 2500), ("dev", 500), ("test", 2000))},
            1,
        )
        for variety in ("ptbr", "ptpt")
    },
    "assin2": (ENTAILED, (1, 5), {"assin2.train.tsv": 6500, "assin2.dev.tsv": 500, "assin2.test.tsv": 2448}, 1),
    "mqp": (LABELLED, (0, 1), {"train.tsv": 2426, "dev.tsv": 322, "test.tsv": 300}, 1),
    "twitter-url": (LABELLED, (0, 1), {"train.tsv": 42_200, "test.tsv": 9324}, 3),
}
# Running text, names and music: what the files are called, and how many files of the publisher make each of ours.
LANGUAGE = {
    "names_pt": ("names", {"train.txt": 0, "validation.txt": 0, "test.txt": 0}),
    "wikitext-2": ("language", {"train.txt": 1, "valid.txt": 1, "test.txt": 1}),
    "tinyshakespeare": ("language", {"input.txt": 1}),
    "machado": ("language", {"train.txt": 15, "dev.txt": 1, "test.txt": 1}),
    "names-br": ("names", {"names.tsv": 2}),
    "names-world": ("names", {"names.tsv": 18}),
    "jsb-chorales": ("music", {"jsb-chorales-quarter.json": 1, "jsb-16th-satb.json": 1}),
    "nottingham": ("music", {"nottingham.json": 1}),
}


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """The three places that are searched, and a working folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_SEQ_DATA", str(tmp_path / "variable"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return [tmp_path / "argument", tmp_path / "variable", cache_directory()]


def put(folder, name):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("a O\n")
    return path


def test_every_dataset_is_pinned_and_described():
    names = [dataset.name for dataset in list_datasets()]
    assert names == sorted(names) and {
        "lener-br",
        "wnut17",
        "wikiann-pt",
        *TEXTS,
        *PAIRS,
        *LANGUAGE,
        "omniglot",
    } <= set(names)
    hashes = []
    for dataset in list_datasets():
        assert dataset.task in ("ner", "classification", "pairs", "language", "names", "music", "images")
        assert dataset.description and dataset.licence and dataset.citation and dataset.language and dataset.task
        for file in dataset.files.values():
            assert re.fullmatch("[0-9a-f]{64}", file.sha256)
            assert dataset.is_bundled or all(re.search(r"/[0-9a-f]{12,40}/", url) for url in file.addresses[0])
            assert all(url.startswith("https://") for address in file.addresses for url in address)
            hashes.append(file.sha256)
    assert len(set(hashes)) == len(hashes)


def test_order_of_the_folders(folders):
    for folder in reversed(folders):
        path = put(folder, "lener-br/dev.conll")
        assert find_data("lener-br/dev.conll", data_dir=folders[0]) == path


def test_with_and_without_gz(folders):
    plain = put(folders[1], "wikiann/pt.dev.conll")
    packed = put(folders[1], "wikiann/pt.train.conll.gz")
    for suffix in ("", ".gz"):
        assert find_data(f"wikiann/pt.dev.conll{suffix}") == plain
        assert find_data(f"wikiann/pt.train.conll{suffix}") == packed


def test_a_path_of_the_user(folders, tmp_path):
    path = put(tmp_path / "work", "mine.conll")
    assert find_data("mine.conll").resolve() == path
    assert find_data(path) == path


@pytest.mark.parametrize(
    ("reference", "remedy"),
    [
        ("lener-br/train.conll.gz", "run `keras-seq data fetch lener-br`"),
        ("wikiann/pt.dev.conll", "run `keras-seq data fetch wikiann-pt`"),
        ("lener-br/training.conll", "its files are lener-br/dev.conll, lener-br/test.conll, lener-br/train.conll"),
        ("nowhere.conll", "keras-seq data list"),
        ("/no/such/file.conll", "keras-seq data list"),
    ],
)
def test_missing_data_name_the_remedy(folders, reference, remedy):
    with pytest.raises(InputError) as caught:
        find_data(reference)
    assert str(caught.value).startswith(reference) and remedy in str(caught.value)


def test_unknown_and_repeated_names():
    with pytest.raises(InputError, match="did you mean lener-br"):
        get_dataset("lener")
    with pytest.raises(ValueError, match="registered"):
        register_dataset(get_dataset("wnut17"))


def test_texts_and_labels_lie_in_the_same_folder_of_the_publisher():
    addresses = [file.addresses for name in TEXTS for file in get_dataset(name).files.values()]
    of_two = [address for together in addresses for address in together if len(address) == 2]
    assert len(of_two) == 30
    for text, labels in of_two:
        assert text.replace("_text.txt", "_labels.txt") == labels


@pytest.mark.parametrize("name", LANGUAGE)
def test_files_of_language_sets_and_the_parts_they_are_made_of(name):
    task, parts = LANGUAGE[name]
    dataset = get_dataset(name)
    assert dataset.task == task
    assert {
        file: len(source.addresses[0]) if source.addresses else 0 for file, source in dataset.files.items()
    } == parts
    for source in dataset.files.values():
        # The parts are of one commit, and none is taken twice.
        for address in source.addresses:
            assert len(set(address)) == len(address)
            assert len({url.split("/")[5] for url in address}) == 1


@pytest.mark.data
def test_hashes_are_those_of_the_files(data_dir):
    for dataset in list_datasets():
        if dataset.is_bundled:
            continue
        for name, file in dataset.files.items():
            content = find_data(f"{dataset.directory}/{name}", data_dir).read_bytes()
            content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
            assert hashlib.sha256(content).hexdigest() == file.sha256, name


@pytest.mark.data
@pytest.mark.parametrize("name", TEXTS)
def test_text_sets_parse_wholly(data_dir, name):
    num_classes, columns, counts = TEXTS[name]
    dataset = get_dataset(name)
    assert dataset.task == "classification" and set(counts) == set(dataset.files)
    for file, count in counts.items():
        path = find_data(f"{dataset.directory}/{file}", data_dir)
        examples = list(read_labelled_text(path, columns=columns))
        assert len(examples) == count == examples[-1].line
        labels = labels_of(examples)
        if "oos" in file:
            assert labels == ["oos"]
            continue
        check_classes(labels, path)
        assert len(labels) == num_classes
        if "fold" in columns:
            assert {example.fold for example in examples} == set(range(10))
            train, test = split_of_folds([example.fold for example in examples], 3)
            assert len(test) == count // 10 and len(train) + len(test) == count


@pytest.mark.parametrize("name", PAIRS)
def test_files_of_pairs_and_the_parts_they_are_made_of(name):
    _, _, counts, parts = PAIRS[name]
    dataset = get_dataset(name)
    assert dataset.task == "pairs" and set(dataset.files) == set(counts)
    for source in dataset.files.values():
        for address in source.addresses:
            assert len(set(address)) == len(address) == parts
            assert len({url.split("/")[5] for url in address}) == 1


@pytest.mark.data
@pytest.mark.parametrize("name", PAIRS)
def test_sets_of_pairs_parse_wholly(data_dir, name):
    columns, bounds, counts, _ = PAIRS[name]
    for file, count in counts.items():
        pairs = list(read_pairs(find_data(f"{get_dataset(name).directory}/{file}", data_dir), columns=columns))
        assert len(pairs) == count == pairs[-1].line
        values = [pair.label if "label" in columns else pair.score for pair in pairs]
        assert bounds[0] <= min(values) <= bounds[0] + 0.25 and max(values) == bounds[1]


@pytest.mark.parametrize("name", ["quickstart", "quickstart_sentiment", "names_pt"])
def test_what_comes_with_the_package_needs_no_folder_and_no_download(folders, name):
    dataset = get_dataset(name)
    assert dataset.is_bundled
    for file_name, file in dataset.files.items():
        path = find_data(f"{name}/{file_name}")
        assert path == fetch(name, data_dir=folders[0]) / file_name
        assert hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256
    assert not folders[0].exists()


@pytest.mark.data
def test_omniglot_parses_wholly(data_dir):
    assert set(get_dataset("omniglot").files) == {"background.npz", "evaluation.npz", "oneshot_runs.npz"}
    for file, alphabets, characters in (("background.npz", 30, 964), ("evaluation.npz", 20, 659)):
        images = read_images(find_data(f"omniglot/{file}", data_dir))
        check_image_classes(images, file)
        assert images.images.shape == (20 * characters, 105, 105)
        assert len(images.names) == characters and len(np.unique(images.groups)) == alphabets
        assert (np.bincount(images.labels) == 20).all() and (np.bincount(images.drawers) == characters).all()
    runs = read_one_shot_runs(find_data("omniglot/oneshot_runs.npz", data_dir))
    assert runs.references.shape == runs.queries.shape == (20, 20, 105, 105)
    assert (np.sort(runs.answers, axis=1) == np.arange(20)).all()
