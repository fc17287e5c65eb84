"""The training data of a tagger: sentences as ids, kept small, and batches of them."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_seq.core.errors import DataError
from keras_seq.data import Batch, BucketedBatches, Sentence, make_arrays
from keras_seq.data.batching import EMPTY_ROW
from keras_seq.metrics import entity_scores
from keras_seq.ops.spans import EntitySpan, entities
from keras_seq.tasks.text_task import chunks
from keras_seq.tasks.token_store import TokenStore
from keras_seq.text import Tokenizer
from keras_seq.text.tokenizer import WORD_STARTS

PADDING = {"token_ids": 0, "character_ids": 0, "case_ids": 0, WORD_STARTS: 0, "labels": -1}
# What is read of a file before its words are split.
SENTENCES_PER_CHUNK = 4096


class TaggedSentences(Sequence[dict[str, np.ndarray]]):
    """Tagged sentences: per token the number of a distinct token and a tag id, six bytes; per entity its place,
    sixteen. The features stand in a table, once `store` is encoded.

    The tag of a word is the label of its first token, the others have the label -1.

    Args:
        sentences: words and tags, all of them among `tag_names`; read once.
        tag_names: the tags in id order.
        tokenizer: splits words into tokens.
    """

    def __init__(self, sentences: Iterable[Sentence], tag_names: Sequence[str], tokenizer: Tokenizer) -> None:
        ids = {name: index for index, name in enumerate(tag_names)}
        labels = array("h" if len(tag_names) <= 1 << 15 else "i")
        self.store = TokenStore()
        self._tokenizer = tokenizer
        for chunk in chunks(sentences, SENTENCES_PER_CHUNK):
            split = tokenizer.split_sentences([sentence.tokens for sentence in chunk])
            for sentence, (tokens, counts) in zip(chunk, split, strict=True):
                self.store.add(tokens)
                for tag, count in zip(sentence.tags, counts, strict=True):
                    labels.append(ids[tag])
                    labels.extend([-1] * (count - 1))
        self._labels = np.frombuffer(labels, labels.typecode)
        self._tag_names = tag_names
        self._mentions_of_type = self._mentions_by_type()

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, index: Any) -> Any:
        return self._example(self.store.place(index))

    def _example(self, places: Any) -> dict[str, np.ndarray]:
        labels = self._labels[places].astype(np.int32)
        return {**self.store.rows(places), WORD_STARTS: (labels >= 0).astype(np.int32), "labels": labels}

    def _mentions_by_type(self) -> dict[str, np.ndarray]:
        """Type -> where its entities stand in the store, `(mentions, 2)`, sixteen bytes each."""
        found: dict[str, array] = {}
        for index in range(len(self)):
            begin = self.store.place(index).start
            for kind, first, end in self.mentions(index):
                found.setdefault(kind, array("q")).extend((begin + first, begin + end))
        return {kind: np.frombuffer(places, np.int64).reshape(-1, 2) for kind, places in found.items()}

    def mentions(self, index: int) -> list[EntitySpan]:
        """The entities of a sentence, by the places of their tokens in it."""
        labels = self._labels[self.store.place(index)]
        if not (labels > 0).any():
            return []
        firsts = np.flatnonzero(labels >= 0)
        borders = [*firsts.tolist(), len(labels)]
        tags = [self._tag_names[label] for label in labels[firsts]]
        return [EntitySpan(kind, borders[first], borders[end]) for kind, first, end in entities(tags)]

    def varied(self, index: int, rate: float, longest: int, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """A sentence with a share of its entities exchanged for others of their type, anywhere in the data.

        Args:
            index: which sentence.
            rate: the probability that an entity is exchanged.
            longest: the most tokens the result may have; an exchange that would go beyond is left out.
            generator: decides.

        Reference:
            Dai and Adel, "An Analysis of Simple Data Augmentation for Named Entity Recognition", COLING 2020.
        """
        place = self.store.place(index)
        begin, end = place.start, place.stop
        pieces, last, spare = [], begin, longest - (end - begin)
        for kind, first, stop in self.mentions(index):
            if generator.random() >= rate:
                continue
            mentions = self._mentions_of_type[kind]
            other_first, other_stop = mentions[generator.integers(len(mentions))]
            growth = (other_stop - other_first) - (stop - first)
            if growth <= spare:
                spare -= growth
                pieces += [np.arange(last, begin + first), np.arange(other_first, other_stop)]
                last = begin + stop
        return self._example(np.concatenate([*pieces, np.arange(last, end)]))

    def places(self, rows: np.ndarray) -> np.ndarray:
        """The places of sentences in the store: their rows."""
        return rows

    def words(self, index: int) -> list[str]:
        """The words of one sentence."""
        tokens, firsts = self.store.tokens(index), np.flatnonzero(self._labels[self.store.place(index)] >= 0)
        if not self._tokenizer.splits_words:
            return tokens
        rows = [tokens[first:end] for first, end in itertools.pairwise([*firsts.tolist(), len(tokens)])]
        longest = max(map(len, rows))
        padded = [[*row, *[""] * (longest - len(row))] for row in rows]
        return [word.decode() for word in self._tokenizer.join(padded).numpy()]

    @property
    def types(self) -> list[str]:
        """The types of the entities in it, sorted."""
        return sorted(self._mentions_of_type)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each sentence."""
        return self.store.lengths


