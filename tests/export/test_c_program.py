"""A program in C, with TensorFlow's library and nothing else, gives the answers that Python gives."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import tensorflow as tf

from keras_seq.families import Classifier, PairMatcher, Tagger
from keras_seq.families.classification.served import ClassificationFunctions, ClassificationSettings
from keras_seq.families.pairs.served import MatchingFunctions, MatchingSettings
from keras_seq.families.tagging.served import TaggingFunctions, TaggingSettings
from keras_seq.text import PieceTokenizer, PieceVocabulary, SubwordHashing, TokenEncoder, WordTokenizer
from keras_seq.text.pieces import RULES
from keras_seq.zoo import ner_model, siamese_model, text_classifier_model

SOURCE = Path(__file__).with_name("call_model.c")
COMPILER = next((path for name in ("cc", "gcc", "clang") if (path := shutil.which(name))), None)
SENTENCES = ("Ana mora em São Paulo, diz o juiz 👩‍👧.", "Lisboa", "")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    if COMPILER is None:
        pytest.skip("no C compiler (cc, gcc, clang) on the path: the C program was not built")
    path = tmp_path_factory.mktemp("c") / "call_model"
    package = Path(tf.__file__).parent
    libraries = [f"-L{package}", f"-Wl,-rpath,{package}", "-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"]
    warnings = ["-std=c11", "-Wall", "-Wextra", "-Werror"]
    command = [COMPILER, *warnings, "-isystem", str(package / "include"), str(SOURCE), *libraries, "-o", str(path)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return path


def run(program, *arguments):
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", "PATH": os.environ["PATH"]}
    return subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, timeout=300)


def check_answer(program, folder, expected, **texts):
    """What the program prints of each output, given a text for each input, is what Python answers."""
    result = run(program, folder, *(f"{name}={text}" for name, text in texts.items()), *expected)
    assert result.returncode == 0, result.stderr
    rows = dict(line.split("\t", 1) for line in result.stdout.splitlines())
    for name, value in expected.items():
        values = value.numpy().ravel().tolist()
        found = rows[name].split("\t")
        if value.dtype == tf.string:
            assert found == [item.decode() for item in values]
        else:
            assert [float(item) for item in found] == pytest.approx([float(item) for item in values], abs=1e-5)


@pytest.mark.parametrize(
    "sentence", [SENTENCES[0], *(pytest.param(sentence, marks=pytest.mark.thorough) for sentence in SENTENCES[1:])]
)
def test_answers_of_c_and_python_agree(program, functions, model_folder, sentence):
    check_answer(program, model_folder / "1", functions.call("serving_default", text=[sentence]), text=sentence)


@pytest.mark.thorough
def test_a_classifier_in_c(program, tmp_path):
    encoder = TokenEncoder.build(SENTENCES[:1], subwords=SubwordHashing(50))
    features = {"subwords": {"num_buckets": 50}, "bigrams": {"num_buckets": 20}}
    model = text_classifier_model(
        len(encoder.vocabulary), 3, embedding_dim=8, features=features, recurrent={"units": [5]}, pooling="attention"
    )
    settings = ClassificationSettings(("bom", "mau", "não sei"), temperature=0.5, threshold=0.34)
    functions = ClassificationFunctions(model, WordTokenizer(), encoder, settings)
    folder = Classifier(functions).export(tmp_path / "model")
    for sentence in SENTENCES:
        check_answer(program, folder, functions.call("serving_default", text=[sentence]), text=sentence)


def tokenizer_of_pieces(rule):
    pieces = ("▁A", "na", "▁mo", "ra", "Pau", "lo", "▁d", "iz", "ã", "▁L")
    return PieceTokenizer(PieceVocabulary({piece: -1.5 - n / 8 for n, piece in enumerate(pieces)}), rule)


@pytest.mark.thorough
@pytest.mark.parametrize("rule", RULES)
def test_pieces_in_c(program, tmp_path, rule):
    """Byte fallback, marks, offsets."""
    tokenizer = tokenizer_of_pieces(rule)
    module = tf.Module()
    module.tokenize = tf.function(
        lambda text: dict(zip(("tokens", "starts", "ends"), tokenizer.tokenize(text), strict=True)),
        input_signature=[tf.TensorSpec([None], tf.string, name="text")],
    )
    tf.saved_model.save(module, str(tmp_path / "model"), signatures=module.tokenize)
    for sentence in SENTENCES:
        check_answer(program, tmp_path / "model", module.tokenize(tf.constant([sentence])), text=sentence)


@pytest.mark.thorough
def test_a_tagger_of_pieces_in_c(program, tmp_path):
    tokenizer = tokenizer_of_pieces("unigram")
    encoder = TokenEncoder.build([], vocabulary=tokenizer.vocabulary)
    model = ner_model(len(encoder.vocabulary), 3, embedding_dim=8, units=[5], features={"word_starts": True})
    functions = TaggingFunctions(model, tokenizer, encoder, TaggingSettings(("O", "B-LOC", "I-LOC")))
    folder = Tagger(functions).export(tmp_path / "tagger")
    for sentence in SENTENCES:
        check_answer(program, folder, functions.call("serving_default", text=[sentence]), text=sentence)


@pytest.mark.thorough
def test_a_matcher_in_c(program, tmp_path):
    """Two inputs, in either order; one answer is bool."""
    encoder = TokenEncoder.build([SENTENCES[0].split(), SENTENCES[1].split()], subwords=SubwordHashing(50))
    features = {"subwords": {"num_buckets": 50}}
    model = siamese_model(len(encoder.vocabulary), embedding_dim=8, features=features, recurrent={"units": [5]})
    settings = MatchingSettings(threshold=0.999)
    functions = MatchingFunctions(model, WordTokenizer(), encoder, settings)
    folder = PairMatcher(functions).export(tmp_path / "model")
    first, second, empty = SENTENCES
    for names, a, b, duplicate in (("ab", first, first, True), ("ba", second, empty, False)):
        expected = functions.call("serving_default", a=[a], b=[b])
        assert bool(expected["duplicate"][0]) == duplicate
        texts = {"a": a, "b": b}
        check_answer(program, folder, expected, **{name: texts[name] for name in names})


def test_a_text_for_an_input_that_is_not_there(program, model_folder):
    result = run(program, model_folder / "1", "a=Ana", "tags")
    assert result.returncode == 2
    assert "the signature lacks: a" in result.stderr


def test_a_folder_without_a_model(program, tmp_path):
    result = run(program, tmp_path, "text=Ana", "tags")
    assert result.returncode == 2
    assert "cannot load" in result.stderr
