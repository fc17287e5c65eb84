"""A tokenizer that is registered by one decorator trains a tagger by one line of its recipe, and is exported."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import keras_seq
from keras_seq.core.errors import InputError, RecipeError
from keras_seq.export import SavedServed
from keras_seq.families.tagging.training import TaggerTraining
from keras_seq.tasks import train
from keras_seq.tasks.loading import load
from keras_seq.text import TOKENIZERS, Tokenizer, WordParts, register_tokenizer
from keras_seq.text.tokenizer import WORD_MARK, join_words
from keras_seq.training import Recipe

TRAIN = "Ana B-PER\nmora O\nem O\nLisboa B-LOC\n\nRui B-PER\nviaja O\ncom O\nAnabela B-PER\nMoura I-PER\n"
TEXTS = ["Rui mora em  Lisboa", "Anabela Moura 👩‍👧 viaja.", "", "E\u0301vora"]
SYLLABLES = ("mo", "ra", "vi", "ja", "Lis", "bo", "Ana", "be", "la")


def tiny(**data):
    return Recipe.from_dict(
        {
            "task": "tagger",
            "name": "tiny",
            "data": {"train": "train.conll", "validation": "train.conll", "scheme": "BIO", **data},
            "model": {"builder": "ner_model", "arguments": {"embedding_dim": 4, "units": [4]}},
            "fit": {"epochs": 2},
            "optimizer": {"learning_rate": 0.05},
        }
    )


@pytest.fixture(scope="module", autouse=True)
def syllables():
    """The tokenizer: the longest known syllable from left to right, else one character."""

    @register_tokenizer("syllables")
    class Syllables(Tokenizer):
        def __init__(self, known=SYLLABLES):
            super().__init__()
            self.known = tuple(known)

        def split(self, words):
            longest_first = sorted(self.known, key=len, reverse=True)
            spaced = tf.strings.regex_replace(words, f"({'|'.join(longest_first)}|.)", r"\1 ")
            return WordParts.adjacent(tf.strings.split(spaced))

        def join(self, tokens):
            return tf.strings.reduce_join(tokens, axis=1)

        def settings(self):
            return {"known": self.known}

    yield Syllables
    TOKENIZERS.remove("syllables")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("syllables")
    (folder / "train.conll").write_text(TRAIN)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        train(tiny(tokenizer="syllables"), folder / "run", quiet=True)
    return folder / "run"


def test_tokens_and_offsets(syllables):
    tokens, starts, ends = syllables().tokenize(["a moraja"])
    assert [token.decode() for token in tokens.numpy()[0]] == ["a", "mo", "ra", "ja"]
    assert (starts.numpy()[0].tolist(), ends.numpy()[0].tolist()) == ([0, 2, 4, 6], [1, 4, 6, 8])
    rows = syllables().parts([["", "mora", "Rui"], ["", "", "e"]])
    assert rows.word_starts.numpy().tolist() == [[1, 0, 1, 0, 0], [1, 0, 0, 0, 0]]
    assert rows.at_words(tf.constant([[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]])).numpy()[:, 1:].tolist() == [[1, 3], [6, 6]]


def test_a_loaded_tagger_gives_a_tag_to_each_word(trained):
    settings = json.loads((trained / "encoder" / "tokenizer.json").read_text())
    assert settings == {"name": "syllables", "known": list(SYLLABLES)}
    tagger = keras_seq.load(trained)
    assert "bo" in tagger.served.encoder.vocabulary.tokens and "word_starts" in tagger.served.input_names
    found = tagger.served.call("serving_default", text=TEXTS)
    words = [[word.decode() for word in row if word] for row in found["tokens"].numpy()]
    assert words == [["Rui", "mora", "em", "Lisboa"], ["Anabela", "Moura", "👩‍👧", "viaja", "."], [], ["Évora"]]
    assert [[bool(tag) for tag in row] for row in found["tags"].numpy()[:3, :5]] == [
        [True] * 4 + [False],
        [True] * 5,
        [False] * 5,
    ]
    text = TEXTS[0]
    places = zip(found["starts"].numpy()[0], found["ends"].numpy()[0], strict=True)
    assert [text[start:end] for start, end in places][:4] == words[0]
    # Split text is answered as raw text is.
    for row, sentence in enumerate(words):
        tags = [tag.decode() for tag in found["tags"].numpy()[row] if tag]
        assert tagger.predict_tokens([sentence])[0] == tags


@pytest.mark.thorough
def test_the_export_answers_alike_without_the_class(trained, tmp_path):
    tagger = keras_seq.load(trained)
    version = tagger.export(tmp_path / "tagger")
    program = (
        "import json, sys, tensorflow as tf\n"
        "served = tf.saved_model.load(sys.argv[1]).signatures['serving_default']\n"
        "found = served(text=tf.constant(json.loads(sys.argv[2])))\n"
        "print(json.dumps([[tag.decode() for tag in row] for row in found['tags'].numpy()]))\n"
    )
    command = [sys.executable, "-c", program, version, json.dumps(TEXTS)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    expected = tagger.served.call("serving_default", text=TEXTS)["tags"].numpy()
    assert json.loads(result.stdout) == [[tag.decode() for tag in row] for row in expected], result.stderr
    np.testing.assert_array_equal(SavedServed(version).call("serving_default", text=TEXTS)["tags"].numpy(), expected)


def test_a_model_whose_tokenizer_is_not_there(trained, syllables):
    TOKENIZERS.remove("syllables")
    try:
        with pytest.raises(InputError, match="tokenizer 'syllables' is unknown; .* knows characters, pieces, words"):
            # Not `keras_seq.load`, which tests of the command line keep from loading a model twice.
            load(trained)
    finally:
        TOKENIZERS.add("syllables", syllables)


def test_what_a_recipe_gets_wrong(tmp_path):
    (tmp_path / "train.conll").write_text(TRAIN)
    paths = {"train": tmp_path / "train.conll", "validation": tmp_path / "train.conll"}

    def read(recipe, *changes):
        TaggerTraining(recipe.override(changes), paths).read()

    with pytest.raises(RecipeError, match="key `data.tokenizer`: tokenizer 'word' is unknown; .* did you mean words"):
        read(tiny(tokenizer="word"))
    with pytest.raises(RecipeError, match=r"key `tokenizer.arguments`: .*'size'; the tokenizer syllables takes"):
        read(tiny(tokenizer="syllables"), "tokenizer.arguments.size=3")
    with pytest.raises(RecipeError, match=r"key `tokenizer.arguments`: .*'rule'"):
        read(tiny(), "tokenizer.arguments.rule=bpe")
    with pytest.raises(InputError, match="the tokenizer syllables is read from no file"):
        read(tiny(tokenizer="syllables"), f"tokenizer.file={tmp_path / 'train.conll'}")


def test_registering():
    with pytest.raises(ValueError, match="`name` must be a new one"):
        register_tokenizer("words")(TOKENIZERS.get("characters"))
    with pytest.raises(TypeError, match="must be a subclass of Tokenizer"):
        register_tokenizer("new")(dict)


def test_a_tokenizer_that_loses_a_word():
    class Losing(Tokenizer):
        name = "losing"

        def split(self, words):
            return WordParts.adjacent(tf.strings.split(tf.strings.regex_replace(words, "x", " ")))

        def join(self, tokens):
            return join_words(tf.strings.join([WORD_MARK, tokens]))

    with pytest.raises(ValueError, match="`split` of the tokenizer losing must give each word one token or more"):
        list(Losing().split_sentences([["a", "x"]]))
