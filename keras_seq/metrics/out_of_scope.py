"""How well a classifier tells texts of its classes from texts of none."""

from typing import Any

import numpy as np

from keras_seq.metrics.formulas import area_under_roc, ratio


def out_of_scope_scores(in_scope_confidence: Any, out_of_scope_confidence: Any, threshold: float) -> dict[str, float]:
    """Out-of-scope recall at a threshold of the confidence, what the threshold keeps, and the AUROC.

    For classifiers that meet texts of none of their classes. `keras_seq.ops.calibration.rejection_threshold` finds the
    threshold, on texts that are not those scored here.

    Args:
        in_scope_confidence: The confidence in texts of the classes, `(texts,)`; any number that is larger for surer.
        out_of_scope_confidence: The same for texts of no class.
        threshold: A text is kept when its confidence is at least that, else rejected.

    Returns:
        A dictionary with `"out_of_scope_recall"`, the share of the texts of no class that is rejected;
        `"in_scope_kept"`, the share of the others that is kept; and `"auroc"`, the chance that a text of a class is
        surer than one of none (a tie counts half): 0.5 is a guess, and no threshold plays a part. Over nothing a share
        is 0, and `"auroc"` 0.5.

    Raises:
        ValueError: if a confidence is not a number, or the arrays are not flat.

    Example:

    >>> out_of_scope_scores([0.9, 0.8, 0.3], [0.2, 0.4], threshold=0.5)["out_of_scope_recall"]
    1.0

    Reference: Larson et al., "An Evaluation Dataset for Intent Classification and Out-of-Scope Prediction",
    EMNLP-IJCNLP 2019.
    """
    in_scope, out_of_scope = np.asarray(in_scope_confidence), np.asarray(out_of_scope_confidence)
    for name, values in (("in_scope_confidence", in_scope), ("out_of_scope_confidence", out_of_scope)):
        if values.ndim != 1 or np.isnan(values.astype("float64")).any():
            raise ValueError(
                f"`{name}` must be a flat array of numbers. Received: {name}={values!r}. Give one number per text."
            )
    return {
        "out_of_scope_recall": float(ratio((out_of_scope < threshold).sum(), out_of_scope.size)),
        "in_scope_kept": float(ratio((in_scope >= threshold).sum(), in_scope.size)),
        "auroc": area_under_roc(in_scope, out_of_scope),
    }
