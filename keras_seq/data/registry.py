"""The data sets that recipes use: where they come from, what they may be used for, how their files are found."""

import difflib
import importlib.resources
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from keras_seq.core.errors import InputError
from keras_seq.data.conversions import to_token_tag_lines
from keras_seq.data.midi import midi_files

DATA_VARIABLE = "KERAS_SEQ_DATA"
# What comes with the package; the folder lies beside this file wherever it is installed.
BUNDLED_DIRECTORY = Path(str(importlib.resources.files("keras_seq.data") / "bundled"))


@dataclass(frozen=True)
class DataFile:
    """One file of a data set.

    Args:
        urls: Where the publisher's file is, the pinned one first; the others are tried when it does not answer, or
            answers with something else. None: the file comes with the package.
        sha256: SHA-256 of the file as it lies on disk after `fetch` (in the format of this package, not compressed),
            not of the publisher's bytes: those have several formats.
        convert: From the bytes of the publisher's file to those of ours; from the bytes of both with `label_urls`.
        label_urls: Where the labels are, when the publisher has a file of texts and one of labels: an address for each
            of `urls`.
        further_urls: Where the other parts are, when the publisher has many files that make one of ours: `urls` name
            the first part, and `convert` takes the contents of all, in order.
    """

    urls: tuple[str, ...]
    sha256: str
    convert: Callable[..., bytes] = to_token_tag_lines
    label_urls: tuple[str, ...] = ()
    further_urls: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.label_urls and len(self.label_urls) != len(self.urls):
            raise ValueError(
                f"`label_urls` must hold an address for each of `urls`. Received: label_urls={self.label_urls!r}, "
                f"urls={self.urls!r}. Give both addresses of the same commit."
            )

    @property
    def addresses(self) -> list[tuple[str, ...]]:
        """What is to be downloaded together, the first choice first."""
        together = zip(self.urls, *([self.label_urls] if self.label_urls else []), strict=True)
        return [(*address, *self.further_urls) for address in together]


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
        return not any(file.urls for file in self.files.values())


_DATASETS: dict[str, Dataset] = {}


def register_dataset(dataset: Dataset) -> Dataset:
    """Make a data set known by its name.

    Raises:
        ValueError: When the name is taken.
    """
    if dataset.name in _DATASETS:
        raise ValueError(
            f"`dataset` must have a name of its own. Received: name={dataset.name!r}, which is registered. Rename it."
        )
    _DATASETS[dataset.name] = dataset
    return dataset


def register_files(
    name: str,
    description: str,
    files: Mapping[str, DataFile],
    *,
    task: str,
    language: str = "en",
    licence: str,
    citation: str,
    folder: str = "",
) -> Dataset:
    """Make a data set known by what it consists of: see `Dataset`."""
    return register_dataset(Dataset(name, description, task, language, licence, citation, files, folder))


