import random

import pytest

from keras_seq.data.tag_schemes import SCHEMES, convert, tags_of
from keras_seq.ops.spans import EntitySpan, entities


def random_spans(draw, length):
    spans, position = [], 0
    while position < length:
        if draw.random() < 0.5:
            end = min(length, position + draw.randint(1, 3))
            spans.append(EntitySpan(draw.choice(["PER", "LOC-X"]), position, end))
            position = end
        else:
            position += 1
    return spans


def test_known_sequences():
    spans = [EntitySpan("PER", 0, 2), EntitySpan("PER", 2, 3), EntitySpan("LOC", 3, 4), EntitySpan("LOC", 5, 8)]
    assert tags_of(spans, 8, "BIO") == ["B-PER", "I-PER", "B-PER", "B-LOC", "O", "B-LOC", "I-LOC", "I-LOC"]
    assert tags_of(spans, 8, "IOB1") == ["I-PER", "I-PER", "B-PER", "I-LOC", "O", "I-LOC", "I-LOC", "I-LOC"]
    assert tags_of(spans, 8, "BIOES") == ["B-PER", "E-PER", "S-PER", "S-LOC", "O", "B-LOC", "I-LOC", "E-LOC"]


def test_every_conversion_keeps_the_entities():
    draw = random.Random(0)
    for _ in range(300):
        length = draw.randint(0, 12)
        spans = random_spans(draw, length)
        for scheme in SCHEMES:
            tags = tags_of(spans, length, scheme)
            assert entities(tags) == spans
            for other in SCHEMES:
                assert convert(convert(tags, other), scheme) == tags


def test_wrong_arguments():
    with pytest.raises(ValueError, match="`scheme`"):
        convert(["O"], "IOBES")
    for spans in (
        [EntitySpan("A", 0, 0)],
        [EntitySpan("A", 0, 2), EntitySpan("A", 1, 3)],
        [EntitySpan("A", 2, 4)],
        [EntitySpan("A", -1, 1)],
    ):
        with pytest.raises(ValueError, match="`spans`"):
            tags_of(spans, 3)
