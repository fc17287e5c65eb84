"""SavedModels: writing them, and checking that they answer without Python, Keras or this package."""

from keras_seq.export.errors import ExportError
from keras_seq.export.golden import GOLDEN_TEXTS, check_golden, write_golden
from keras_seq.export.saved_model import find_saved_model, latest_version, list_versions, write_saved_model
from keras_seq.export.served import SavedServed, Served
from keras_seq.export.task_file import TaskFile
from keras_seq.export.verify import Sample, VerificationReport, verify

__all__ = [
    "GOLDEN_TEXTS",
    "ExportError",
    "Sample",
    "SavedServed",
    "Served",
    "TaskFile",
    "VerificationReport",
    "check_golden",
    "find_saved_model",
    "latest_version",
    "list_versions",
    "verify",
    "write_golden",
    "write_saved_model",
]
