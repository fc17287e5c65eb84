"""Processes that measure in turn: each is sent a line of JSON and answers with one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any


class Worker:
    """A framework, or a way of doing something, in a process of its own.

    Args:
        name: what messages call it.
        script: the program, which is started with `--worker` and the arguments.
        arguments: by default the name.
    """

    def __init__(self, name: str, script: str, *arguments: str) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, script, "--worker", *(arguments or (name,))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"KERAS_BACKEND": "tensorflow", **os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
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
