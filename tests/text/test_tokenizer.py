import unicodedata

import numpy as np
import pytest
import tensorflow as tf

from keras_seq.data import read_conll
from keras_seq.text import WordTokenizer

TOKENIZER = WordTokenizer()
COMPILED = tf.function(TOKENIZER.tokenize, input_signature=[tf.TensorSpec([None], tf.string)])


def rows(texts):
    """Tokens and offsets of each text, from the compiled function."""
    texts = [text if isinstance(text, bytes) else text.encode() for text in texts]
    tokens, starts, ends = (tensor.numpy() for tensor in COMPILED(tf.constant(texts, tf.string)))
    assert tokens.shape == starts.shape == ends.shape
    assert starts.dtype == ends.dtype == np.int32
    result = []
    for row, row_starts, row_ends in zip(tokens, starts, ends, strict=True):
        count = int((row != b"").sum())
        assert (row[count:] == b"").all() and not row_starts[count:].any() and not row_ends[count:].any()
        spans = list(zip(row_starts[:count].tolist(), row_ends[:count].tolist(), strict=True))
        result.append(([token.decode() for token in row[:count]], spans))
    return result


def words(text):
    return rows([text])[0][0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Lei 11.340/2006, de 24/08/2001.", "Lei|11.340/2006|,|de|24/08/2001|."),
        ("Trata-se (c/c) de www.stf.jus.br;", "Trata-se|(|c/c|)|de|www.stf.jus.br|;"),
        ("n° 4° 1ª 2º art.5º-A", "n°|4°|1ª|2º|art.5º-A"),
        ("d'água, D'Ávila e l’eau", "d'água|,|D'Ávila|e|l’eau"),
        ("R$ 1.775.000,00 (10%)", "R|$|1.775.000,00|(|10|%|)"),
        ("It's what they'll do: don't!", "It|'s|what|they|'ll|do|:|do|n't|!"),
        ("@joe_doe #NFL a@b.pt C# @ #", "@joe_doe|#NFL|a@b.pt|C|#|@|#"),
        ("Ok... !!! -- ?! ((a))", "Ok|...|!!!|--|?|!|(|(|a|)|)"),
        ("see http://a.pt/b?c=d&e=(f), ok", "see|http://a.pt/b?c=d&e=(f|)|,|ok"),
        (":) ;-) :D :Ddd a:) 10:30", ":)|;-)|:D|:|Ddd|a|:|)|10:30"),
        ("``a'' \"b\" “c” «d»", "``|a|''|\"|b|\"|“|c|”|«|d|»"),
        ("a.b. .c x- -y", "a.b|.|.|c|x|-|-|y"),
        ("👍🏽 👨‍👩‍👧ok ❤️a", "👍🏽|👨‍👩‍👧|ok|❤️|a"),
        ("नमस्ते दुनिया", "नमस्ते|दुनिया"),
    ],
)
def test_rules(text, expected):
    assert words(text) == expected.split("|")


def test_offsets_point_into_the_text_that_was_sent():
    text = "A\u0301gua, cafe\u0301 \u212b e 👍🏽 fim"
    tokens, spans = rows([text])[0]
    assert tokens == ["Água", ",", "café", "Å", "e", "👍🏽", "fim"]
    assert [unicodedata.normalize("NFC", text[start:end]) for start, end in spans] == tokens


@pytest.mark.parametrize("texts", [[], [""], ["", ""], ["   ", "\t\n\u00a0\u200b", "\0"]])
def test_nothing_to_find_gives_one_empty_column(texts):
    tokens, starts, ends = COMPILED(tf.constant(texts, tf.string))
    assert tokens.shape == starts.shape == ends.shape == (len(texts), 1)
    assert not np.any(tokens.numpy() != b"") and not np.any(starts) and not np.any(ends)


def test_rows_do_not_touch():
    texts = ["don", "'t a.", "b", "", ".", "http:", "//c", "e", "\u0301x", "👨\u200d", "👧"]
    assert rows(texts) == [row for text in texts for row in rows([text])]


def test_invalid_utf8_counts_as_replaced_characters():
    text = b"ab \xff\xfe cd \xe2\x82 e\xc3"
    decoded = text.decode("utf-8", errors="replace")
    tokens, spans = rows([text])[0]
    assert tokens == [decoded[start:end] for start, end in spans]
    assert tokens[0] == "ab" and "cd" in tokens


def test_nul_bytes_are_spaces():
    assert rows(["a\0b"])[0] == (["a", "b"], [(0, 1), (2, 3)])


def test_ten_thousand_tokens():
    tokens, spans = rows(["palavra " * 10_000, "a"])[0]
    assert tokens == ["palavra"] * 10_000
    assert spans[-1] == (8 * 9_999, 8 * 9_999 + 7)


def test_eager_and_tf_data_equal_the_graph():
    texts = ["Lei 11.340/2006.", "", "cafe\u0301 😀"]
    eager = TOKENIZER.tokenize(tf.constant(texts))
    compiled = COMPILED(tf.constant(texts))
    (mapped,) = tf.data.Dataset.from_tensors(texts).map(TOKENIZER.tokenize)
    for first, second, third in zip(eager, compiled, mapped, strict=True):
        np.testing.assert_array_equal(first, second)
        np.testing.assert_array_equal(first, third)


def test_exported_graph_holds_core_ops_only(tmp_path):
    module = tf.Module()
    module.tokenize = COMPILED
    tf.saved_model.save(module, str(tmp_path / "model"))
    texts = tf.constant(["Trata-se de cafe\u0301...", ""])
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    for expected, received in zip(COMPILED(texts), loaded.tokenize(texts), strict=True):
        np.testing.assert_array_equal(expected, received)
    graph = COMPILED.get_concrete_function().graph.as_graph_def()
    names = {node.op for node in graph.node} | {n.op for f in graph.library.function for n in f.node_def}
    assert not [name for name in names if "PyFunc" in name or "While" in name or "Text" in name]


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "recall"),
    [("lener-br/train.conll.gz", 0.993), ("wnut17/train.conll", 0.96), ("wikiann/pt.train.conll.gz", 0.98)],
)
def test_treebank_tokens_are_found_again(data_dir, name, recall):
    found = total = 0
    batch = [sentence.tokens for sentence, _ in zip(read_conll(data_dir / name), range(2000), strict=False)]
    for tokens, (_, spans) in zip(batch, rows([" ".join(tokens) for tokens in batch]), strict=True):
        ends = np.cumsum([len(token) + 1 for token in tokens]) - 1
        gold = {(int(end) - len(token), int(end)) for token, end in zip(tokens, ends, strict=True)}
        found += len(gold & set(spans))
        total += len(gold)
    assert found / total > recall
