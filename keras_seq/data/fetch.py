"""Downloads of registered data sets: checked, converted, all or nothing."""

import contextlib
import hashlib
import http.client
import os
import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keras_seq.core.errors import InputError
from keras_seq.core.files import atomic_write
from keras_seq.core.notices import notify
from keras_seq.core.reading import expanded
from keras_seq.data.registry import BUNDLED_DIRECTORY, DataFile, cache_directory, get_dataset

_TIMEOUT_SECONDS, _TOLD_SECONDS = 30, 5
# So slow that a user would rather know than wait.
_LEAST_BYTES_PER_SECOND = 4096
_BLOCK_BYTES = 1 << 16
# The largest file is 11 MB. A server that never stops must not fill the memory.
_MAX_BYTES = 1 << 28

Progress = Callable[[str, int, int | None], None]


def fetch(
    name: str, data_dir: str | os.PathLike | None = None, progress: Progress | None = None, force: bool = False
) -> Path:
    """Download the files of a registered data set, once.

    Each file is converted to the format of this package and checked against its SHA-256 before it takes its name: what
    is there is whole and right. Files that are there already are left alone, and what comes with the package stays
    where it is.

    Args:
        name: Of the data set, such as `"lener-br"`.
        data_dir: Where to put its folder; by default `KERAS_SEQ_DATA` does not count, and the cache is used.
        progress: Called with the file name, the bytes so far and the bytes in all (`None` when not known).
        force: Whether to download files that are there.

    Returns:
        The folder of the data set.

    Raises:
        InputError: if the name is not registered, no address answers, or the content is not the pinned one.
    """
    dataset = get_dataset(name)
    if dataset.is_bundled:
        return BUNDLED_DIRECTORY / dataset.directory
    folder = (cache_directory() if data_dir is None else expanded(data_dir)) / dataset.directory
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be created ({error.strerror}); pass another --data-dir") from error
    sources = _Sources()
    for file_name, data_file in dataset.files.items():
        path = folder / file_name
        if not force and (path.is_file() or path.with_name(f"{file_name}.gz").is_file()):
            continue
        content = _download(file_name, data_file, sources, progress)
        try:
            with atomic_write(path) as file:
                file.write(content)
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror}); pass another --data-dir") from error
    return folder


class _Sources:
    """The publisher's files of one call: an archive that holds several of ours is downloaded once."""

    def __init__(self):
        self._contents: dict[str, bytes] = {}

    def read(self, address: tuple[str, ...], file_name: str, progress: Progress | None) -> list[bytes]:
        """The contents of the files that make one of ours together."""
        contents: list[bytes] = []
        for url in address:
            if url not in self._contents:
                self._contents[url] = _read(url, file_name, progress, sum(map(len, contents)))
            contents.append(self._contents[url])
        return contents


def _download(file_name: str, data_file: DataFile, sources: _Sources, progress: Progress | None) -> bytes:
    failures = []
    for address in data_file.addresses:
        named = " with ".join(address if len(address) < 3 else (address[0], f"{len(address) - 1} more"))
        try:
            contents = sources.read(address, file_name, progress)
        except (OSError, http.client.HTTPException, ValueError) as error:
            failures.append(f"{named}: {getattr(error, 'reason', None) or error}")
            continue
        try:
            content = data_file.convert(*contents)
        except Exception as error:
            # Archives, images, tables and JSON of other content make their parsers raise dozens of exceptions.
            failures.append(f"{named}: {error or type(error).__name__}")
            continue
        digest = hashlib.sha256(content).hexdigest()
        if digest == data_file.sha256:
            return content
        failures.append(f"{named}: SHA-256 {digest[:12]}..., expected {data_file.sha256[:12]}...")
    raise InputError(f"{file_name}: no address gave the file ({'; '.join(failures)}); check the network")


def _read(url: str, file_name: str, progress: Progress | None, before: int) -> bytes:
    """What an address gives, as long as it is not slower than a server may be.

    Each step of a request has a limit of its own, which a server that sends a byte now and then never reaches: a
    thread receives, and this one watches the clock for the whole.
    """
    found: queue.Queue = queue.Queue(maxsize=16)
    is_given_up = threading.Event()
    threading.Thread(target=_receive, args=(url, found, is_given_up), daemon=True).start()
    start, received, total = time.monotonic(), 0, None
    blocks: list[bytes] = []
    is_told = False
    try:
        while True:
            spare = received / _LEAST_BYTES_PER_SECOND
            end = start + (_TIMEOUT_SECONDS if is_told else _TOLD_SECONDS) + spare
            try:
                kind, value = found.get(timeout=max(end - time.monotonic(), 0.01))
            except queue.Empty:
                seconds = time.monotonic() - start
                if not is_told:
                    is_told = True
                    notify(f"{url}: {received:,} bytes in {seconds:.0f} s; waiting up to {_TIMEOUT_SECONDS} s")
                    continue
                raise OSError(f"too slow: {received:,} bytes in {seconds:.0f} s") from None
            if kind == "error":
                raise value
            if kind == "total":
                total = value
                continue
            if not value:
                break
            blocks.append(value)
            received += len(value)
            if received > _MAX_BYTES:
                raise OSError(f"more than {_MAX_BYTES:,} bytes")
            if progress is not None:
                progress(file_name, before + received, None if total is None else before + total)
    finally:
        is_given_up.set()
    if total is not None and received != total:
        raise OSError(f"{received:,} of {total:,} bytes")
    return b"".join(blocks)


def _receive(url: str, found: queue.Queue, is_given_up: threading.Event) -> None:
    """Put how much there is, the blocks and an empty one, or an error, into a queue."""

    def put(kind: str, value: Any) -> None:
        while not is_given_up.is_set():
            with contextlib.suppress(queue.Full):
                return found.put((kind, value), timeout=0.1)

    try:
        # The addresses are those of the registry: https, or what a test registers.
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
            length = response.headers.get("Content-Length")
            put("total", int(length) if length and length.isdigit() and len(length) < 20 else None)
            while not is_given_up.is_set():
                block = response.read1(_BLOCK_BYTES)
                put("block", block)
                if not block:
                    return
    except Exception as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        put("error", error)
