"""Starting Keras and TensorFlow without their chatter."""

import contextlib
import importlib
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator

# Read by the C++ sides of TensorFlow, absl and gRPC when they are loaded.
_QUIET_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_CPP_MAX_VLOG_LEVEL": "0",
    "ABSL_MIN_LOG_LEVEL": "3",
    "GRPC_VERBOSITY": "ERROR",
    "GLOG_minloglevel": "3",
}


def start_frameworks() -> None:
    """Import Keras and its backend; nothing of what they print at their start reaches the user.

    Some lines of TensorFlow come before its log level is read: what is written to the C level of stderr meanwhile is
    held back, and shown only when the import fails. `TF_CPP_MIN_LOG_LEVEL=0` lets everything through.
    """
    if "keras" in sys.modules or os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0":
        return
    os.environ.update({name: os.environ.get(name, value) for name, value in _QUIET_ENVIRONMENT.items()})
    if not sys.warnoptions:
        warnings.filterwarnings("ignore", module=r"(keras|tensorflow|tensorboard|google|jax|numpy|h5py)\b")
    with held_back_stderr():
        keras = importlib.import_module("keras")
        # The first tensor makes the backend look for devices, which it tells too.
        keras.ops.convert_to_tensor(0)
    for name in ("absl", "tensorflow", "jax"):
        logging.getLogger(name).setLevel(logging.ERROR)


@contextlib.contextmanager
def held_back_stderr() -> Iterator[None]:
    """Hold back what is written to file descriptor 2, by C libraries too; give it out only when the block raises."""
    try:
        original = os.dup(2)
    except OSError:  # the process was started without a stderr
        yield
        return
    with tempfile.TemporaryFile() as held, contextlib.closing(os.fdopen(original, "wb", buffering=0)) as stderr:
        sys.stderr.flush()
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:
            sys.stderr.flush()
            held.seek(0)
            stderr.write(held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(original, 2)
