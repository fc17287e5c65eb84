"""A pytest plugin: from here on TensorFlow cannot be imported, as on a machine that has only the second backend."""

import sys

for name in ("tensorflow", "tensorflow_text"):
    sys.modules[name] = None
