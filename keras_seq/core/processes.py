"""In which process models run: the threads of TensorFlow do not survive a fork."""

import os
import sys

from keras_seq.core.errors import InputError

_running_in: list[int] = []


def check_process() -> None:
    """Raise in a process that was forked from one in which a model has run; there, every call would wait for ever.

    Raises:
        InputError: if this is one; the message says what to do.
    """
    if not _running_in:
        _running_in.append(os.getpid())
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_leave_resources)
    if _running_in[0] != os.getpid():
        raise InputError(
            f"process {os.getpid()} was forked from {_running_in[0]} after a model had run there, and TensorFlow's "
            "threads do not survive a fork; load models in the new process alone, or start it by "
            "multiprocessing.get_context('spawn')"
        )


def _leave_resources() -> None:
    """Let a forked process come to its end: a table that TensorFlow frees there would wait for ever, too."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        return
    for each in tensorflow.saved_model.experimental.TrackableResource.__mro__:
        if "__del__" in vars(each):
            each.__del__ = lambda self: None
