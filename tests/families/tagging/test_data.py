"""Sentences as ids, and what becomes of them in an epoch."""

import numpy as np
import pytest

from keras_seq.data import BucketedBatches, Sentence
from keras_seq.families.tagging.data import TaggedBatches, TaggedSentences
from keras_seq.ops.spans import entities
from keras_seq.text import TokenEncoder, WordTokenizer

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
ROWS = [
    "Ana/B-PER Souza/I-PER mora/O em/O Lisboa/B-LOC ./O",
    "Rui/B-PER viaja/O",
    "nada/O",
    "São/B-LOC Paulo/I-LOC e/O Rio/B-LOC de/I-LOC Janeiro/I-LOC crescem/O",
]


def sentence(row):
    pairs = [cell.rsplit("/", 1) for cell in row.split()]
    return Sentence(tuple(token for token, _ in pairs), tuple(tag for _, tag in pairs), 1)


@pytest.fixture(scope="module")
def sentences():
    read = [sentence(row) for row in ROWS]
    tagged = TaggedSentences(read, TAGS, WordTokenizer())
    tagged.store.encode(TokenEncoder.build([s.tokens for s in read]))
    return tagged


def batches(sentences, rate, seed=0):
    order = BucketedBatches(sentences.lengths, batch_size=2, bucket_boundaries=[4, 8], seed=seed)
    return TaggedBatches(sentences, order, ["token_ids", "case_ids"], rate)


def flat(epoch):
    return [array for inputs, labels in epoch for array in (*inputs.values(), labels)]


def test_sentences_come_back_as_they_were(sentences):
    assert [sentences.words(index) for index in range(4)] == [list(sentence(row).tokens) for row in ROWS]
    assert sentences[0]["labels"].tolist() == [1, 2, 0, 0, 3, 0]
    assert sentences[0]["character_ids"].shape == (6, 20)
    assert sentences.lengths.tolist() == [6, 2, 1, 7]


def test_an_epoch_is_the_same_again_and_from_any_batch_on(sentences):
    for rate in (0.0, 0.9):
        data = batches(sentences, rate)
        for one, other in zip(flat(data.epoch(3)), flat(data.epoch(3)), strict=True):
            np.testing.assert_array_equal(one, other)
        tail = flat(list(data.epoch(3))[1:])
        for one, other in zip(tail, flat(data.epoch(3, skip=1)), strict=True):
            np.testing.assert_array_equal(one, other)


def test_mentions_are_exchanged_for_others_of_their_type_and_nothing_else_changes(sentences):
    originals = [sentence(row) for row in ROWS]
    ids = {tuple(sentences[index]["token_ids"]) for index in range(4)}
    mentions = {"PER": set(), "LOC": set()}
    for index, original in enumerate(originals):
        for kind, first, end in entities(original.tags):
            mentions[kind].add(tuple(sentences[index]["token_ids"][first:end]))
    seen = set()
    for seed in range(40):
        for index, original in enumerate(originals):
            varied = sentences.varied(index, 0.7, 8, np.random.default_rng(seed))
            tags = [TAGS[label] for label in varied["labels"]]
            found = entities(tags)
            assert [span.type for span in found] == [span.type for span in entities(original.tags)]
            for kind, first, end in found:
                assert tuple(varied["token_ids"][first:end]) in mentions[kind]
            outside = [i for i, tag in enumerate(tags) if tag == "O"]
            kept = [i for i, tag in enumerate(original.tags) if tag == "O"]
            np.testing.assert_array_equal(varied["token_ids"][outside], sentences[index]["token_ids"][kept])
            assert len(tags) <= 8
            seen.add(tuple(varied["token_ids"]))
    assert len(seen - ids) > 5


def test_no_exchange_goes_beyond_the_batch(sentences):
    for seed in range(40):
        assert len(sentences.varied(1, 0.99, 2, np.random.default_rng(seed))["labels"]) == 2


def test_rate_zero_is_the_data_itself(sentences):
    labels = sorted(label for _, y in batches(sentences, 0.0).epoch(0) for row in y for label in row if label >= 0)
    assert labels == sorted(label for index in range(4) for label in sentences[index]["labels"])


def test_there_may_be_more_tags_than_16_bits_tell():
    tags = ["O", *(f"B-T{index}" for index in range(40_000))]
    tagged = TaggedSentences([Sentence(("a", "b"), ("O", tags[-1]), 1)], tags, WordTokenizer())
    tagged.store.encode(TokenEncoder.build([["a", "b"]]))
    assert tagged[0]["labels"].tolist() == [0, 40_000]
