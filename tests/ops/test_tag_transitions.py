import random

import numpy as np
import pytest

from keras_seq.data.tag_schemes import convert, tag_names
from keras_seq.ops.tag_transitions import SCHEMES, allowed_transitions, scheme_of_tags


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


@pytest.mark.parametrize(
    ("names", "scheme"),
    [
        (["O"], "BIO"),
        (["O", "B-PER", "I-PER"], "BIO"),
        (["O", "B-PER"], "BIO"),
        (["O", "I-PER"], "IOB1"),
        (["O", "B-PER", "I-PER", "I-LOC"], "IOB1"),
        (["O", "B-PER", "S-PER"], "BIOES"),
    ],
)
def test_scheme_of_tags(names, scheme):
    assert scheme_of_tags(names) == scheme
    for mine, named in zip(allowed_transitions(names), allowed_transitions(names, scheme), strict=True):
        np.testing.assert_array_equal(mine, named)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="`tag_names` must be tags of the scheme BIO"):
        allowed_transitions(["O", "S-PER"], "BIO")
    with pytest.raises(ValueError, match="`scheme`"):
        allowed_transitions(["O"], "IOBES")
    with pytest.raises(ValueError, match="`tag` must be"):
        allowed_transitions(["O", "PER"])
