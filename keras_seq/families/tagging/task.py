"""The tagger: named entities and other spans, from CoNLL files to served text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_seq.core.errors import RunError
from keras_seq.export.saved_functions import read_names
from keras_seq.families.tagging.data import check_tags, read_sentences, tagging_scores
from keras_seq.families.tagging.served import TAGS_FILE, SavedTaggingFunctions, TaggingFunctions
from keras_seq.ops.spans import entities
from keras_seq.tasks.evaluation import Evaluation
from keras_seq.tasks.text_task import TextTask, call_rows, calls, check_texts, chunks, write_names
from keras_seq.text import TokenEncoder, WordTokenizer
from keras_seq.training import Recipe

# What is read of a file before it is tagged: of what was tagged, only the tags are kept.
SENTENCES_PER_CHUNK = 4096
MAX_LENGTH = 10_000


class Tagger(TextTask):
    """A trained model that finds entities in text.

    Make one with `keras_seq.load(name_or_folder)`, or train one with `keras_seq.tasks.train`.

    Args:
        functions: `keras_seq.families.tagging.served.TaggingFunctions`, or those of a SavedModel.
        name: what the model is called.

    Example:
        >>> import keras_seq
        >>> tagger = keras_seq.load("ner_pt")  # doctest: +SKIP
        >>> tagger.predict(["O juiz Paulo Souza decidiu."])[0]["entities"]  # doctest: +SKIP
        [{'start': 7, 'end': 18, 'type': 'PESSOA', 'text': 'Paulo Souza', 'score': 0.99}]
    """

    task = "tagger"
    unit = "sentences"
    functions_class = TaggingFunctions
    saved_functions_class = SavedTaggingFunctions

    def __init__(self, functions: TaggingFunctions | SavedTaggingFunctions, name: str = "tagger") -> None:
        super().__init__(functions, name)

    def predict(self, texts: Sequence[str]) -> list[dict[str, Any]]:
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
        return [_entities_of(text, row) for text, row in zip(texts, call_rows(self.functions.text, texts), strict=True)]

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
            tags = self.functions.tokenized(tokens)["tags"].numpy() if width else np.zeros((len(rows), 0))
            for position, row in enumerate(rows):
                results[row] = [tag.decode() for tag in tags[position, : len(sentences[row])]]
        return results

    def evaluate(
        self,
        data: str | Path,
        on_progress: Callable[[int], None] | None = None,
        *,
        max_length: int = MAX_LENGTH,
    ) -> dict[str, Any]:
        """Score the tagger on a CoNLL file.

        Args:
            data: the file, in any tag scheme.
            max_length: a sentence of more tokens is an error.
            on_progress: called with the number of sentences that were tagged since the last call.

        Returns:
            `entity_f1`, `entity_precision`, `entity_recall` (conlleval's rules), `token_accuracy`, `examples`
            (sentences) and `types`, the scores of each entity type.

        Raises:
            DataError: if the file is broken, or has an entity type that the model does not know.
        """
        true, predicted = [], []
        for chunk in chunks(read_sentences(data, "BIO", max_length), SENTENCES_PER_CHUNK):
            for sentence in chunk:
                check_tags(data, sentence, self.functions.tag_names)
            true += [sentence.tags for sentence in chunk]
            predicted += self.predict_tokens([sentence.tokens for sentence in chunk])
            if on_progress is not None:
                on_progress(len(chunk))
        return {**tagging_scores(true, predicted), "examples": len(true)}

    @classmethod
    def evaluation_of(cls, recipe: Recipe) -> Evaluation | None:
        """As of every task: sentences are as long as those of the training may be."""
        data = recipe.data
        return None if data.test is None else Evaluation(data.test, {"max_length": data.max_length})

    def _files(self) -> dict[str, Callable[[Path], None]]:
        return {TAGS_FILE: lambda path: write_names(path, self.functions.tag_names)}

    @classmethod
    def _read_functions(cls, directory: Path, model: keras.Model, encoder: TokenEncoder) -> TaggingFunctions:
        tag_names = read_names(directory / TAGS_FILE)
        if len(tag_names) != model.output_shape[-1]:
            raise RunError(
                f"{directory / TAGS_FILE}: holds {len(tag_names)} tags, the model has {model.output_shape[-1]}; "
                "train or export it again"
            )
        return TaggingFunctions(model, WordTokenizer(), encoder, tag_names)


def _entities_of(text: str, row: dict[str, np.ndarray]) -> dict[str, Any]:
    tags = [tag.decode() for tag in row["tags"] if tag]
    found = []
    for kind, first, end in entities(tags):
        start, stop = int(row["starts"][first]), int(row["ends"][end - 1])
        score = float(row["scores"][first:end].min())
        found.append({"start": start, "end": stop, "type": kind, "text": text[start:stop], "score": round(score, 4)})
    return {"text": text, "entities": found}
