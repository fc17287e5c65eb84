"""The names that come with the package: how many, that none is there twice, and that they are spelled as names are."""

import collections
import unicodedata

import pytest

from keras_seq.data import find_data, read_examples

SIZES = {"train": 410, "validation": 40, "test": 40}


@pytest.fixture(scope="module")
def splits():
    return {split: list(read_examples(find_data(f"names_pt/{split}.txt"))) for split in SIZES}


def without_accents(name):
    return "".join(letter for letter in unicodedata.normalize("NFD", name) if not unicodedata.combining(letter))


def test_sizes_and_no_name_twice(splits):
    assert {split: len(names) for split, names in splits.items()} == SIZES
    counts = collections.Counter(name.casefold() for names in splits.values() for name in names)
    assert {name for name, count in counts.items() if count > 1} == set()


def test_each_line_is_one_name_of_letters(splits):
    for split, names in splits.items():
        text = find_data(f"names_pt/{split}.txt").read_bytes().decode("utf-8")
        assert text == "".join(f"{name}\n" for name in names)
        assert names == sorted(names, key=without_accents)
        for name in names:
            assert name.isalpha() and name == name.capitalize() and unicodedata.is_normalized("NFC", name), name
            assert 2 <= len(name) <= 12


def test_names_are_spelled_with_their_accents(splits):
    names = set().union(*splits.values())
    assert {"João", "José", "Antônio", "Luís", "Luiz", "Mônica", "Conceição", "Ângela", "Vitória", "Ana"} <= names
    # What a model is asked to go on with, and is scored on, it has seen.
    assert {letter for name in names for letter in name} == {letter for name in splits["train"] for letter in name}
