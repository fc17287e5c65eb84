"""Callbacks of the training loop: the base class that also hears of evaluations, and the progress displays."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras

from keras_seq.core.notices import visible


@dataclasses.dataclass
class Position:
    """Where a training stands; the loop fills it, callbacks read it.

    Args:
        epochs: Epochs of the whole training.
        steps_per_epoch: Batches of one epoch.
        epoch: The present epoch, from 0.
        first_batch: The batch of the epoch that this `fit` call began with; above 0 after a resume.
        units: Labelled tokens (or rows, where labels are not sequences) that were fetched since the epoch began.
        unit: `"tokens"`, `"rows"` or, when the data does not tell, `"batches"`.
    """

    epochs: int
    steps_per_epoch: int
    epoch: int = 0
    first_batch: int = 0
    units: int = 0
    unit: str = "batches"

    def batches_done(self, batch: int) -> int:
        """Batches of this epoch that are done when Keras reports `batch` as ended."""
        return self.first_batch + batch + 1

    def steps_done(self, batch: int) -> int:
        """Batches since the beginning of the training, resumed or not."""
        return self.epoch * self.steps_per_epoch + self.batches_done(batch)


class TrainingCallback(keras.callbacks.Callback):
    """A Keras callback that `fit` also tells of its position and of evaluations.

    `on_train_begin` and `on_train_end` are called once an epoch, because each epoch is one Keras `fit` call. The loop
    has set `position` before.
    """

    position: Position

    def on_evaluation_end(self, record: Mapping[str, Any]) -> None:
        """Called after each epoch, with the averaged weights in the model.

        Args:
            record: The epoch's entry of the history: `epoch`, `step`, `train_loss` and other training metrics,
                `learning_rate`, `seconds`, and, where the epoch ended with an evaluation, its scores and `is_best`.
        """

    def on_fit_end(self) -> None:
        """Called once, when training has ended or is stopped by an error."""


class Progress(TrainingCallback):
    """Shows a bar with loss, speed and remaining time, and one line after each epoch. It writes to standard error.

    Where standard error is no terminal there is no bar, only the lines.

    Args:
        every: Batches between two updates of the bar.
        keys: Scores that the line names, where the record has them.
    """

    def __init__(self, every: int = 5, keys: tuple[str, ...] = ()):
        super().__init__()
        self.every = every
        self.keys = keys
        self._bar: Any = None

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        # Imported here: the command line must start without it.
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        if self._bar is None:
            console = Console(stderr=True)
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[loss]}  {task.fields[speed]}"),
                TimeRemainingColumn(),
                console=console,
                transient=True,
                disable=not console.is_terminal,
            )
        position = self.position
        self._bar.start()
        self._task = self._bar.add_task(
            f"epoch {epoch + 1}/{position.epochs}",
            total=position.steps_per_epoch,
            completed=position.first_batch,
            loss="",
            speed="",
        )

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        position = self.position
        done = position.batches_done(batch)
        if done % self.every and done != position.steps_per_epoch:
            return
        elapsed = self._bar.tasks[-1].elapsed or 0.0
        amount = position.units if position.units else batch + 1
        speed = f"{amount / elapsed:,.0f} {position.unit}/s" if elapsed > 0 else ""
        loss = f"loss {float(logs['loss']):.4f}" if logs and "loss" in logs else ""
        self._bar.update(self._task, completed=done, loss=loss, speed=speed)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._stop()

    def on_evaluation_end(self, record: Mapping[str, Any]) -> None:
        from rich.console import Console

        parts = [f"epoch {record['epoch']}/{self.position.epochs}", f"loss {record['train_loss']:.4f}"]
        parts += [f"{key} {record[key]:.4f}" for key in self.keys if key in record]
        parts.append(f"{record['seconds']:.1f} s")
        if record.get("is_best"):
            parts.append("best so far")
        Console(stderr=True, highlight=False, soft_wrap=True).print(visible("  ".join(parts)), markup=False)

    def on_fit_end(self) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


@contextlib.contextmanager
def show_work(description: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a bar for work before the first epoch, where standard error is a terminal; nothing until there is some.

    Args:
        description: Before the bar.
        quiet: Show nothing.

    Returns:
        A context manager that gives the function to call with what was done since the last call, and all there is.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    bar = Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=quiet or not console.is_terminal
    )

    def advance(amount: int, total: int) -> None:
        if not bar.tasks:
            bar.start()
            bar.add_task(description, total=total)
        bar.advance(bar.tasks[0].id, amount)

    try:
        yield advance
    finally:
        bar.stop()
