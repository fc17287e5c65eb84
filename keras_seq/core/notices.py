"""What a user should know although nothing has failed."""

import sys


def notify(message: str) -> None:
    """Print one line on stderr, as the command line prints errors."""
    sys.stderr.write(f"keras-seq: {' '.join(message.split())}\n")
