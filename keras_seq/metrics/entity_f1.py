"""Precision, recall and F1 of entities, as a Keras metric."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_seq.core.checks import check_integer
from keras_seq.core.registration import register
from keras_seq.metrics.accumulator import Accumulator
from keras_seq.metrics.entity_scores import scores_from_counts
from keras_seq.metrics.formulas import precision_recall_f1, total
from keras_seq.ops.labels import NO_CLASS
from keras_seq.ops.masking import labels_of_real_steps
from keras_seq.ops.spans import compact_steps, entity_spans, span_tables
from keras_seq.ops.tag_decoding import FORMS, checked_tags


@register
class EntityF1(Accumulator):
    """Precision, recall and F1 of entities over a whole data set, counted inside the compiled graph.

    For `model.compile(metrics=[EntityF1(tag_names)])` and for callbacks that watch `val_entity_f1`. An entity counts as
    found only if type, first and last step all agree; the rules are those of `conlleval` and of `seqeval`'s default
    mode (see `keras_seq.ops.spans`), and the numbers are those of `entity_scores`.

    Masking: steps whose label is `ignored_label`, and steps that the Keras mask of `y_pred` calls padding, are taken
    out of the sentence, wherever they stand; what was predicted there is ignored. A negative `y_pred` at a real step is
    a missing prediction and counts as outside, and so does an id beyond the tags.

    Args:
        tag_names: The tags (BIO, IOB1 or BIOES) in the order of their ids.
        ignored_label: The label of padding.
        name: Name of the metric, and key of the F1 in its result.

    Call arguments (of `update_state`):
        y_true: int tensor `(batch, steps)` of tag ids, `-1` where there is no token. A label that is neither a tag nor
            `ignored_label` makes the results NaN.
        y_pred: Either tag ids, int `(batch, steps)`, or scores of the tags, float `(batch, steps, tags)`, or potentials
            of a CRF, float `(batch, steps, tags, tags)`.
        sample_weight: Must be `None`: an entity is found or it is not.

    Returns (of `result`): a dictionary of three scalars (micro averages): with the default name, `"entity_f1"`,
    `"entity_precision"` and `"entity_recall"`. A ratio over nothing is 0.

    Raises:
        TypeError: if `ignored_label` is not an integer.
        ValueError: if `tag_names` is empty, names a tag twice or has one of another scheme, if the shapes do not
            fit each other, or if a `sample_weight` is given.

    Example:

    >>> metric = EntityF1(["O", "B-PERSON", "I-PERSON"])
    >>> metric.update_state([[1, 2, 0, 1]], [[1, 2, 0, 0]])
    >>> {key: round(float(value), 2) for key, value in metric.result().items()}
    {'entity_f1': 0.67, 'entity_precision': 1.0, 'entity_recall': 0.5}
    >>> metric.scores()["types"]["PERSON"]["support"]
    2

    Reference: Tjong Kim Sang and Buchholz, "Introduction to the CoNLL-2000 Shared Task: Chunking", 2000.
    """

    arguments = ("tag_names", "ignored_label")

    def __init__(
        self, tag_names: Sequence[str], *, ignored_label: int = -1, name: str = "entity_f1", dtype: Any = None
    ):
        check_integer("ignored_label", ignored_label)
        if isinstance(tag_names, str) or not tag_names or len(set(tag_names)) != len(tag_names):
            raise ValueError(
                "`tag_names` must be a list of at least one tag, each named once. "
                f"Received: tag_names={tag_names!r}. Pass the tags in the order of their ids."
            )
        tables = span_tables(list(tag_names))
        of_types = dict.fromkeys(("correct", "predicted", "true"), (len(tables.types),))
        super().__init__(of_types, name=name, dtype=dtype)
        self.tag_names = list(tag_names)
        self.ignored_label = ignored_label
        self._tables = tables

    def amounts(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Sequence[Any]:
        if sample_weight is not None:
            raise ValueError(
                "`sample_weight` must be None: entities are counted, not weighted. "
                f"Received: sample_weight={sample_weight!r}. Pass this metric as one of `metrics`, not of "
                "`weighted_metrics`, and set `y_true` to -1 at steps to leave out."
            )
        labels = labels_of_real_steps(y_true, y_pred, self.ignored_label, forms=FORMS, num_classes=len(self.tag_names))
        shape = tuple(ops.convert_to_tensor(y_pred).shape)
        if len(shape) > 2 and shape[-1] != len(self.tag_names):
            raise ValueError(
                f"`y_pred` must have one score for each of the {len(self.tag_names)} `tag_names`. "
                f"Received: y_pred.shape={shape}. Give the names of all tags of the model."
            )
        mask = ops.not_equal(labels, self.ignored_label)
        tag_ids = checked_tags(y_pred, mask)
        is_wrong = ops.any(
            ops.logical_and(mask, ops.logical_or(ops.equal(labels, NO_CLASS), ops.equal(tag_ids, NO_CLASS)))
        )
        true_starts, true_ends, true_types = entity_spans(compact_steps(mask, labels, -1), self._tables)
        starts, ends, types = entity_spans(compact_steps(mask, tag_ids, -1), self._tables)
        found = starts & true_starts & (ends == true_ends) & (types == true_types)
        return [
            ops.where(is_wrong, float("nan"), self._count(chosen, of_type))
            for chosen, of_type in ((found, true_types), (starts, types), (true_starts, true_types))
        ]

    def score(self, *counts: Any) -> dict[str, Any]:
        precision, recall, f1 = precision_recall_f1(*map(total, counts))
        stem = self.name.removesuffix("_f1")
        return {self.name: f1, f"{stem}_precision": precision, f"{stem}_recall": recall}

    def scores(self) -> dict[str, Any]:
        """What was counted so far, overall and for each type of `tag_names`, in the form of `entity_scores`."""
        counts = [ops.convert_to_numpy(ops.copy(counts)) for counts in self.sums]
        if np.isnan(counts).any():
            raise ValueError(
                "`y_true` and `y_pred` must hold ids of `tag_names`, and scores that are numbers. Received: others, in "
                "an earlier batch. Use the tags that the model was trained with."
            )
        return scores_from_counts(self._tables.types, *([int(count) for count in of_type] for of_type in counts))

    def _count(self, chosen: Any, types: Any) -> Any:
        is_type = types[:, :, None] == ops.arange(len(self._tables.types), dtype="int32")  # (batch, steps, types)
        return ops.sum(ops.cast(chosen[:, :, None] & is_type, self.dtype), axis=(0, 1))
