"""Pieces: each rule against a plain loop, and against the libraries that train them."""

import itertools
import random
import sys
import unicodedata

import numpy as np
import pytest
import tensorflow as tf

from keras_seq.core.errors import DataError, InputError
from keras_seq.text import PieceTokenizer, PieceVocabulary, WordTokenizer, load_tokenizer, save_tokenizer
from keras_seq.text.character_tokenizer import CharacterTokenizer
from keras_seq.text.piece_training import library_model, pieces_of, read_pieces, train_pieces
from keras_seq.text.pieces import BYTE_PIECES, LONGEST_RUN, UNKNOWN_PENALTY
from keras_seq.text.tokenizer import WORD_MARK

RULES = ("longest", "unigram", "bpe")
SYLLABLES = ["ca", "sa", "ção", "mo", "ra", "d'á", "gua", "n", "ß", "õe", "s", "tra", "ba", "lho", "é", "-", "11.", "3"]
ODD_TEXTS = [
    "",
    " ",
    "Trabalho de casa: d'água, 11.340 ações!",
    "Cafe\u0301 e\u0327\u0301x 👩‍👧 日本 \u2581 a\u2581b",
    "[UNK] [CLS] <0x41> <s> ##a It's we'll don't ''s",
    "\u1100\u1161\u11a8 ﬁ Ａ \ufffd",
    "q\u0307\u0323x a\u0307\u0323a",
    "http://a.b/c?d=e#f:) x:) :-) :D",
]


def words_of(seed, count):
    generator = random.Random(seed)
    return ["".join(generator.choices(SYLLABLES, k=generator.randint(1, 5))) for _ in range(count)]


def vocabulary_of(seed):
    """Pieces that stand in the words of a seed, with scores no two sums of which are equal."""
    generator = random.Random(seed)
    found = dict.fromkeys([WORD_MARK, "a", "c", "s", "n"])
    for word in words_of(seed, 60):
        marked = WORD_MARK + word
        for _ in range(3):
            begin = generator.randrange(len(marked))
            found[marked[begin : begin + generator.randint(1, 6)]] = None
    return PieceVocabulary({piece: round(-8 * generator.random() - 2, 5) for piece in found})


VOCABULARY = vocabulary_of(1)


def split_by_loop(word, vocabulary, rule):
    """A word in its pieces by the definition of the rule; characters that no piece has as they are."""
    scores = dict(zip(vocabulary.pieces, vocabulary.scores, strict=True))
    # The mark as a character of a text is another one.
    text = WORD_MARK + word.replace(WORD_MARK, "\ue000")
    if rule == "longest":
        pieces = []
        while text:
            size = next((size for size in range(len(text), 1, -1) if text[:size] in scores), 1)
            pieces.append(text[:size])
            text = text[size:]
        return pieces
    if rule == "bpe":
        pieces = list(text)
        while True:
            pairs = [(-scores[a + b], n) for n, (a, b) in enumerate(itertools.pairwise(pieces)) if a + b in scores]
            if not pairs:
                return pieces
            at = min(pairs)[1]
            pieces[at : at + 2] = ["".join(pieces[at : at + 2])]
    unknown = np.float32(min(scores.values())) - np.float32(UNKNOWN_PENALTY)
    best = [(np.float32(0), [])]
    for end in range(1, len(text) + 1):
        ways = [
            (best[begin][0] + scores.get(piece, unknown), [*best[begin][1], piece])
            for begin in range(end)
            if (piece := text[begin:end]) in scores or len(piece) == 1
        ]
        best.append(max(ways, key=lambda way: way[0]))
    return best[-1][1]


def named(pieces, vocabulary):
    """With bytes for the characters that no piece has."""
    known = set(vocabulary.pieces)
    return [
        name
        for piece in pieces
        for name in (
            [piece] if piece in known else [BYTE_PIECES[b] for b in piece.replace("\ue000", WORD_MARK).encode()]
        )
    ]


def compiled(tokenizer):
    return tf.function(tokenizer.tokenize, input_signature=[tf.TensorSpec([None], tf.string)])


def rows(tokenize, texts):
    tokens, starts, ends = (part.numpy() for part in tokenize(tf.constant(texts, tf.string)))
    lengths = [sum(token != b"" for token in row) for row in tokens]
    return [
        ([token.decode() for token in row[:n]], list(zip(s[:n].tolist(), e[:n].tolist(), strict=True)))
        for row, s, e, n in zip(tokens, starts, ends, lengths, strict=True)
    ]


@pytest.fixture(scope="module", params=RULES)
def tokenizer(request):
    return PieceTokenizer(VOCABULARY, request.param)


@pytest.fixture(scope="module")
def tokenize(tokenizer):
    return compiled(tokenizer)


