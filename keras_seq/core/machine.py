"""What a measurement was made on."""

import os
import platform
from pathlib import Path


def describe_processor() -> str:
    """The processor's name and the number of cores this process may use, such as `"AMD EPYC, 2 cores"`."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("model name"):
            name = line.partition(":")[2].strip()
            break
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cores} cores"
