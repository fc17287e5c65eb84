"""The steps of a training, each by itself."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.core.errors import InputError, RecipeError
from keras_seq.tasks.evaluation import Evaluation
from keras_seq.tasks.markdown import markdown_table
from keras_seq.tasks.trained_task import TrainedTask
from keras_seq.tasks.training import KerasTraining, Training
from keras_seq.tasks.training_parts import batching_options, compiled_predictor, find_builder
from keras_seq.tasks.twins_training import ComparedPairs
from keras_seq.training import Panels, Recipe, RunDirectory


def recipe_of(**changes):
    values = {
        "task": "tagger",
        "name": "toy",
        "seed": 5,
        "data": {"train": "numbers.json", "validation": "numbers.json"},
        "model": {"builder": "ner_model"},
        "optimizer": {"learning_rate": 0.05},
        "fit": {"epochs": 2, "monitor": "error", "direction": "min"},
    }
    return Recipe.from_dict({**values, **changes})


class Half(TrainedTask):
    """Says of a number what it is times its one weight."""

    task, unit, model_file = "toy", "numbers", "weight.json"

    def __init__(self, weight, name):
        super().__init__(name)
        self.weight = weight

    def evaluate(self, data, on_progress=None, *, part="all"):
        return {"error": abs(self.weight - 0.5), "examples": len(json.loads(data.read_text())), "part": part}

    def _write_model(self, path):
        path.write_text(json.dumps(self.weight))

    @classmethod
    def _loaded(cls, directory, name):
        return cls(float(json.loads((directory / cls.model_file).read_text())), name)


class Numbers:
    """Numbers and their halves."""

    def __init__(self, numbers):
        self.numbers = np.array(numbers, "float32")[:, None]

    def __len__(self):
        return 2

    def epoch(self, epoch, skip=0):
        for part in np.split(self.numbers, 2)[skip:]:
            yield {"number": part}, part / 2


class HalfTraining(KerasTraining):
    """Learns to halve; tells its steps."""

    score_names = ("error",)

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.steps = []

    def read(self):
        self.steps.append("read")
        self.numbers = json.loads(self.paths["train"].read_text())

    def make_model(self):
        self.steps.append("model")
        number = keras.Input((1,), name="number")
        return keras.Model({"number": number}, keras.layers.Dense(1, use_bias=False)(number))

    def make_batches(self):
        self.steps.append("batches")
        return Numbers(self.numbers)

    def make_loss(self):
        self.steps.append("loss")
        return "mse"

    def make_task(self):
        self.steps.append("task")
        return Half(None, self.recipe.name)

    def pretrain(self):
        self.steps.append("pretrain")
        self.model.set_weights([np.array([[0.4]])])

    def evaluate(self, model):
        self.steps.append("evaluate")
        return {"error": abs(float(ops.convert_to_numpy(model.weights[0])[0, 0]) - 0.5)}

    def finish(self):
        self.steps.append("finish")
        self.task.weight = float(ops.convert_to_numpy(self.model.weights[0])[0, 0])

    def validation_scores(self):
        return {**self.evaluate(self.model), "examples": len(self.numbers)}


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_SEQ_DATA", str(tmp_path))
    path = tmp_path / "numbers.json"
    path.write_text(json.dumps(list(range(8))))
    return path


def training_of(path, **changes):
    return HalfTraining(recipe_of(**changes), {"train": path})


def test_the_steps_have_an_order_and_write_nothing(path):
    training = training_of(path)
    assert training.prepare() is training
    assert training.steps == ["read", "model", "batches", "loss", "task", "pretrain"]
    assert training.model is training.built_model and training.num_parameters == 1
    assert [entry.name for entry in path.parent.iterdir()] == ["numbers.json"]


def test_what_a_family_need_not_write(path):
    training = training_of(path)
    training.prepare()
    assert training.panels() == Panels() and training.metrics is None
    assert training.shown_scores == training.score_names == ("error",)
    assert Training.pretrain(training) is None and KerasTraining.finish(training) is None
    inputs, _ = training.fixed_batch()
    np.testing.assert_array_equal(inputs["number"][:, 0], range(4))
    training.validation_batches = Numbers([8, 9])
    np.testing.assert_array_equal(training.fixed_batch()[0]["number"], [[8]])


def test_a_family_says_how_its_model_is_made():
    with pytest.raises(TypeError, match="abstract"):
        Training(recipe_of(), {})
    with pytest.raises(TypeError, match="abstract"):
        KerasTraining(recipe_of(), {})


def test_seeds_come_before_the_model(path):
    first, second = (training_of(path) for _ in range(2))
    for training in (first, second):
        training.read()
        keras.utils.set_random_seed(int(np.random.default_rng().integers(99)))
        training.build()
    np.testing.assert_array_equal(first.model.get_weights(), second.model.get_weights())


def test_gradients_that_cannot_be_measured(path):
    training = training_of(path, tensorboard={"gradient_norms": True})
    training.read()
    with pytest.raises(RecipeError, match="key `tensorboard.gradient_norms` cannot be true: .* recurrent layer"):
        training.build()


def test_fit_finishes_and_shows_the_vectors_of_the_trained_model(path, tmp_path):
    training = training_of(path).prepare()
    training.panels = lambda: Panels(
        samples=lambda: f"error {training.evaluate(training.model)['error']:.3f}",
        projector=lambda: {"weights": (np.array([[training.task.weight]]), ["w"])},
    )
    run = RunDirectory.create(tmp_path / "run", training.recipe)
    result = training.fit(run, quiet=True)
    assert len(result.history) == 2 and training.steps[-1] == "finish"
    written = float((run.tensorboard_path / "weights.vectors.tsv").read_text())
    assert written == pytest.approx(training.task.weight, rel=1e-4) and abs(written - 0.5) < 0.1
    training.task.save(run.path)
    assert Half.load(run.path).weight == training.task.weight


def test_final_scores_have_a_test_where_there_is_test_data(path, monkeypatch):
    training = training_of(path).prepare()
    training.finish()
    assert set(training.final_scores()) == {"validation"}
    for split, expected in (("test", {"validation", "test"}), ("validation", {"validation"})):
        evaluation = Evaluation("numbers.json", {"part": "end"}, split=split)
        monkeypatch.setattr(Half, "evaluation_of", classmethod(lambda cls, recipe, found=evaluation: found))
        scores = training.final_scores()
        assert set(scores) == expected and scores["validation"]["examples"] == 8
    monkeypatch.setattr(Half, "evaluation_of", classmethod(lambda cls, recipe: Evaluation("numbers.json")))
    assert training.final_scores()["test"] == {"error": pytest.approx(0.1), "examples": 8, "part": "all"}


def test_a_task_without_keras_model_is_kept_like_others(tmp_path):
    Half(0.25, "half").save(tmp_path / "m")
    assert {file.name for file in (tmp_path / "m").iterdir()} == {"weight.json", "manifest.json"}
    loaded = Half.load(tmp_path / "m")
    assert (loaded.weight, loaded.name) == (0.25, "m")
    (tmp_path / "m" / "weight.json").write_text("0.5")
    with pytest.raises(InputError, match="weight.json: is not the file that was written with the model"):
        Half.load(tmp_path / "m")
    (tmp_path / "m" / "weight.json").write_text("x")
    with pytest.raises(InputError, match="weight.json: cannot be loaded .*; put the original back, or train it again"):
        Half.load(tmp_path / "m")
    (tmp_path / "m" / "weight.json").unlink()
    with pytest.raises(InputError, match="holds no weight.json"):
        Half.load(tmp_path / "m")


def test_an_evaluation_finds_its_files(path):
    evaluation = Evaluation("numbers.json", {"fold": 2}, {"reference": "numbers.json"})
    assert evaluation.arguments() == {"data": path, "fold": 2, "reference": path}
    with pytest.raises(InputError, match="none.json"):
        Evaluation("numbers.json", files={"reference": "none.json"}).arguments()


def test_a_table_keeps_its_columns():
    table = markdown_table(["a", "b"], [["x|y", "1"], ["", "||"]]).splitlines()
    assert table[:2] == ["| a | b |", "| --- | --- |"]
    assert all(line.count("|") == 3 for line in table)
    assert markdown_table(["a"], []) == "| a |\n| --- |"


def test_what_a_recipe_says_of_batches_and_builders():
    recipe = recipe_of(batching={"batch_size": 7, "tokens_per_batch": 0, "bucket_boundaries": [4, 9]})
    expected = {"batch_size": 7, "tokens_per_batch": None, "bucket_boundaries": (4, 9), "seed": 5}
    assert batching_options(recipe.batching, recipe.seed) == expected
    with pytest.raises(RecipeError, match="key `model.builder`: .*ner_model"):
        find_builder(recipe_of(model={"builder": "ner_modl"}))
    number = keras.Input((1,), name="number")
    predictor = compiled_predictor(recipe, [number], number * 2)
    np.testing.assert_array_equal(predictor.predict_on_batch({"number": np.ones((2, 1))}), [[2], [2]])


def test_pairs_choose_their_threshold_where_they_can():
    similarities = np.array([0.9, 0.7, 0.6, 0.1])
    pairs = ComparedPairs(similarities, np.array([True, True, False, False]), 0.95)
    chosen = pairs.with_best_threshold("f1")
    assert 0.6 < chosen.threshold <= 0.7
    assert chosen.confusion()[1].tolist() == [[2, 0], [0, 2]]
    assert set(chosen.pictures()) == {"roc", "precision_recall", "similarities"}
    alike = ComparedPairs(similarities, np.ones(4, bool), 0.95)
    assert alike.with_best_threshold("f1") is alike and not alike.pictures()
    assert alike.confusion()[1].tolist() == [[0, 0], [4, 0]]