def test_equals_the_loop(tokenizer, tokenize):
    words = [*words_of(1, 300), *words_of(2, 100), "xyz", "a\u2581b", "日本", "casa" * 40, "x" * (LONGEST_RUN - 1)]
    texts = [" ".join(words[begin : begin + 7]) for begin in range(0, len(words), 7)]
    for text, (tokens, _) in zip(texts, rows(tokenize, texts), strict=True):
        found, _, _ = WordTokenizer().tokenize([text])
        parts = [split_by_loop(word.decode(), VOCABULARY, tokenizer.rule) for word in found.numpy()[0] if word]
        assert tokens == [name for part in parts for name in named(part, VOCABULARY)]


def test_a_word_without_end_is_cut(tokenize):
    word = "casa" * 30_000
    ((tokens, spans),) = rows(tokenize, [word])
    assert "".join(tokens).replace(WORD_MARK, "") == word
    assert spans[0][0] == 0 and spans[-1][1] == len(word)
    assert all(end == begin for (_, end), (begin, _) in itertools.pairwise(spans))


def test_offsets_are_those_of_the_text_that_was_sent(tokenize):
    for text, (tokens, spans) in zip(ODD_TEXTS, rows(tokenize, ODD_TEXTS), strict=True):
        for token, (start, end) in zip(tokens, spans, strict=True):
            source = unicodedata.normalize("NFC", text[start:end])
            if token not in BYTE_PIECES:
                assert source == token.removeprefix(WORD_MARK)
            else:
                assert int(token[3:5], 16) in source.encode()
        covered = sorted({place for start, end in spans for place in range(start, end)})
        words = zip(*(part.numpy()[0] for part in WordTokenizer().tokenize([text])), strict=True)
        assert covered == [place for word, start, end in words if word for place in range(start, end)]


def test_tokens_join_to_the_normal_form(tokenizer, tokenize):
    generator = random.Random(5)
    alphabet = "ab1 .,'’-:;)(#@/°sdtlnrve\u0301\u0327é日👩\u200d👧\ufe0f\u2581\n\0ß_=&"
    texts = [*ODD_TEXTS, *("".join(generator.choices(alphabet, k=generator.randint(1, 30))) for _ in range(300))]
    tokens, _, _ = tokenize(tf.constant(texts))
    normal = WordTokenizer().normal(texts).numpy().tolist()
    assert tokenizer.join(tokens).numpy().tolist() == normal
    assert WordTokenizer().normal(normal).numpy().tolist() == normal
    assert CharacterTokenizer().normal(texts).numpy().tolist() == normal
    known = {*VOCABULARY.tokens, ""}
    assert {token.decode() for token in tokens.numpy().ravel()} <= known


def test_what_looks_like_a_special_token_is_text(tokenize):
    ((tokens, _),) = rows(tokenize, ["<0x41> [UNK] \u2581"])
    assert "<0x41>" not in tokens and "[UNK]" not in tokens
    assert tokens[-4:] == [WORD_MARK, "<0xE2>", "<0x96>", "<0x81>"]


def test_no_text_no_word(tokenize):
    for texts in ([], [""], ["", "\n"]):
        tokens, starts, ends = tokenize(tf.constant(texts, tf.string))
        assert tokens.shape == starts.shape == ends.shape == (len(texts), 1)


def test_parts_of_words_are_those_of_texts(tokenizer):
    words = [["", "casa", "d'água", ""], ["", "", "", ""], ["mora", "e\u0301", "x", "casa"]]
    found = tokenizer.parts(words)
    texts = [" ".join(filter(None, row)) for row in words]
    expected = [tokens for tokens, _ in rows(tokenizer.tokenize, texts)]
    assert [[token.decode() for token in row if token] for row in found.tokens.numpy()] == expected
    first = tf.where(found.word_starts > 0, found.tokens, "")
    at_words = found.at_words(first).numpy()
    for row, starts, expected_row in zip(words, at_words, found.word_starts.numpy(), strict=True):
        assert all(start.startswith(WORD_MARK.encode()) for word, start in zip(row, starts, strict=True) if word)
        assert expected_row.sum() == sum(map(bool, row))
    sentences = list(tokenizer.split_sentences([list(filter(None, row)) for row in words]))
    assert [list(tokens) for tokens, _ in sentences] == expected
    assert [len(counts) for _, counts in sentences] == [2, 0, 4]


@pytest.mark.thorough
def test_eager_tf_data_and_an_exported_graph(tokenizer, tokenize, tmp_path):
    expected = tokenize(tf.constant(ODD_TEXTS))
    module = tf.Module()
    module.tokenize = tokenize
    tf.saved_model.save(module, str(tmp_path / "model"))
    exported = tf.saved_model.load(str(tmp_path / "model")).tokenize(tf.constant(ODD_TEXTS))
    (mapped,) = tf.data.Dataset.from_tensors(ODD_TEXTS).map(tokenizer.tokenize)
    for one, *others in zip(expected, tokenizer.tokenize(ODD_TEXTS), exported, mapped, strict=True):
        for other in others:
            np.testing.assert_array_equal(one, other)
    graph = tokenize.get_concrete_function().graph.as_graph_def()
    names = {node.op for node in graph.node} | {node.op for f in graph.library.function for node in f.node_def}
    assert not [name for name in names if "PyFunc" in name or "Text" in name or "Sentencepiece" in name]


