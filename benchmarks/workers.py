"""Processes that measure in turn: each is sent a line of JSON and answers with one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any


class Worker:
    """A framework, or a way of doing something, in a process of its own.

    Args:
        name: what messages call it.
        script: the program, which is started with `--worker` and the arguments.
        arguments: by default the name.
        environment: variables beside those of this process; without them the backend is TensorFlow.
    """

    def __init__(self, name: str, script: str, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, script, "--worker", *(arguments or (name,))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", **(environment or {})},
        )

    def ask(self, request: dict) -> Any:
        """Send a request and wait for the answer."""
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process of {self.name} ended with code {self.process.wait()}; see above")
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait()
