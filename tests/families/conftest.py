"""The command line, a tiny tagger, which is what a command of another family refuses, and trainings of test cases."""

import functools

import pytest
from command_line import corpus as corpus
from command_line import each_model_is_loaded_once as each_model_is_loaded_once
from command_line import invoke as invoke
from command_line import trained as trained
from every_family import check_family

from keras_seq.tasks import family_named
from keras_seq.training import Recipe


@pytest.fixture(scope="session")
def checked(shared_folder, each_model_is_loaded_once):
    """Lets a family do once what all do; gives the folder, with `run` and, where it is exported, `models/tiny`."""

    def make(name, folder):
        with pytest.MonkeyPatch.context() as patch:
            check_family(name, folder, patch)

    return lambda name: shared_folder.once(f"families/{name}", functools.partial(make, name))


@pytest.fixture
def tiny_training(tmp_path):
    """Makes the training of the test case of a family, before its first step.

    It takes the name of the task, changes of the recipe, and by their names what files hold, in the place of those of
    the test case or beside them.
    """

    def make(task, *changes, **texts):
        values = {"name": "tiny", **family_named(task).test_case(tmp_path)}
        suffix = tmp_path.joinpath(values["data"]["train"]).suffix
        for name, text in texts.items():
            values["data"][name] = f"{name}{suffix}"
            (tmp_path / f"{name}{suffix}").write_text(text)
        recipe = Recipe.from_dict(values).override(changes)
        files = {key.removeprefix("data."): tmp_path / file for key, file in recipe.files().items()}
        return family_named(task).training(recipe, files, tmp_path)

    return make
