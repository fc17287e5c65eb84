"""What holds for the package as a whole: cheap imports, a second backend, the public names."""

import os
import subprocess
import sys

import pytest

import keras_seq


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:keras_seq", "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_importing_the_package_imports_no_framework():
    result = run_python(
        "import sys, keras_seq; keras_seq.__version__;"
        "print([name for name in ('keras', 'tensorflow', 'jax', 'numpy') if name in sys.modules])"
    )
    assert result.stdout.strip() == "[]", result.stderr


def test_unknown_attribute():
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        keras_seq.lode  # noqa: B018
    assert "load" in dir(keras_seq)


WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = None   # any import of it now raises
sys.modules["tensorflow_text"] = None
import keras_seq, keras_seq.layers, keras_seq.losses, keras_seq.metrics, keras_seq.ops, keras_seq.zoo
import keras
import numpy as np
from keras_seq.testing import run_model_test
from keras_seq.zoo import list_builders, registered_builder

assert keras.backend.backend() == "jax"
for name in list_builders():
    entry = registered_builder(name)
    model = entry.build(**entry.example)
    arrays = keras.tree.map_structure(lambda symbol: np.ones((2, 3, *symbol.shape[2:]), symbol.dtype), model.input)
    model.compile(loss=lambda y_true, y_pred: keras.ops.mean(keras.ops.square(keras.ops.tanh(y_pred))))
    history = model.fit(arrays, np.zeros((2, 3), "int32"), verbose=0)
    assert np.isfinite(history.history["loss"]).all(), name
print("trained", list_builders())
"""


def test_jax_needs_no_tensorflow():
    result = run_python(WITHOUT_TENSORFLOW, KERAS_BACKEND="jax", JAX_PLATFORMS="cpu")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("trained")
