"""Resident memory while a language model reads and trains on a large text file.

    python benchmarks/corpus_memory.py                     one gigabyte, characters and words: some minutes
    python benchmarks/corpus_memory.py --megabytes 50 --batches 10 --unit character

The text is written by this program, from words with the frequencies of Zipf's law, into a temporary folder, and is
removed at the end. Each training is a process of its own: it reads the file, builds vocabulary and ids, and trains for
some batches by the loop that `keras-seq train` runs, checkpoints among them. Its largest resident memory counts, as the
system reports it (`VmHWM` of Linux, elsewhere `ru_maxrss`). The rows go to benchmarks/results.csv, but for runs of less
than a gigabyte.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from results import constant_columns, write_rows

UNITS = ("character", "word")
FULL_SIZE = 1000
NUM_WORDS = 20_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--megabytes", type=int, default=FULL_SIZE, help="size of the text (default: %(default)s)")
    parser.add_argument("--batches", type=int, default=100, help="training batches (default: %(default)s)")
    parser.add_argument("--unit", choices=UNITS, nargs="*", default=UNITS, help="what is predicted (default: both)")
    parser.add_argument("--train", metavar="FILE", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.train is not None:
        print(json.dumps(train(options.train, options.unit[0], options.batches)))
        return 0
    rows = []
    with tempfile.TemporaryDirectory(prefix="keras_seq_") as folder:
        path = Path(folder) / "text.txt"
        write_text(path, options.megabytes * 1_000_000)
        for unit in options.unit:
            found = measure(path, unit, options.batches)
            print(
                f"{options.megabytes:,} MB of text, {unit}s: {found['largest_mb']:,.0f} MB resident at most, "
                f"{found['before_mb']:,.0f} MB before the text was opened; {found['num_tokens']:,} symbols read in "
                f"{found['seconds']:.0f} s"
            )
            rows.append(
                {
                    **constant_columns(("keras-seq", "keras", "tensorflow")),
                    "what": f"training on a text of {options.megabytes:,} MB, {unit}s: largest resident memory",
                    "value": round(found["largest_mb"]),
                    "unit": "MB",
                }
            )
    if options.megabytes >= FULL_SIZE:
        write_rows(rows)
    return 0


def measure(path: Path, unit: str, batches: int) -> dict[str, float]:
    """What a training in a process of its own reports."""
    command = [sys.executable, __file__, "--train", str(path), "--unit", unit, "--batches", str(batches)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"the training ended with {result.returncode}: {result.stderr[-2000:]}")
    return json.loads(result.stdout.splitlines()[-1])


def train(path: Path, unit: str, batches: int) -> dict[str, float]:
    """Train for some batches, in this process."""
    from keras_seq.cli.startup import start_frameworks

    start_frameworks()
    from keras_seq.families.language.training import LanguageTraining
    from keras_seq.training import Recipe, RunDirectory, compile_model, fit

    before, began = resident_megabytes(), time.perf_counter()
    arguments: dict[str, Any] = {"units": 128, "embedding_dim": 64}
    if unit == "word":
        arguments["adaptive_cutoffs"] = [2000, 8000]
    recipe = Recipe.from_dict(
        {
            "task": "language_model",
            "name": "memory",
            "data": {"train": str(path), "held_out": 0.001},
            "language": {"unit": unit, "window": 64},
            "model": {"builder": "language_model", "arguments": arguments},
            "fit": {"epochs": 1, "checkpoint_batches": max(1, batches // 2)},
        }
    )
    training = LanguageTraining(recipe, {"train": path}).prepare()
    seconds = time.perf_counter() - began
    shown = FirstBatches(training.batches, batches)
    compile_model(training.model, recipe, steps_per_epoch=len(shown), loss=training.loss)
    with tempfile.TemporaryDirectory(prefix="keras_seq_") as folder:
        run = RunDirectory.create(Path(folder) / "run", recipe)
        # Scoring a whole validation text takes longer than it needs to here.
        fit(training.model, shown, settings=recipe.fit, run_directory=run, evaluate=lambda model: {"perplexity": 1.0})
    return {
        "before_mb": before,
        "largest_mb": resident_megabytes(),
        "num_tokens": len(training.batches.corpus),
        "seconds": seconds,
    }


class FirstBatches:
    """The first batches of an epoch."""

    def __init__(self, batches: Any, count: int) -> None:
        self.batches, self.count = batches, min(count, len(batches))

    def __len__(self) -> int:
        return self.count

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[Any]:
        for _, batch in zip(range(skip, self.count), self.batches.epoch(epoch, skip), strict=False):
            yield batch


def write_text(path: Path, size: int) -> None:
    """Invented words, the n-th as frequent as 1 / n, in lines of twenty."""
    generator = np.random.default_rng(0)
    letters = np.array(list("abcdefghijlmnopqrstuvxz"))
    words = np.array(["".join(generator.choice(letters, generator.integers(1, 9))) for _ in range(NUM_WORDS)])
    weights = 1 / np.arange(1, NUM_WORDS + 1)
    written = 0
    with path.open("w", encoding="utf-8") as file:
        while written < size:
            drawn = generator.choice(words, (5000, 20), p=weights / weights.sum())
            written += file.write("".join(" ".join(line) + "\n" for line in drawn))


def resident_megabytes() -> float:
    """The largest resident memory that this process has had."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not `ru_maxrss`, which counts what the process that started this one had as well.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1e3
    # Kilobytes, bytes on macOS.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


if __name__ == "__main__":
    sys.exit(main())
