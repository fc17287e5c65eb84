import pickle

from keras_seq.core.errors import DataError, InputError


def test_data_error_names_file_line_reason_and_remedy():
    error = DataError("a.conll", 7, "one column", "add the tag")
    assert str(error) == "a.conll:7: one column; add the tag"
    assert str(DataError("a.conll", None, "empty", "fill it")) == "a.conll: empty; fill it"
    assert isinstance(error, InputError) and isinstance(error, ValueError)


def test_data_error_survives_a_process_border():
    error = pickle.loads(pickle.dumps(DataError("a.conll", 7, "one column", "add the tag")))
    assert str(error) == "a.conll:7: one column; add the tag"
    assert error.line == 7


def test_message_is_one_line():
    assert "\n" not in str(InputError("first\nsecond"))
