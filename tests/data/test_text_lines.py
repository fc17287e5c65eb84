import collections

import pytest

from keras_seq.core.errors import DataError
from keras_seq.data import find_data, read_examples
from keras_seq.data.text_lines import SPLITS, split_of

TABLE = "name\tsex\tfreq\nMARIA\tF\t9\nJOSÉ\tM\t8\n\nMARIA\tM\t1\nD'ARC\tF\t1\n"


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_plain_lines_come_as_they_are(tmp_path):
    path = write(tmp_path / "a.txt", "\ufeffAna\r\n\n  João \nAna\n \n")
    assert list(read_examples(path)) == ["Ana", "  João ", "Ana"]
    assert list(read_examples(path, letter_case="lower")) == ["ana", "  joão ", "ana"]


def test_a_column_of_a_table_gives_each_text_once(tmp_path):
    path = write(tmp_path / "a.tsv", TABLE)
    assert list(read_examples(path, column="name")) == ["MARIA", "JOSÉ", "D'ARC"]
    assert list(read_examples(path, column="name", letter_case="title")) == ["Maria", "José", "D'Arc"]
    assert list(read_examples(path, column="sex")) == ["F", "M"]


def test_splits_share_nothing_and_depend_on_the_text_alone(tmp_path):
    names = [f"N{number}" for number in range(2000)]
    forwards = write(tmp_path / "a.txt", "".join(f"{name}\n" for name in names))
    backwards = write(tmp_path / "b.txt", "".join(f"{name.lower()}\n" for name in reversed(names)))
    parts = {split: list(read_examples(forwards, split=split)) for split in SPLITS}
    assert sorted(sum(parts.values(), [])) == sorted(names)
    for split, found in parts.items():
        assert {split_of(name) for name in found} == {split}
        assert list(read_examples(backwards, split=split)) == [name.lower() for name in reversed(found)]
    # Nine tenths, a twentieth, a twentieth, each within four standard deviations of a draw.
    assert abs(len(parts["train"]) - 1800) < 54
    assert abs(len(parts["validation"]) - 100) < 39 and abs(len(parts["test"]) - 100) < 39


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (TABLE, {"column": "names"}, "a.tsv:1: no column 'names' in the header ('name', 'sex', 'freq'); name one"),
        ("name\tsex\nANA\tF\nEVA\n", {"column": "sex"}, "a.tsv:3: no text in the column 'sex'; write a header"),
        ("name\tsex\n", {"column": "sex"}, "a.tsv: no text; add texts"),
        ("", {"column": "sex"}, "a.tsv: empty file; write a header"),
        ("\n \n", {}, "a.tsv: no text; add texts"),
        ("Ana\n", {"split": "test"}, "a.tsv: no text that falls into the split 'test'; add texts, or name a file"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(tmp_path, text, options, message):
    path = write(tmp_path / "a.tsv", text)
    with pytest.raises(DataError) as caught:
        list(read_examples(path, **options))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"), [({"split": "dev"}, "`split` must be one of"), ({"letter_case": "upper"}, "`letter_case`")]
)
def test_unknown_options_are_told_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        read_examples("nowhere.txt", **options)


@pytest.mark.data
def test_names_of_the_census_are_split_without_overlap(data_dir):
    path = find_data("names-br/names.tsv", data_dir)
    parts = {split: list(read_examples(path, column="name", split=split, letter_case="title")) for split in SPLITS}
    counts = collections.Counter(name for part in parts.values() for name in part)
    assert len(counts) == 18_960 and set(counts.values()) == {1}
    assert {split: len(part) for split, part in parts.items()} == {"train": 17_125, "validation": 887, "test": 948}
    assert parts["train"][0].istitle() and all(name.isalpha() for name in counts)