class TaggedBatches:
    """Batches of encoded sentences for `keras_seq.training.fit`; the order is a pure function of the seed and the
    epoch.

    Args:
        sentences: the encoded sentences.
        order: which sentences make a batch.
        inputs: the names of the model's inputs.
        replace_mentions: the share of entities that is exchanged for others of their type, anew in each epoch.
    """

    def __init__(
        self, sentences: TaggedSentences, order: BucketedBatches, inputs: Sequence[str], replace_mentions: float = 0.0
    ) -> None:
        self.sentences = sentences
        self.order = order
        self.replace_mentions = replace_mentions
        self.padding = {name: PADDING[name] for name in (*inputs, "labels")}

    def __len__(self) -> int:
        return len(self.order)

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
        """The `(inputs, labels)` of one epoch without its first `skip` batches."""
        for batch in self.order.epoch(epoch)[skip:]:
            yield self.arrays(batch, epoch)

    def arrays(self, batch: Batch, epoch: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Inputs and labels of one batch, padded."""
        examples = [self._example(int(index), batch.steps, epoch) for index in batch.indices if index != EMPTY_ROW]
        rows = np.where(np.arange(len(batch.indices)) < len(examples), np.arange(len(batch.indices)), EMPTY_ROW)
        arrays = make_arrays(examples, Batch(rows, batch.steps), self.padding)
        labels = arrays.pop("labels")
        return arrays, labels

    def _example(self, index: int, longest: int, epoch: int) -> dict[str, np.ndarray]:
        if not self.replace_mentions:
            return self.sentences[index]
        # A seed for each sentence: what becomes of it does not depend on the batches before it.
        generator = np.random.default_rng([self.order.seed, epoch, index])
        return self.sentences.varied(index, self.replace_mentions, longest, generator)


def check_tags(path: str | Path, sentence: Sentence, tag_names: Sequence[str]) -> None:
    """Raise unless the model can give the types of all tags of a sentence.

    Raises:
        DataError: naming file, line and the types that the model knows.
    """
    known = {name[2:] for name in tag_names}
    for offset, tag in enumerate(sentence.tags):
        if tag[2:] not in known:
            raise DataError(
                path,
                sentence.line + offset,
                f"the tag {tag!r} is of a type that the training data does not have",
                f"the model knows {', '.join(sorted(known - {''}))}: correct the tag, or train with a file that has it",
            )


def tagging_scores(true: list, predicted: list) -> dict[str, Any]:
    """The scores of a tagger: those of entities, overall and by type (`types`), and `token_accuracy`."""
    scores = entity_scores(true, predicted)
    tokens = sum(len(tags) for tags in true)
    right = sum(a == b for x, y in zip(true, predicted, strict=True) for a, b in zip(x, y, strict=True))
    return {
        **{key: scores[key] for key in ("entity_f1", "entity_precision", "entity_recall")},
        "token_accuracy": right / max(tokens, 1),
        "types": scores["types"],
    }
