"""Splits of one set of examples into training and test: by fold, or by chance within each class."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from keras_seq.core.checks import check_non_negative_integer, check_rate
from keras_seq.core.errors import InputError


def split_of_folds(folds: Sequence[int | None], fold: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows of one round of cross-validation.

    Args:
        folds: The fold of each row, as `LabelledText.fold` has it.
        fold: The one that is held out for the test.

    Returns:
        Two int64 arrays: the rows of the other folds (train), and those of this one (test), both in ascending order.

    Raises:
        InputError: if a row has no fold, no row has this one, or every row has it.

    Example:

    >>> train, test = split_of_folds([0, 1, 2, 0], fold=0)
    >>> train.tolist(), test.tolist()
    ([1, 2], [0, 3])
    """
    check_non_negative_integer("fold", fold)
    if any(value is None for value in folds):
        raise InputError("`folds`: a row has no fold; name the column 'fold' in the columns of the data")
    values = np.asarray(folds, dtype="int64").reshape(-1)
    known = sorted(set(values.tolist()))
    if fold not in known or len(known) < 2:
        raise InputError(
            f"`fold` must be one of at least two folds of the data. Received: fold={fold!r}; the data has "
            f"{', '.join(map(str, known)) or 'none'}. Pass one of these, or add data."
        )
    return np.flatnonzero(values != fold), np.flatnonzero(values == fold)


def hold_out(labels: Sequence[str | tuple[str, ...]], share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw rows to hold out, the same share of each class as nearly as whole rows allow.

    Of each class at least one row stays in the training data. The draw depends on the arguments alone.

    Args:
        labels: The class of each row, or the tuple of its labels. A row with several counts as the rarest of them,
            rows without label are a class of their own.
        share: Of the rows to hold out, at least 0 and below 1.
        seed: Decides the draw.

    Returns:
        Two int64 arrays: the rows that stay (train), and those held out, both in ascending order.

    Raises:
        ValueError, TypeError: if `share` or `seed` is of the wrong kind.
        InputError: if `share` is above 0 and no row can be held out.

    Example:

    >>> train, held_out = hold_out(["a", "b"] * 10, share=0.2, seed=0)
    >>> len(train), sorted("ab"[row % 2] for row in held_out)
    (16, ['a', 'a', 'b', 'b'])
    """
    check_rate("share", share)
    check_non_negative_integer("seed", seed)
    rows_of: dict[str | None, list[int]] = {}
    for row, name in enumerate(_rarest(labels)):
        rows_of.setdefault(name, []).append(row)
    # Rows without label come first; the order must not depend on the order of the rows.
    classes = sorted(rows_of, key=lambda name: (name is not None, name or ""))
    counts = _counts([len(rows_of[name]) for name in classes], share)
    generator = np.random.default_rng(seed)
    drawn = [generator.permutation(rows_of[name])[:count] for name, count in zip(classes, counts, strict=True)]
    held_out = np.sort(np.concatenate([np.empty(0, dtype="int64"), *drawn])).astype("int64")
    if share and not len(held_out):
        raise InputError(
            f"`share` must leave a row to hold out. Received: share={share!r} of {len(labels)} rows in "
            f"{len(classes)} classes. Pass a larger share, or data of its own."
        )
    return np.setdiff1d(np.arange(len(labels)), held_out), held_out


def hold_out_groups(groups: Sequence[int] | np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw whole groups to hold out, for rows that are not independent: of a group all rows stay, or none.

    Groups are taken in random order while they fit into the share; one that is too large stays in the training data.

    Args:
        groups: The group of each row, any integers, such as `groups_of_pairs` gives.
        share: Of the rows to hold out, above 0 and below 1; a little less is held out where groups do not fit.
        seed: Decides the draw.

    Returns:
        Two int64 arrays: the rows that stay (train), and those held out, both in ascending order.

    Raises:
        ValueError, TypeError: if `share` or `seed` is of the wrong kind.
        InputError: if no group fits into the share.

    Example:

    >>> train, held_out = hold_out_groups([7, 7, 8, 8, 9, 9, 9, 9], share=0.25, seed=0)
    >>> len(train), len(held_out)
    (6, 2)
    """
    check_rate("share", share)
    check_non_negative_integer("seed", seed)
    groups = np.asarray(groups, dtype="int64").reshape(-1)
    _, group_of, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    left = int(len(groups) * share + 0.5)
    is_held = np.zeros(len(sizes), bool)
    for group in np.random.default_rng(seed).permutation(len(sizes)):
        if sizes[group] <= left:
            is_held[group] = True
            left -= int(sizes[group])
    if not is_held.any():
        raise InputError(
            f"`share` must have room for a group of rows that belong together. Received: share={share!r} of "
            f"{len(groups)} rows in {len(sizes)} groups. Pass a larger share, or data of its own."
        )
    return np.flatnonzero(~is_held[group_of]), np.flatnonzero(is_held[group_of])


def _rarest(labels):
    """One class for each row."""
    names = [(name,) if isinstance(name, str) else tuple(name) for name in labels]
    frequency = Counter(name for row in names for name in row)
    return [min(row, key=lambda name: (frequency[name], name)) if row else None for row in names]


def _counts(sizes, share):
    """How many rows of each class to hold out: by largest remainders, so that the sum is near the share of all rows."""
    shares = [size * share for size in sizes]
    counts = [min(int(part), size - 1) for part, size in zip(shares, sizes, strict=True)]
    wanted = int(sum(sizes) * share + 0.5)
    by_remainder = sorted(range(len(sizes)), key=lambda index: counts[index] - shares[index])
    for index in by_remainder:
        if sum(counts) >= wanted:
            break
        if counts[index] < min(shares[index], sizes[index] - 1):
            counts[index] += 1
    return counts
