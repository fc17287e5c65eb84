import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from keras_seq.core.errors import InputError
from keras_seq.export import ExportError, Sample, Served, stock_runtime, verify, write_saved_model
from keras_seq.export.odd_inputs import ODD_STRINGS, odd_texts
from keras_seq.export.verify import compare, run_in_fresh_process


def served(function, name="serving_default"):
    made = Served()
    made.declare(name, function, tf.TensorSpec([None], tf.string, name="text"))
    return made


def write(folder, function):
    return write_saved_model(folder, served(function))


@pytest.mark.fresh_process
def test_a_tagger_answers_alike_on_everything(functions, model_folder):
    texts = ["Ana mora em Lisboa.", "O juiz Paulo Souza decidiu \0"]
    sample = Sample("split text", {"tokens": [["Ana", "mora"], ["", "Lisboa"]]}, "tokenized")
    report = verify(model_folder, functions, samples=[*texts, sample])
    assert report.path == model_folder / "1"
    assert report.compared and report.largest_difference < 1e-5
    assert report.num_nodes > 100 and report.num_bytes > 10_000
    assert {"the texts sent", "split text", "10000 tokens", "a batch without rows", *ODD_STRINGS} <= set(report.samples)


def test_other_answers_are_found(tmp_path):
    def serve(text):
        return {"lengths": tf.strings.length(text), "upper": tf.strings.upper(text)}

    def other(text):
        return {**serve(text), "lengths": tf.maximum(tf.strings.length(text), 1)}

    folder = write(tmp_path / "m", serve)
    with pytest.raises(
        ExportError, match=r"on the empty string \(serving_default\) the output lengths .*: 0, expected 1"
    ):
        verify(folder, served(other))
    with pytest.raises(ExportError, match="signature serving_default has no counterpart among tokenized"):
        verify(folder, served(serve, "tokenized"))


def test_a_python_function_is_named(tmp_path):
    @tf.function
    def inner_of_python(text):
        return tf.numpy_function(lambda array: array, [text], tf.string)

    folder = write(tmp_path / "m", lambda text: {"text": inner_of_python(text)})
    with pytest.raises(ExportError, match=r"m/1: op PyFunc in function \w*inner_of_python\w* does not run in every"):
        verify(folder)


def test_failing_input_is_named(tmp_path):
    def serve(text):
        with tf.control_dependencies([tf.debugging.assert_positive(tf.size(text), "no rows\nat all")]):
            return {"text": tf.identity(text)}

    with pytest.raises(ExportError, match=r"fails on a batch without rows \(serving_default\): InvalidArg\w+: .*rows"):
        verify(write(tmp_path / "m", serve))


def saved_model(op, attribute=None):
    proto = saved_model_pb2.SavedModel()
    graph = proto.meta_graphs.add().graph_def
    graph.node.add(name="a", op="Placeholder")
    function = graph.library.function.add()
    function.signature.name = "layer_lstm"
    function.node_def.add(name="b", op=op)
    function.node_def.add(name="c", op="layer_lstm")  # a call of a function is no unknown op
    if attribute:
        function.attr[attribute].b = True
    return proto.SerializeToString()


def is_registered(op):
    return op in ("Placeholder", "MatMul", "CudnnRNNV3", "XlaCallModule", "PyFuncStateless", "EagerPyFunc")


@pytest.mark.parametrize("op", ["CudnnRNNV3", "XlaCallModule", "PyFuncStateless", "EagerPyFunc", "WhitespaceTokenize"])
def test_ops_that_are_not_allowed(op):
    num_nodes, problems = stock_runtime.scan_ops(saved_model(op), is_registered)
    assert num_nodes == 3
    assert [(problem["op"], problem["function"]) for problem in problems] == [(op, "layer_lstm")]


def test_a_function_that_must_be_compiled_is_not_allowed():
    assert stock_runtime.scan_ops(saved_model("MatMul"), is_registered) == (3, [])
    _, problems = stock_runtime.scan_ops(saved_model("MatMul", "_XlaMustCompile"), is_registered)
    assert [(problem["op"], problem["function"]) for problem in problems] == [("_XlaMustCompile", "layer_lstm")]


@pytest.mark.fresh_process
@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import os; open(sys.argv[3] + '/running.txt', 'w').write('1'); os.abort()", r"SIGABRT\) on b \(tokenized\)"),
        ("sys.exit('no such thing')", r"exit 1: no such thing\) on starting"),
    ],
)
def test_a_process_that_dies(tmp_path, monkeypatch, program, reason):
    path = tmp_path / "dies.py"
    path.write_text(f"import sys\n{program}\n")
    monkeypatch.setattr(stock_runtime, "__file__", str(path))
    samples = [Sample("a", {"x": [1.0]}), Sample("b", {"x": [1.0]}, "tokenized")]
    with pytest.raises(ExportError, match=reason):
        run_in_fresh_process(tmp_path, samples)