def test_kept_and_read_again(tokenizer, tmp_path):
    save_tokenizer(tokenizer, tmp_path)
    loaded = load_tokenizer(tmp_path)
    assert (loaded.rule, loaded.vocabulary) == (tokenizer.rule, VOCABULARY)
    assert rows(loaded.tokenize, ODD_TEXTS) == rows(tokenizer.tokenize, ODD_TEXTS)
    assert (tmp_path / "pieces.txt").read_text("utf-8").splitlines()[0].startswith(f"{WORD_MARK}\t-")
    assert PieceTokenizer.read(tmp_path / "pieces.txt", rule=tokenizer.rule).vocabulary == VOCABULARY
    (tmp_path / "tokenizer.json").write_text('{"name": "pieces", "rule": "shortest"}')
    with pytest.raises(DataError, match=r"tokenizer\.json: damaged \(`rule` must be one of"):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ("a\t-1\nb\n", 2, "could not convert"),
        ("a\t-1\na\t-2\n", 2, "comes twice"),
        ("a\tnan\n", 1, "finite scores"),
        ("a\t1e60\n", 1, "finite scores"),
        ("\t-1\n", 1, "must not be ''"),
        ("<0x41>\t-1\n", 1, "no byte piece"),
        ("a\u2581\t-1\n", 1, "at the beginning of a piece alone"),
    ],
)
def test_a_damaged_file_names_the_line(tmp_path, content, line, reason):
    (tmp_path / "pieces.txt").write_text(content, "utf-8")
    with pytest.raises(DataError, match=rf"pieces\.txt:{line}: .*{reason}"):
        PieceVocabulary.load(tmp_path / "pieces.txt")


def test_bad_arguments(monkeypatch):
    with pytest.raises(TypeError, match="`vocabulary` must be a PieceVocabulary"):
        PieceTokenizer({"a": 1.0})
    with pytest.raises(ValueError, match="`rule` must be one of"):
        PieceTokenizer(VOCABULARY, "shortest")
    with pytest.raises(ValueError, match="`vocabulary_size` must be above 258"):
        train_pieces({"a": 1}, "bpe", 258)
    with pytest.raises(InputError, match="holds no word"):
        train_pieces({}, "bpe", 300)
    for rule, library in (("unigram", "sentencepiece"), ("longest", "tokenizers")):
        monkeypatch.setitem(sys.modules, library, None)
        with pytest.raises(
            InputError, match=rf'needs {library}, which is not installed; type: pip install "keras-seq\[pieces\]"$'
        ):
            train_pieces({"a": 1}, rule, 300)


