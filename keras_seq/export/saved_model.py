"""SavedModels in the layout that TensorFlow Serving reads: `<model>/<version>/saved_model.pb`."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from keras_seq.core.checks import check_positive_integer
from keras_seq.core.directories import changed_directory, lock_path_of, restore_directory
from keras_seq.core.errors import InputError
from keras_seq.core.files import remove
from keras_seq.core.locks import exclusive_lock
from keras_seq.core.notices import quiet_loggers
from keras_seq.export.errors import ExportError
from keras_seq.export.manifest import write_version_manifest
from keras_seq.export.served import Served
from keras_seq.export.task_file import TaskFile

SAVED_MODEL_FILE = "saved_model.pb"


def write_saved_model(
    target: str | os.PathLike,
    served: Served,
    *,
    family: str | None = None,
    version: int = 1,
    assets: Mapping[str, Callable[[Path], None]] | None = None,
    beside: Mapping[str, Callable[[Path], None]] | None = None,
    check: Callable[[Path], Any] | None = None,
) -> Path:
    """Write functions, the variables they read and their assets as `<target>/<version>/`, wholly or not at all.

    Everything is written into a temporary folder beside `target` and takes its place in one step; what else stands in
    `target` stays (`keras_seq.core.directories.changed_directory` says how, and where the system needs more steps).
    After an error, a full disk or a kill at any moment, `target` is as it was, or it holds the new version and all that
    belongs to it; what a kill has left is removed by the next export. A manifest in the version tells which files
    belong together; the last one to be written is `assets/task.json`, which tells `keras_seq.load` the family. Only
    variables that a signature reads are stored: no optimizer state, no random seeds of dropout, no gradient functions.

    Args:
        target: The model's folder. It may hold other versions.
        served: The functions, and what they use as attributes: the model, modules with look-up tables. TensorFlow
            refuses to write a table that is not reached from here. One of the names must be `serving_default`.
        family: The name of its task; `None`: no `task.json` is written, and other programs alone can load it.
        version: The number of the version. Servers answer with the highest one.
        assets: Name -> function that writes a file among the assets of the version, for other programs to read.
        beside: Name -> function that writes a file (or a folder) at the path it is given. They stand in `target`
            beside the versions and replace older ones; where a higher version stands, its files stay.
        check: Is given the complete version before it takes its place, such as
            `lambda folder: verify(folder, served)`; when it raises, nothing was exported.

    Returns:
        The folder of the version.

    Raises:
        InputError: if the version is there already, a file stands where a folder is needed, or another process
            exports to `target`.
        ExportError: if the disk is full or refuses, or if what was written is not complete.
        TypeError: if `version` is not an integer.
        ValueError: if an argument is out of range.
    """
    target, beside = Path(target), dict(beside or {})
    _check_arguments(served, version, beside)
    _check_target(target, version)
    with _translated_errors(target), _new_folders_removed_on_failure(target), _staging(target, version) as folders:
        version_folder, beside_folder = folders
        _save(version_folder, served)
        _write_assets(version_folder / "assets", assets or {})
        for name, write in beside.items():
            write(beside_folder / name)
        task_file = None if family is None else TaskFile(family, served.settings.to_dict())
        write_version_manifest(version_folder, [beside_folder / name for name in beside], task_file)
        if check is not None:
            with _target_named(version_folder, target / str(version)):
                check(version_folder)
        if (latest_version(target) or 0) > version:
            for name in beside:
                remove(beside_folder / name)
    return target / str(version)


def list_versions(path: str | os.PathLike) -> list[int]:
    """The versions in a model's folder, ascending; empty when there is none."""
    path = Path(path)
    if not path.is_dir():
        return []
    return sorted(
        int(entry.name) for entry in path.iterdir() if entry.name.isdecimal() and (entry / SAVED_MODEL_FILE).is_file()
    )


def latest_version(path: str | os.PathLike) -> int | None:
    """The highest version in a model's folder, which servers answer with; `None` when there is none."""
    return max(list_versions(path), default=None)


def find_saved_model(path: str | os.PathLike) -> Path:
    """The folder that holds `saved_model.pb`: `path` itself, or the latest version in it.

    Raises:
        InputError: if there is neither.
    """
    path = Path(path)
    restore_directory(path)
    if (path / SAVED_MODEL_FILE).is_file():
        return path
    number = latest_version(path)
    if number is None:
        raise InputError(f"{path}: holds no SavedModel ({SAVED_MODEL_FILE}, or versions of it); export a model to it")
    return next(entry for entry in path.iterdir() if entry.name.isdecimal() and int(entry.name) == number)


def _check_arguments(served, version, beside):
    check_positive_integer("version", version)
    signatures = served.signatures()
    if "serving_default" not in signatures:
        raise ValueError(
            f"`served` must declare 'serving_default', which servers call when none is named. "
            f"Received: {', '.join(signatures) or 'nothing'}. Name one so."
        )
    for name in beside:
        if Path(name).name != name or name.isdecimal():
            raise ValueError(f"`beside` must have plain file names. Received: {name!r}. Use such as 'card.json'.")