IMPORTS_AFTER_BLOCK = """
import runpy, sys
try:
    runpy.run_path(sys.argv[1])["main"]("nowhere", "", "")
except FileNotFoundError:
    pass
assert "tensorflow" in sys.modules
for name in ("keras_seq", "keras", "tensorflow_text"):
    try:
        __import__(name)
    except ImportError:
        continue
    sys.exit(f"{name} could be imported")
"""


@pytest.mark.thorough
def test_nothing_but_tensorflow_can_be_imported_there():
    command = [sys.executable, "-P", "-c", IMPORTS_AFTER_BLOCK, stock_runtime.__file__]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr


def test_a_signature_of_numbers_needs_a_sample(tmp_path):
    specs = [tf.TensorSpec([None, 2], tf.float32, name="history")]
    made = Served()
    made.declare("serving_default", lambda history: {"forecast": history * 2}, *specs)
    folder = write_saved_model(tmp_path / "m", made)
    with pytest.raises(ExportError, match=r"no sample for the signature serving_default \(inputs history\)"):
        verify(folder)
    with pytest.raises(ExportError, match="sample 's': gives x to the signature serving_default; give history"):
        verify(folder, samples=[Sample("s", {"x": [1.0]})])
    with pytest.raises(ExportError, match="sample 's': there is no signature embed; name one of serving_default"):
        verify(folder, samples=[Sample("s", {"x": [1.0]}, "embed")])
    with pytest.raises(ValueError, match="`tolerance` must be a finite number above 0. Received: tolerance=0"):
        verify(folder, tolerance=0)
    (folder / "saved_model.pb").write_bytes(b"\xff\xff")
    with pytest.raises(ExportError, match="saved_model.pb: damaged"):
        verify(folder)
    with pytest.raises(InputError, match="holds no SavedModel"):
        verify(tmp_path / "nowhere")


SAMPLE = Sample("s", {})


@pytest.mark.parametrize(
    ("expected", "actual", "reason"),
    [
        ([0.5], [0.5002], "differs in 1 of 1 places, first at [0]: 0.5002"),
        ([0.5], [np.nan], "differs in 1 of 1 places"),
        ([np.nan], [np.nan], "differs in 1 of 1 places"),
        ([0.5, 1], [0.5], "is float64[1], expected float64[2]"),
        ([1], [1.0], "is float64[1], expected int64[1]"),
        ([[1, 2]], [[1, 3]], "first at [0, 1]: 3, expected 2"),
        (np.array([b"x"], object), np.array([b"y"], object), "first at [0]: b'y', expected b'x'"),
    ],
)
def test_compare(expected, actual, reason):
    with pytest.raises(ExportError, match=re.escape(reason)):
        compare("m", SAMPLE, {"o": np.array(expected)}, {"o": np.array(actual)}, 1e-4)


def test_compare_within_tolerance():
    pair = {"o": np.array([0.5, 2000.0])}, {"o": np.array([0.50001, 2000.1])}
    assert compare("m", SAMPLE, *pair, 1e-4) == pytest.approx(0.1)
    with pytest.raises(ExportError, match="the outputs are \\['p'\\], expected \\['o'\\]"):
        compare("m", SAMPLE, {"o": pair[0]}, {"p": pair[0]}, 1e-4)


def test_strings_survive_files(tmp_path):
    arrays = {str(index): array for index, array in enumerate(odd_texts().values())}
    arrays |= {"grid": np.array([[b"\0", b""], [b"a\0", b"\xff"]], object), "bytes": np.ones((0, 3), "float32")}
    arrays["lengths"] = np.arange(2)
    np.savez(tmp_path / "a.npz", **stock_runtime.pack(arrays))
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        read = stock_runtime.unpack(dict(file))
    assert set(read) == set(arrays)
    for name, array in arrays.items():
        assert read[name].shape == array.shape and read[name].dtype == array.dtype
        assert read[name].tolist() == array.tolist()


def test_odd_inputs_are_odd():
    texts = [text for batch in odd_texts().values() for text in batch]
    assert b"" in texts and any(b"\0" in text for text in texts) and any(len(text) > 40_000 for text in texts)
    with pytest.raises(UnicodeDecodeError):
        ODD_STRINGS["bytes that are not UTF-8"].decode()
    assert "\u200d" in ODD_STRINGS["emoji"].decode() and "🇧🇷" in ODD_STRINGS["emoji"].decode()
    assert not ODD_STRINGS["only spaces"].decode().strip()
