"""Errors that a user of the command line can cause; their text is one line."""

import os


class InputError(ValueError):
    """Something the user sent (a file, a recipe, a run, a name) cannot be used.

    The message is one line that says what is wrong and what to do about it. The command line prints it and exits 2.
    Line breaks in the message are folded into spaces.
    """

    def __init__(self, message: str):
        super().__init__(" ".join(str(message).split("\n")))


class DataError(InputError):
    """A data file cannot be used.

    Args:
        path: The file.
        line: The number of the offending line, from 1, or `None` when the whole file is meant.
        reason: What is wrong, without a full stop.
        remedy: What to do about it, without a full stop.

    Example:

    >>> str(DataError("train.conll", 3, "one column", "put the tag after the token"))
    'train.conll:3: one column; put the tag after the token'
    """

    def __init__(self, path: str | os.PathLike, line: int | None, reason: str, remedy: str):
        self.path = os.fspath(path)
        self.line = line
        self.reason = reason
        self.remedy = remedy
        place = self.path if line is None else f"{self.path}:{line}"
        super().__init__(f"{place}: {reason}; {remedy}")

    def __reduce__(self):
        # The default would call the class with the message alone, which fails when the error crosses a process.
        return type(self), (self.path, self.line, self.reason, self.remedy)


class RecipeError(InputError):
    """A recipe is malformed or asks for something impossible."""


class RunError(InputError):
    """A run directory cannot be used for what was asked."""