def get_dataset(name: str) -> Dataset:
    """The data set of a name.

    Raises:
        InputError: When there is none, naming the closest ones.
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
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "keras_seq" / "data"


def data_directories(data_dir: str | os.PathLike | None = None) -> list[Path]:
    """The folders that are searched for data: `data_dir`, `KERAS_SEQ_DATA`, the cache, what comes with the package."""
    named = [data_dir, os.environ.get(DATA_VARIABLE)]
    return [*(Path(directory).expanduser() for directory in named if directory), cache_directory(), BUNDLED_DIRECTORY]


def find_data(reference: str | os.PathLike, data_dir: str | os.PathLike | None = None) -> Path:
    """The file that a recipe or a command names.

    A reference is the path of a file, or `folder/file` below one of `data_directories`. A file is found with and
    without `.gz`, whichever way it was named. A folder may be named where it holds MIDI files.

    Args:
        reference: For instance `"lener-br/train.conll"`, or a path.
        data_dir: Searched before `KERAS_SEQ_DATA` and the cache.

    Returns:
        The path of an existing file, or of such a folder.

    Raises:
        InputError: When there is none, with the command that fetches a registered data set.
    """
    reference = Path(reference).expanduser()
    directories = [] if reference.is_absolute() else data_directories(data_dir)
    for candidate in [reference, *(directory / reference for directory in directories)]:
        for path in _spellings(candidate):
            if path.is_file() or (path.is_dir() and midi_files(path)):
                return path
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


def github_file(repository: str, commit: str, path: str) -> str:
    """The address of a file as it was in one commit."""
    return f"https://raw.githubusercontent.com/{repository}/{commit}/{path}"


_LENER = "4999cb7f63191f1d6904206f312eeca8f5b45c5a"
# Of the commit `_WNUT` we know no more than these twelve digits; the SHA-256 of each file decides what is taken.
_WNUT, _WNUT_DEV = "e52a2d2a71ac", "80365bea7179534c260d565f569c0d73369ae2ea"
_WIKIANN, _WIKIANN_EN = "a040cd6ce657f3abf7bbbab7fd1b6b4af4da275a", "e278bd36d7ca3704b322b316ea9a337ee062cdab"

register_dataset(
    Dataset(
        name="quickstart",
        description="Entities in Portuguese sentences made from templates: 4 types, 1,100 sentences",
        task="ner",
        language="pt",
        licence="Apache-2.0",
        citation="keras_seq, zoo/quickstart_corpus.py",
        files={
            f"{split}.conll": DataFile((), sha256)
            for split, sha256 in (
                ("train", "4be852952cae1f895c991d47ec83408c4d9ae4a6b821d0ac37fd03bee5990ae9"),
                ("validation", "9e5e87dce8dd6255f6b947c38ab12673bd4d5ba14ee07f8912b0566de7d846bd"),
                ("test", "49d176258120cf4e11c976b58db66a8342f2eee4af9fad69a2b87807717220bc"),
            )
        },
    )
)

register_dataset(
    Dataset(
        name="lener-br",
        description="Named entities in Brazilian legal text: 6 types, 10,392 sentences",
        task="ner",
        language="pt",
        licence="MIT",
        citation="Luz de Araujo et al., LeNER-Br, PROPOR 2018, doi:10.1007/978-3-319-99722-3_32",
        files={
            f"{split}.conll": DataFile(
                (github_file("peluz/lener-br", _LENER, f"leNER-Br/{split}/{split}.conll"),), sha256
            )
            for split, sha256 in (
                ("train", "6fdf9066333c84565f9e3d28ee8f0f519336bece69b63f8d78b8de0fe96dcd47"),
                ("dev", "7e350feb828198031e57c21d6aadbf8dac92b19a684e45d7081c6cb491e2063b"),
                ("test", "f90cd26a31afc2d1f132c4473d40c26d2283a98b374025fa5b5985b723dce825"),
            )
        },
    )
)

register_dataset(
    Dataset(
        name="wnut17",
        description="Emerging entities in English social media: 6 types, 5,690 sentences",
        task="ner",
        language="en",
        licence="CC BY 4.0",
        citation="Derczynski et al., Results of the WNUT2017 Shared Task, W-NUT 2017, doi:10.18653/v1/W17-4418",
        files={
            f"{split}.conll": DataFile(
                (
                    github_file("leondz/emerging_entities_17", commit, name),
                    f"https://noisy-text.github.io/2017/files/{name}",
                ),
                sha256,
            )
            for split, commit, name, sha256 in (
                (
                    "train",
                    _WNUT,
                    "wnut17train.conll",
                    "76d402efec17ec7c2c1d7f231377088f138f0ff815d470c1d462713ebc9f74bd",
                ),
                (
                    "dev",
                    _WNUT_DEV,
                    "emerging.dev.conll",
                    "b24b5eddb0fb1dc012adf25a66f7ea35494f7a9660e6d535c22a65ea34799167",
                ),
                (
                    "test",
                    _WNUT,
                    "emerging.test.annotated",
                    "349d55e716aa84421cdbce5d28a080ba01b5321a1e224cfd0e46620540e72356",
                ),
            )
        },
    )
)


def _register_wikiann(language: str, description: str, folder: str, **files: tuple[str, str]) -> None:
    register_dataset(
        Dataset(
            name=f"wikiann-{language}",
            description=description,
            task="ner",
            language=language,
            licence="not stated by the source; the text is from Wikipedia (CC BY-SA)",
            citation="Pan et al., ACL 2017, doi:10.18653/v1/P17-1178; balanced splits: Rahimi et al., ACL 2019",
            files={
                f"{language}.{split}.conll": DataFile(
                    (github_file("davidsbatista/NER-datasets", commit, f"{folder}/{split}"),),
                    sha256,
                    partial(to_token_tag_lines, prefix=f"{language}:"),
                )
                for split, (commit, sha256) in files.items()
            },
            folder="wikiann",
        )
    )


_register_wikiann(
    "pt",
    "Persons, organisations and places in Portuguese Wikipedia, silver labels: 40,000 sentences",
    "Portuguese/WikiANN",
    train=(_WIKIANN, "9b05aa812c63172ee63a9ff56ac0c565009b32510944b1d8ede28c4e993c437b"),
    dev=(_WIKIANN, "9ac294c5968b191873c3dda03bb3cfebbaee72bbbba156e7cad41a07378fe74f"),
    test=(_WIKIANN, "09ed12a3d562396982f4f97623af66d130f9eb3cee7a6d9fd27c724a9ffd928c"),
)
_register_wikiann(
    "en",
    "Persons, organisations and places in English Wikipedia, silver labels: 40,000 sentences",
    "WikiANN/en",
    train=(_WIKIANN, "61aedeaeb22158210f87212dafdd708fa43e4222cea047a6c94d796fa04d0f02"),
    dev=(_WIKIANN_EN, "7d39b945338268c1cfdb02540e68dc3411ec6d85cee4e32705e1d057617c2f02"),
    test=(_WIKIANN_EN, "0bb1a07bcc189f1736c723a59160c0b4b2e975d4f7eefa34af523238bc4b4927"),
)
