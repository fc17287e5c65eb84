import random
import unicodedata

import pytest
import tensorflow as tf

from keras_seq.text import normalization
from keras_seq.text.code_points import assigned_code_points
from keras_seq.text.normalization import CharacterRun

ASSIGNED = [point for point in assigned_code_points() if unicodedata.category(chr(point)) != "Cn"]
MARKS = [point for point in ASSIGNED if unicodedata.combining(chr(point))]
JAMO = [*range(0x1100, 0x1113), *range(0x1161, 0x1176), *range(0x11A7, 0x11C3), 0xAC00, 0xAC01]


@tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
def normalize(texts):
    decoded = tf.strings.unicode_decode(texts, "UTF-8")
    rows = tf.cast(decoded.value_rowids(), tf.int32)
    starts = tf.range(tf.size(rows)) - tf.cast(tf.gather(decoded.row_splits, rows), tf.int32)
    return normalization.normalize(CharacterRun(decoded.values, rows, starts, starts + 1))


def normalized(texts):
    run = normalize(tf.constant([text.encode() for text in texts], tf.string))
    columns = [column.numpy().tolist() for column in run]
    results = [([], []) for _ in texts]
    for point, row, start, end in zip(*columns, strict=True):
        results[row][0].append(chr(point))
        results[row][1].append((start, end))
    return [("".join(characters), offsets) for characters, offsets in results]


def random_texts(firsts, seconds, count, seed=0):
    draw = random.Random(seed)
    clusters = [
        "".join([chr(draw.choice(firsts)), *(chr(draw.choice(seconds)) for _ in range(draw.randint(0, 4)))])
        for _ in range(3 * count)
    ]
    return ["".join(clusters[index : index + 3]) for index in range(0, len(clusters), 3)]


CASES = {
    "words": ["", "ação", "ação", "A\u030angstro\u0308m \u212b", "Vie\u0302\u0323t Nam Việt", "e\u0301\u0323\u0302"],
    "every character": [chr(point) for point in ASSIGNED],
    "every decomposition": [unicodedata.normalize("NFD", chr(point)) for point in ASSIGNED],
    "Latin": random_texts([*range(0x41, 0x250), *range(0x1E00, 0x1F00)], [p for p in MARKS if p < 0x370], 3000),
    "Greek": random_texts([*range(0x391, 0x3CF), *range(0x1F00, 0x1F16)], [0x300, 0x301, 0x313, 0x342, 0x345], 3000),
    "Hangul": random_texts(JAMO, JAMO, 3000),
    "Indic": random_texts(
        [p for p in ASSIGNED if 0x900 <= p < 0x1000], [p for p in ASSIGNED if 0x900 <= p < 0x1000], 3000
    ),
    "any": random_texts(ASSIGNED, [*MARKS, *ASSIGNED], 3000),
}


@pytest.mark.parametrize("name", CASES)
def test_equals_unicodedata(name):
    texts = CASES[name]
    for text, (result, _) in zip(texts, normalized(texts), strict=True):
        assert result == unicodedata.normalize("NFC", text), ascii(text)


def test_offsets_cover_the_source():
    texts = ["xe\u0301y", "e\u0301\u0323\u0302z", "\u0958k", "plain"]
    results = normalized(texts)
    assert results[0] == ("xéy", [(0, 1), (1, 3), (3, 4)])
    # The letter takes the dot, which lies behind the acute; the acute and the circumflex stay marks.
    assert results[1] == (unicodedata.normalize("NFC", texts[1]), [(0, 3), (1, 2), (3, 4), (4, 5)])
    # One character that decomposes into two: both point to it.
    assert results[2] == ("\u0915\u093ck", [(0, 1), (0, 1), (1, 2)])
    assert results[3] == ("plain", [(index, index + 1) for index in range(5)])


def test_no_text():
    assert normalized([]) == []
