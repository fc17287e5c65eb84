"""The tagger from a recipe to served text."""

import json
import random

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import keras_seq.tasks.training
from keras_seq.core.errors import DataError, InputError, RecipeError, RunError
from keras_seq.data import find_data, read_conll
from keras_seq.families import Tagger
from keras_seq.metrics import entity_scores
from keras_seq.tasks import load, train
from keras_seq.tasks.text_task import calls
from keras_seq.training import Recipe

TEXTS = [
    "Maria Souza viajou de Lisboa para o Recife.",
    "  Ontem, João Lima 😀 esteve em São Paulo;  voltou.  ",
    "",
    "   ",
    "sem nomes aqui",
]


def test_training_reaches_a_score_and_leaves_its_metrics(run):
    path, metrics = run
    assert metrics["test"]["entity_f1"] > 0.6
    assert json.loads((path / "metrics.json").read_text("utf-8")) == metrics
    assert metrics["seed"] == 3
    assert metrics["test"]["examples"] == len(list(read_conll(find_data("quickstart/test.conll"))))


@pytest.mark.thorough
def test_two_trainings_give_the_same_numbers(run, recipe, tmp_path):
    again = train(recipe, tmp_path / "again", quiet=True)
    assert again["test"] == run[1]["test"]
    losses = [[record["train_loss"] for record in metrics["history"]] for metrics in (run[1], again)]
    assert losses[0] == losses[1]


def test_entities_are_pieces_of_the_text_that_was_sent(tagger):
    results = tagger.predict(TEXTS)
    assert [result["text"] for result in results] == TEXTS
    # Halves of characters, which come from bytes of the command line that are no text, take one place each.
    for entity, moved in zip(
        results[0]["entities"], tagger.predict([f"\udcff {TEXTS[0]}"])[0]["entities"], strict=True
    ):
        assert (moved["start"], moved["text"]) == (entity["start"] + 2, entity["text"])
    found = [entity for result in results for entity in result["entities"]]
    assert len(found) >= 3
    for result in results:
        for entity in result["entities"]:
            assert result["text"][entity["start"] : entity["end"]] == entity["text"] == entity["text"].strip()
            assert 0 < entity["score"] <= 1
    assert results[2]["entities"] == results[3]["entities"] == []


def test_a_text_gets_the_same_entities_alone_and_in_any_company(tagger):
    generator = random.Random(1)
    texts = [" ".join(generator.choices(TEXTS, k=generator.randint(1, 6))) for _ in range(60)]
    together = tagger.predict(texts)
    alone = [tagger.predict([text])[0] for text in texts]
    for one, other in zip(together, alone, strict=True):
        assert [(e["start"], e["end"], e["type"]) for e in one["entities"]] == [
            (e["start"], e["end"], e["type"]) for e in other["entities"]
        ]
        np.testing.assert_allclose(
            [e["score"] for e in one["entities"]], [e["score"] for e in other["entities"]], atol=2e-4
        )


def test_evaluate_is_entity_scores_of_predict_tokens(tagger, run):
    path = find_data("quickstart/test.conll")
    sentences = list(read_conll(path, scheme="BIO"))
    predicted = tagger.predict_tokens([sentence.tokens for sentence in sentences])
    assert [len(tags) for tags in predicted] == [len(sentence.tokens) for sentence in sentences]
    expected = entity_scores([sentence.tags for sentence in sentences], predicted)
    scores = tagger.evaluate(path)
    assert scores["entity_f1"] == expected["entity_f1"] == run[1]["test"]["entity_f1"]
    assert scores["types"] == expected["types"]


def test_tokens_padded_on_the_left_get_the_same_tags(tagger):
    tokens = ["Maria", "Souza", "viajou", "."]
    outputs = tagger.served.call("tokenized", tokens=[[*tokens, "", ""], ["", *tokens, ""]])
    tags, scores = outputs["tags"].numpy(), outputs["scores"].numpy()
    assert tags[0, :4].tolist() == tags[1, 1:5].tolist()
    assert tags[0, 4:].tolist() == [b"", b""]
    np.testing.assert_allclose(scores[0, :4], scores[1, 1:5], atol=1e-5)


