import gzip
import hashlib
import re

import pytest

from keras_seq.core.errors import InputError
from keras_seq.data import fetch, find_data, get_dataset, list_datasets
from keras_seq.data.registry import cache_directory, register_dataset


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
    assert names == sorted(names) and {"lener-br", "wnut17", "wikiann-pt", "wikiann-en"} <= set(names)
    hashes = []
    for dataset in list_datasets():
        assert dataset.description and dataset.licence and dataset.citation and dataset.language and dataset.task
        for file in dataset.files.values():
            assert re.fullmatch("[0-9a-f]{64}", file.sha256)
            assert dataset.is_bundled or re.search(r"/[0-9a-f]{12,40}/", file.urls[0])
            assert all(url.startswith("https://") for url in file.urls)
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


@pytest.mark.data
def test_hashes_are_those_of_the_files(data_dir):
    for dataset in list_datasets():
        if dataset.is_bundled:
            continue
        for name, file in dataset.files.items():
            content = find_data(f"{dataset.directory}/{name}", data_dir).read_bytes()
            content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
            assert hashlib.sha256(content).hexdigest() == file.sha256, name


def test_what_comes_with_the_package_needs_no_folder_and_no_download(folders):
    dataset = get_dataset("quickstart")
    assert dataset.is_bundled
    for name, file in dataset.files.items():
        path = find_data(f"quickstart/{name}")
        assert path == fetch("quickstart", data_dir=folders[0]) / name
        assert hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256
    assert not folders[0].exists()
