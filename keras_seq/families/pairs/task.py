"""The matcher: how alike two texts are, and which of many is the most similar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_seq.core.checks import check_integer
from keras_seq.core.errors import InputError
from keras_seq.data import TextPair, read_unlabelled_pairs
from keras_seq.data.description import Description
from keras_seq.export import GOLDEN_TEXTS, Sample
from keras_seq.families.pairs.recipe import PairMatcherRecipe
from keras_seq.families.pairs.results import MatchedTexts, NearestTexts
from keras_seq.families.pairs.served import MatchingFunctions, MatchingSettings
from keras_seq.metrics import correlation_scores, embedding_spread, pair_scores, retrieval_scores
from keras_seq.tasks.capabilities import Examples
from keras_seq.tasks.evaluation import Evaluation
from keras_seq.tasks.labelled_texts import TEXTS_PER_CHUNK
from keras_seq.tasks.text_task import EmbeddingTask, check_texts, chunks
from keras_seq.tasks.trained_task import check_part
from keras_seq.zoo.parts import tower_of

# Similarities of queries with the texts of an index that are held at a time: 64 MB.
SIMILARITIES_PER_CALL = 1 << 24


class PairMatcher(EmbeddingTask):
    """A trained siamese model: it compares texts.

    Example:
        >>> import keras_seq
        >>> matcher = keras_seq.load("similar_en")  # doctest: +SKIP
        >>> matcher.match(["how do i reset my card pin"], ["i forgot the pin of my card"])  # doctest: +SKIP
        [{'a': 'how do i reset my card pin', 'b': 'i forgot the pin of my card', 'similarity': 0.81, 'duplicate': True}]
    """

    task = "pair_matcher"
    settings_class = MatchingSettings
    functions_class = MatchingFunctions

    def match(self, a: Sequence[str], b: Sequence[str]) -> list[MatchedTexts]:
        """Compare texts two by two.

        Args:
            a, b: the texts; the first of `a` is compared with the first of `b`, and so on.

        Returns:
            For each pair `{"a", "b", "similarity", "duplicate"}`: the cosine, from -1 to 1, and whether it is at least
            `settings.threshold`.

        Raises:
            TypeError: if `a` or `b` is one string, or holds something else than strings.
            ValueError: if they differ in number.
        """
        check_texts(a)
        check_texts(b)
        if len(a) != len(b):
            raise ValueError(
                f"`a` and `b` must have the same number of texts. Received: {len(a)} and {len(b)}. Leave some out."
            )
        return [
            MatchedTexts(
                a=first,
                b=second,
                similarity=round(float(similarity), 4),
                duplicate=bool(similarity >= self.settings.threshold),
            )
            for first, second, similarity in zip(a, b, self._similarities(a, b), strict=True)
        ]

    def pairs_of(self, path: str | Path) -> Examples:
        """The pairs of a file, which `match` answers.

        Args:
            path: two texts a line, a tab between them; or Quora's CSV.

        Raises:
            DataError: if the file is broken.
        """
        return Examples(
            "pairs",
            read_unlabelled_pairs(path),
            lambda pairs: self.match([pair.a for pair in pairs], [pair.b for pair in pairs]),
        )

    def find(self, texts: Sequence[str], k: int = 5) -> list[NearestTexts]:
        """The most similar texts of the index.

        Args:
            texts: the queries.
            k: how many to find for each.

        Returns:
            For each query `{"text", "nearest": [{"text", "score"}]}`, the most similar first.

        Raises:
            TypeError: if `texts` is one string, or holds something else than strings, or `k` is no integer.
            InputError: if the model has no index, or one of less than `k` texts.
        """
        check_texts(texts)
        check_integer("k", k)
        size = self.settings.index_size
        if not size:
            raise InputError(
                f"{self.name}: has no index of texts; export it with `keras-seq export RUN --index FILE`, or compare "
                "pairs with --pairs"
            )
        if not 1 <= k <= size:
            raise InputError(f"{self.name}: `k` must be from 1 to {size}, the size of its index. Received: k={k}")
        # A query has as many similarities as the index has texts: many short queries at once would fill the memory.
        rows = [
            row
            for part in chunks(texts, max(1, SIMILARITIES_PER_CALL // size))
            for row in self._rows("index", part, lambda rows: {"k": np.full(rows, k, "int32")})
        ]
        return [
            NearestTexts(
                text=text,
                nearest=[
                    {"text": found.decode("utf-8", "backslashreplace"), "score": round(float(score), 4)}
                    for found, score in zip(row["texts"], row["scores"], strict=True)
                ],
            )
            for text, row in zip(texts, rows, strict=True)
        ]

    def predict(self, texts: Sequence[str]) -> list[NearestTexts]:
        """As `find`; pairs are for `match`."""
        return self.find(texts, max(1, min(5, self.settings.index_size)))

    def with_index(self, texts: Sequence[str]) -> PairMatcher:
        """The same matcher, which finds the most similar of these texts; `export` then writes them along.

        Args:
            texts: the texts.

        Raises:
            TypeError: if `texts` is one string, or holds something else than strings.
            ValueError: if there is no text.
            RunError: if it was loaded from a SavedModel, whose index is part of the graph.
        """
        parts = self._parts()
        check_texts(texts)
        if not texts:
            raise ValueError("`texts` must hold at least one text. Received: none. Pass those that are to be found.")
        vectors = self.embed(texts)
        served = MatchingFunctions(parts.model, parts.tokenizer, parts.encoder, parts.settings, texts, vectors)
        return PairMatcher(served, self.name)

    def evaluate(
        self,
        data: str | Path,
        on_progress: Callable[[int], None] | None = None,
        *,
        reference: str | Path | None = None,
    ) -> dict[str, Any]:
        """Score the matcher on a file of the form that it was trained on.

        Args:
            data: pairs with labels or scores, or labelled text.
            on_progress: called with the number of examples that were scored since the last call.
            reference: with labelled text, the file among whose texts the nearest are looked for; by default those of
                `data` itself, each without itself.

        Returns:
            Of pairs with labels `accuracy`, `f1`, `precision`, `recall`, `roc_auc`, `average_precision`; with scores
            `pearson` and `spearman`, and the others, where a pair is a duplicate from `settings.same_from` on; of
            labelled text `recall_at_1`, `recall_at_5`, `recall_at_10`, `mrr`, `embedding_spread`. And `examples`.

        Raises:
            DataError: if the file is broken.
        """
        settings = self.settings
        if settings.form == "classes":
            vectors, labels = self._labelled_vectors(data, on_progress)
            found = {"embedding_spread": embedding_spread(vectors)}
            others = (None, None) if reference is None else self._labelled_vectors(reference, None)
            return {**retrieval_scores(vectors, labels, *others), **found, "examples": len(labels)}
        pairs: list[TextPair] = []
        similarities: list[np.ndarray] = []
        for chunk in chunks(settings.examples_of(data), TEXTS_PER_CHUNK):
            similarities.append(self._similarities([pair.a for pair in chunk], [pair.b for pair in chunk]))
            # The texts themselves are not needed any more.
            pairs += [pair._replace(a="", b="") for pair in chunk]
            if on_progress is not None:
                on_progress(len(chunk))
        targets = pair_targets(pairs, settings, data)
        return {**match_scores(np.concatenate(similarities), targets, settings), "examples": len(pairs)}

    def describe(self, data: str | Path, **options: Any) -> Description:
        return self.settings.describe(data)

    @classmethod
    def evaluation_of(cls, recipe: PairMatcherRecipe) -> Evaluation | None:
        """As of every task: of labelled text also the training texts, among which the nearest are looked for."""
        if recipe.data.test is None:
            return None
        files = {"reference": recipe.data.train} if recipe.pairs.form == "classes" else {}
        return Evaluation(recipe.data.test, files=files)

    def verification_samples(self) -> list[Sample]:
        texts = list(GOLDEN_TEXTS)
        samples = [
            Sample("pairs of texts", {"a": _strings(texts), "b": _strings(texts[1:] + texts[:1])}),
            Sample("equal texts", {"a": _strings(texts), "b": _strings(texts)}),
            Sample("texts for embed", {"text": _strings(texts)}, "embed"),
        ]
        if self.settings.index_size:
            k = np.array([1 + row % min(3, self.settings.index_size) for row in range(len(texts))], "int32")
            samples += [
                Sample("texts for index", {"text": _strings(texts), "k": k}, "index"),
                Sample("no text for index", {"text": _strings([]), "k": k[:0]}, "index"),
            ]
        return samples

    def golden_samples(self) -> list[str | Sample]:
        return list(self.verification_samples())

    def _similarities(self, a: Sequence[str], b: Sequence[str]) -> np.ndarray:
        # A text that stands in many pairs is read once.
        rows = {text: row for row, text in enumerate(dict.fromkeys([*a, *b]))}
        vectors = self.embed(list(rows))
        return np.einsum("pf,pf->p", vectors[[rows[text] for text in a]], vectors[[rows[text] for text in b]])

    def _labelled_vectors(
        self, path: str | Path, on_progress: Callable[[int], None] | None
    ) -> tuple[np.ndarray, np.ndarray]:
        vectors: list[np.ndarray] = []
        labels: list[str] = []
        for chunk in chunks(self.settings.examples_of(path), TEXTS_PER_CHUNK):
            vectors.append(self.embed([example.text for example in chunk]))
            labels += [example.labels[0] for example in chunk]
            if on_progress is not None:
                on_progress(len(chunk))
        return np.concatenate(vectors), np.array(labels)

    @classmethod
    def _check(cls, directory: Path, model: keras.Model, settings: MatchingSettings) -> None:
        check_part(directory, model, tower_of)


def pair_targets(pairs: Sequence[TextPair], settings: MatchingSettings, source: str | Path) -> np.ndarray:
    """What is known of pairs: the score as a share of its range, or the label 0 or 1; float32 `(pairs,)`.

    Raises:
        InputError: if a pair has neither, or a score that is out of range.
    """
    low, high = settings.score_range
    values = []
    for pair in pairs:
        if pair.score is not None:
            if not low <= pair.score <= high:
                raise InputError(
                    f"{source}:{pair.line}: the score {pair.score:g} is not from {low:g} to {high:g}; correct it, or "
                    "`pairs.score_range`"
                )
            values.append((pair.score - low) / (high - low))
        elif pair.label is not None:
            values.append(float(pair.label))
        else:
            raise InputError(f"{source}:{pair.line}: the pair has no label; name a file that says which are the same")
    return np.array(values, np.float32)


def is_same(targets: np.ndarray, settings: MatchingSettings) -> np.ndarray:
    """Which pairs are duplicates, of what `pair_targets` gives: bool `(pairs,)`."""
    return targets >= (settings.same_from if "score" in settings.columns else 0.5)


def match_scores(similarities: np.ndarray, targets: np.ndarray, settings: MatchingSettings) -> dict[str, float]:
    """The scores of similarities `(pairs,)` against labels, or against scores and the labels that they make."""
    found: dict[str, float] = {}
    if "score" in settings.columns:
        found |= correlation_scores(similarities, targets)
    truth = is_same(targets, settings)
    if truth.any() and not truth.all():
        found |= pair_scores(similarities, truth, settings.threshold)
    return found


def _strings(texts: Sequence[str]) -> np.ndarray:
    return np.array(list(texts), object)
