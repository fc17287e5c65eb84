"""What a user should know although nothing has failed, and texts of others as a terminal may show them."""

import contextlib
import logging
import os
import re
import sys
from collections.abc import Iterator

# What a terminal obeys: C0 but tab and line feed, DEL, and C1.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def notify(message: str) -> None:
    """Print one line on stderr, as the command line prints errors."""
    if sys.stderr is not None:
        sys.stderr.write(f"keras-seq: {one_line(message)}\n")


def visible(text: str) -> str:
    """A text whose control characters are shown, so that no terminal obeys them.

    Example:

    >>> print(visible("good \x1b[2J movie"))
    good \\x1b[2J movie
    """
    return _CONTROL.sub(lambda match: repr(match[0])[1:-1], text)


def visible_name(text: str | os.PathLike) -> str:
    """A name or label as a report shows it: signs that cannot be seen are escaped, too; what is long is cut.

    Example:

    >>> print(visible_name("a\x1b[2J"), visible_name("no\u200bne"))
    a\\x1b[2J no\\u200bne
    """
    shown = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in os.fspath(text))
    return shown if len(shown) <= 200 else shown[:197] + "..."


def one_line(text: str) -> str:
    """A text on one line, its control characters shown."""
    return " ".join(visible(text).split())


@contextlib.contextmanager
def quiet_loggers(*names: str) -> Iterator[None]:
    """Hold back what these loggers of Python's `logging` say below an error.

    Example:

    >>> with quiet_loggers("tensorflow"):
    ...     logging.getLogger("tensorflow").warning("chatter")
    """
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