def _write_assets(folder, assets):
    for name, write in assets.items():
        if (folder / name).exists():
            raise ValueError(f"`assets` must have names that no table has. Received: {name!r}. Choose another one.")
        write(folder / name)


@contextlib.contextmanager
def _target_named(folder: Path, target: Path) -> Iterator[None]:
    """Errors say the name that the user knows, not that of the temporary folder."""
    try:
        yield
    except ExportError as error:
        raise ExportError(str(error).replace(str(folder), str(target))) from error


def _check_target(target, version):
    for folder in (target, *target.parents):
        if folder.is_dir():
            break
        if folder.exists() or folder.is_symlink():
            raise InputError(f"{folder}: is a file, a folder is needed; name another folder to export to")
    folder = target / str(version)
    if folder.is_dir() and any(folder.iterdir()):
        highest = max([version, *list_versions(target)])
        raise InputError(f"{folder}: exists and is not empty; pass `--version {highest + 1}` or remove it")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file, a folder is needed; remove it or name another folder to export to")


@contextlib.contextmanager
def _staging(target: Path, version: int) -> Iterator[tuple[Path, Path]]:
    """Gives the folders to write the version and the files beside it into; both take their places at success."""
    lock_path = lock_path_of(target)
    lock_path.parent.mkdir(parents=True, exist_ok=True)
    with exclusive_lock(lock_path, f"{target}: is being exported to"), changed_directory(target) as folder:
        yield folder / str(version), folder
        # The block may have taken long: nothing that was written meanwhile is replaced.
        _check_target(target, version)


@contextlib.contextmanager
def _new_folders_removed_on_failure(target):
    missing = [folder for folder in (target, *target.parents) if not folder.exists()]
    try:
        yield
    except BaseException:
        for folder in missing:
            # One that holds something by now is not ours to remove.
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


@contextlib.contextmanager
def _translated_errors(target):
    import tensorflow as tf

    # How TensorFlow's file system reports a full disk, a missing right, a failed write.
    failures = (
        tf.errors.ResourceExhaustedError,
        tf.errors.PermissionDeniedError,
        tf.errors.OutOfRangeError,
        tf.errors.UnknownError,
        tf.errors.DataLossError,
    )
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise ExportError(f"{target}: cannot be written ({reason}); free the disk or name another folder") from error
    except failures as error:
        reason = error.message.strip().split("\n")[0]
        raise ExportError(f"{target}: cannot be written ({reason}); free the disk or name another folder") from error


def _save(folder, served):
    import tensorflow as tf

    endpoints = {name: graph.get_concrete_function() for name, graph in served.signatures().items()}
    variables = _variables_of(endpoints.values())
    # Only what serving needs hangs on the root: saving the owners would save the seeds of dropout with them.
    root = tf.Module()
    kinds = (tf.saved_model.experimental.TrackableResource, tf.saved_model.Asset)
    root.resources = [item for item in tf.train.TrackableView(served).descendants() if isinstance(item, kinds)]
    root.served_variables = variables
    # Gradients are for training on; without this, one function for each custom gradient is written too.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    # It would tell where in its temporary folder it has written.
    with quiet_loggers("tensorflow", "absl"):
        tf.saved_model.save(root, str(folder), signatures=endpoints, options=options)
    (folder / "assets").mkdir(exist_ok=True)
    _check_written(folder, variables)


def _variables_of(functions):
    """The variables that functions read, each once, in the order in which their graphs came upon them.

    A graph keeps its variables as a set, whose order is another one in each process.
    """
    found = {}
    for function in functions:
        of_handle = {id(variable.handle): variable for variable in function.variables}
        for handle in function.captured_inputs:
            if id(handle) in of_handle:
                found[id(handle)] = of_handle[id(handle)]
    return list(found.values())


def _check_written(folder, variables):
    """The checkpoint holds the variables that the signatures read, all of them, and no others."""
    import tensorflow as tf

    prefix = folder / "variables" / "variables"
    stored = tf.train.load_checkpoint(str(prefix)).get_variable_to_shape_map()
    stored.pop("_CHECKPOINTABLE_OBJECT_GRAPH", None)
    if len(stored) != len(variables):
        raise ExportError(
            f"{folder}: {len(stored)} variables were stored, the signatures read {len(variables)}; "
            f"stored are {', '.join(sorted(stored)[:8])}; keep variables out that no signature reads"
        )
    expected = sum(_num_bytes(variable) for variable in variables)
    written = sum(file.stat().st_size for file in prefix.parent.glob("variables.data-*"))
    # The data file holds the bare numbers and the description of the object graph, which is small.
    if written < expected:
        raise ExportError(f"{folder}: {written} bytes of variables written, {expected} expected; export again")


def _num_bytes(variable: Any) -> int:
    return variable.shape.num_elements() * variable.dtype.size
