"""Vectors for TensorBoard's embedding projector."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_seq.core.errors import RunError
from keras_seq.core.files import atomic_write

# The projector computes in the browser: more points make it crawl.
MAX_POINTS = 10_000


def write_projector(
    directory: str | os.PathLike, vectors: np.ndarray, labels: Sequence[str], name: str = "words"
) -> None:
    """Write vectors and their labels so that TensorBoard's tab "Projector" shows them.

    Vectors and labels become two files of columns parted by tabs; the configuration of the projector names them. Tables
    that the folder has under other names stay.

    Args:
        directory: the log directory that TensorBoard is started with, or the folder of one run in it; it is created
            when missing. TensorBoard sees a run when it has event files too.
        vectors: `(points, dim)`; at most the first 10,000 are written.
        labels: one for each vector. Points with an empty label, such as the padding, are left out.
        name: what the projector calls the table, and part of the file names: letters, digits, `.`, `_` and `-`.

    Raises:
        ValueError: if vectors and labels differ in number, nothing is left to write, or the name is no such name.
        RunError: if the folder cannot be written.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> write_projector(tempfile.mkdtemp(), np.eye(3), ["", "red", "blue"])
    """
    vectors = np.asarray(vectors)
    if vectors.ndim != 2 or len(vectors) != len(labels):
        raise ValueError(
            f"`vectors` must have a row for each label. Received: vectors.shape={vectors.shape}, {len(labels)} labels. "
            "Pass the words of these rows."
        )
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
        raise ValueError(
            f"`name` must be made of letters, digits, '.', '_' and '-'. Received: name={name!r}. Choose another."
        )
    # What parts columns and lines would part a label.
    shown = [(row, " ".join(label.split())) for row, label in enumerate(labels) if label.strip()][:MAX_POINTS]
    if not shown:
        raise ValueError("`labels` must hold a label. Received: none that is not blank. Pass the words of these rows.")
    directory = Path(directory)
    files = {"tensor_path": f"{name}.vectors.tsv", "metadata_path": f"{name}.labels.tsv"}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with atomic_write(directory / files["tensor_path"], "w") as file:
            file.writelines("\t".join(f"{value:.6g}" for value in vectors[row].tolist()) + "\n" for row, _ in shown)
        with atomic_write(directory / files["metadata_path"], "w") as file:
            file.writelines(f"{label}\n" for _, label in shown)
        _add_table(directory, name, [len(shown), vectors.shape[1]], files)
    except OSError as error:
        raise RunError(f"{directory}: cannot be written ({error.strerror or error}); name another folder") from error


def _add_table(directory: Path, name: str, shape: Sequence[int], files: Mapping[str, str]) -> None:
    """Name a table in the configuration of the projector, in the place of one of that name."""
    # Imported here: the room must be importable where TensorFlow is not installed.
    from google.protobuf import text_format  # type: ignore[import-untyped]
    from tensorboard.plugins import projector

    config = projector.ProjectorConfig()
    path = directory / "projector_config.pbtxt"
    if path.is_file():
        text_format.Parse(path.read_text(encoding="utf-8"), config)
    others = [embedding for embedding in config.embeddings if embedding.tensor_name != name]
    del config.embeddings[:]
    config.embeddings.extend(others)
    config.embeddings.add(tensor_name=name, tensor_shape=shape, **files)
    projector.visualize_embeddings(os.fspath(directory), config)
