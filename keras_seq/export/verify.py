"""Does an exported model answer in a program that has TensorFlow alone, and as the model it was made from?"""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_seq.core.checks import check_positive_number
from keras_seq.export import stock_runtime
from keras_seq.export.errors import ExportError
from keras_seq.export.odd_inputs import odd_texts, odd_tokens
from keras_seq.export.saved_model import SAVED_MODEL_FILE, find_saved_model
from keras_seq.export.served import Served

# Loading takes seconds; the rest is for slow machines and long samples.
TIMEOUT_SECONDS = 900
# The interpreter of the fresh process, and what sets its environment apart.
PROGRAM = (sys.executable, "-P", "-W", "ignore")
ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
_QUOTED = 60


@dataclasses.dataclass(frozen=True)
class Sample:
    """What one call of a signature is given.

    Args:
        name: What messages call it.
        inputs: Input name -> array; strings as `str` or `bytes`.
        signature: The signature to call.
    """

    name: str
    inputs: Mapping[str, Any]
    signature: str = "serving_default"


@dataclasses.dataclass(frozen=True)
class VerificationReport:
    """What `verify` has looked at.

    Args:
        path: The folder of the SavedModel.
        num_nodes: Nodes of the graph and its functions, all made of stock ops.
        num_bytes: Size of all its files.
        samples: The names of the samples that were run.
        compared: Whether the answers were compared with those of functions in this process.
        largest_difference: Of floating-point outputs, absolute; 0 when nothing was compared.
    """

    path: Path
    num_nodes: int
    num_bytes: int
    samples: tuple[str, ...]
    compared: bool
    largest_difference: float


def verify(
    saved_model_dir: str | os.PathLike,
    served: Served | None = None,
    samples: Sequence[str | Sample] = (),
    tolerance: float = 1e-4,
) -> VerificationReport:
    """Open a SavedModel in a fresh process that imports TensorFlow alone, run it, and compare its answers.

    Every op of the graph and its functions must be one of stock TensorFlow that needs neither a GPU nor XLA nor Python.
    Signatures that take strings are run on odd inputs, whatever `samples` holds: empty and blank text, 10,000 tokens,
    emoji, bytes that are not UTF-8, NUL, mixed scripts, a batch without rows, and more. The process sees no GPU.

    Args:
        saved_model_dir: The folder with `saved_model.pb`, or a model's folder, of which the latest version is taken.
        served: The functions of this process, whose answers the same must be. `None`: answers are not compared.
        samples: More to run: texts, which become one batch for `serving_default`, and `Sample`s. A signature with an
            input that is not a string must have one here.
        tolerance: The largest difference between floating-point outputs (relative to outputs above 1). Strings,
            integers and shapes must be equal.

    Returns:
        A `VerificationReport`.

    Raises:
        ExportError: if an op is not allowed, a sample fails or ends the process, or answers differ. The message
            names the op and its function, or the sample and the output.
        InputError: if there is no SavedModel.
        ValueError: if `tolerance` is not positive.
    """
    check_positive_number("tolerance", tolerance)
    folder = find_saved_model(saved_model_dir)
    given = given_samples(samples, read_signatures(folder))
    for signature, inputs in read_signatures(folder).items():
        odd = _odd_samples(signature, inputs)
        if not odd and not any(sample.signature == signature for sample in given):
            raise ExportError(
                f"{folder}: no sample for the signature {signature} (inputs {', '.join(inputs)}); "
                "pass `samples` with one, only signatures of strings have samples of their own"
            )
        if served is not None and signature not in served.signatures():
            raise ExportError(
                f"{folder}: signature {signature} has no counterpart among {', '.join(served.signatures())}; "
                "export it again"
            )
        given += odd
    num_nodes, answers = run_in_fresh_process(folder, given)
    largest = 0.0
    if served is not None:
        for sample, answer in zip(given, answers, strict=True):
            expected = answer_of(served, sample)
            largest = max(largest, compare(folder, sample, expected, answer, tolerance))
    num_bytes = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    names = tuple(sample.name for sample in given)
    return VerificationReport(folder, num_nodes, num_bytes, names, served is not None, largest)


