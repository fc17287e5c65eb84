"""Functions that are declared once, and those of an exported model, called in the same form."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest
import tensorflow as tf

from keras_seq.core.errors import DataError, InputError
from keras_seq.export import SavedServed, Served, write_saved_model
from keras_seq.export.json_settings import JSONSettings
from keras_seq.ops.serving import is_serving_graph


@dataclasses.dataclass(frozen=True)
class Settings(JSONSettings):
    names: Sequence[str]
    factor: int = 2


class Repeated(Served):
    """Texts, each so often as its row asks."""

    def __init__(self):
        super().__init__(settings=Settings(("a", "b")))
        self.traces = []
        text = tf.TensorSpec([None], tf.string, name="text")
        self.declare("serving_default", self._length, text, tf.TensorSpec([None], tf.int32, name="times"))
        states = [tf.TensorSpec([None, 2], tf.float32, name=f"state_{name}") for name in "hc"]
        self.declare("step", lambda text, **states: {"names": tf.shape(text)[0] + len(states), **states}, text, *states)

    def _length(self, text, times):
        self.traces.append(is_serving_graph())
        return {"length": self.settings.factor * times * tf.strings.length(text)}


@pytest.fixture(scope="module")
def served():
    return Repeated()


@pytest.fixture(scope="module")
def saved(served, tmp_path_factory):
    folder = write_saved_model(tmp_path_factory.mktemp("served") / "m", served, family="repeater")
    return SavedServed(folder, served.settings)


@pytest.mark.parametrize("form", ["served", "saved"])
def test_both_are_called_in_one_form(form, request):
    functions = request.getfixturevalue(form)
    assert functions.settings == Settings(("a", "b"))
    for text, times in (["abc", "d"], [1, 2]), ([b"abc", b"d"], tf.constant([1, 2])):
        assert functions.call("serving_default", times=times, text=text)["length"].numpy().tolist() == [6, 4]
    assert functions.call("serving_default", text=[], times=[])["length"].shape == (0,)
    specs = functions.inputs("step")
    assert set(specs) == {"text", "state_h", "state_c"}
    assert specs["state_h"].shape.as_list() == [None, 2] and specs["text"].dtype == tf.string
    answer = functions.call("step", text=["a"], state_c=[[1, 2]], state_h=[[3, 4]])
    assert {name: values.numpy().tolist() for name, values in answer.items()} == {
        "names": 3,
        "state_c": [[1, 2]],
        "state_h": [[3, 4]],
    }


@pytest.mark.parametrize("form", ["served", "saved"])
@pytest.mark.parametrize("inputs", [{"text": ["a"]}, {"text": ["a"], "times": [1], "more": [1]}, {}])
def test_other_inputs_are_refused(form, inputs, request):
    with pytest.raises(
        ValueError, match=r"`inputs` of the signature serving_default must be (text, times|times, text)\."
    ):
        request.getfixturevalue(form).call("serving_default", **inputs)


def test_what_is_exported_is_traced_once_as_a_graph_to_be_served(served, saved):
    served.call("serving_default", text=["a", "b"], times=[1, 1])
    assert served.traces == [True]
    assert saved.assets == saved.path / "assets" and (saved.assets / "task.json").is_file()


def test_a_signature_that_is_not_there(saved):
    with pytest.raises(InputError, match="has no signature `embed`, but serving_default, step; export the model again"):
        saved.call("embed", text=["a"])


def test_options_without_rows_of_older_exports(tmp_path):
    old = Served()
    old.declare(
        "serving_default",
        lambda text, times: {"length": times * tf.strings.length(text)},
        tf.TensorSpec([None], tf.string, name="text"),
        tf.TensorSpec([], tf.int32, name="times"),
    )
    saved = SavedServed(write_saved_model(tmp_path / "m", old))
    for times in ([2, 2], 2):
        assert saved.call("serving_default", text=["abc", "d"], times=times)["length"].numpy().tolist() == [6, 2]
    for times in ([1, 2], [], [[1]]):
        with pytest.raises(InputError, match=r"m/1: the signature serving_default takes one `times` for all rows"):
            saved.call("serving_default", text=["abc", "d"], times=times)


def test_a_damaged_graph_is_one_line(saved, tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"\xff\xff")
    with pytest.raises(InputError, match="cannot be loaded .*; export it again") as caught:
        SavedServed(tmp_path)
    assert "\n" not in str(caught.value)


def test_settings_from_a_file():
    values = Settings(("a", "b"), 3).to_dict()
    assert Settings.from_dict({**values, "names": ["a", "b"], "of_later": 1}, "task.json") == Settings(("a", "b"), 3)
    assert Settings.from_dict({"names": []}, "task.json").factor == 2
    with pytest.raises(DataError, match=r"task.json: damaged \(lacks `names`\); put the original back"):
        Settings.from_dict({"factor": 3}, "task.json")


def test_loading_a_model_says_nothing(caplog):
    SavedServed(Path(__file__).parents[2] / "saved_models" / "names_pt" / "1")
    assert [record.getMessage() for record in caplog.records] == []
