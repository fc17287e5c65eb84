"""Numbering and counting n-grams, against plain loops."""

from collections import Counter

import numpy as np
import pytest

from keras_seq.ops.ngrams import count_ngrams, find_ngrams, with_history

NUM_IDS = 7


@pytest.fixture(scope="module")
def sequences():
    generator = np.random.default_rng(0)
    return [generator.integers(3, NUM_IDS, length) for length in (9, 0, 1, 30, 2)]


def ngrams_of(sequences, history, length):
    """Every n-gram that ends in a sequence, one by one."""
    for sequence in sequences:
        whole = [*history, *sequence.tolist()]
        for end in range(len(history), len(whole)):
            yield tuple(whole[end - length + 1 : end + 1])


def read_back(tables, length, number):
    """The ids of a numbered n-gram."""
    ids = []
    for table in reversed(tables[:length]):
        number, last = divmod(int(table.keys[number]), NUM_IDS)
        ids.insert(0, last)
    return tuple(ids)


@pytest.mark.parametrize("order", [1, 2, 4])
def test_counts_and_suffixes_equal_a_loop(sequences, order):
    history = [2] * (order - 1)
    tables = count_ngrams(*with_history(sequences, history), order, NUM_IDS)
    for length, table in enumerate(tables, start=1):
        counted = {read_back(tables, length, number): int(count) for number, count in enumerate(table.counts)}
        assert len(counted) == len(table.keys)
        assert {key: count for key, count in counted.items() if count} == Counter(ngrams_of(sequences, history, length))
        # What was not predicted ends in the history.
        assert all(key[-1] == 2 for key, count in counted.items() if not count)
        if length > 1:
            suffixes = [read_back(tables, length - 1, number) for number in table.suffixes]
            assert suffixes == [key[1:] for key in counted]


def test_found_numbers_are_those_of_the_table(sequences):
    history = [2, 2]
    ids, places = with_history(sequences, history)
    tables = count_ngrams(ids, places, 3, NUM_IDS)
    found = find_ngrams(ids, places == -2, [table.keys for table in tables], NUM_IDS)
    for length, numbers in enumerate(found, start=1):
        assert ((numbers >= 0) == (places >= length - 3)).all()
        for end in np.flatnonzero(numbers >= 0):
            assert read_back(tables, length, numbers[end]) == tuple(ids[end - length + 1 : end + 1].tolist())


def test_no_ngram_reaches_into_the_next_sequence():
    ids, places = with_history([[3, 4], [5, 6]], [])
    keys = [table.keys for table in count_ngrams(*with_history([[3, 4, 5, 6]], [2]), 2, NUM_IDS)]
    assert (find_ngrams(ids, places == 0, keys, NUM_IDS)[1] >= 0).tolist() == [False, True, False, True]


def test_keys_of_many_ids_do_not_overflow():
    num_ids = 2**31 - 1
    ids, places = with_history([[num_ids - 1, num_ids - 2, num_ids - 1]], [num_ids - 1])
    tables = count_ngrams(ids, places, 2, num_ids)
    assert tables[1].keys.tolist() == [num_ids - 1, 2 * num_ids - 2, 2 * num_ids - 1]