def read_signatures(saved_model_dir: Path) -> dict[str, dict[str, tuple[str, tuple[int | None, ...] | None]]]:
    """Of each signature of a SavedModel, its inputs: name -> (dtype, sizes of the axes, as far as they are known)."""
    import tensorflow as tf
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from tensorflow.core.protobuf import saved_model_pb2

    path = saved_model_dir / SAVED_MODEL_FILE
    try:
        meta_graph = saved_model_pb2.SavedModel.FromString(path.read_bytes()).meta_graphs[0]
    except (DecodeError, IndexError):
        raise ExportError(f"{path}: damaged; export the model again") from None
    found = {}
    for name, signature in sorted(meta_graph.signature_def.items()):
        if name.startswith("__"):
            continue  # the initialisation of tables, which no one calls
        found[name] = {
            key: (
                tf.dtypes.as_dtype(info.dtype).name,
                None if info.tensor_shape.unknown_rank else tuple(tf.TensorShape(info.tensor_shape)),
            )
            for key, info in sorted(signature.inputs.items())
        }
    return found


def run_in_fresh_process(saved_model_dir: Path, samples: Sequence[Sample]) -> tuple[int, list[dict[str, np.ndarray]]]:
    """Look at the ops of a SavedModel and run samples, in a process in which this package and Keras do not exist.

    Args:
        saved_model_dir: The folder with `saved_model.pb`.
        samples: What to run.

    Returns:
        The number of nodes, and for each sample its outputs; strings are bytes in arrays of objects.

    Raises:
        ExportError: if an op is not allowed, or a sample fails.
    """
    with tempfile.TemporaryDirectory(prefix="keras_seq_verify_") as name:
        folder = Path(name)
        arrays = {
            f"{index}/{sample.signature}/{stock_runtime.INPUTS}/{key}": array
            for index, sample in enumerate(samples)
            for key, array in sample.inputs.items()
        }
        np.savez(folder / "samples.npz", **stock_runtime.pack(arrays))  # type: ignore[arg-type]
        try:
            result = run_program(str(saved_model_dir.resolve()), str(folder / "samples.npz"), name)
        except subprocess.TimeoutExpired:
            raise ExportError(
                f"{saved_model_dir}: no answer within {TIMEOUT_SECONDS} s on {_running(folder, samples)}; "
                "make the graph faster"
            ) from None
        if result.returncode != 0:
            raise ExportError(
                f"{saved_model_dir}: the process that ran it ended ({_ending(result)}) on "
                f"{_running(folder, samples)}; such a model would end its server"
            )
        report = json.loads((folder / "report.json").read_text())
        for problem in report["problems"]:
            raise ExportError(
                f"{saved_model_dir}: op {problem['op']} in function {problem['function']} {problem['reason']}; "
                "build the served function from core TensorFlow ops"
            )
        for failure in report["failures"]:
            raise ExportError(
                f"{saved_model_dir}: fails on {_named(samples[failure['sample']])}: {failure['error']}; "
                "handle such input in the served function"
            )
        answers: list[dict[str, np.ndarray]] = [{} for _ in samples]
        with np.load(folder / "outputs.npz", allow_pickle=False) as file:
            for key, array in stock_runtime.unpack({key: file[key] for key in file.files}).items():
                index, _, _, output = key.split("/", 3)
                answers[int(index)][output] = array
    return report["num_nodes"], answers


def run_program(saved_model: str, samples_file: str, folder: str) -> subprocess.CompletedProcess:
    """Run the program of `stock_runtime` to its end: its exit code and what it wrote to stderr.

    Raises:
        subprocess.TimeoutExpired: if it takes too long.
    """
    return subprocess.run(
        [*PROGRAM, stock_runtime.__file__, saved_model, samples_file, folder],
        env={**os.environ, **ENVIRONMENT},
        cwd=folder,
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
    )