def test_the_vocabulary_of_another_wordpiece_model(tmp_path):
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[\nca\n##sa\n##s\n\u2581\n##\u2581\n#\n", "utf-8")
    pieces, rule = read_pieces(tmp_path / "vocab.txt", "unigram")
    assert rule == "longest" and pieces.pieces == ("\u2581[", "\u2581ca", "sa", "s", "\u2581#", WORD_MARK)
    assert rows(PieceTokenizer(pieces, rule).tokenize, ["casas"])[0] == (
        ["\u2581ca", "sa", "s"],
        [(0, 2), (2, 4), (4, 5)],
    )


# Against the libraries.


def trained_like_the_library(rule, words, size):
    """What we learn, and the model of the library itself."""
    pytest.importorskip("tokenizers" if rule == "longest" else "sentencepiece")
    model = library_model(words, rule, size)
    return PieceTokenizer(pieces_of(model), rule), model


def library_pieces(model, rule, text):
    """Pieces and spans of the library in our names."""
    if rule == "longest":
        found = model.encode(text)
        pieces = [name[2:] if name.startswith("##") and name != "##" else WORD_MARK + name for name in found.tokens]
        return pieces, found.offsets
    pieces, spans, encoded = [], [], text.encode()
    for piece in model.encode(text, return_type="proto").pieces:
        begin, end = (len(encoded[:place].decode()) for place in (piece.begin, piece.end))
        pieces.append(piece.piece)
        # Its pieces begin with the space before the word; of the bytes of a character the last one has its span.
        spans.append((begin + (begin < end and text[begin] == " "), end))
    return pieces, spans


def check_like_the_library(rule, tokenizer, model, texts):
    """The pieces of texts in NFC are those of the library for their words; so are their places in the words.

    WordPiece gives up a word with a character that no piece has. How many sentences have such a word is returned.
    """
    tokenize = compiled(tokenizer)
    sentences_with_unknown = 0
    for begin in range(0, len(texts), 500):
        chunk = texts[begin : begin + 500]
        words = rows(WordTokenizer().tokenize, chunk)
        for (found, spans), ours in zip(words, rows(tokenize, chunk), strict=True):
            theirs = library_pieces(model, rule, " ".join(found))
            sentences_with_unknown += f"{WORD_MARK}[UNK]" in theirs[0]
            starts_of_library = np.cumsum([0, *(len(word) + 1 for word in found)])
            ours, theirs = by_word(*ours), by_word(*theirs)
            for n, (our_pieces, their_pieces) in enumerate(zip(ours, theirs, strict=True)):
                if their_pieces[0][0] == f"{WORD_MARK}[UNK]":
                    continue
                for (piece, span), (their_piece, their_span) in zip(our_pieces, their_pieces, strict=True):
                    span = [place - spans[n][0] for place in span]
                    begins, ends = (place - starts_of_library[n] for place in their_span)
                    assert piece == their_piece, found
                    if piece in BYTE_PIECES:
                        assert span[0] == begins and ends in span
                    elif piece != WORD_MARK:
                        assert span == [begins, ends], (found, piece)
    return sentences_with_unknown


def by_word(pieces, spans):
    """Pieces and their spans, a list for each word."""
    found = []
    for piece, span in zip(pieces, spans, strict=True):
        if piece.startswith(WORD_MARK):
            found.append([])
        found[-1].append((piece, span))
    return found


@pytest.mark.parametrize("rule", ["unigram", "longest", pytest.param("bpe", marks=pytest.mark.thorough)])
def test_trained_pieces_are_those_of_the_library(rule):
    words = {word: 1 + n % 7 for n, word in enumerate(dict.fromkeys(words_of(7, 400)))}
    tokenizer, model = trained_like_the_library(rule, words, 258 + 150)
    assert 258 + 100 < len(tokenizer.vocabulary) <= 258 + 150
    again = PieceTokenizer.train(words, rule=rule, vocabulary_size=258 + 150)
    assert again.vocabulary == tokenizer.vocabulary
    texts = [" ".join(words_of(seed, 9)) for seed in range(40)] + ["Trabalho, d'água!", "xyz 日本 casa"]
    assert check_like_the_library(rule, tokenizer, model, texts) < 5


@pytest.mark.parametrize("rule", ["unigram", pytest.param("bpe", marks=pytest.mark.thorough)])
def test_a_model_of_sentencepiece_is_read(tmp_path, rule):
    words = {word: 1 + n % 7 for n, word in enumerate(dict.fromkeys(words_of(7, 400)))}
    tokenizer, model = trained_like_the_library(rule, words, 258 + 150)
    (tmp_path / "their.model").write_bytes(model.serialized_model_proto())
    read = PieceTokenizer.read(tmp_path / "their.model")
    assert (read.rule, read.vocabulary) == (rule, tokenizer.vocabulary)
    (tmp_path / "their.model").write_bytes(b"no model")
    with pytest.raises(DataError, match=r"their\.model: "):
        PieceTokenizer.read(tmp_path / "their.model")


@pytest.mark.thorough
@pytest.mark.data
@pytest.mark.parametrize("rule", RULES)
def test_ten_thousand_sentences_of_four_languages(data_dir, rule):
    from keras_seq.core.lines import read_lines

    texts = {}
    for language in ("en", "de", "fr"):
        texts[language] = [
            line for _, line in read_lines(data_dir / "multi30k" / f"train.{language}.gz", "a sentence a line")
        ]
    rows_of_pairs = read_lines(data_dir / "tatoeba-en-pt" / "train.tsv", "two sentences a line")
    texts["pt"] = [line.split("\t")[1] for _, line in rows_of_pairs]
    words: dict[str, int] = {}
    for sentences in texts.values():
        for begin in range(0, 8500, 500):
            for word in WordTokenizer().tokenize(sentences[begin : begin + 500])[0].numpy().ravel():
                if word:
                    words[word.decode()] = words.get(word.decode(), 0) + 1
    tokenizer, model = trained_like_the_library(rule, words, 8000)
    assert len(tokenizer.vocabulary) == 8000
    sample = [sentence for sentences in texts.values() for sentence in sentences[8500:11_000]]
    assert len(sample) == 10_000
    assert check_like_the_library(rule, tokenizer, model, sample) < 100
    for begin in range(0, len(sample), 500):
        chunk = sample[begin : begin + 500]
        normal = WordTokenizer().normal(chunk).numpy().tolist()
        assert tokenizer.normal(chunk).numpy().tolist() == normal
        assert tokenizer.normal(normal).numpy().tolist() == normal