def test_no_rows_and_no_columns_are_answered(tagger):
    assert tagger.predict([]) == []
    assert tagger.predict_tokens([]) == []
    assert tagger.predict_tokens([[], ["Maria"]])[0] == []
    assert tagger.served.call("tokenized", tokens=np.zeros((2, 0), object))["tags"].shape == (2, 0)


def test_one_string_instead_of_a_list_is_refused(tagger):
    with pytest.raises(TypeError, match="`texts` must be a list of strings"):
        tagger.predict("Maria Souza")


def test_saved_and_exported_taggers_answer_alike(tagger, exported_tagger, tmp_path):
    tagger.save(tmp_path / "saved")
    folder = exported_tagger / "1"
    expected = tagger.predict(TEXTS)
    for other in (Tagger.load(tmp_path / "saved"), load(folder), load(exported_tagger)):
        assert other.predict(TEXTS) == expected
    with pytest.raises(RunError, match="is a SavedModel, which can only predict"):
        load(folder).save(tmp_path / "again")
    with pytest.raises(InputError, match="exists and is not empty"):
        tagger.export(exported_tagger)


@pytest.mark.thorough
def test_the_textbook_model_is_one_setting(tmp_path, recipe):
    textbook = recipe.override(
        [
            "model.arguments.bidirectional=false",
            'model.arguments.head="log_softmax"',
            "model.arguments.dropout=0",
            "model.arguments.features=none",
            "fit.epochs=3",
        ]
    )
    metrics = train(textbook, tmp_path / "run", quiet=True)
    assert metrics["test"]["token_accuracy"] > 0.8
    assert "crf" not in [layer.name for layer in load(tmp_path / "run").model.layers]


@pytest.mark.thorough
def test_gradient_norms_are_shown_where_the_recipe_asks(recipe, tmp_path, monkeypatch):
    asking = recipe.override(["tensorboard.gradient_norms=true", "model.arguments.features=none", "fit.epochs=1"])
    train(asking, tmp_path / "run", quiet=True)
    tags = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload().Tags()["tensors"]
    found = {
        f"gradient_norms/bidirectional_0/{part}/{kind}"
        for part in ("forward", "backward")
        for kind in ("map", "newest")
    }
    assert found <= set(tags)

    def refuse(model):
        raise ValueError("no recurrent layer")

    monkeypatch.setattr(keras_seq.tasks.training, "check_measurable", refuse)
    with pytest.raises(RecipeError, match="key `tensorboard.gradient_norms` cannot be true: no recurrent layer"):
        train(asking, tmp_path / "refused", quiet=True)
    assert not (tmp_path / "refused").exists()


def test_a_run_that_has_ended_is_not_trained_again(run, recipe):
    assert train(recipe, run[0], resume=True, quiet=True) == run[1]


def test_a_tag_unseen_in_training_names_file_line_and_remedy(tagger, tmp_path):
    path = tmp_path / "other.conll"
    path.write_text("Maria B-PESSOA\n\numa O\nsonata B-OBRA\n", "utf-8")
    with pytest.raises(DataError, match=rf"{path}:4: .*'B-OBRA'.*PESSOA.*correct the tag"):
        tagger.evaluate(path)


def test_training_without_any_entity_is_refused_before_a_folder_is_made(recipe, tmp_path):
    path = tmp_path / "plain.conll"
    path.write_text("uma O\nfrase O\n", "utf-8")
    changed = Recipe.from_dict({**recipe.to_dict(), "data": {"train": str(path), "validation": str(path)}})
    with pytest.raises(InputError, match="holds no entity"):
        train(changed, tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


def test_an_unknown_model_names_the_closest(monkeypatch, tagger, exported_tagger):
    monkeypatch.setenv("KERAS_SEQ_MODELS", str(exported_tagger.parent))
    assert load("small_pt").predict(TEXTS[:1]) == tagger.predict(TEXTS[:1])
    with pytest.raises(InputError, match="smal_pt.*did you mean small_pt"):
        load("smal_pt")


def test_calls_hold_rows_of_similar_length_and_few_tokens():
    groups = calls([5, 9000, 1, 3, 2000, 2000, 2000, 0])
    assert sorted(row for call in groups for row in call) == list(range(8))
    assert [1] in groups
    assert all(
        len(call) == 1 or len(call) * max([5, 9000, 1, 3, 2000, 2000, 2000, 0][r] for r in call) <= 4096
        for call in groups
    )
