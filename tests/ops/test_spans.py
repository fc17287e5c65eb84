import numpy as np
import pytest
from seqeval.metrics.sequence_labeling import get_entities

from keras_seq.ops import spans

pytestmark = pytest.mark.both_backends

TAGS = ["O", *(f"{prefix}-{name}" for prefix in "BIES" for name in ("PER", "LOC-X"))]


def random_tags(rng, tag_names, max_steps=12):
    return [tag_names[i] for i in rng.integers(len(tag_names), size=rng.integers(max_steps + 1))]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ([], []),
        (["O"], []),
        (["I-A", "I-A"], [("A", 0, 2)]),
        (["O", "I-A", "O"], [("A", 1, 2)]),
        (["B-A", "B-A"], [("A", 0, 1), ("A", 1, 2)]),
        (["B-A", "I-B", "I-A"], [("A", 0, 1), ("B", 1, 2), ("A", 2, 3)]),
        (["B-A", "I-A", "E-A", "I-A"], [("A", 0, 3), ("A", 3, 4)]),
        (["S-A", "E-A", "E-A"], [("A", 0, 1), ("A", 1, 2), ("A", 2, 3)]),
        (["B", "I", "O", "I-"], [("_", 0, 2), ("_", 3, 4)]),
    ],
)
def test_entities(tags, expected):
    assert spans.entities(tags) == expected


def test_entities_are_those_of_seqeval():
    rng = np.random.default_rng(0)
    for _ in range(3000):
        tags = random_tags(rng, TAGS + ["B", "I", "E", "S"])
        expected = [(name, start, end + 1) for name, start, end in get_entities(tags)]
        assert spans.entities(tags) == expected


@pytest.mark.parametrize("tag", ["", "o", "L-PER", "U-PER", "B_PER", "BPER", "PER", "-PER", None])
def test_tag_of_another_scheme(tag):
    with pytest.raises(ValueError, match="`tag` must be 'O', or B-, I-, E- or S-.* Received: tag="):
        spans.entities(["O", tag])


def test_entity_spans_are_those_of_the_lists():
    rng = np.random.default_rng(1)
    tables = spans.span_tables(TAGS)
    sequences = [random_tags(rng, TAGS) for _ in range(500)]
    tag_ids = np.full((500, 12), -1)
    for row, tags in zip(tag_ids, sequences, strict=True):
        row[: len(tags)] = [TAGS.index(tag) for tag in tags]
    starts, ends, type_ids = (np.array(part) for part in spans.entity_spans(tag_ids, tables))
    for b, tags in enumerate(sequences):
        steps = np.flatnonzero(starts[b])
        assert [(tables.types[type_ids[b, t]], t, ends[b, t]) for t in steps] == spans.entities(tags)


@pytest.mark.parametrize("shape", [(2, 0), (0, 3), (0, 0)])
def test_entity_spans_of_nothing(shape):
    parts = spans.entity_spans(np.zeros(shape, "int32"), spans.span_tables(TAGS))
    assert [tuple(part.shape) for part in parts] == [shape] * 3


def test_compact_steps_closes_holes_and_keeps_the_order():
    rng = np.random.default_rng(2)
    mask = rng.random((50, 40)) < 0.5
    values = rng.integers(100, size=(50, 40))
    compacted = np.array(spans.compact_steps(mask, values, fill=-7))
    for row, row_mask, row_values in zip(compacted, mask, values, strict=True):
        real = row_values[row_mask]
        np.testing.assert_array_equal(row[: len(real)], real)
        assert (row[len(real) :] == -7).all()
