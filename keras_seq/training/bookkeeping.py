"""The part of a training's state that is no variable of the model; JSON in a checkpoint."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Self


@dataclasses.dataclass
class Bookkeeping:
    """Where a training stands, and what it came to so far.

    Args:
        epoch, batch: Epochs that are done, and batches of the present one.
        logs: Metrics of the present epoch, once its batches are done.
        history: One record for each epoch that is done.
        best_epoch, best_value: From 1, and the score that it was chosen by; 0 and NaN before the first evaluation.
        waited: Evaluations since the best one.
        stopped_early: Whether patience has run out.
        seconds, epoch_seconds: Spent on the epochs that are done, and on the present one.
    """

    epoch: int = 0
    batch: int = 0
    logs: dict[str, float] = dataclasses.field(default_factory=dict)
    history: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    best_epoch: int = 0
    best_value: float = math.nan
    waited: int = 0
    stopped_early: bool = False
    seconds: float = 0.0
    epoch_seconds: float = 0.0

    @classmethod
    def from_json(cls, values: Any, *, epochs: int, steps: int, monitor: str) -> Self:
        """What `dataclasses.asdict` gave, checked as a whole: training could go on from nothing else.

        Args:
            values: What stands in a file.
            epochs, steps: Of the training, and of an epoch.
            monitor: The score that the best epoch is chosen by.

        Raises:
            ValueError: if a key is missing, unknown or of the wrong type, or numbers contradict each other.
        """
        if not isinstance(values, Mapping):
            raise ValueError("its bookkeeping is no table")
        names = {field.name for field in dataclasses.fields(cls)}
        if set(values) != names:
            raise ValueError(f"its bookkeeping lacks or has too much: {', '.join(sorted(set(values) ^ names))}")
        for name, low, high in (
            ("epoch", 0, epochs),
            ("batch", 0, steps),
            ("best_epoch", 0, values["epoch"]),
            ("waited", 0, values["epoch"]),
        ):
            if not _is_integer(values[name]) or not low <= values[name] <= high:
                raise ValueError(f"its bookkeeping has {name} = {_shown(values[name])}")
        for name in ("seconds", "epoch_seconds"):
            if not _is_number(values[name]) or not 0 <= values[name] < math.inf:
                raise ValueError(f"its bookkeeping has {name} = {_shown(values[name])}")
        if not isinstance(values["stopped_early"], bool):
            raise ValueError(f"its bookkeeping has stopped_early = {_shown(values['stopped_early'])}")
        _check_logs(values["logs"])
        _check_history(values["history"], values["epoch"])
        _check_best(values, monitor)
        return cls(**values)


def _check_logs(logs: Any) -> None:
    if not isinstance(logs, dict) or not all(_is_number(value) for value in logs.values()):
        raise ValueError("its bookkeeping has logs that are no numbers")


def _check_history(history: Any, epoch: int) -> None:
    if not isinstance(history, list) or len(history) != epoch:
        raise ValueError(f"its history is not one of {epoch} epochs")
    for number, record in enumerate(history, start=1):
        is_record = isinstance(record, dict) and all(isinstance(value, (int, float)) for value in record.values())
        if not is_record or record.get("epoch") != number:
            raise ValueError(f"its history has no record of epoch {number}")


def _check_best(values: Mapping[str, Any], monitor: str) -> None:
    best, value = values["best_epoch"], values["best_value"]
    if not _is_number(value):
        raise ValueError(f"its bookkeeping has best_value = {_shown(value)}")
    expected = values["history"][best - 1].get(monitor) if best else math.nan
    # A score may be no number; then the best one is none either.
    if not _is_number(expected) or not (value == expected or (math.isnan(value) and math.isnan(expected))):
        raise ValueError(f"its best_value {_shown(value)} is not the {monitor} of epoch {best}")


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:37]}..."
