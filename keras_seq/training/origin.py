"""What the numbers of a training come from besides its recipe: the content of its files, and the software."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import hashlib
import io
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, cast

from keras_seq.core.digests import digest_of
from keras_seq.core.errors import RunError


@dataclasses.dataclass(frozen=True)
class Origin:
    """Kept in each checkpoint, so that a run is resumed with what it was started with.

    Args:
        files: Key of the recipe, such as `data.train` -> SHA-256 of the file's content, as it is without gzip.
        versions: Package -> version; numbers may differ from one to the next.
        backend: That of Keras, whose random numbers are its own.
    """

    files: Mapping[str, str] = dataclasses.field(default_factory=dict)
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    backend: str = ""

    @classmethod
    def of(cls, paths: Mapping[str, Path], versions: Mapping[str, str], backend: str) -> Self:
        """That of a training which reads some files.

        Args:
            paths: Key of the recipe -> the file, or folder of files, that is read.
            versions, backend: As of the class.
        """
        return cls({key: _digest_of(path) for key, path in paths.items()}, dict(versions), backend)

    def to_json(self) -> dict[str, Any]:
        """What JSON can hold."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Any) -> Self | None:
        """What `to_json` gave; `None` where it is something else."""
        if not isinstance(values, dict) or set(values) != {field.name for field in dataclasses.fields(cls)}:
            return None
        tables = (values["files"], values["versions"])
        if not all(isinstance(table, dict) and all(map(_is_text, table.values())) for table in tables):
            return None
        return cls(**values) if _is_text(values["backend"]) else None

    def check_same(self, now: Origin, paths: Mapping[str, Path], run: Path) -> list[str]:
        """Raise unless a run that has this origin comes to the same numbers with another one.

        Args:
            now: What it would be resumed with.
            paths: The files of `now`.
            run: The run directory, for messages.

        Returns:
            One line for each package of another version, with which numbers may differ a little.

        Raises:
            RunError: if a file has another content, or the backend is another one.
        """
        remedy = "resume with what the run was started with, or name another run directory"
        for key in [*now.files, *(key for key in self.files if key not in now.files)]:
            if self.files.get(key) == now.files.get(key):
                continue
            if key not in self.files:
                raise RunError(f"{run}: was started without a file for {key}, now it is {paths[key]}; {remedy}")
            if key not in now.files:
                raise RunError(f"{run}: was started with a file for {key}, now there is none; {remedy}")
            raise RunError(f"{paths[key]}: {key} is not the data that {run} was started with; {remedy}")
        if self.backend != now.backend:
            raise RunError(
                f"{run}: was started with the backend {self.backend}, now it is {now.backend}; set "
                f"KERAS_BACKEND={self.backend}, or name another run directory"
            )
        return [
            f"{run}: was started with {name} {version}, goes on with {now.versions.get(name, 'none')}: the numbers may "
            "differ from those of a run that was not stopped"
            for name, version in self.versions.items()
            if now.versions.get(name) != version
        ]


def _digest_of(path: Path) -> str:
    """That of the content: packing a file, or unpacking it, changes no number."""
    if path.is_file():
        with path.open("rb") as raw:
            if raw.read(2) == b"\x1f\x8b":
                raw.seek(0)
                # One that is damaged is for its reader to name.
                with contextlib.suppress(EOFError, zlib.error, gzip.BadGzipFile), gzip.open(raw) as file:
                    return hashlib.file_digest(cast(io.BufferedIOBase, file), "sha256").hexdigest()
    return digest_of(path)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
