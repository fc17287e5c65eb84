"""The covering rows of `pairwise`, and what it hands to pytest."""

import itertools
import math

import pytest
from pairwise import covering_rows, pairwise


@pytest.mark.parametrize("sizes", [(3,), (2, 2), (3, 2, 4), (2,) * 12, (5, 4, 3, 3, 2, 2), (1, 3, 1)])
def test_every_pair_of_values_is_covered_by_few_rows(sizes):
    rows = covering_rows(*map(range, sizes))
    assert rows == covering_rows(*map(range, sizes)) and len(set(rows)) == len(rows)
    for (first, second), (a, b) in (
        (places, values)
        for places in itertools.combinations(range(len(sizes)), 2)
        for values in itertools.product(range(sizes[places[0]]), range(sizes[places[1]]))
    ):
        assert any((row[first], row[second]) == (a, b) for row in rows), (first, a, second, b)
    largest = math.prod(sorted(sizes)[-2:])
    assert len(rows) <= max(largest + 6, 1.6 * largest)


def test_the_rest_of_the_product_is_thorough():
    names, rows = pairwise(
        cell=["gru", "lstm"], units=[1, 2], stateful=[False, True], size=[pytest.param([3], id="3s")]
    )
    assert names == ["cell", "units", "stateful", "size"] and len(rows) == 8
    thorough = [row for row in rows if [mark.name for mark in row.marks] == ["thorough"]]
    assert len(thorough) == 4 and rows[4:] == thorough
    assert len({row.id for row in rows}) == 8
    assert rows[0].id == "gru-1-stateful=False-3s"
    assert len(pairwise(rest=False, a=range(9), b=range(9), c=range(9))[1]) < 9**3
    with pytest.raises(ValueError, match="pass rest=False"):
        pairwise(**{name: range(10) for name in "abcd"})
