"""One process that verifies all SavedModels of a worker's tests: it imports TensorFlow once, as `stock_runtime` does.

Nothing but that differs from `keras_seq.export.verify`, which starts a fresh process for each model: the same program
of `stock_runtime` runs, in a process in which this package and Keras cannot be imported, and its end ends the process.
"""

import importlib
import json
import os
import signal
import subprocess
import threading

from keras_seq.export import stock_runtime

# The module; the package has a function of this name.
verify = importlib.import_module("keras_seq.export.verify")

# The server has the program's own arguments, one call a line, and answers with its exit code and what it would have
# said on stderr. What a model writes goes to stderr, so that stdout holds answers alone.
SERVER = """
import importlib.util, json, os, sys

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
spec = importlib.util.spec_from_file_location("stock_runtime", sys.argv[1])
program = importlib.util.module_from_spec(spec)
spec.loader.exec_module(program)
for line in sys.stdin:
    *arguments, folder = json.loads(line)
    os.chdir(folder)
    code, error = 0, ""
    try:
        program.main(*arguments, folder)
    except BaseException as raised:
        code, error = 1, f"{type(raised).__name__}: {raised}"
    os.chdir("/")
    print(json.dumps([code, error]), file=answers, flush=True)
"""


# TensorFlow keeps something of each model that it has loaded.
MODELS_OF_A_PROCESS = 40


class VerificationServer:
    """What stands in for `verify.run_program`: a process, started when first asked and again after a model ended it."""

    def __init__(self):
        self.process = None
        self.models = 0

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess:
        if self.models == MODELS_OF_A_PROCESS:
            self.close()
        if self.process is None:
            self._start()
        self.models += 1
        watch = threading.Timer(verify.TIMEOUT_SECONDS, self.process.kill)
        watch.start()
        self.process.stdin.write(json.dumps(arguments) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        watch.cancel()
        if answer:
            code, error = json.loads(answer)
            return subprocess.CompletedProcess(arguments, code, b"", error.encode())
        ended, self.process = self.process, None
        code = ended.wait()
        if watch.finished.is_set() and code == -signal.SIGKILL:
            raise subprocess.TimeoutExpired(arguments, verify.TIMEOUT_SECONDS)
        return subprocess.CompletedProcess(arguments, code, b"", b"")

    def _start(self):
        self.models = 0
        self.process = subprocess.Popen(
            [*verify.PROGRAM, "-c", SERVER, stock_runtime.__file__],
            env={**os.environ, **verify.ENVIRONMENT},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def close(self):
        if self.process is not None:
            self.process.communicate()
            self.process = None
