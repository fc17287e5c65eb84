"""What can be wrong with an export."""

from keras_seq.core.errors import InputError


class ExportError(InputError):
    """A SavedModel cannot be written, or is not fit to be served; the one-line message names the op or the input."""
