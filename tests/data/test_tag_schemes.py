import random

import numpy as np
import pytest

from keras_seq.data.tag_schemes import (
    SCHEMES,
    Entity,
    allowed_transitions,
    convert,
    entities_of,
    scheme_of_tags,
    split_tag,
    tag_names,
    tags_of,
)


def random_entities(draw, length):
    entities, position = [], 0
    while position < length:
        if draw.random() < 0.5:
            end = min(length, position + draw.randint(1, 3))
            entities.append(Entity(draw.choice(["PER", "LOC-X"]), position, end))
            position = end
        else:
            position += 1
    return entities


def test_known_sequences():
    entities = [Entity("PER", 0, 2), Entity("PER", 2, 3), Entity("LOC", 3, 4), Entity("LOC", 5, 8)]
    assert tags_of(entities, 8, "BIO") == ["B-PER", "I-PER", "B-PER", "B-LOC", "O", "B-LOC", "I-LOC", "I-LOC"]
    assert tags_of(entities, 8, "IOB1") == ["I-PER", "I-PER", "B-PER", "I-LOC", "O", "I-LOC", "I-LOC", "I-LOC"]
    assert tags_of(entities, 8, "BIOES") == ["B-PER", "E-PER", "S-PER", "S-LOC", "O", "B-LOC", "I-LOC", "E-LOC"]


def test_every_conversion_keeps_the_entities():
    draw = random.Random(0)
    for _ in range(300):
        length = draw.randint(0, 12)
        entities = random_entities(draw, length)
        for scheme in SCHEMES:
            tags = tags_of(entities, length, scheme)
            assert entities_of(tags) == entities
            for other in SCHEMES:
                assert convert(convert(tags, other), scheme) == tags


def test_entities_equal_seqeval_on_malformed_tags():
    labels = pytest.importorskip("seqeval.metrics.sequence_labeling")
    draw = random.Random(1)
    names = ["O", *(f"{prefix}-{kind}" for prefix in "BIES" for kind in ("PER", "LOC"))]
    for _ in range(500):
        tags = [draw.choice(names) for _ in range(draw.randint(1, 8))]
        expected = [(kind, start, end + 1) for kind, start, end in labels.get_entities(tags)]
        assert [tuple(entity) for entity in entities_of(tags)] == expected, tags


@pytest.mark.parametrize("scheme", SCHEMES)
def test_allowed_transitions_admit_exactly_the_valid_sequences(scheme):
    names = tag_names(["PER", "LOC"], scheme)
    starts, ends, transitions = allowed_transitions(names, scheme)
    draw = random.Random(2)
    for _ in range(3000):
        ids = [draw.randrange(len(names)) for _ in range(draw.randint(1, 4))]
        allowed = (
            starts[ids[0]] and ends[ids[-1]] and all(transitions[a, b] for a, b in zip(ids, ids[1:], strict=False))
        )
        tags = [names[index] for index in ids]
        assert bool(allowed) == (convert(tags, scheme) == tags), tags
    assert starts.dtype == ends.dtype == transitions.dtype == np.bool_


def test_scheme_of_tags():
    for scheme in SCHEMES:
        if scheme != "IOB1":
            assert scheme_of_tags(tag_names(["PER"], scheme)) == scheme
    assert scheme_of_tags(["O", "I-PER"]) == "IOB1"
    assert scheme_of_tags(["O"]) == "BIO"


@pytest.mark.parametrize("tag", ["", "B", "B-", "-PER", "X-PER", "PER", "b-PER", "o"])
def test_malformed_tag(tag):
    with pytest.raises(ValueError, match="`tag` must .* Received: tag="):
        split_tag(tag)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="`scheme`"):
        convert(["O"], "IOBES")
    with pytest.raises(ValueError, match="`names` must be tags of the scheme BIO"):
        allowed_transitions(["O", "S-PER"], "BIO")
    for entities in (
        [Entity("A", 0, 0)],
        [Entity("A", 0, 2), Entity("A", 1, 3)],
        [Entity("A", 2, 4)],
        [Entity("A", -1, 1)],
    ):
        with pytest.raises(ValueError, match="`entities`"):
            tags_of(entities, 3)
