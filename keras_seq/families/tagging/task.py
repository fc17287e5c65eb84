"""The tagger: named entities and other spans, from CoNLL files to served text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_seq.core.checks import check_positive_integer
from keras_seq.core.errors import DataError, InputError
from keras_seq.core.notices import notify
from keras_seq.data import Sentence
from keras_seq.data.annotations import has_tokens
from keras_seq.data.conll import CONLL, CONLL_SUFFIXES
from keras_seq.data.description import Description
from keras_seq.data.readers import Head
from keras_seq.data.roles import Roles
from keras_seq.export import Sample
from keras_seq.export.served import sample_states
from keras_seq.families.tagging.data import check_tags, tagging_scores
from keras_seq.families.tagging.recipe import TaggerRecipe
from keras_seq.families.tagging.results import TaggedSentence, TaggedText
from keras_seq.families.tagging.served import TaggingFunctions, TaggingSettings
from keras_seq.families.tagging.stream import TagStream
from keras_seq.ops.spans import entities
from keras_seq.tasks.capabilities import Examples
from keras_seq.tasks.evaluation import Evaluation
from keras_seq.tasks.tagged_text import TAGGED_TEXT
from keras_seq.tasks.text_task import TokenTask, call_rows, calls, check_size, check_texts, chunks

# What is read of a file before it is tagged: of what was tagged, only the tags are kept.
SENTENCES_PER_CHUNK = 4096
MAX_LENGTH = 10_000


class Tagger(TokenTask):
    """A trained model that finds entities in text.

    Example:
        >>> import keras_seq
        >>> tagger = keras_seq.load("ner_pt")  # doctest: +SKIP
        >>> tagger.predict(["O juiz Paulo Souza decidiu."])[0]["entities"]  # doctest: +SKIP
        [{'start': 7, 'end': 18, 'type': 'PESSOA', 'text': 'Paulo Souza', 'score': 0.99}]
    """

    task = "tagger"
    settings_class = TaggingSettings
    functions_class = TaggingFunctions

    def predict(self, texts: Sequence[str]) -> list[TaggedText]:
        """Find the entities in raw texts.

        Args:
            texts: the texts.

        Returns:
            For each text `{"text": ..., "entities": [{"start", "end", "type", "text", "score"}]}`: character offsets,
            so that `text[start:end]` is the entity; the score is the smallest marginal probability of its tokens' tags.

        Raises:
            TypeError: if `texts` is one string, or holds something else than strings.
        """
        check_texts(texts)
        rows = call_rows(self._tags_and_places, texts)
        return [_entities_of(text, row) for text, row in zip(texts, rows, strict=True)]

    def _tags_and_places(self, text: list[bytes]) -> dict[str, Any]:
        outputs = self.served.call("serving_default", text=text)
        # A million tokens are a hundred megabytes of Python objects.
        del outputs["tokens"]
        return outputs

    def predict_tokens(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """Tag sentences that are split already.

        Args:
            sentences: lists of tokens, none of them empty strings.

        Returns:
            A list of BIO tags for each sentence.
        """
        results: list[list[str]] = [[] for _ in sentences]
        for rows in calls([len(sentence) for sentence in sentences]):
            width = max(len(sentences[row]) for row in rows)
            tokens = [[*sentences[row], *[""] * (width - len(sentences[row]))] for row in rows]
            outputs = self.served.call("tokenized", tokens=tokens) if width else {"tags": np.zeros((len(rows), 0))}
            tags = np.asarray(outputs["tags"])
            for position, row in enumerate(rows):
                results[row] = [tag.decode() for tag in tags[position, : len(sentences[row])]]
        return results

    def stream(self, count: int = 1) -> TagStream:
        """Tag texts that come in parts: the tags are those of the whole texts, read in one go and not in windows.

        The model must read forwards and decide step by step: `bidirectional = false`, or a causal encoder, and
        `head = "log_softmax"`, for a CRF decides by what comes later.

        Args:
            count: how many texts are read side by side.

        Returns:
            What reads on at each call of its `read`.

        Raises:
            InputError: if the model is another one, or its SavedModel has no signature `step`.
            TypeError, ValueError: if the count is no positive integer.

        Example:
            >>> stream = keras_seq.load("runs/forwards").stream()  # doctest: +SKIP
            >>> stream.read([["O", "juiz", "Paulo"]]), stream.read([["Souza"]])  # doctest: +SKIP
            ([['O', 'O', 'B-PESSOA']], [['I-PESSOA']])
        """
        check_positive_integer("count", count)
        if not self.served.serves("step"):
            raise InputError(
                f"{self.name}: its model cannot read a text in parts; train one with `bidirectional = false`, or a "
                'causal encoder, and `head = "log_softmax"`'
            )
        return TagStream(self.served, count)

    def verification_samples(self) -> list[Sample]:
        if not self.served.serves("step"):
            return []
        tokens = np.array([["Ana", "mora", "em"], ["", "Lisboa", ""]], object)
        states = sample_states(self.served, 2)
        return [
            Sample("two parts", {"tokens": tokens, **states}, "step"),
            Sample("no step", {"tokens": tokens[:, :0], **states}, "step"),
            Sample("no row", {"tokens": tokens[:0], **sample_states(self.served, 0)}, "step"),
        ]

    def golden_samples(self) -> list[str | Sample]:
        return [*super().golden_samples(), *self.verification_samples()]

    @staticmethod
    def reads(name: str) -> bool:
        """Whether a file of this name is a CoNLL file; a name that ends in `.gz` is looked at without that."""
        return name.removesuffix(".gz").endswith(CONLL_SUFFIXES)

    @staticmethod
    def holds(path: str, reader: str) -> bool:
        """Whether a file holds tokens: CoNLL, or records of them."""
        return reader == CONLL.name or has_tokens(Head.of(path))

    def examples_of(self, path: str) -> Examples:
        """The sentences of a CoNLL file, in any tag scheme; a result has the tags of the file and those predicted.

        So are records with `tokens`. Tags that are wrong, or of several schemes, are told and copied as they are:
        tokens are what is read; `O` where there are none.

        Args:
            path: the file.

        Raises:
            DataError: if the file is broken.
        """
        try:
            description = TAGGED_TEXT.sniff(path)
        except DataError as error:
            description = TAGGED_TEXT.sniff(path, gold=False)
            place = error.path if error.line is None else f"{error.path}:{error.line}"
            notify(f"{place}: {error.reason}; the tags of the file are copied as they are")
        rows = TAGGED_TEXT.examples(path, scheme="BIO", max_length=MAX_LENGTH, gold=bool(description.scheme))
        return Examples("sentences", rows, self._tagged, "\n")

    def describe(self, data: str | Path, *, columns: Roles | None = None, **options: Any) -> Description:
        return TAGGED_TEXT.sniff(data, columns)

    def evaluate(
        self,
        data: str | Path,
        on_progress: Callable[[int], None] | None = None,
        *,
        columns: Roles | None = None,
        max_length: int = MAX_LENGTH,
    ) -> dict[str, Any]:
        """Score the tagger on a CoNLL file.

        Args:
            data: the file, in any tag scheme.
            columns: the roles of its columns, as of `keras_seq.data.conll.CoNLLReader`.
            max_length: a sentence of more tokens is an error.
            on_progress: called with the number of sentences that were tagged since the last call.

        Returns:
            `entity_f1`, `entity_precision`, `entity_recall` (conlleval's rules), `token_accuracy`, `examples`
            (sentences) and `types`, the scores of each entity type.

        Raises:
            DataError: if the file is broken, or has an entity type that the model does not know.
        """
        true, predicted = [], []
        sentences = TAGGED_TEXT.examples(data, columns, scheme="BIO", max_length=max_length)
        for chunk in chunks(sentences, SENTENCES_PER_CHUNK):
            for sentence in chunk:
                check_tags(data, sentence, self.settings.tags)
            true += [sentence.tags for sentence in chunk]
            predicted += self.predict_tokens([sentence.tokens for sentence in chunk])
            if on_progress is not None:
                on_progress(len(chunk))
        return {**tagging_scores(true, predicted), "examples": len(true)}

    @classmethod
    def evaluation_of(cls, recipe: TaggerRecipe) -> Evaluation | None:
        """As of every task: sentences are as long as those of the training may be."""
        data = recipe.data
        return (
            None
            if data.test is None
            else Evaluation(data.test, {"columns": data.columns, "max_length": data.max_length})
        )

    def _tagged(self, sentences: Sequence[Sentence]) -> list[TaggedSentence]:
        predicted = self.predict_tokens([sentence.tokens for sentence in sentences])
        return [
            TaggedSentence(tokens=list(sentence.tokens), tags=list(sentence.tags), predicted=tags)
            for sentence, tags in zip(sentences, predicted, strict=True)
        ]

    @classmethod
    def _check(cls, directory: Path, model: keras.Model, settings: TaggingSettings) -> None:
        check_size(directory, model, len(settings.tags), "tags")


def _entities_of(text: str, row: dict[str, np.ndarray]) -> TaggedText:
    tags = [tag.decode() for tag in row["tags"] if tag]
    found = []
    for kind, first, end in entities(tags):
        start, stop = int(row["starts"][first]), int(row["ends"][end - 1])
        score = float(row["scores"][first:end].min())
        found.append({"start": start, "end": stop, "type": kind, "text": text[start:stop], "score": round(score, 4)})
    return TaggedText(text=text, entities=found)
