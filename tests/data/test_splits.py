import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seq.core.errors import InputError
from keras_seq.data import hold_out, hold_out_groups, split_of_folds


def test_rounds_of_cross_validation_hold_out_every_row_once():
    folds = [2, 0, 1, 1, 2, 0, 0]
    held_out = []
    for fold in range(3):
        train, test = split_of_folds(folds, fold)
        assert [folds[row] for row in test] == [fold] * len(test)
        assert sorted([*train, *test]) == list(range(len(folds)))
        assert train.dtype == test.dtype == "int64" and list(train) == sorted(train) and list(test) == sorted(test)
        held_out += test.tolist()
    assert sorted(held_out) == list(range(len(folds)))


@pytest.mark.parametrize(
    ("folds", "fold", "match"),
    [
        ([0, 1, 2], 3, "`fold` must be one of .*Received: fold=3; the data has 0, 1, 2"),
        ([4, 4], 4, "at least two folds"),
        ([], 0, "the data has none"),
        ([0, None], 0, "a row has no fold"),
    ],
)
def test_folds_that_cannot_be_split(folds, fold, match):
    with pytest.raises(InputError, match=match):
        split_of_folds(folds, fold)


def test_wrong_arguments():
    for wrong in (True, 0.5, "0"):
        with pytest.raises(TypeError, match="`fold`"):
            split_of_folds([0, 1], wrong)
    with pytest.raises(ValueError, match="`share`"):
        hold_out(["a", "b"], 1.0, 0)
    with pytest.raises(ValueError, match="`seed`"):
        hold_out(["a", "b"], 0.5, -1)


labels_of_rows = st.lists(st.sampled_from("aaaaaaaabbbccd"), min_size=1, max_size=60)


@settings(max_examples=200, deadline=None)
@given(labels=labels_of_rows, share=st.floats(0.01, 0.99), seed=st.integers(0, 5))
def test_held_out_rows_are_stratified(labels, share, seed):
    try:
        train, held_out = hold_out(labels, share, seed)
    except InputError:
        assert int(len(labels) * share + 0.5) == 0 or all(labels.count(name) == 1 for name in set(labels))
        return
    assert sorted([*train, *held_out]) == list(range(len(labels)))
    assert {labels[row] for row in train} == set(labels)
    for name in set(labels):
        count = sum(labels[row] == name for row in held_out)
        # Within one row of its share, or less where the class would not be left in the training data.
        assert count < labels.count(name) * share + 1
        assert count > labels.count(name) * share - 1 or count == labels.count(name) - 1
    assert len(held_out) <= int(len(labels) * share + 0.5)
    again = hold_out(labels, share, seed)
    assert again[0].tolist() == train.tolist() and again[1].tolist() == held_out.tolist()


def test_the_sum_is_the_share_of_all_rows():
    labels = [str(index % 77) for index in range(10_003)]
    train, held_out = hold_out(labels, 0.1, 0)
    assert len(held_out) == 1000 and len(train) == 9003
    assert set(np.bincount([int(labels[row]) for row in held_out])) <= {12, 13}


def test_the_seed_decides_which_rows():
    labels = ["a", "b"] * 50
    drawn = {tuple(hold_out(labels, 0.2, seed)[1]) for seed in range(5)}
    assert len(drawn) == 5
    assert all(sum(row % 2 for row in rows) == 10 for rows in drawn)


def test_a_share_of_zero_holds_nothing_out():
    train, held_out = hold_out(["a", "b"], 0, 0)
    assert train.tolist() == [0, 1] and held_out.tolist() == [] and held_out.dtype == "int64"


def test_too_few_rows():
    with pytest.raises(InputError, match="`share` must leave a row .*share=0.1 of 3 rows in 3 classes"):
        hold_out(["a", "b", "c"], 0.1, 0)


def test_rows_with_several_labels_count_as_the_rarest():
    rows = [("x",)] * 20 + [("x", "y")] * 10 + [()] * 10
    _, held_out = hold_out(rows, 0.2, 3)
    drawn = [rows[row] for row in held_out]
    assert [drawn.count(row) for row in (("x",), ("x", "y"), ())] == [4, 2, 2]
    # One label in a tuple is the same as the label.
    assert hold_out([("a",), ("b",)] * 10, 0.2, 0)[1].tolist() == hold_out(["a", "b"] * 10, 0.2, 0)[1].tolist()


def test_groups_are_held_out_whole():
    generator = np.random.default_rng(0)
    groups = generator.integers(0, 60, 500)
    train, held = hold_out_groups(groups, 0.2, seed=4)
    assert sorted([*train, *held]) == list(range(500))
    assert not set(groups[train]) & set(groups[held])
    assert 90 <= len(held) <= 100
    again = hold_out_groups(groups, 0.2, seed=4)
    assert (again[1] == held).all() and len(hold_out_groups(groups, 0.2, seed=5)[1])
    # One group of nearly all rows stays where it is.
    train, held = hold_out_groups([1] * 90 + [2] * 5 + [3] * 5, 0.1, seed=0)
    assert held.tolist() == list(range(90, 100))
    with pytest.raises(InputError, match="`share` must have room for a group"):
        hold_out_groups([1, 1, 1, 2, 2, 2], 0.2, seed=0)
    with pytest.raises(ValueError, match="`share` must"):
        hold_out_groups([1, 2], 1.0, seed=0)
