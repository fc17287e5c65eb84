import pytest

from keras_seq.core.errors import DataError
from keras_seq.data import LabelledText, check_classes, check_labels, labels_of


def examples(*labels):
    return [
        LabelledText(tuple(names.split("|")) if names else (), "text", line, None)
        for line, names in enumerate(labels, 1)
    ]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["10", "9", "2", "10"], ["2", "9", "10"]),
        (["1", "-1", "0"], ["-1", "0", "1"]),
        (["01", "1", "001"], ["001", "01", "1"]),
        (["10", "9", "b"], ["10", "9", "b"]),
        (["1.5", "10", "9"], ["1.5", "10", "9"]),
        (["é", "z", "a", "B"], ["B", "a", "z", "é"]),
        (["\u0663", "2"], ["2", "\u0663"]),
        (["c|a", "", "b|a"], ["a", "b", "c"]),
        (["9" * 5000, "1"], ["1", "9" * 5000]),
        ([], []),
    ],
)
def test_order(labels, expected):
    assert labels_of(examples(*labels)) == expected
    assert labels_of(reversed(examples(*labels))) == expected


def test_training_needs_two_classes():
    check_classes(["a", "b"], "train.tsv")
    check_classes(["a"], "train.tsv", several=True)
    with pytest.raises(DataError, match=r"^train\.tsv: one class only \('a'\); training needs"):
        check_classes(["a"], "train.tsv")
    for several in (False, True):
        with pytest.raises(DataError, match=r"^train\.tsv: no text has a label; "):
            check_classes([], "train.tsv", several=several)


def test_a_label_that_looks_like_one_of_the_training_data():
    with pytest.raises(
        DataError, match="does not have the label 'Neg'; did you mean 'neg'; data.normalize_labels = tr"
    ):
        check_labels(examples("Neg"), ["neg", "pos"], "dev.tsv")


def test_labels_must_be_those_of_the_training_data():
    known = ["card_arrival", "card_linking", "country_support", "exchange_rate"]
    check_labels(examples("card_linking", "", "card_arrival|exchange_rate"), known, "dev.tsv")
    with pytest.raises(DataError) as caught:
        check_labels(examples("card_linking", "card_linking|card_arival"), known, "dev.tsv")
    assert str(caught.value) == (
        "dev.tsv:2: the training data does not have the label 'card_arival'; did you mean 'card_arrival'"
    )
    with pytest.raises(DataError, match=r"dev\.tsv:1: .* 'zzz'; its labels are 'card_arrival', .*, \.\.\.: correct"):
        check_labels(examples("zzz"), known, "dev.tsv")
    with pytest.raises(DataError, match=r"its labels are '0', '1': correct"):
        check_labels(examples("positive"), ["0", "1"], "dev.tsv")
