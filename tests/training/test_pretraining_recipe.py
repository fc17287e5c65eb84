import gzip

import numpy as np
import pytest
from pydantic import ValidationError

from keras_seq.core.errors import DataError
from keras_seq.text import SubwordHashing, TokenEncoder, WordTokenizer, neighbours, tfidf_vectors
from keras_seq.training import PretrainingSection, composed_vectors, pretrained_vectors
from keras_seq.training.callbacks import show_work
from keras_seq.training.pretraining import _chunks

TOKENIZER = WordTokenizer()
TEXTS = ["The red wine is dry.", "The white wine is dry.", "A quick train runs North.", "A slow train runs North."] * 30
WORDS = ["the", "red", "white", "wine", "is", "dry", "quick", "slow", "train", "runs", "00"]


def encoder(subwords=None):
    return TokenEncoder.build([WORDS], subwords=subwords)


def vectors(section, texts=TEXTS, subwords=None, **arguments):
    return pretrained_vectors(section, texts, encoder(subwords), TOKENIZER, embedding_dim=12, **arguments)


@pytest.mark.parametrize("method", ["skip_gram", "cbow", "cooccurrence"])
@pytest.mark.parametrize("subwords", [None, SubwordHashing(500)])
def test_shapes_scale_and_what_was_learned(method, subwords):
    section = PretrainingSection(method=method, window=2, epochs=20, subsample=0)
    found = vectors(section, subwords=subwords)
    known = encoder(subwords)
    assert found["word"].shape == (len(known.vocabulary), 12) and found["word"].dtype == np.float32
    assert not found["word"][:2].any()
    # "00" does not come.
    assert not found["word"][known.vocabulary.lookup(["00"])].any()
    ids = None
    if subwords is None or method == "cooccurrence":
        assert found["subword"] is None
    else:
        assert found["subword"].shape == (501, 12) and found["subword"].dtype == np.float32
        assert not found["subword"][0].any()
        ids = known.subword_table()
    table = composed_vectors(found, np.arange(len(known.vocabulary)), ids)
    assert 0.05 < np.sqrt(np.mean(np.square(table[2:]))) < 0.2
    assert neighbours("red", table, known.vocabulary, k=1)[0][0] == "white"
    assert neighbours("quick", table, known.vocabulary, k=1)[0][0] == "slow"


@pytest.mark.parametrize("subwords", [None, SubwordHashing(500)])
def test_tfidf_counts_the_words_that_the_encoder_knows(subwords):
    known = encoder(subwords)
    found = vectors(PretrainingSection(method="tfidf", min_count=1000, subword_scale=0.5), subwords=subwords)
    texts = [known.vocabulary.lookup(text.lower().replace(".", "").split()) for text in TEXTS]
    table = None if subwords is None else known.subword_table()
    buckets = 0 if subwords is None else 500
    expected = tfidf_vectors(
        texts, len(known.vocabulary), subwords=table, num_buckets=buckets, embedding_dim=12, subword_scale=0.5
    )
    np.testing.assert_allclose(found["word"], expected["word"], rtol=1e-6)
    if subwords is None:
        assert found["subword"] is None
    else:
        np.testing.assert_allclose(found["subword"], expected["subword"], rtol=1e-6)


def test_no_method():
    assert vectors(PretrainingSection()) is None


def test_files_take_part(tmp_path):
    lines = "\n".join(TEXTS)
    (tmp_path / "plain.txt").write_text(lines + "\n\n")
    (tmp_path / "packed.txt.gz").write_bytes(gzip.compress(lines.encode()))
    (tmp_path / "labelled.tsv").write_text("".join(f"good\t{text}\n" for text in TEXTS))
    section = PretrainingSection(method="skip_gram", epochs=2)
    expected = vectors(section)["word"]
    for name, columns in (("plain.txt", ()), ("packed.txt.gz", ()), ("labelled.tsv", ("label", "text"))):
        update = {"files": (str(tmp_path / name),), "columns": columns, "training_texts": False}
        np.testing.assert_array_equal(vectors(section.model_copy(update=update), [])["word"], expected)
        update["files"] = ("not/looked/at",)
        found = vectors(section.model_copy(update=update), [], paths=[tmp_path / name])["word"]
        np.testing.assert_array_equal(found, expected)
    both = vectors(section, paths=[tmp_path / "plain.txt"])["word"]
    assert not np.array_equal(both, expected)
    np.testing.assert_array_equal(both, vectors(section, TEXTS * 2)["word"])


def test_frequent_words_that_the_encoder_does_not_know_take_part():
    # "north" teaches its n-grams to a word that the encoder knows and the texts do not have.
    section = PretrainingSection(method="skip_gram", epochs=2)
    known = TokenEncoder.build([["northern", "train"]], subwords=SubwordHashing(500))
    ngrams = known.subword_table()[known.vocabulary.lookup(["northern"])[0]]

    def learned(min_count):
        section_now = section.model_copy(update={"min_count": min_count})
        found = pretrained_vectors(section_now, TEXTS, known, TOKENIZER, embedding_dim=4)
        assert found["word"].shape == (4, 4)
        return found["subword"][ngrams[ngrams > 0]].any(axis=1)

    assert 0 < learned(60).sum() < len(learned(60))
    assert not learned(61).any()


def test_the_seed_decides():
    section = PretrainingSection(method="cbow", epochs=1)
    first, again, other = (vectors(section, seed=seed)["word"] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_nothing_to_learn_from():
    for method in ("skip_gram", "cooccurrence"):
        found = vectors(PretrainingSection(method=method), ["", "   ", "unknown"])
        assert not found["word"].any()


def test_texts_that_are_not_utf8():
    texts = [text.replace("train", "tra\ud800in") for text in TEXTS]
    assert np.isfinite(vectors(PretrainingSection(method="skip_gram", epochs=1), texts)["word"]).all()


def test_long_texts_are_not_padded_to_one_another():
    texts = ["a"] * 600 + ["b" * 1_000_001] + ["c"] * 3 + ["d" * 3_000_000, "e"]
    chunks = list(_chunks(texts))
    assert sum(chunks, []) == texts
    assert [len(chunk) for chunk in chunks] == [512, 88, 1, 3, 1, 1]
    assert list(_chunks([])) == []


def test_missing_and_empty_files(tmp_path):
    section = PretrainingSection(method="skip_gram", files=(str(tmp_path / "none.txt"),))
    with pytest.raises(DataError, match=r"none\.txt: no such file"):
        vectors(section)
    (tmp_path / "none.txt").touch()
    with pytest.raises(DataError, match=r"none\.txt: empty file"):
        vectors(section)


@pytest.mark.parametrize(
    "values", [{"method": "glove"}, {"columns": ["label"]}, {"window": 0}, {"epochs": "5"}, {"dim": 3}]
)
def test_wrong_sections(values):
    with pytest.raises(ValidationError):
        PretrainingSection(**values)


def test_work_before_the_first_epoch_is_shown_on_a_terminal(capsys, monkeypatch):
    for quiet, terminal in ((False, "1"), (True, "1"), (False, None)):
        if terminal:
            monkeypatch.setenv("FORCE_COLOR", terminal)
        else:
            monkeypatch.delenv("FORCE_COLOR")
        with show_work("word vectors", quiet=quiet) as advance:
            advance(30, 60)
            advance(30, 60)
        shown = capsys.readouterr().err
        assert ("word vectors" in shown and "100 %" in shown) == (not quiet and terminal is not None)
