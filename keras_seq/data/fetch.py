"""Downloads of registered data sets: checked, converted, all or nothing."""

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from keras_seq.core.errors import InputError
from keras_seq.core.files import atomic_write
from keras_seq.data.registry import BUNDLED_DIRECTORY, DataFile, cache_directory, get_dataset

_TIMEOUT_SECONDS = 30
_BLOCK_BYTES = 1 << 16
# The largest file is 1.3 MB. A server that never stops must not fill the memory.
_MAX_BYTES = 1 << 28

Progress = Callable[[str, int, int | None], None]


def fetch(
    name: str, data_dir: str | os.PathLike | None = None, progress: Progress | None = None, force: bool = False
) -> Path:
    """Download the files of a registered data set, once.

    Each file is converted to `token tag` lines and checked against its SHA-256 before it takes its name: what is there
    is whole and right. Files that are there already are left alone, and what comes with the package stays where it is.

    Args:
        name: Of the data set, such as `"lener-br"`.
        data_dir: Where to put its folder; by default `KERAS_SEQ_DATA` does not count, and the cache is used.
        progress: Called with the file name, the bytes so far and the bytes in all (`None` when not known).
        force: Whether to download files that are there.

    Returns:
        The folder of the data set.

    Raises:
        InputError: When the name is not registered, no address answers, or the content is not the pinned one.
    """
    dataset = get_dataset(name)
    if dataset.is_bundled:
        return BUNDLED_DIRECTORY / dataset.directory
    folder = (cache_directory() if data_dir is None else Path(data_dir).expanduser()) / dataset.directory
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be created ({error.strerror}); pass another --data-dir") from error
    for file_name, data_file in dataset.files.items():
        path = folder / file_name
        if not force and (path.is_file() or path.with_name(f"{file_name}.gz").is_file()):
            continue
        content = _download(file_name, data_file, progress)
        try:
            with atomic_write(path) as file:
                file.write(content)
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror}); pass another --data-dir") from error
    return folder


def to_token_tag_lines(content: bytes, prefix: str = "") -> bytes:
    """Rewrite columns as `token tag` lines: one space, LF, one blank line after each sentence.

    Args:
        content: UTF-8, columns parted by a tab or spaces; the first is the token, the last the tag.
        prefix: Taken off each token.

    Returns:
        The rewritten content.
    """
    lines: list[str] = []
    for line in content.decode("utf-8-sig").split("\n"):
        cells = line.strip("\r").split("\t") if "\t" in line else line.split()
        if "".join(cells).strip():
            lines.append(f"{cells[0].removeprefix(prefix)} {cells[-1]}\n")
        elif lines and lines[-1] != "\n":
            lines.append("\n")
    if lines and lines[-1] != "\n":
        lines.append("\n")
    return "".join(lines).encode("utf-8")


def _download(file_name: str, data_file: DataFile, progress: Progress | None) -> bytes:
    failures = []
    for url in data_file.urls:
        try:
            content = to_token_tag_lines(_read(url, file_name, progress), data_file.prefix)
        except (OSError, http.client.HTTPException, UnicodeDecodeError) as error:
            failures.append(f"{url}: {getattr(error, 'reason', None) or error}")
            continue
        digest = hashlib.sha256(content).hexdigest()
        if digest == data_file.sha256:
            return content
        failures.append(f"{url}: SHA-256 {digest[:12]}..., expected {data_file.sha256[:12]}...")
    raise InputError(f"{file_name}: no address gave the file ({'; '.join(failures)}); check the network")


def _read(url: str, file_name: str, progress: Progress | None) -> bytes:
    # The addresses are those of the registry: https, or what a test registers.
    with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
        length = response.headers.get("Content-Length")
        total = int(length) if length and length.isdigit() else None
        blocks = []
        received = 0
        while block := response.read(_BLOCK_BYTES):
            blocks.append(block)
            received += len(block)
            if received > _MAX_BYTES:
                raise OSError(f"more than {_MAX_BYTES:,} bytes")
            if progress is not None:
                progress(file_name, received, total)
        if total is not None and received != total:
            raise OSError(f"{received:,} of {total:,} bytes")
    return b"".join(blocks)
