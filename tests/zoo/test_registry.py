import pytest

from keras_seq.zoo import get_builder, list_builders, register_builder, registered_builder
from keras_seq.zoo.registry import unregister_builder


@pytest.fixture
def sample():
    @register_builder(task="sampling", example={"units": 2})
    def sample_model(units):
        """A sample.

        More text.
        """
        return units

    yield sample_model
    unregister_builder("sample_model")


def test_registered_under_the_name_of_the_function(sample):
    assert "sample_model" in list_builders()
    assert list_builders(task="sampling") == ["sample_model"]
    assert get_builder("sample_model") is sample
    entry = registered_builder("sample_model")
    assert (entry.task, entry.summary, dict(entry.example)) == ("sampling", "A sample.", {"units": 2})
    assert entry.build(**entry.example) == 2


def test_unknown_name_names_the_closest(sample):
    with pytest.raises(ValueError, match=r"Received: name='sampel_model'\. Did you mean 'sample_model'"):
        get_builder("sampel_model")
    with pytest.raises(ValueError, match=r"Did you mean 'sampling'"):
        list_builders(task="samplin")


def test_a_name_is_registered_once(sample):
    def sample_model(units):
        """Another of the same name."""

    with pytest.raises(ValueError, match="registered already"):
        register_builder(task="sampling", example={})(sample_model)
    assert get_builder("sample_model") is sample


def test_wrong_use_is_refused():
    with pytest.raises(TypeError, match="`task`"):
        register_builder(task="", example={})
    with pytest.raises(TypeError, match="must be a function"):
        register_builder(task="sampling", example={})(3)

    def undocumented_model():
        return None

    with pytest.raises(ValueError, match="docstring"):
        register_builder(task="sampling", example={})(undocumented_model)
    with pytest.raises(ValueError, match="undocumented_model"):
        get_builder("undocumented_model")
