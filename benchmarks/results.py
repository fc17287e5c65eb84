"""The table of measurements, benchmarks/results.csv, and what each row says of the machine."""

from __future__ import annotations

import csv
import datetime
import importlib.metadata
import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from keras_seq.core.files import atomic_write
from keras_seq.core.machine import describe_processor

RESULTS = Path(__file__).resolve().parent / "results.csv"
# `ratio`: time of what the row measures over time of this package's, in the same run. `peak_share`: its floating-point
# operations per second over those of one large matrix product on the same machine.
COLUMNS = ("date", "processor", "versions", "what", "value", "unit", "ratio", "peak_share")


def constant_columns(packages: Sequence[str]) -> dict[str, str]:
    """What all rows of a run share; the versions are those of Python and of the packages that are installed."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "processor": describe_processor(),
        "versions": " ".join(f"{name}-{version}" for name, version in found.items()),
    }


def read_rows(path: Path = RESULTS) -> list[dict[str, str]]:
    """The rows of the table; none where there is no file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_rows(rows: Iterable[Mapping[str, object]], path: Path = RESULTS) -> None:
    """Enter rows into the table; a row replaces that of the same measurement on the same processor."""
    table = {(row["processor"], row["what"]): dict(row) for row in [*read_rows(path), *rows]}
    with atomic_write(path, "w") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(table.values())
