"""All text families read pieces, or characters, by one line of their recipes."""

import random

import numpy as np
import pytest

from keras_seq.core.errors import RecipeError
from keras_seq.tasks.registry import family_named
from keras_seq.text import PieceVocabulary
from keras_seq.training import Recipe

WORDS = ("Ana", "trabalha", "trabalho", "d'água", "Lisboa", "não", "ações", "bom", "mau", "casas")
PIECES = PieceVocabulary(
    dict.fromkeys(("▁tra", "balh", "▁A", "▁Lis", "õ", "es", "▁ca", "sa", "▁b", "a", "o", "n"), -1.0)
)
TEXTS = ["Ana trabalha em  Lisboa.", "", "日本 não"]
SENTENCE = [word.encode() for word in ("Ana", "trabalha", "日本")]


def lines_of(task):
    generator = random.Random(3)
    for number in range(40):
        words = generator.choices(WORDS, k=5)
        text = " ".join(words)
        if task == "tagger":
            yield "".join(f"{word} {'B-PER' if word == 'Ana' else 'O'}\n" for word in ["Ana", *words])
        elif task == "pair_matcher":
            yield f"{number % 2}\t{text} {number}\t{text if number % 2 else ' '.join(reversed(words))} bom"
        else:
            yield f"{number % 2 if task == 'regressor' else ('bom', 'mau')[number % 2]}\t{text} {number}"


MODELS = {
    "tagger": {"builder": "ner_model", "arguments": {"embedding_dim": 4, "units": [4]}},
    "classifier": {"builder": "text_classifier_model", "arguments": {"embedding_dim": 4}},
    "regressor": {"builder": "text_classifier_model", "arguments": {"embedding_dim": 4}},
    "pair_matcher": {"builder": "siamese_model", "arguments": {"embedding_dim": 4}},
}


def prepared(task, folder, *changes, **data):
    for name in ("train", "validation"):
        (folder / f"{name}.txt").write_text("\n".join(lines_of(task)) + "\n", "utf-8")
    PIECES.save(folder / "pieces.txt")
    further = {"regressor": {"columns": ["score", "text"]}, "tagger": {"scheme": "BIO"}}.get(task, {})
    values = {
        "task": task,
        "name": "tiny",
        "data": {"train": "train.txt", "validation": "validation.txt", **further, **data},
        "model": MODELS[task],
    }
    if task == "pair_matcher":
        values["pairs"] = {"objective": "logistic"}
    recipe = Recipe.from_dict(values).override(changes)
    paths = {name: folder / f"{name}.txt" for name in ("train", "validation")}
    return family_named(task).training(recipe, paths, folder).prepare()


def answers(task):
    served = task.served
    if "a" in served.inputs("serving_default"):
        return served.call("serving_default", a=TEXTS, b=TEXTS[1:] + TEXTS[:1])
    return served.call("serving_default", text=TEXTS)


@pytest.mark.thorough
@pytest.mark.parametrize("task", ["tagger", "classifier", "regressor", "pair_matcher"])
def test_pieces_of_a_file(task, tmp_path):
    training = prepared(task, tmp_path, f"tokenizer.file={tmp_path / 'pieces.txt'}", tokenizer="pieces")
    assert training.encoder.vocabulary == PIECES and training.encoder.is_closed
    assert "▁tra" in training.train.store.distinct and "<0x64>" in training.train.store.distinct
    inputs, _ = next(iter(training.batches.epoch(0)))
    ids = inputs["token_ids_a" if task == "pair_matcher" else "token_ids"]
    # Nothing is unknown, and a batch is what is served.
    assert (ids != 1).all() and ids.max() < len(PIECES)
    training.task.save(tmp_path / "run")
    assert not (tmp_path / "run" / "encoder" / "words.txt").exists()
    loaded = type(training.task).load(tmp_path / "run")
    for name, values in answers(training.task).items():
        np.testing.assert_array_equal(answers(loaded)[name], values)


def test_a_tagger_learns_from_first_pieces(tmp_path):
    training = prepared("tagger", tmp_path, f"tokenizer.file={tmp_path / 'pieces.txt'}", tokenizer="pieces")
    sentence = training.train[0]
    assert (
        sentence["labels"].tolist()
        == np.where(sentence["word_starts"] > 0, np.maximum(sentence["labels"], 0), -1).tolist()
    )
    assert sentence["word_starts"].sum() == 6 < len(sentence["labels"])
    assert training.train.words(0)[0] == "Ana" and len(training.train.words(0)) == 6
    mentions = training.train.mentions(0)
    assert all(sentence["word_starts"][begin] and end > begin + 1 for _, begin, end in mentions)
    varied = training.train.varied(0, 0.9, 100, np.random.default_rng(1))
    assert (varied["labels"] >= 0).tolist() == (varied["word_starts"] > 0).tolist()
    scores = training.evaluate(training.model)
    # As many tags as words: the scores of training are those of what is served.
    expected = training.task.evaluate(training.paths["validation"])
    assert scores["token_accuracy"] == pytest.approx(expected["token_accuracy"])
    tagged = training.task.served.call("tokenized", tokens=[["", *SENTENCE, ""], [SENTENCE[0], *[""] * 4]])[
        "tags"
    ].numpy()
    assert [[bool(tag) for tag in row] for row in tagged] == [[False, True, True, True, False], [True] + [False] * 4]


@pytest.mark.thorough
def test_characters(tmp_path):
    training = prepared("classifier", tmp_path, "tokenizer.arguments={}", tokenizer="characters")
    assert {"▁a", "n", "▁l"} <= set(training.encoder.vocabulary.tokens)
    training.task.save(tmp_path / "run")
    loaded = type(training.task).load(tmp_path / "run")
    np.testing.assert_array_equal(answers(loaded)["scores"], answers(training.task)["scores"])


def test_pieces_are_learned_from_the_texts_that_train(tmp_path):
    pytest.importorskip("sentencepiece")
    arguments = 'tokenizer.arguments={rule = "bpe", vocabulary_size = 300}'
    training = prepared("classifier", tmp_path, arguments, tokenizer="pieces")
    assert training.tokenizer.rule == "bpe" and 270 < len(training.encoder.vocabulary) <= 300
    with pytest.raises(RecipeError, match="key `tokenizer.arguments`: .*'size'; the tokenizer pieces takes rule, voc"):
        prepared("classifier", tmp_path, "tokenizer.arguments={size = 300}", tokenizer="pieces")
    with pytest.raises(RecipeError, match="key `tokenizer.arguments`: `vocabulary_size` must be above 258"):
        prepared("classifier", tmp_path, "tokenizer.arguments={vocabulary_size = 3}", tokenizer="pieces")
    with pytest.raises(RecipeError, match="features.word_starts` follows from the data"):
        prepared("tagger", tmp_path, "model.arguments.features={word_starts = true}")