def answer_of(served: Served, sample: Sample) -> dict[str, np.ndarray]:
    """What functions of this process answer, as arrays; strings as bytes in arrays of objects."""
    outputs = served.call(sample.signature, **sample.inputs)
    return stock_runtime.unpack(stock_runtime.pack({name: np.asarray(value) for name, value in outputs.items()}))


def compare(
    path: str | os.PathLike,
    sample: Sample,
    expected: Mapping[str, np.ndarray],
    actual: Mapping[str, np.ndarray],
    tolerance: float,
) -> float:
    """The largest difference of floating-point outputs.

    Raises:
        ExportError: if names, shapes, strings or integers differ, or floating-point numbers by more than `tolerance`.
    """
    place = f"{path}: on {_named(sample)}"
    if set(expected) != set(actual):
        raise ExportError(f"{place} the outputs are {sorted(actual)}, expected {sorted(expected)}; export again")
    largest = 0.0
    for name, wanted in sorted(expected.items()):
        found = actual[name]
        if found.shape != wanted.shape or found.dtype != wanted.dtype:
            raise ExportError(
                f"{place} the output {name} is {found.dtype}{list(found.shape)}, "
                f"expected {wanted.dtype}{list(wanted.shape)}; export again"
            )
        if wanted.size == 0:
            continue
        if wanted.dtype.kind == "f":
            difference = np.abs(found.astype("float64") - wanted.astype("float64"))
            # Not a number anywhere counts as different: the negation lets NaN in.
            differs = ~(difference <= tolerance * np.maximum(1.0, np.abs(wanted)))
            largest = max(largest, float(np.nanmax(difference, initial=0.0)))
        else:
            differs = found != wanted
        if differs.any():
            where = tuple(int(position) for position in np.argwhere(differs)[0])
            raise ExportError(
                f"{place} the output {name} differs in {int(differs.sum())} of {differs.size} places, first at "
                f"{list(where)}: {_short(found[where])}, expected {_short(wanted[where])}; export again"
            )
    return largest


def given_samples(samples: Sequence[str | Sample], signatures: Mapping[str, Mapping[str, Any]]) -> list[Sample]:
    """Samples, checked against the inputs of the signatures; texts become one batch for `serving_default`."""
    texts = [sample for sample in samples if not isinstance(sample, Sample)]
    given = [sample for sample in samples if isinstance(sample, Sample)]
    for sample in given:
        if sample.signature not in signatures:
            raise ExportError(
                f"sample {sample.name!r}: there is no signature {sample.signature}; name one of {', '.join(signatures)}"
            )
        wanted = signatures[sample.signature]
        if set(sample.inputs) != set(wanted):
            raise ExportError(
                f"sample {sample.name!r}: gives {', '.join(sample.inputs)} to the signature {sample.signature}; "
                f"give {', '.join(wanted)}"
            )
    if texts:
        inputs = signatures.get("serving_default", {})
        if len(inputs) != 1:
            raise ExportError(f"texts as samples: `serving_default` takes {', '.join(inputs)}; pass `Sample`s")
        given.append(Sample("the texts sent", {next(iter(inputs)): np.array(texts, object)}))
    return given


def _odd_samples(signature, inputs):
    """Odd inputs for a signature that takes texts `(batch,)` or tokens `(batch, steps)`, else none."""
    kinds = {(dtype, None if shape is None else len(shape)) for dtype, shape in inputs.values()}
    if kinds == {("string", 1)}:
        odd = odd_texts()
    elif kinds == {("string", 2)}:
        odd = odd_tokens()
    else:
        return []
    return [Sample(name, dict.fromkeys(inputs, array), signature) for name, array in odd.items()]


def _running(folder, samples):
    try:
        index = (folder / "running.txt").read_text()
    except OSError:
        return "starting"
    return _named(samples[int(index)]) if index.isdecimal() else index


def _ending(result):
    if result.returncode < 0:
        return signal.Signals(-result.returncode).name
    lines = result.stderr.decode(errors="replace").strip().split("\n")
    return f"exit {result.returncode}: {lines[-1][:300]}"


def _named(sample):
    return f"{sample.name} ({sample.signature})"


def _short(value):
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}..."
