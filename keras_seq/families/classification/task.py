"""The classifier: sentiment, intent, topic, toxicity, from labelled text to served text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_seq.core.errors import RunError
from keras_seq.data import LabelledText, check_labels
from keras_seq.data.description import Description
from keras_seq.data.labelled_text import LABELLED_TEXT
from keras_seq.data.roles import Roles
from keras_seq.export import GOLDEN_TEXTS, Sample
from keras_seq.families.classification.recipe import ClassifierRecipe
from keras_seq.families.classification.results import ClassifiedText, ExplainedText
from keras_seq.families.classification.served import (
    DECISION,
    LABELS_FILE,
    ClassificationFunctions,
    ClassificationSettings,
)
from keras_seq.metrics import classification_scores, multi_label_scores, out_of_scope_scores
from keras_seq.tasks.evaluation import Evaluation
from keras_seq.tasks.labelled_texts import TEXTS_PER_CHUNK, LabelIds
from keras_seq.tasks.text_task import EmbeddingTask, check_size, check_texts, chunks, write_names


class Classifier(EmbeddingTask):
    """A trained model that gives texts a label, or several.

    Example:
        >>> import keras_seq
        >>> classifier = keras_seq.load("intent_en")  # doctest: +SKIP
        >>> classifier.predict(["wake me up at seven"])[0]["label"]  # doctest: +SKIP
        'alarm'
    """

    task = "classifier"
    settings_class = ClassificationSettings
    functions_class = ClassificationFunctions

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in the order of the model's outputs."""
        return tuple(self.settings.labels)

    def predict(self, texts: Sequence[str]) -> list[ClassifiedText]:
        """Classify raw texts.

        Args:
            texts: the texts.

        Returns:
            For each text `{"text", "label", "score", "scores"}`: the most probable label, or
            `settings.out_of_scope_label` if the text was rejected; the probability of the most probable label; and
            those of all labels, the highest first. Where a text can have several labels, `labels`, a list of those of
            at least 0.5, is in the place of `label` and `score`.

        Raises:
            TypeError: if `texts` is one string, or holds something else than strings.
        """
        check_texts(texts)
        rows = self._rows("serving_default", texts)
        return [self._answer(text, row) for text, row in zip(texts, rows, strict=True)]

    def explain(self, texts: Sequence[str]) -> list[ExplainedText]:
        """How much each token counts in the vector of its text, for display.

        Args:
            texts: the texts.

        Returns:
            For each text `{"text", "tokens": [{"token", "start", "end", "weight"}]}`: character offsets, weights of
            sum 1.

        Raises:
            TypeError: if `texts` is one string, or holds something else than strings.
        """
        check_texts(texts)
        results = []
        for text, row in zip(texts, self._rows("attention", texts), strict=True):
            tokens = [
                {"token": token.decode(), "start": int(start), "end": int(end), "weight": round(float(weight), 4)}
                for token, start, end, weight in zip(
                    row["tokens"], row["starts"], row["ends"], row["weights"], strict=True
                )
                if token
            ]
            results.append(ExplainedText(text=text, tokens=tokens))
        return results

    def evaluate(
        self,
        data: str | Path,
        on_progress: Callable[[int], None] | None = None,
        *,
        columns: Roles = ("label", "text"),
        fold: int | None = None,
        out_of_scope: str | Path | None = None,
    ) -> dict[str, Any]:
        """Score the classifier on a file of labelled text.

        Args:
            data: the file.
            on_progress: called with the number of texts that were classified since the last call.
            columns: those of the file.
            fold: only rows of this fold.
            out_of_scope: a file of texts that none of the labels fits; what it calls them does not matter.

        Returns:
            `accuracy`, `macro_f1`, `ece` (expected calibration error), `nll` (mean negative log-likelihood, in nats),
            `examples` and `classes`, the scores of each label. Of a model that rejects texts also
            `accuracy_with_rejection`, where a rejected text counts as wrong, and, with `out_of_scope`, its scores.

        Raises:
            DataError: if the file is broken, or has a label that the model does not know.
        """
        label_ids = LabelIds(self.labels, self.settings.is_multi_label)
        options = self._reading()
        true: list[np.ndarray] = []
        scores: list[np.ndarray] = []
        for chunk in chunks(LABELLED_TEXT.examples(data, columns, **options), TEXTS_PER_CHUNK):
            chosen = [example for example in chunk if fold is None or example.fold == fold]
            check_labels(chosen, self.labels, data)
            true.append(label_ids.targets(chosen))
            scores += self._scores(chosen, on_progress)
        targets = np.concatenate(true)
        if not len(targets):
            raise RunError(f"{data}: holds no text of fold {fold}; name a fold that it has")
        found = scores_of(targets, np.array(scores), self.labels, self.settings)
        if out_of_scope is not None:
            outside: list[np.ndarray] = []
            texts = LABELLED_TEXT.examples(out_of_scope, columns, **options)
            for chunk in chunks(texts, TEXTS_PER_CHUNK):
                outside += self._scores(chunk, on_progress)
            found |= out_of_scope_scores(
                np.max(scores, axis=1), np.max(outside, axis=1), threshold=self.settings.threshold
            )
        return {**found, "examples": len(targets)}

    def describe(self, data: str | Path, *, columns: Roles = ("label", "text"), **options: Any) -> Description:
        return LABELLED_TEXT.sniff(data, columns, **self._reading())

    def _reading(self) -> dict[str, Any]:
        """How the labels of a file are read."""
        return {
            "label_separator": self.settings.label_separator,
            "normalize_labels": self.settings.normalize_labels,
        }

    @classmethod
    def evaluation_of(cls, recipe: ClassifierRecipe) -> Evaluation | None:
        """As of every task: the rows of a fold, where the recipe names one; and texts that are out of scope."""
        data = recipe.data
        if data.fold is not None:
            return Evaluation(data.train, {"columns": data.columns, "fold": data.fold})
        if data.test is None:
            return None
        outside = data.out_of_scope_test
        return Evaluation(data.test, {"columns": data.columns}, {} if outside is None else {"out_of_scope": outside})

    def golden_samples(self) -> list[str | Sample]:
        """As of every task, for each signature."""
        texts = np.array(GOLDEN_TEXTS, object)
        return [
            *GOLDEN_TEXTS,
            *(Sample(f"texts for {name}", {"text": texts}, name) for name in ("embed", "attention")),
        ]

    def _scores(self, examples: Sequence[LabelledText], on_progress: Callable[[int], None] | None) -> list[np.ndarray]:
        rows = self._rows("serving_default", [example.text for example in examples])
        if on_progress is not None:
            on_progress(len(examples))
        return [row["scores"] for row in rows]

    def _answer(self, text: str, row: dict[str, Any]) -> ClassifiedText:
        order = np.argsort(-row["scores"], kind="stable")
        scores = {self.labels[index]: round(float(row["scores"][index]), 4) for index in order}
        if self.settings.is_multi_label:
            chosen = [self.labels[index] for index in np.flatnonzero(row["scores"] >= DECISION)]
            return ClassifiedText(text=text, labels=chosen, scores=scores)
        best = round(float(row["scores"].max()), 4)
        return ClassifiedText(text=text, label=row["label"].decode(), score=best, scores=scores)

    def _assets(self) -> dict[str, Callable[[Path], None]]:
        return {LABELS_FILE: lambda path: write_names(path, self.labels)}

    @classmethod
    def _check(cls, directory: Path, model: keras.Model, settings: ClassificationSettings) -> None:
        check_size(directory, model, len(settings.labels), "labels")


def scores_of(
    targets: np.ndarray, probabilities: np.ndarray, labels: Sequence[str], settings: ClassificationSettings
) -> dict[str, Any]:
    """The scores of a classifier from its probabilities.

    Args:
        targets: class ids `(texts,)`, or 0 and 1 `(texts, labels)`.
        probabilities: `(texts, labels)`.
        labels: the labels in the order of the columns.
        settings: the threshold, and whether texts have several labels.
    """
    logs = np.log(np.maximum(probabilities, 1e-30))
    if settings.is_multi_label:
        scores = multi_label_scores(targets, probabilities, labels, threshold=DECISION)
        others = np.log(np.maximum(1 - probabilities, 1e-30))
        return {**scores, "nll": float(-(targets * logs + (1 - targets) * others).mean())}
    scores = classification_scores(targets, probabilities, labels)
    scores["nll"] = float(-logs[np.arange(len(targets)), targets].mean())
    if settings.threshold:
        right = (probabilities.argmax(axis=1) == targets) & (probabilities.max(axis=1) >= settings.threshold)
        scores["accuracy_with_rejection"] = float(right.mean())
    return scores
