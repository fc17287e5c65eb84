"""The data sets that recipes use: where they come from, what they may be used for, how their files are found."""

import difflib
import importlib.resources
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from keras_seq.core.errors import InputError
from keras_seq.core.reading import check_ordinary, expanded
from keras_seq.data.brat import brat_files
from keras_seq.data.conversions import (
    clinc_json,
    label_first_lines,
    labelled_csv,
    labelled_csv_in_zip,
    movie_reviews_zip,
    subjectivity_zip,
    text_and_label_files,
    to_token_tag_lines,
)
from keras_seq.data.image_conversions import omniglot_images, omniglot_runs
from keras_seq.data.language_conversions import (
    compact_json,
    ibge_names,
    joined_works,
    names_of_languages,
    piano_rolls_mat,
    text_or_zip,
    unchanged,
)
from keras_seq.data.midi import midi_files
from keras_seq.data.pair_conversions import assin_xml, parallel_lines, question_pairs_csv, scored_csv, sick_lines

DATA_VARIABLE = "KERAS_SEQ_DATA"
# What comes with the package lies beside this file wherever it is installed.
_ROOM = Path(str(importlib.resources.files("keras_seq.data")))
BUNDLED_DIRECTORY, _TABLE = _ROOM / "bundled", _ROOM / "datasets.toml"


# What the table may say of a file, or of all files of a data set; all else is of the data set.
_OF_FILES = ("repository", "commits", "path", "urls", "converter", "arguments", "sha256")
_CONVERTERS = {
    converter.__name__: converter
    for converter in (
        *(to_token_tag_lines, label_first_lines, text_and_label_files, labelled_csv, labelled_csv_in_zip, clinc_json),
        *(movie_reviews_zip, subjectivity_zip),
        *(scored_csv, sick_lines, assin_xml, question_pairs_csv, parallel_lines),
        *(unchanged, text_or_zip, joined_works, ibge_names, names_of_languages, compact_json, piano_rolls_mat),
        *(omniglot_images, omniglot_runs),
    )
}


@dataclass(frozen=True)
class DataFile:
    """One file of a data set.

    Args:
        addresses: What is downloaded together to make it, the first choice first; the others are tried when one does
            not answer, or answers with something else. None: the file comes with the package.
        sha256: SHA-256 of the file as it lies on disk after `fetch` (in the format of this package, not compressed),
            not of the publisher's bytes: those have several formats.
        convert: From the contents of the publisher's files, in the order of an address, to those of ours.
    """

    addresses: tuple[tuple[str, ...], ...]
    sha256: str
    convert: Callable[..., bytes] = unchanged

    @property
    def url(self) -> str:
        """Where the first choice begins; `""` for what comes with the package."""
        return self.addresses[0][0] if self.addresses else ""


@dataclass(frozen=True)
class Dataset:
    """A data set that recipes can name.

    Args:
        name: The name of its folder, and in recipes.
        description: One line.
        task: What it is for: `"ner"`, `"classification"`, `"pairs"` (of texts), `"language"` (running text),
            `"names"`, `"music"` or `"images"`.
        language: ISO 639-1 code; several are parted by a comma. `"zxx"`: no language, as music and images have none.
        licence: The licence of the data as its publisher states it.
        citation: The paper.
        files: Local file name -> `DataFile`.
        folder: The folder of the files, when several data sets share one; by default the name.
    """

    name: str
    description: str
    task: str
    language: str
    licence: str
    citation: str
    files: Mapping[str, DataFile]
    folder: str = ""

    @property
    def directory(self) -> str:
        """Name of the folder that holds the files."""
        return self.folder or self.name

    @property
    def is_bundled(self) -> bool:
        """Whether it comes with the package and needs no download."""
        return not any(file.addresses for file in self.files.values())


def _file_of(
    sha256: str,
    repository: str = "",
    commits: Sequence[str] = (),
    path: str | Sequence[str] = (),
    urls: Sequence[str] = (),
    converter: str = "unchanged",
    arguments: Mapping[str, Any] | None = None,
) -> DataFile:
    """The file that an entry of the table describes."""
    paths = [path] if isinstance(path, str) else path
    pinned = [
        tuple(f"https://raw.githubusercontent.com/{repository}/{commit}/{part}" for part in paths) for commit in commits
    ]
    convert = partial(_CONVERTERS[converter], **(arguments or {}))
    return DataFile((*pinned, *((url,) for url in urls)), sha256, convert)


