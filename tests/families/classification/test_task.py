"""The classifier from a recipe to served text."""

import json

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from keras_seq.core.errors import DataError, InputError, RecipeError, RunError
from keras_seq.data import find_data, read_labelled_text
from keras_seq.families import Classifier
from keras_seq.families.classification.served import ClassificationSettings
from keras_seq.families.classification.task import scores_of
from keras_seq.metrics import class_confusion, classification_scores
from keras_seq.tasks import load, train
from keras_seq.training import Recipe

RECIPE = {
    "task": "classifier",
    "name": "small",
    "seed": 3,
    "data": {
        "train": "quickstart_sentiment/train.tsv",
        "validation": "quickstart_sentiment/validation.tsv",
        "test": "quickstart_sentiment/test.tsv",
    },
    "subwords": {"num_buckets": 500},
    "model": {
        "builder": "text_classifier_model",
        "arguments": {
            "embedding_dim": 16,
            "features": {
                "subwords": {"embedding_dim": 8},
                "bigrams": {"num_buckets": 500, "embedding_dim": 8},
            },
            "recurrent": {"cell": "gru", "units": [8]},
            "pooling": "attention",
            "hidden_units": [12],
            "dropout": {"tokens": 0.1, "embeddings": 0.1},
        },
    },
    "classification": {"keep_in_scope": 0.9, "label_smoothing": 0.05, "class_weights": "balanced"},
    "optimizer": {"learning_rate": 2e-2, "ema": 0.9},
    "fit": {"epochs": 3},
}
TEXTS = ["adorei o filme", "  ", "", "the service was terrible 😀", "palavra\x00desconhecida " * 700]


def changed(*assignments):
    return Recipe.from_dict(RECIPE).override(assignments)


@pytest.fixture(scope="module")
def run(shared_folder):
    return shared_folder.trained("classification", Recipe.from_dict(RECIPE))


@pytest.fixture(scope="module")
def classifier(run):
    return load(run[0])


@pytest.fixture(scope="module")
def exported(classifier, tmp_path_factory):
    return classifier.export(tmp_path_factory.mktemp("exported") / "small")


def test_training_reaches_a_score_and_leaves_its_metrics(run):
    path, metrics = run
    assert metrics["test"]["accuracy"] > 0.7
    assert set(metrics["test"]["classes"]) == {"negative", "neutral", "positive"}
    assert json.loads((path / "metrics.json").read_text("utf-8")) == metrics
    assert Recipe.load(path / "recipe.toml").fit.monitor == "accuracy"
    images = EventAccumulator(str(path / "tensorboard")).Reload().Tags()["tensors"]
    assert {"confusion", "reliability", "samples", "validation/accuracy", "validation/f1/neutral"} <= set(images)


@pytest.mark.thorough  # by default that of taggers
def test_two_trainings_give_the_same_numbers(run, tmp_path):
    again = train(Recipe.from_dict(RECIPE), tmp_path / "again", quiet=True)
    assert again["test"] == run[1]["test"] and again["validation"] == run[1]["validation"]


def test_evaluate_is_the_scores_of_predict(classifier, run):
    path = find_data("quickstart_sentiment/test.tsv")
    examples = list(read_labelled_text(path))
    predicted = classifier.predict([example.text for example in examples])
    rows = np.array([[result["scores"][label] for label in classifier.labels] for result in predicted])
    true = [classifier.labels.index(example.labels[0]) for example in examples]
    scores = classifier.evaluate(path)
    expected = classification_scores(true, rows, classifier.labels)
    assert scores["accuracy"] == expected["accuracy"] == run[1]["test"]["accuracy"]
    assert scores["macro_f1"] == expected["macro_f1"]
    assert scores["examples"] == len(examples)
    pairs = zip(predicted, examples, strict=True)
    rejected = np.mean([result["label"] == example.labels[0] for result, example in pairs])
    assert scores["accuracy_with_rejection"] == pytest.approx(rejected)


