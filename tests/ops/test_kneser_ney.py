"""Kneser-Ney against dictionaries and loops that follow the formulas, in plain Python."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seq.ops.kneser_ney import KneserNey
from keras_seq.ops.ngrams import discounts

NUM_IDS = 12
BEGIN = 2
ALLOWED = [token_id for token_id in range(NUM_IDS) if token_id not in (0, BEGIN)]


class Plain:
    """The formulas of Chen and Goodman (1999), section 3, one probability at a time."""

    def __init__(self, order, sequences):
        self.counts = [Counter() for _ in range(order + 1)]
        for sequence in sequences:
            whole = (BEGIN,) * (order - 1) + tuple(sequence)
            for end in range(order - 1, len(whole)):
                self.counts[order][whole[end - order + 1 : end + 1]] += 1
        for length in range(order - 1, 0, -1):
            befores = defaultdict(set)
            for ngram in self.counts[length + 1]:
                befores[ngram[1:]].add(ngram[0])
            self.counts[length] = Counter({ngram: len(ids) for ngram, ids in befores.items()})
        self.discounts = [None] + [self.discount(list(counts.values())) for counts in self.counts[1:]]
        self.order = order

    @staticmethod
    def discount(counts):
        n1, n2, n3, n4 = (counts.count(number) for number in (1, 2, 3, 4))
        if n1 == 0 or n2 == 0:
            return (0.5, 0.5, 0.5)
        y = n1 / (n1 + 2 * n2)
        if n3 == 0 or n4 == 0:
            return (y, y, y)
        three = 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3
        return three if 0 < three[0] <= 1 and 0 < three[1] <= 2 and 0 < three[2] <= 3 else (y, y, y)

    def probability(self, token_id, context):
        context = tuple(context)[len(context) - self.order + 1 :] if len(context) >= self.order else tuple(context)
        shorter = self.probability(token_id, context[1:]) if context else 1 / len(ALLOWED)
        length = len(context) + 1
        after = {ngram[-1]: count for ngram, count in self.counts[length].items() if ngram[:-1] == context}
        total = sum(after.values())
        if not total:
            return shorter
        taken = {other: self.discounts[length][min(count, 3) - 1] for other, count in after.items()}
        kept = after[token_id] - taken[token_id] if token_id in after else 0.0
        return kept / total + sum(taken.values()) / total * shorter


def corpus(seed=0, lines=60):
    """Lines in which some ids are frequent, some rare, and 11 never there."""
    generator = np.random.default_rng(seed)
    weights = 1 / np.arange(1, 8)
    return [
        [*generator.choice(np.arange(4, 11), generator.integers(0, 12), p=weights / weights.sum()).tolist(), 3]
        for _ in range(lines)
    ]


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("lines", [2, 60, 300])
def test_probabilities_equal_the_formulas(order, lines):
    sequences = corpus(lines=lines)
    model, plain = KneserNey(order, NUM_IDS).fit(sequences), Plain(order, sequences)
    np.testing.assert_allclose(model.discounts, plain.discounts[1:], rtol=1e-12)
    # Seen and unseen contexts, ids that the corpus does not have, the unknown id.
    texts = [*corpus(seed=1, lines=12), [1, 11, 4, 3], [11, 11, 11, 11, 11, 11], []]
    expected = []
    for text in texts:
        whole = [BEGIN] * (order - 1) + text
        expected += [
            math.log(plain.probability(whole[end], whole[max(end - order + 1, 0) : end]))
            for end in range(order - 1, len(whole))
        ]
    np.testing.assert_allclose(model.log_probs(texts), expected, rtol=1e-11)


@pytest.fixture(scope="module")
def models():
    return {order: KneserNey(order, NUM_IDS).fit(corpus()) for order in (1, 2, 3, 5)}


@settings(max_examples=60, deadline=None)
@given(order=st.sampled_from([1, 2, 3, 5]), context=st.lists(st.integers(0, NUM_IDS - 1), max_size=6))
def test_distributions_sum_to_one_and_leave_nothing_out(models, order, context):
    probabilities = models[order].distribution(context)
    assert abs(probabilities.sum() - 1) < 1e-9
    assert (probabilities[ALLOWED] > 0).all()
    assert probabilities[[0, BEGIN]].tolist() == [0, 0]
    if len(context) >= order - 1:
        each = [models[order].log_probs([[token_id]], history=context)[0] for token_id in ALLOWED]
        np.testing.assert_allclose(np.exp(each), probabilities[ALLOWED], rtol=1e-12)


def test_modified_discounts_are_used():
    # Otherwise the comparison above would only have seen the single discount.
    found = KneserNey(2, NUM_IDS).fit(corpus(lines=300)).discounts, KneserNey(5, NUM_IDS).fit(corpus()).discounts
    assert any(len(set(of_order)) == 3 for model in found for of_order in model)
    assert any(len(set(of_order)) == 1 for model in found for of_order in model)


@pytest.mark.parametrize("order", [1, 2, 5])
@pytest.mark.parametrize("sequence", [[4], [4] * 50, [4, 5] * 20])
def test_corpora_without_counts_of_counts(order, sequence):
    model, plain = KneserNey(order, NUM_IDS).fit([sequence]), Plain(order, [sequence])
    for context in ([BEGIN] * (order - 1), [4] * (order - 1), [5] * (order - 1), [9] * (order - 1)):
        probabilities = model.distribution(context)
        assert abs(probabilities.sum() - 1) < 1e-9
        assert (probabilities[ALLOWED] > 0).all()
        expected = [plain.probability(token_id, context) for token_id in ALLOWED]
        np.testing.assert_allclose(probabilities[ALLOWED], expected, rtol=1e-11)


def test_discounts_outside_their_counts_are_not_used():
    # n1..n4 = 1, 1, 9, 1: the discount of 2 would be negative.
    counts = np.array([1, 2, *[3] * 9, 4])
    assert discounts(counts) == (1 / 3, 1 / 3, 1 / 3)


def test_scoring_in_pieces_equals_scoring_at_once(models):
    text = [token_id for line in corpus(seed=2, lines=20) for token_id in line]
    whole = models[5].log_probs([text])
    pieces = [models[5].log_probs([text[:30]]), models[5].log_probs([text[30:]], history=text[:30])]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_a_short_history_does_not_see_the_sequence_before(models):
    alone = [models[3].log_probs([line], history=[4]) for line in corpus(seed=3, lines=4)]
    np.testing.assert_array_equal(models[3].log_probs(corpus(seed=3, lines=4), history=[4]), np.concatenate(alone))


def test_arrays_are_the_whole_model(models):
    model = models[3]
    other = KneserNey(3, NUM_IDS).load_arrays(model.arrays())
    np.testing.assert_array_equal(other.log_probs(corpus(seed=4)), model.log_probs(corpus(seed=4)))
    assert other.discounts == model.discounts
    assert other.num_ngrams == model.num_ngrams
    entries, contexts = sum(model.num_ngrams), 1 + sum(model.num_ngrams[:-1])
    assert model.num_bytes == 8 * (2 * entries + contexts + 9)
    with pytest.raises(ValueError, match=r"`arrays` must be those of a model of order 4. Received: keys_4 of 0"):
        KneserNey(4, NUM_IDS).load_arrays(model.arrays())


def test_errors_name_the_argument(models):
    with pytest.raises(ValueError, match=r"`order` must be a positive integer. Received: order=0"):
        KneserNey(0, 5)
    with pytest.raises(ValueError, match=r"`start_id` must be below `num_ids`, 2. Received: start_id=2"):
        KneserNey(2, 2, excluded_ids=(0,))
    with pytest.raises(ValueError, match=r"`excluded_ids` must leave an id"):
        KneserNey(2, 2, start_id=0, excluded_ids=(0, 1))
    with pytest.raises(ValueError, match=r"`sequences` must hold an id"):
        KneserNey(2, 5).fit([[], []])
    with pytest.raises(ValueError, match=r"`sequences` must not hold the excluded ids \(0, 2\). Received: 0"):
        KneserNey(2, 5).fit([[4, 0]])
    with pytest.raises(ValueError, match=r"`ids` must be from 0 to 11. Received: 12"):
        models[2].log_probs([[12]])
    with pytest.raises(ValueError, match=r"`ids` must be from 0 to 11. Received: -1"):
        models[2].distribution([-1])
    with pytest.raises(RuntimeError, match=r"`fit` must come before"):
        KneserNey(2, 5).log_probs([[4]])
