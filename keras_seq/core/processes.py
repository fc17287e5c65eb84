"""In which process models run: the threads of TensorFlow do not survive a fork."""

import os

from keras_seq.core.errors import InputError

_running_in: list[int] = []


def check_process() -> None:
    """Raise in a process that was forked from one in which a model has run; there, every call would wait for ever.

    Raises:
        InputError: if this is one; the message says what to do.
    """
    if not _running_in:
        _running_in.append(os.getpid())
    if _running_in[0] != os.getpid():
        raise InputError(
            f"process {os.getpid()} was forked from {_running_in[0]} after a model had run there, and TensorFlow's "
            "threads do not survive a fork; load models in the new process alone, or start it by "
            "multiprocessing.get_context('spawn')"
        )
