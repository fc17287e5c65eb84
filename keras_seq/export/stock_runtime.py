"""A program that opens a SavedModel with TensorFlow alone, looks at its ops, and runs samples through it.

It is run as a script in a fresh process, in which `keras_seq`, Keras and TensorFlow's add-ons cannot be imported, so
it imports nothing of this package. The process that started it shares the reading and writing of arrays.

    python stock_runtime.py SAVED_MODEL SAMPLES.npz FOLDER

writes `FOLDER/outputs.npz` and `FOLDER/report.json`. `FOLDER/running.txt` names the sample at work, in case it ends
the process.
"""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

BLOCKED = ("keras_seq", "keras", "tf_keras", "tensorflow_text", "tensorflow_addons", "jax", "torch")
FORBIDDEN_OPS = re.compile(r"_?Cudnn|_?Xla|.*PyFunc")
INPUTS, OUTPUTS = "inputs", "outputs"


def pack(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays that `np.load` reads without pickle: an array of bytes becomes one of lengths and one of all the bytes.

    NumPy's own type for bytes would drop NUL characters at the end.
    """
    packed = {}
    for name, array in arrays.items():
        array = np.asarray(array)
        if array.dtype.kind in "OSU":
            values = [value.encode() if isinstance(value, str) else bytes(value) for value in array.ravel()]
            lengths = np.array([len(value) for value in values], "int64").reshape(array.shape)
            packed[f"{name}:lengths"] = lengths
            packed[f"{name}:bytes"] = np.frombuffer(b"".join(values), "uint8")
        else:
            packed[name] = array
    return packed


def unpack(packed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What `pack` was given; strings come back as bytes in arrays of objects."""
    arrays = {}
    for key, array in packed.items():
        name, colon, part = key.rpartition(":")
        if not colon:
            arrays[key] = array
        elif part == "bytes":
            lengths = packed[f"{name}:lengths"]
            content, ends = array.tobytes(), np.cumsum(lengths.ravel())
            if lengths.dtype.kind not in "iu" or np.any(lengths < 0) or lengths.sum() != len(content):
                raise ValueError(f"the lengths of {name} are not those of its strings")
            values = np.empty(lengths.size, object)
            for index, (end, length) in enumerate(zip(ends, lengths.ravel(), strict=True)):
                values[index] = content[end - length : end]
            arrays[name] = values.reshape(lengths.shape)
    return arrays


def scan_ops(saved_model: bytes, is_registered: Callable[[str], bool]) -> tuple[int, list[dict[str, str]]]:
    """Looks at every node of the graph and of every function in it.

    Args:
        saved_model: The content of `saved_model.pb`.
        is_registered: Op name -> whether the runtime knows it.

    Returns:
        The number of nodes, and for each op that must not be there: its name, the function that holds it, and why.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    num_nodes, problems = 0, {}
    for meta_graph in saved_model_pb2.SavedModel.FromString(saved_model).meta_graphs:
        graph = meta_graph.graph_def
        functions = {function.signature.name: function for function in graph.library.function}
        for place, holder, nodes in [("the main graph", None, graph.node)] + [
            (name, function, function.node_def) for name, function in functions.items()
        ]:
            num_nodes += len(nodes)
            if holder is not None and holder.attr["_XlaMustCompile"].b:
                problems["_XlaMustCompile", place] = "is compiled by XLA, which a runtime need not have"
            for node in nodes:
                if FORBIDDEN_OPS.match(node.op):
                    problems[node.op, place] = "does not run in every TensorFlow runtime"
                elif node.op not in functions and not is_registered(node.op):
                    problems[node.op, place] = "is not registered in a stock TensorFlow runtime"
    return num_nodes, [{"op": op, "function": place, "reason": reason} for (op, place), reason in problems.items()]


def main(saved_model: str, samples_file: str, folder: str) -> None:
    """Runs the program; see the module's text."""
    for name in BLOCKED:
        sys.modules[name] = None  # type: ignore[assignment] # any import of it raises
    import tensorflow as tf
    from tensorflow.python.framework import op_def_registry

    def is_registered(op: str) -> bool:
        return op_def_registry.get(op) is not None

    content = (Path(saved_model) / "saved_model.pb").read_bytes()
    num_nodes, problems = scan_ops(content, is_registered)
    report: dict = {"num_nodes": num_nodes, "problems": problems, "failures": []}
    outputs = {}
    if not problems:
        running = Path(folder) / "running.txt"
        running.write_text("loading")
        signatures = tf.saved_model.load(saved_model).signatures
        with np.load(samples_file, allow_pickle=False) as file:
            arrays = unpack({key: file[key] for key in file.files})
        samples: dict[tuple[str, str], dict] = {}
        for key, array in arrays.items():
            index, signature, _, name = key.split("/", 3)
            tensor = tf.constant(array, tf.string) if array.dtype == object else tf.constant(array)
            samples.setdefault((index, signature), {})[name] = tensor
        for (index, signature), inputs in samples.items():
            running.write_text(index)
            try:
                results = signatures[signature](**inputs)
            except Exception as error:  # whatever it is, the sample that caused it is named
                message = f"{type(error).__name__}: {_told(error)}"
                report["failures"].append({"sample": int(index), "error": message})
            else:
                for name, tensor in results.items():
                    outputs[f"{index}/{signature}/{OUTPUTS}/{name}"] = tensor.numpy()
    intruders = [name for name in BLOCKED if sys.modules.get(name) is not None]
    if intruders:
        raise SystemExit(f"imported in spite of the block: {intruders}")
    np.savez(Path(folder) / "outputs.npz", **pack(outputs))  # type: ignore[arg-type]
    (Path(folder) / "report.json").write_text(json.dumps(report))


def _told(error: Exception) -> str:
    """What an error says, without TensorFlow's lines about places in the graph."""
    noise = ("Graph execution error", "Detected at node", "<stack traces", "[[", "[Op:", "File ")
    lines = [line.strip() for line in str(getattr(error, "message", error)).split("\n")]
    return " ".join(line for line in lines if line and not line.startswith(noise))[:300]


if __name__ == "__main__":
    main(*sys.argv[1:])
