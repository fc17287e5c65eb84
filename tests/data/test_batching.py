import numpy as np
import pytest

from keras_seq.data import Batch, BucketedBatches, make_arrays

LENGTHS = np.random.default_rng(0).geometric(0.05, size=500).tolist() + [0, 1, 700]


def same(first, second):
    return len(first) == len(second) and all(
        a.steps == b.steps and np.array_equal(a.indices, b.indices) for a, b in zip(first, second, strict=True)
    )


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 16},
        {"tokens_per_batch": 1024},
        {"batch_size": 32, "tokens_per_batch": 512},
        {"batch_size": 10_000},
    ],
)
@pytest.mark.parametrize("shuffle", [True, False])
def test_every_example_once_in_few_shapes(options, shuffle):
    batches = BucketedBatches(LENGTHS, shuffle=shuffle, **options)
    shapes = []
    for epoch in range(3):
        order = batches.epoch(epoch)
        assert len(order) == len(batches)
        indices = np.concatenate([batch.indices for batch in order])
        assert sorted(indices[indices >= 0].tolist()) == list(range(len(LENGTHS)))
        for batch in order:
            assert all(LENGTHS[index] <= batch.steps for index in batch.indices if index >= 0)
            assert len(batch.indices) <= options.get("batch_size", 10_000)
            if "tokens_per_batch" in options and len(batch.indices) > 1:
                assert batch.steps * len(batch.indices) <= options["tokens_per_batch"]
        assert sum((batch.indices < 0).any() for batch in order) <= 1
        shapes.append({(len(batch.indices), batch.steps) for batch in order})
    assert shapes[0] == shapes[1] == shapes[2] and len(shapes[0]) <= 14


def test_order_depends_on_seed_and_epoch_alone():
    first = BucketedBatches(LENGTHS, batch_size=16, seed=1)
    later = first.epoch(5)
    fresh = BucketedBatches(LENGTHS, batch_size=16, seed=1)
    assert same(fresh.epoch(5), later)
    assert not same(fresh.epoch(4), later)
    assert not same(BucketedBatches(LENGTHS, batch_size=16, seed=2).epoch(5), later)
    still = BucketedBatches(LENGTHS, batch_size=16, shuffle=False)
    assert same(still.epoch(0), still.epoch(7))


def test_given_boundaries_and_longer_examples():
    batches = BucketedBatches([1, 10, 11, 100], batch_size=1, bucket_boundaries=[5, 10], shuffle=False)
    assert [batch.steps for batch in batches.epoch(0)] == [5, 10, 16, 128]


def test_no_examples():
    batches = BucketedBatches([], batch_size=4)
    assert len(batches) == 0 and batches.epoch(0) == []


def test_make_arrays_pads_every_key():
    examples = [
        {"characters": np.full((length, 3), index + 1, "int32"), "labels": np.full(length, index, "int64")}
        for index, length in enumerate([2, 4])
    ]
    arrays = make_arrays(examples, Batch(np.array([1, -1, 0]), 4), {"characters": 0, "labels": -1})
    assert arrays["characters"].dtype == np.int32 and arrays["labels"].dtype == np.int64
    assert arrays["labels"].tolist() == [[1, 1, 1, 1], [-1, -1, -1, -1], [0, 0, -1, -1]]
    assert arrays["characters"].shape == (3, 4, 3)
    assert arrays["characters"][2].tolist() == [[1] * 3, [1] * 3, [0] * 3, [0] * 3]
    with pytest.raises(ValueError, match="`examples` must be no longer"):
        make_arrays(examples, Batch(np.array([1]), 3), {"labels": -1})


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({}, ValueError),
        ({"batch_size": 0}, ValueError),
        ({"batch_size": 2.0}, TypeError),
        ({"tokens_per_batch": -1}, ValueError),
        ({"batch_size": 2, "bucket_boundaries": [8, 8]}, ValueError),
        ({"batch_size": 2, "bucket_boundaries": []}, ValueError),
        ({"batch_size": 2, "shuffle": 1}, TypeError),
        ({"batch_size": 2, "seed": -1}, ValueError),
    ],
)
def test_wrong_options(options, error):
    with pytest.raises(error, match="Received: "):
        BucketedBatches([1, 2], **options)