def _read_table() -> dict[str, Dataset]:
    """The data sets of `datasets.toml`, which says what its keys mean."""
    table = tomllib.loads(_TABLE.read_text("utf-8"))
    datasets = {}
    for name, entry in table.items():
        shared = {key: entry.pop(key) for key in _OF_FILES if key in entry}
        files = {file: _file_of(**{**shared, **of_file}) for file, of_file in entry.pop("files").items()}
        datasets[name] = Dataset(name=name, files=files, **entry)
    return datasets


_DATASETS = _read_table()


def register_dataset(dataset: Dataset) -> Dataset:
    """Make a data set known by its name, beside those of `datasets.toml`.

    Raises:
        ValueError: if the name is taken.
    """
    if dataset.name in _DATASETS:
        raise ValueError(
            f"`dataset` must have a name of its own. Received: name={dataset.name!r}, which is registered. Rename it."
        )
    _DATASETS[dataset.name] = dataset
    return dataset


def get_dataset(name: str) -> Dataset:
    """The data set of a name.

    Raises:
        InputError: if there is none, naming the closest ones.
    """
    if name not in _DATASETS:
        closest = difflib.get_close_matches(name, _DATASETS, n=3) or list(_DATASETS)
        raise InputError(f"no data set is called {name!r}; did you mean {', '.join(closest)}?")
    return _DATASETS[name]


def list_datasets() -> list[Dataset]:
    """All data sets, by name."""
    return [_DATASETS[name] for name in sorted(_DATASETS)]


def cache_directory() -> Path:
    """Where `fetch` puts data sets when nothing else is said: `~/.cache/keras_seq/data` (or under `XDG_CACHE_HOME`)."""
    root = os.environ.get("XDG_CACHE_HOME") or expanded("~/.cache")
    return Path(root) / "keras_seq" / "data"


def data_directories(data_dir: str | os.PathLike | None = None) -> list[Path]:
    """The folders that are searched for data: `data_dir`, `KERAS_SEQ_DATA`, the cache, what comes with the package.

    Raises:
        InputError: if one begins with the home folder of a user who has none.
    """
    return [*named_directories(data_dir), cache_directory(), BUNDLED_DIRECTORY]


def named_directories(data_dir: str | os.PathLike | None = None) -> list[Path]:
    """Of `data_directories` those that somebody has named, which may not exist."""
    named = [data_dir, os.environ.get(DATA_VARIABLE)]
    return [expanded(directory) for directory in named if directory]


def find_data(reference: str | os.PathLike, data_dir: str | os.PathLike | None = None) -> Path:
    """The file that a recipe or a command names.

    A reference is the path of a file, or `folder/file` below one of `data_directories`. A file is found with and
    without `.gz`, whichever way it was named. A folder may be named where it holds MIDI files, or annotations of BRAT.

    Args:
        reference: For instance `"lener-br/train.conll"`, or a path.
        data_dir: Searched before `KERAS_SEQ_DATA` and the cache.

    Returns:
        The path of an existing file, or of such a folder.

    Raises:
        InputError: if there is none, with the command that fetches a registered data set.
    """
    reference = expanded(reference)
    directories = [] if reference.is_absolute() else data_directories(data_dir)
    for candidate in [reference, *(directory / reference for directory in directories)]:
        for path in _spellings(candidate):
            if path.is_file() or (path.is_dir() and (midi_files(path) or brat_files(path))):
                return path
    check_ordinary(reference)
    folder = reference.parts[0] if len(reference.parts) > 1 and not reference.is_absolute() else None
    plain = reference.name.removesuffix(".gz")
    for dataset in list_datasets():
        if dataset.directory == folder and plain in dataset.files:
            raise InputError(f"{reference}: not fetched yet; run `keras-seq data fetch {dataset.name}`")
    known = sorted(
        f"{folder}/{name}" for dataset in list_datasets() for name in dataset.files if dataset.directory == folder
    )
    if known:
        raise InputError(f"{reference}: no such file in the data set; its files are {', '.join(known)}")
    searched = f" (searched {', '.join(map(str, [Path.cwd(), *directories]))})" if directories else ""
    raise InputError(f"{reference}: no such file{searched}; check the name, or see `keras-seq data list`")


def _spellings(path: Path) -> list[Path]:
    other = path.with_name(path.name.removesuffix(".gz") if path.suffix == ".gz" else f"{path.name}.gz")
    return [path, other]
