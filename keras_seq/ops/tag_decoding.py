"""From what a tagger puts out to one tag id a step."""

from typing import Any

from keras import ops

from keras_seq.ops.crf import crf_viterbi
from keras_seq.ops.masking import is_same_shape


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
        ValueError: When `outputs` has another rank, or other steps than `mask`.

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
