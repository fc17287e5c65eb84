"""From what a tagger puts out to one tag id a step."""

from typing import Any

from keras import ops

from keras_seq.ops.crf import crf_viterbi
from keras_seq.ops.labels import NO_CLASS, class_numbers
from keras_seq.ops.masking import is_same_shape

# What taggers put out, by the number of axes.
FORMS = {
    2: "tag ids (batch, steps)",
    3: "scores (batch, steps, tags)",
    4: "potentials (batch, steps, tags, tags)",
}


def decode_tags(outputs: Any, mask: Any) -> Any:
    """The best tag ids, from any form that taggers put out.

    Args:
        outputs: One of three: tag ids, int `(batch, steps)`, which are returned as they are; scores of the tags at each
            step, float `(batch, steps, tags)`, of which the best is taken; potentials of a CRF, float
            `(batch, steps, tags, tags)`, of which the best path is taken.
        mask: bool tensor `(batch, steps)`, `True` = real step.

    Returns:
        An int32 tensor `(batch, steps)`. What it holds at steps that are not real means nothing.

    Raises:
        ValueError: if `outputs` has another rank, or other steps than `mask`.

    Example:

    >>> decode_tags([[[0.1, 0.9], [0.8, 0.2]]], [[True, True]]).numpy().tolist()
    [[1, 0]]
    """
    outputs, mask = ops.convert_to_tensor(outputs), ops.convert_to_tensor(mask)
    rank = len(outputs.shape)
    if rank not in (2, 3, 4) or len(mask.shape) != 2 or not is_same_shape(outputs.shape[:2], mask.shape):
        raise ValueError(
            "`outputs` must be tag ids (batch, steps), scores (batch, steps, tags) or potentials "
            "(batch, steps, tags, tags), and `mask` (batch, steps). "
            f"Received: outputs.shape={tuple(outputs.shape)}, mask.shape={tuple(mask.shape)}. "
            "Give predictions and labels of the same batch, padded to the same length."
        )
    if rank == 4:
        return crf_viterbi(outputs, mask)[0]
    return ops.cast(ops.argmax(outputs, axis=-1) if rank == 3 else outputs, "int32")


def checked_tags(outputs: Any, real: Any) -> Any:
    """As `decode_tags`, for metrics: `NO_CLASS` at steps where nothing can be decoded.

    Args:
        outputs: As there.
        real: bool tensor `(batch, steps)`, `True` = real step.

    Returns:
        An int32 tensor `(batch, steps)`: a negative id of `outputs` is -1; `keras_seq.ops.labels.NO_CLASS` where an id
        is no whole number, where a score is NaN, and in the whole of a row of which a real step has such potentials.
    """
    outputs = ops.convert_to_tensor(outputs)
    rank = len(outputs.shape)
    if rank == 2:
        # A missing prediction is any negative whole number.
        ids = class_numbers(outputs, None)
        missing = ops.logical_and(outputs < 0, ops.equal(outputs, ops.floor(outputs)))
        return ops.where(missing, -1, ids)
    is_nan = ops.any(ops.isnan(outputs), axis=-1)
    if rank == 4:
        is_nan = ops.any(ops.logical_and(ops.any(is_nan, axis=-1), real), axis=1, keepdims=True)
    return ops.where(is_nan, NO_CLASS, decode_tags(outputs, real))