def test_answers(classifier):
    results = classifier.predict(TEXTS)
    assert [result["text"] for result in results] == TEXTS
    for result in results:
        assert sum(result["scores"].values()) == pytest.approx(1, abs=1e-3)
        assert list(result["scores"].values()) == sorted(result["scores"].values(), reverse=True)
        assert result["score"] == max(result["scores"].values())
    # Without a token there is nothing to be sure of: what is empty is rejected.
    assert results[1]["label"] == results[2]["label"] == "out_of_scope"
    assert results[1]["scores"] == results[2]["scores"]
    assert classifier.predict([]) == []
    with pytest.raises(TypeError, match="`texts` must be a list of strings"):
        classifier.predict("one")


def test_a_text_is_answered_alike_alone_and_in_company(classifier):
    texts = [example.text for example in read_labelled_text(find_data("quickstart_sentiment/test.tsv"))][:40]
    together = classifier.embed(texts)
    alone = np.concatenate([classifier.embed([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert together.shape == (40, 12)
    assert classifier.embed([]).shape == (0, 12)


def test_of_a_long_text_the_beginning_is_read(classifier):
    # A megabyte and the first thousand words of it are the same text.
    words = ["bom", "filme"] * 500
    megabyte = " ".join([*words, *["péssimo"] * 120_000])
    assert len(megabyte.encode()) > 1e6
    results = classifier.predict([" ".join(words), megabyte])
    assert results[0]["scores"] == pytest.approx(results[1]["scores"], abs=2e-4)


def test_explanations_are_pieces_of_the_text(classifier):
    for text, result in zip(TEXTS[:4], classifier.explain(TEXTS[:4]), strict=True):
        assert result["text"] == text
        for token in result["tokens"]:
            assert text[token["start"] : token["end"]] == token["token"]
        assert sum(token["weight"] for token in result["tokens"]) == pytest.approx(float(bool(text.strip())), abs=1e-3)


def test_saved_and_exported_classifiers_answer_alike(classifier, exported, tmp_path):
    classifier.save(tmp_path / "saved")
    saved, served = Classifier.load(tmp_path / "saved"), load(exported)
    assert served.labels == classifier.labels and served.settings == classifier.settings
    for other in (saved, served):
        assert [result["label"] for result in other.predict(TEXTS)] == [
            result["label"] for result in classifier.predict(TEXTS)
        ]
        np.testing.assert_allclose(other.embed(TEXTS), classifier.embed(TEXTS), atol=1e-5)
        assert other.explain(TEXTS[:1])[0]["tokens"][0]["token"] == "adorei"
    assert (exported / "assets" / "labels.txt").read_text() == "negative\nneutral\npositive\n"
    with pytest.raises(RunError, match="is a SavedModel, which can only predict"):
        served.with_settings(threshold=0.0)
    path = tmp_path / "saved" / "task.json"
    values = json.loads(path.read_text("utf-8"))
    for changes, error, message in (
        ({"labels": ["a", "b"]}, RunError, "its settings name 2 labels, the model has 3"),
        ({"labels": ["a", "b", "a"]}, DataError, "damaged .*`labels` must hold different texts.* twice 'a'"),
        ({"threshold": 2}, DataError, "damaged .*`threshold` must be a probability"),
    ):
        path.write_text(json.dumps({**values, "settings": {**values["settings"], **changes}}))
        with pytest.raises(error, match=message):
            Classifier.load(tmp_path / "saved")


def test_rejection_and_temperature_follow_the_settings(classifier):
    texts = [example.text for example in read_labelled_text(find_data("quickstart_sentiment/validation.tsv"))]
    kept = np.mean([result["label"] != "out_of_scope" for result in classifier.predict(texts)])
    assert 0.9 <= kept < 1
    none = classifier.with_settings(threshold=0.0)
    assert not [result for result in none.predict(texts) if result["label"] == "out_of_scope"]
    flat = classifier.with_settings(threshold=0.0, temperature=100.0)
    assert max(result["score"] for result in flat.predict(texts)) < 0.4


@pytest.mark.thorough
@pytest.mark.parametrize("builder", ["sentiment_model", "transformer_classifier_model"])
def test_builders_are_swapped_by_one_line(builder, tmp_path):
    recipe = changed(
        f"model.builder={builder}",
        "fit.epochs=2",
        "optimizer.learning_rate=5e-3",
        "model.arguments={embedding_dim=16}",
    )
    metrics = train(recipe, tmp_path / "run", quiet=True)
    assert metrics["test"]["accuracy"] > 0.5
    assert load(tmp_path / "run").predict(TEXTS[:1])[0]["label"] in ("negative", "neutral", "positive", "out_of_scope")


def write(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return str(path)


@pytest.mark.thorough
def test_several_labels_of_a_text(tmp_path):
    generator = np.random.default_rng(0)
    words = {"sport": "goal", "money": "bank", "weather": "rain"}
    lines = []
    for _ in range(300):
        chosen = [label for label in words if generator.random() < 0.5]
        text = " ".join([*(words[label] for label in chosen), "news", "today"])
        lines.append(f"{'|'.join(chosen)}\t{text}")
    path = write(tmp_path / "news.tsv", lines)
    recipe = changed(
        f'data.train="{path}"', "data.validation=none", "data.test=none", 'data.label_separator="|"',
        "classification.class_weights=none", "classification.keep_in_scope=0", "fit.epochs=6",
        "model.builder=sentiment_model", "model.arguments={embedding_dim=16}",
    )  # fmt: skip
    metrics = train(recipe, tmp_path / "run", quiet=True)
    assert metrics["validation"]["micro_f1"] > 0.95
    classifier = load(tmp_path / "run")
    found = classifier.predict(["bank rain today", "news"])
    assert [result["labels"] for result in found] == [["money", "weather"], []]
    served = load(classifier.export(tmp_path / "model"))
    outputs = served.served.call("serving_default", text=["bank rain today", "news"])
    assert outputs["label"].numpy().tolist() == [b"money|weather", b""]
    assert served.evaluate(path)["micro_f1"] == pytest.approx(classifier.evaluate(path)["micro_f1"])
    with pytest.raises(RecipeError, match="key `classification.keep_in_scope` needs texts of one label"):
        train(recipe.override(["classification.keep_in_scope=0.9"]), tmp_path / "refused", quiet=True)


@pytest.mark.thorough
def test_folds_and_held_out_texts(tmp_path):
    examples = list(read_labelled_text(find_data("quickstart_sentiment/validation.tsv")))
    path = write(
        tmp_path / "folds.tsv", [f"{index % 5}\t{row.labels[0]}\t{row.text}" for index, row in enumerate(examples)]
    )
    options = [f'data.train="{path}"', "data.validation=none", "data.test=none", "fit.epochs=1"]
    recipe = changed(*options, "data.fold=2", 'data.columns=["fold", "label", "text"]')
    metrics = train(recipe, tmp_path / "run", quiet=True)
    assert metrics["test"]["examples"] == len(examples) // 5
    assert 0 < metrics["validation"]["examples"] <= len(examples) // 8
    evaluation = Classifier.evaluation_of(recipe)
    assert load(tmp_path / "run").evaluate(**evaluation.arguments())["accuracy"] == metrics["test"]["accuracy"]
    with pytest.raises(RecipeError, match="key `data.fold` needs a column of folds"):
        train(changed(*options, "data.fold=2"), tmp_path / "refused", quiet=True)
    with pytest.raises(InputError, match="`fold` must be one of"):
        train(recipe.override(["data.fold=7"]), tmp_path / "refused", quiet=True)
    with pytest.raises(RecipeError, match="take `data.validation` and `data.test` out"):
        train(recipe.override([f'data.test="{path}"']), tmp_path / "refused", quiet=True)


def test_out_of_scope_texts_are_scored(classifier, tmp_path):
    path = write(tmp_path / "outside.tsv", [f"none\t{text}" for text in ("xyz qwe", "zzz", "where is the station")])
    scores = classifier.evaluate(find_data("quickstart_sentiment/test.tsv"), out_of_scope=path)
    assert {"out_of_scope_recall", "in_scope_kept", "auroc"} <= set(scores)
    labels = [result["label"] for result in classifier.predict(["xyz qwe", "zzz", "where is the station"])]
    assert scores["out_of_scope_recall"] == pytest.approx(np.mean([label == "out_of_scope" for label in labels]))


def test_a_broken_file_of_texts_out_of_scope_leaves_no_trace(tmp_path):
    path = write(tmp_path / "outside.tsv", ["none\tone", "no tab"])
    for key in ("validation", "test"):
        with pytest.raises(DataError, match="outside.tsv:2: "):
            train(changed(f'data.out_of_scope_{key}="{path}"'), tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (["a\tone", "\ttwo", "b\tthree"], r"train.tsv:2: .*label"),
        (["a\tone", "a\ttwo"], r"train.tsv: one class only \('?a'?\)"),
        (["a\tone", "no tab"], r"train.tsv:2: "),
        (["a\tone", "b\t  "], r"train.tsv:2: .*text"),
    ],
)
def test_broken_training_data_leaves_no_trace(lines, error, tmp_path):
    path = write(tmp_path / "train.tsv", lines)
    with pytest.raises(InputError, match=error):
        train(changed(f'data.train="{path}"'), tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


def test_a_label_unseen_in_training_names_file_line_and_remedy(classifier, tmp_path):
    path = write(tmp_path / "other.tsv", ["positive\tbom", "positiv\tmuito bom"])
    with pytest.raises(DataError, match=r"other.tsv:2: .*positiv.*did you mean 'positive'"):
        classifier.evaluate(path)
    with pytest.raises(DataError, match=r"other.tsv:2: .*positiv"):
        train(changed(f'data.test="{path}"'), tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


def test_scores_by_hand():
    settings = ClassificationSettings(("a", "b"), threshold=0.6)
    probabilities = np.array([[0.7, 0.3], [0.45, 0.55], [0.2, 0.8], [0.9, 0.1]])
    scores = scores_of(np.array([0, 1, 1, 1]), probabilities, ["a", "b"], settings)
    assert scores["accuracy"] == 0.75
    assert scores["accuracy_with_rejection"] == 0.5
    assert scores["nll"] == pytest.approx(-np.log([0.7, 0.55, 0.8, 0.1]).mean())


def test_the_picture_shows_the_classes_that_are_confused():
    true = np.repeat(np.arange(4), 5)
    predicted = true.copy()
    true, predicted = np.append(true, [1] * 4), np.append(predicted, [3] * 4)
    names, shown = class_confusion(true, predicted, ["a", "b", "c", "d"], most=2)
    assert names == ["b", "d"]
    np.testing.assert_array_equal(shown, [[5, 4], [0, 5]])


def test_the_keras_model_is_the_one_that_was_built(classifier):
    assert isinstance(classifier.model, keras.Model)
    assert classifier.model.get_layer("pooling").step_weights


@pytest.mark.thorough
def test_word_vectors_may_come_from_text_or_from_a_file(tmp_path):
    words = write(tmp_path / "words.txt", ["extraordinário filme extraordinário", "extraordinário livro"])
    vectors = write(tmp_path / "vectors.txt", ["filme 1 0 0 0", "livro 0 1 0 0", "unseen 0 0 1 0"])
    small = ["model.builder=sentiment_model", "model.arguments={embedding_dim=4}", "fit.epochs=1"]
    counted = changed(
        *small, "pretraining.method=cooccurrence", f'pretraining.files=["{words}"]', "pretraining.min_count=3",
        "pretraining.extend_vocabulary=true",
    )  # fmt: skip
    train(counted, tmp_path / "counted", quiet=True)
    encoder = load(tmp_path / "counted").served.encoder
    assert "extraordinário" in encoder.vocabulary
    projector = tmp_path / "counted" / "tensorboard"
    assert "extraordinário" in (projector / "words.labels.tsv").read_text("utf-8")

    recipe = changed(*small, f'pretraining.vectors="{vectors}"', "optimizer.learning_rate=1e-9")
    train(recipe, tmp_path / "loaded", quiet=True)
    loaded = load(tmp_path / "loaded")
    table = loaded.model.get_layer("word_embedding").get_weights()[0]
    row = table[loaded.served.encoder.vocabulary.lookup(["filme"])[0]]
    assert row[0] == pytest.approx(np.linalg.norm(row), rel=1e-3)
    with pytest.raises(RecipeError, match="`vectors` and `method` exclude each other"):
        recipe.override(["pretraining.method=cbow"])
    without = ["model.arguments={features={words=false, subwords={embedding_dim=4}}}"]
    with pytest.raises(RecipeError, match="section `pretraining` needs a model that reads words"):
        train(recipe.override(without), tmp_path / "refused", quiet=True)
