"""How a matcher is trained."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_seq.core.errors import InputError
from keras_seq.data import (
    LabelledText,
    TextPair,
    check_classes,
    check_pair_labels,
    hold_out,
    hold_out_groups,
    labels_of,
)
from keras_seq.families.pairs.data import ClassPairs, PairBatches, PairedTexts, drawn_pairs, embedded_texts
from keras_seq.families.pairs.panels import mistakes_of, nearest_of, shown_text
from keras_seq.families.pairs.recipe import PairMatcherRecipe, PairsSection
from keras_seq.families.pairs.served import MatchingFunctions, MatchingSettings
from keras_seq.families.pairs.task import PairMatcher, is_same, match_scores, pair_targets
from keras_seq.metrics import embedding_spread, retrieval_scores
from keras_seq.tasks.labelled_texts import LabelledTexts
from keras_seq.tasks.markdown import markdown_table
from keras_seq.tasks.text_training import TextTraining
from keras_seq.tasks.training_parts import batching_options
from keras_seq.tasks.twins_training import PAIR_SCORES, TwinsTraining
from keras_seq.training import Panels
from keras_seq.training.objective_recipe import POINTWISE

# Of labelled text, so many pairs of one label and of two labels are drawn to choose the threshold.
THRESHOLD_PAIRS = 5_000
CORRELATION_SCORES = ("pearson", "spearman")
RETRIEVAL_SCORES = ("recall_at_1", "recall_at_5", "recall_at_10", "mrr")


class PairTraining(TwinsTraining, TextTraining):
    """The training of a matcher of texts, from files of pairs or of labelled text.

    Where the recipe names no validation file, a share of the training examples validates: of pairs, whole groups that
    are linked by their texts. Objectives that find negatives in the batch read pairs that are the same alone, no two of
    one label, or with a text in common.
    """

    recipe: PairMatcherRecipe
    comparison: PairsSection
    task: PairMatcher
    train: PairedTexts | ClassPairs
    validation: PairedTexts | ClassPairs

    def read(self) -> None:
        data, pairs = self.recipe.data, self.recipe.pairs
        self.pretraining, self.comparison = self.recipe.pretraining, pairs
        self.settings = MatchingSettings(
            max_tokens=data.max_tokens,
            form=pairs.form,
            columns=data.columns if pairs.form == "classes" else pairs.columns,
            score_range=pairs.score_range,
            same_from=pairs.same_from,
        )
        super().read()

    def examples_of(self, path: Path) -> Iterator[TextPair | LabelledText]:
        return self.settings.examples_of(path)

    def texts_of(self, example: TextPair | LabelledText) -> tuple[str, ...]:
        return (example.a, example.b) if isinstance(example, TextPair) else (example.text,)

    def read_examples(self, path: Path) -> PairedTexts | ClassPairs:
        examples: Any = self.examples_of(path)
        if self.settings.form == "classes":
            texts = LabelledTexts(examples, self.tokenizer, self.settings.max_tokens)
            names = labels_of(texts.examples)
            check_classes(names, path, several=False)
            return ClassPairs(texts, names)
        pairs = PairedTexts(examples, self.tokenizer, self.settings.max_tokens)
        targets = pair_targets(pairs.pairs, self.settings, path)
        same = is_same(targets, self.settings)
        if "score" not in self.settings.columns:
            check_pair_labels(same.astype(int).tolist(), path)
        pairs.set_targets(targets, same)
        return pairs

    def split(self) -> tuple[np.ndarray, np.ndarray]:
        """No text stands in both parts."""
        train, share, seed = self.train, self.recipe.data.held_out, self.recipe.seed
        if isinstance(train, ClassPairs):
            return hold_out([train.names[group] for group in train.groups], share, seed)
        try:
            if self.comparison.validate_on == "end":
                kept, held_out = train.part_at_end(share)
            else:
                kept, held_out = hold_out_groups(train.linked, share, seed)
        except InputError as error:
            raise InputError(f"{self.paths['train']}: {error}; or name a file in data.validation") from None
        if "score" not in self.settings.columns:
            for rows, part in ((kept, "what is left to train"), (held_out, f"the share of {share:g} that validates")):
                labels = is_same(train.targets[rows], self.settings).astype(int).tolist()
                check_pair_labels(labels, f"{self.paths['train']} ({part})")
        return kept, held_out

    def make_model(self) -> keras.Model:
        return self.built()

    def make_batches(self) -> PairBatches:
        objective, train, rows = self.comparison.objective, self.train, self.rows
        options = batching_options(self.recipe.batching, self.recipe.seed)
        sides = train.sides(self.recipe.seed)
        if objective in POINTWISE:
            targets = train.targets
            if objective == "contrastive":
                targets = is_same(targets, self.settings).astype(np.float32)
            return PairBatches(train.store, sides, rows, targets, self.inputs, **options)
        if not isinstance(train, ClassPairs):
            rows = rows[is_same(train.targets, self.settings)[rows]]
        if len(np.unique(train.groups[rows])) < 2:
            raise InputError(
                f"{self.paths['train']}: fewer than two pairs are the same and have no text in common, so that "
                f"`pairs.objective` {objective} finds no negatives; add pairs, or choose logistic"
            )
        # Rows of a batch are compared with each other: their number is what matters.
        del options["tokens_per_batch"]
        return PairBatches(train.store, sides, rows, train.groups, self.inputs, train.groups, **options)

    def make_task(self) -> PairMatcher:
        functions = MatchingFunctions(self.built_model, self.tokenizer, self.encoder, self.settings)
        return PairMatcher(functions, self.recipe.name)

    @property
    def shown_scores(self) -> tuple[str, ...]:
        if self.settings.form == "classes":
            return ("recall_at_1", "mrr", "embedding_spread")
        return CORRELATION_SCORES if "score" in self.settings.columns else ("f1", "roc_auc", "embedding_spread")

    @property
    def score_names(self) -> tuple[str, ...]:
        names = RETRIEVAL_SCORES if self.settings.form == "classes" else PAIR_SCORES
        more = CORRELATION_SCORES if "score" in self.settings.columns else ()
        return (*names, *more, "embedding_spread")

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """The scores of the present weights on the validation data, with the threshold that suits them best.

        `embedding_spread` tells of a collapse: it is 0 where all vectors are the same.
        """
        train, validation, rows = self.train, self.validation, self.validation_rows
        places = validation.places(rows)
        vectors = embedded_texts(self.predictor, validation.store, places, self.inputs)
        found = {"embedding_spread": embedding_spread(vectors)}
        if isinstance(validation, ClassPairs) and isinstance(train, ClassPairs):
            labels = validation.labels[rows]
            others = embedded_texts(self.predictor, train.store, self.rows, self.inputs)
            found |= retrieval_scores(vectors, labels, others, train.labels[self.rows])
            first, second, targets = drawn_pairs(labels, THRESHOLD_PAIRS, self.recipe.seed)
        elif isinstance(validation, PairedTexts):
            first, second = (np.searchsorted(places, side[rows]) for side in (validation.a, validation.b))
            targets = validation.targets[rows]
        similarities = np.sum(vectors[first] * vectors[second], axis=1)
        self.compare(similarities, is_same(targets, self.settings))
        if self.settings.form != "classes":
            settings = dataclasses.replace(self.settings, threshold=self.pairs.threshold)
            found |= match_scores(similarities, targets, settings)
        self._vectors, self._targets = vectors, targets
        return found

    def vectors(self) -> Mapping[str, tuple[np.ndarray, Sequence[str]]]:
        """Those of words, and of the validation texts."""
        validation, rows = self.validation, self.validation_rows
        names = [shown_text(validation, int(place)) for place in validation.places(rows)]
        if isinstance(validation, ClassPairs):
            names = [f"{label}: {name}" for label, name in zip(validation.labels[rows], names, strict=True)]
        return {**super().vectors(), "texts": (self._vectors, names)}

    def panels(self) -> Panels:
        def samples() -> str:
            validation, rows = self.validation, self.validation_rows
            if isinstance(validation, ClassPairs):
                return markdown_table(("text", "nearest", "similarity"), nearest_of(validation, rows, self._vectors))
            expected = self._targets if "score" in self.settings.columns else self.pairs.is_same
            found = mistakes_of(validation, rows, expected, self.pairs.similarities)
            return markdown_table(("a", "b", "true", "similarity"), found)

        return dataclasses.replace(super().panels(), samples=samples, projector=self.vectors)
