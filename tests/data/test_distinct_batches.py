import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seq.data import BucketedBatches, DistinctBatches, groups_of_pairs


def same(first, second):
    return len(first) == len(second) and all(
        a.steps == b.steps and np.array_equal(a.indices, b.indices) for a, b in zip(first, second, strict=True)
    )


def rows_of(batches):
    indices = np.concatenate([np.empty(0, "int64"), *(batch.indices for batch in batches)])
    return sorted(indices[indices >= 0].tolist())


@st.composite
def examples(draw):
    count = draw(st.integers(0, 60))
    lengths = draw(st.lists(st.integers(0, 40), min_size=count, max_size=count))
    # From all of one group to hardly two of one.
    highest = draw(st.sampled_from([0, 1, 3, 10, 1000]))
    groups = draw(st.lists(st.integers(-highest, highest), min_size=count, max_size=count))
    if draw(st.booleans()):
        groups = sorted(groups)
        lengths = sorted(lengths)
    return lengths, groups


@settings(max_examples=300, deadline=None)
@given(
    examples=examples(),
    batch_size=st.integers(1, 12),
    shuffle=st.booleans(),
    seed=st.integers(0, 3),
)
def test_no_batch_has_two_of_a_group_and_none_is_short(examples, batch_size, shuffle, seed):
    lengths, groups = examples
    options = {"batch_size": batch_size, "shuffle": shuffle, "seed": seed}
    batches = DistinctBatches(lengths, groups, **options)
    sizes = Counter(groups)
    fullest = min(batch_size, len(sizes))
    needed = max([-(-len(groups) // batch_size), *sizes.values()])
    for epoch in range(2):
        order = batches.epoch(epoch)
        assert len(order) == len(batches)
        rows = rows_of(order)
        assert len(set(rows)) == len(rows)
        if len(groups) >= fullest * needed / 2:
            assert rows == list(range(len(groups))) and len(batches) == needed
        else:
            # Of large groups some are left out: as few as keep the batches half full.
            assert len(rows) >= fullest * len(batches) / 2
            more = sum(min(size, len(batches) + 1) for size in sizes.values())
            assert more < fullest * (len(batches) + 1) / 2
            assert Counter(groups[row] for row in rows) == {
                group: min(size, len(batches)) for group, size in sizes.items()
            }
        assert len({len(batch.indices) for batch in order}) <= 1
        for batch in order:
            chosen = batch.indices[batch.indices >= 0]
            assert len(batch.indices) - 1 <= len(chosen) <= len(batch.indices) <= fullest
            assert max(Counter(groups[index] for index in chosen).values()) == 1
            longest = max(lengths[index] for index in chosen)
            assert batch.steps == next(steps for steps in (8, 16, 24, 32, 48) if longest <= steps)
    assert same(DistinctBatches(lengths, groups, **options).epoch(1), batches.epoch(1))


def test_order_depends_on_seed_and_epoch_alone():
    lengths, groups = np.arange(90) % 30, np.arange(90) % 45
    first = DistinctBatches(lengths, groups, batch_size=8, seed=1)
    later = first.epoch(5)
    fresh = DistinctBatches(lengths, groups, batch_size=8, seed=1)
    assert same(fresh.epoch(5), later)
    assert not same(fresh.epoch(4), later)
    assert not same(DistinctBatches(lengths, groups, batch_size=8, seed=2).epoch(5), later)
    still = DistinctBatches(lengths, groups, batch_size=8, shuffle=False)
    assert same(still.epoch(0), still.epoch(7))
    assert [batch.steps for batch in still.epoch(0)] == sorted(batch.steps for batch in still.epoch(0))


def test_of_a_group_that_is_too_large_each_epoch_draws_others():
    groups = np.array([0] * 400 + list(range(1, 41)))
    batches = DistinctBatches(np.ones(440), groups, batch_size=8)
    drawn = [set(rows_of(batches.epoch(epoch))) for epoch in range(100)]
    assert all(set(range(400, 440)) <= rows for rows in drawn)
    assert len(set().union(*drawn)) > 400
    assert rows_of(batches.epoch(3)) == rows_of(batches.epoch(3))


def test_without_groups_padding_is_that_of_bucketed_batches():
    lengths = np.random.default_rng(0).geometric(0.08, size=4_000)
    steps = [
        sum(batch.steps * len(batch.indices) for batch in batches.epoch(0))
        for batches in (
            DistinctBatches(lengths, np.arange(4_000), batch_size=32),
            BucketedBatches(lengths, batch_size=32),
        )
    ]
    assert steps[0] < 1.05 * steps[1]


@pytest.mark.parametrize(
    ("count", "classes", "by_length"), [(42_000, 42_000, False), (15_000, 150, False), (15_000, 150, True)]
)
def test_an_epoch_takes_little_time(count, classes, by_length):
    groups = np.arange(count) % classes
    lengths = groups // 3 if by_length else np.random.default_rng(0).geometric(0.1, size=count)
    batches = DistinctBatches(lengths, groups, batch_size=64)
    begin = time.perf_counter()
    order = batches.epoch(0)
    # A quarter of it on an idle machine, and less.
    assert time.perf_counter() - begin < 0.5
    assert len(order) == -(-count // 64) and len({batch.steps for batch in order}) <= 9


def test_given_boundaries():
    batches = DistinctBatches([1, 10, 11, 100], [0, 0, 1, 1], batch_size=1, bucket_boundaries=[5, 10], shuffle=False)
    assert [batch.steps for batch in batches.epoch(0)] == [5, 10, 16, 128]


def test_no_examples():
    batches = DistinctBatches([], [], batch_size=4)
    assert len(batches) == 0 and batches.epoch(0) == []


@pytest.mark.parametrize(
    ("groups", "options", "error"),
    [
        ([1, 2], {"batch_size": 0}, ValueError),
        ([1, 2], {"batch_size": 2.0}, TypeError),
        ([1, 2], {"batch_size": 2, "bucket_boundaries": [8, 8]}, ValueError),
        ([1, 2], {"batch_size": 2, "shuffle": 1}, TypeError),
        ([1, 2], {"batch_size": 2, "seed": -1}, ValueError),
        ([1], {"batch_size": 2}, ValueError),
        ([[1], [2]], {"batch_size": 2}, ValueError),
        ([1.0, 2.0], {"batch_size": 2}, ValueError),
        (["a", "b"], {"batch_size": 2}, ValueError),
    ],
)
def test_wrong_options(groups, options, error):
    with pytest.raises(error, match="Received: "):
        DistinctBatches([1, 2], groups, **options)
    with pytest.raises(ValueError, match="`epoch`"):
        DistinctBatches([1, 2], [1, 2], batch_size=2).epoch(-1)


def groups_by_loop(pairs):
    """Groups of pairs, by merging until nothing changes."""
    groups = list(range(len(pairs)))
    changed = True
    while changed:
        changed = False
        for i, first in enumerate(pairs):
            for j, second in enumerate(pairs):
                if set(first) & set(second) and groups[i] != groups[j]:
                    groups[i] = groups[j] = min(groups[i], groups[j])
                    changed = True
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    return [numbers[group] for group in groups]


@settings(max_examples=100, deadline=None)
@given(pairs=st.lists(st.tuples(st.integers(0, 25), st.integers(0, 25)), max_size=15), data=st.data())
def test_groups_are_connected_components(pairs, data):
    # Spellings of one text: other blanks, other case, another form of Unicode.
    spell = st.sampled_from(["Text {} É", " text  {} é", "TEXT\u00a0{} É\n", "text {} E\u0301"])
    a, b = ([data.draw(spell).format(pair[side]) for pair in pairs] for side in (0, 1))
    found = groups_of_pairs(a, b)
    assert found.dtype == np.int64 and found.tolist() == groups_by_loop(pairs)


def test_groups_need_two_sides():
    with pytest.raises(ValueError, match="Received: len\\(a_texts\\)=2, len\\(b_texts\\)=1"):
        groups_of_pairs(["a", "b"], ["a"])
