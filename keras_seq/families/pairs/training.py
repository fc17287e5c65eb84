"""How a matcher is trained."""

from __future__ import annotations

import collections
import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
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
    find_data,
    hold_out,
    hold_out_groups,
    labels_of,
    read_labelled_text,
    read_pairs,
)
from keras_seq.families.pairs.data import ClassPairs, PairBatches, PairedTexts
from keras_seq.families.pairs.recipe import PairMatcherRecipe
from keras_seq.families.pairs.served import MatchingFunctions, MatchingSettings
from keras_seq.families.pairs.task import PairMatcher, is_same, match_scores, pair_targets
from keras_seq.metrics import ActiveTriplets, best_threshold, embedding_spread, retrieval_scores
from keras_seq.tasks.labelled_texts import LabelledTexts
from keras_seq.tasks.pair_loss import PAIR_SCORES, pair_loss
from keras_seq.tasks.text_task import TOKENS_PER_CALL, calls
from keras_seq.tasks.token_store import padded_rows
from keras_seq.tasks.training_parts import build_encoder, complete_features, find_builder
from keras_seq.tasks.word_vectors import frequent_words, set_word_vectors, show_word_vectors
from keras_seq.text import WordTokenizer
from keras_seq.training import (
    draw_precision_recall,
    draw_roc,
    draw_similarities,
    jit_setting,
    write_projector,
)
from keras_seq.training.objective_recipe import POINTWISE
from keras_seq.zoo import stacked_twins
from keras_seq.zoo.twins import TOWER

# Of labelled text, so many pairs of one label and of two labels are drawn to choose the threshold.
THRESHOLD_PAIRS = 5_000
CORRELATION_SCORES = ("pearson", "spearman")
RETRIEVAL_SCORES = ("recall_at_1", "recall_at_5", "recall_at_10", "mrr")
# Of a text that is shown, so many tokens.
SHOWN_TOKENS = 40


class PairTraining:
    """What `keras_seq.tasks.train` needs of a matcher: model, loss, batches, and the scores of an epoch.

    Reading and checking the files comes first, so that a broken file leaves no trace. Where the recipe names no
    validation file, a share of the training examples validates: of pairs, whole groups that are linked by their texts.

    What is trained is `keras_seq.zoo.stacked_twins` of the model: the two vectors of each pair. Objectives that find
    negatives in the batch read pairs that are the same alone, no two of one label, or with a text in common.

    Args:
        recipe: the recipe.
        paths: the files: `train`, and as named in the recipe `validation` and `test`.
        data_directory: where the files for word vectors are looked for first.
        on_progress: called while word vectors are trained, as `keras_seq.training.pretrained_vectors` says.

    Raises:
        DataError: if a file is broken, or all its pairs have one label.
        RecipeError: if the builder does not take the arguments of the recipe.
    """

    def __init__(
        self,
        recipe: PairMatcherRecipe,
        paths: Mapping[str, Path],
        data_directory: str | Path | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        data, pairs = recipe.data, recipe.pairs
        self.recipe, self.paths = recipe, paths
        self.settings = MatchingSettings(
            max_tokens=data.max_tokens,
            form=pairs.form,
            columns=data.columns if pairs.form == "classes" else pairs.columns,
            score_range=pairs.score_range,
            same_from=pairs.same_from,
        )
        self.is_classes = pairs.form == "classes"
        tokenizer = WordTokenizer()
        self.train = self._read(paths["train"], tokenizer)
        if "validation" in paths:
            self.validation = self._read(paths["validation"], tokenizer)
            self.rows, self.validation_rows = np.arange(len(self.train)), np.arange(len(self.validation))
        else:
            self.validation = self.train
            self.rows, self.validation_rows = self._split()
        if "test" in paths:
            # Whatever is wrong with it is told before hours are spent.
            collections.deque(self._examples(paths["test"]), maxlen=0)
        more_paths = [find_data(reference, data_directory) for reference in recipe.pretraining.files]
        tokens = self.train.store.texts(self.train.places(self.rows).tolist())
        self.encoder = build_encoder(recipe, itertools.chain(tokens, frequent_words(recipe, more_paths, tokenizer)))
        builder = find_builder(recipe)
        recipe, features = complete_features(recipe, self.encoder)
        keras.utils.set_random_seed(recipe.seed)
        siamese = recipe.build_model(builder, vocabulary_size=len(self.encoder.vocabulary), features=features)
        tower = siamese.get_layer(TOWER)
        if recipe.pretraining.method != "none" or recipe.pretraining.vectors is not None:
            # What validates is not learned from.
            chosen = set(self.rows.tolist())
            examples = (example for row, example in enumerate(self._examples(paths["train"])) if row in chosen)
            own = (text for example in examples for text in _texts_of(example))
            set_word_vectors(tower, recipe, own, self.encoder, tokenizer, more_paths, data_directory, on_progress)
        self.inputs = tuple(tensor.name for tensor in tower.inputs)
        for texts in {id(part): part for part in (self.train, self.validation)}.values():
            texts.store.encode(self.encoder, self.inputs)
        self.model = stacked_twins(siamese)
        self.loss = pair_loss(pairs)
        self.metrics = (
            [] if pairs.objective in POINTWISE else [ActiveTriplets(pairs.margin_of_objective, name="active_triplets")]
        )
        self.batches = self._batches()
        self.task = PairMatcher(MatchingFunctions(siamese, tokenizer, self.encoder, self.settings), recipe.name)
        self._predictor = keras.Model({tensor.name: tensor for tensor in tower.inputs}, tower.output)
        self._predictor.compile(jit_compile=jit_setting(recipe.fit))
        # Of the last evaluation: vectors, and similarities of pairs with what is known of them.
        self._vectors = np.zeros((0, tower.output_shape[-1]), np.float32)
        self._similarities = np.zeros(0, np.float32)
        self._targets = np.zeros(0, np.float32)

    def _examples(self, path: Path) -> Any:
        """The examples of a file, checked while they are read."""
        if self.is_classes:
            return read_labelled_text(path, columns=self.recipe.data.columns)
        return read_pairs(path, columns=self.settings.columns, form=self.settings.form)

    def _read(self, path: Path, tokenizer: WordTokenizer) -> PairedTexts | ClassPairs:
        if self.is_classes:
            texts = LabelledTexts(self._examples(path), tokenizer, self.settings.max_tokens)
            names = labels_of(texts.examples)
            check_classes(names, path, several=False)
            return ClassPairs(texts, names)
        pairs = PairedTexts(self._examples(path), tokenizer, self.settings.max_tokens)
        targets = pair_targets(pairs.pairs, self.settings, path)
        same = is_same(targets, self.settings)
        if "score" not in self.settings.columns:
            check_pair_labels(same.astype(int).tolist(), path)
        pairs.set_targets(targets, same)
        return pairs

    def _split(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows of the training file that train, and those that validate; no text stands in both."""
        share, seed = self.recipe.data.held_out, self.recipe.seed
        if isinstance(self.train, ClassPairs):
            return hold_out([self.train.names[group] for group in self.train.groups], share, seed)
        try:
            if self.recipe.pairs.validate_on == "end":
                kept, held_out = self.train.part_at_end(share)
            else:
                kept, held_out = hold_out_groups(self.train.linked, share, seed)
        except InputError as error:
            raise InputError(f"{self.paths['train']}: {error}; or name a file in data.validation") from None
        if "score" not in self.settings.columns:
            for rows, part in ((kept, "what is left to train"), (held_out, f"the share of {share:g} that validates")):
                labels = is_same(self.train.targets[rows], self.settings).astype(int).tolist()
                check_pair_labels(labels, f"{self.paths['train']} ({part})")
        return kept, held_out

    def _batches(self) -> PairBatches:
        batching, pairs, rows = self.recipe.batching, self.recipe.pairs, self.rows
        options: dict[str, Any] = {
            "batch_size": batching.batch_size,
            "bucket_boundaries": batching.bucket_boundaries or None,
            "seed": self.recipe.seed,
        }
        groups = None
        targets = self.train.groups
        if pairs.objective in POINTWISE:
            options["tokens_per_batch"] = batching.tokens_per_batch or None
            targets = self.train.targets
            if pairs.objective == "contrastive":
                targets = is_same(targets, self.settings).astype(np.float32)
        else:
            groups = self.train.groups
            if not self.is_classes:
                rows = rows[is_same(self.train.targets, self.settings)[rows]]
            if len(np.unique(groups[rows])) < 2:
                raise InputError(
                    f"{self.paths['train']}: fewer than two pairs are the same and have no text in common, so that "
                    f"`pairs.objective` {pairs.objective} finds no negatives; add pairs, or choose logistic"
                )
        sides = self.train.sides(self.recipe.seed)
        return PairBatches(self.train.store, sides, rows, targets, self.inputs, groups, **options)

    @property
    def shown_scores(self) -> tuple[str, ...]:
        """The scores that the progress display names."""
        if self.is_classes:
            return ("recall_at_1", "mrr", "embedding_spread")
        return ("pearson", "spearman") if "score" in self.settings.columns else ("f1", "roc_auc", "embedding_spread")

    @property
    def score_names(self) -> list[str]:
        """The scores that `evaluate` gives."""
        names = [*RETRIEVAL_SCORES] if self.is_classes else [*PAIR_SCORES]
        if "score" in self.settings.columns:
            names += CORRELATION_SCORES
        return [*names, "embedding_spread"]

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """The scores of the present weights on the validation data, with the threshold that suits them best.

        `embedding_spread` tells of a collapse: it is 0 where all vectors are the same.
        """
        validation, rows = self.validation, self.validation_rows
        places = validation.places(rows)
        self._vectors = self._embedded(validation, places)
        found = {"embedding_spread": embedding_spread(self._vectors)}
        if isinstance(validation, ClassPairs):
            labels = np.array(validation.names)[validation.groups[rows]]
            others = self._embedded(self.train, self.rows)
            other_labels = np.array(self.train.names)[self.train.groups[self.rows]]
            found |= retrieval_scores(self._vectors, labels, others, other_labels)
            self._similarities, self._targets = self._drawn_pairs(labels)
        else:
            sides = (np.searchsorted(places, side[rows]) for side in (validation.a, validation.b))
            first, second = (self._vectors[side] for side in sides)
            self._similarities, self._targets = np.sum(first * second, axis=1), validation.targets[rows]
        self.settings = dataclasses.replace(self.settings, threshold=self._threshold())
        if not self.is_classes:
            found |= match_scores(self._similarities, self._targets, self.settings)
        return found

    def complete(self) -> None:
        """Choose the threshold for the weights that are kept."""
        self.evaluate(self.model)
        self.task = self.task.with_settings(threshold=self.settings.threshold)

    def show(self, directory: Path) -> None:
        """Write vectors for TensorBoard's projector: those of the validation texts, and of words."""
        show_word_vectors(self.task.model.get_layer(TOWER), self.encoder, directory)
        store, places = self.validation.store, self.validation.places(self.validation_rows)
        names = [" ".join(store.tokens(int(place))[:SHOWN_TOKENS]) for place in places]
        if isinstance(self.validation, ClassPairs):
            groups = self.validation.groups[self.validation_rows]
            names = [f"{self.validation.names[group]}: {name}" for group, name in zip(groups, names, strict=True)]
        write_projector(directory, self._vectors, names, name="texts")

    def final_scores(self) -> dict[str, Any]:
        """The scores of what is kept, on the validation and the test data."""
        scores: dict[str, Any] = {
            "validation": {**self.evaluate(self.model), "examples": len(self.validation_rows)},
        }
        if "test" in self.paths:
            reference = self.paths["train"] if self.is_classes else None
            scores["test"] = self.task.evaluate(self.paths["test"], reference=reference)
        return scores

    def fixed_batch(self) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Inputs and targets of the first training batch."""
        return next(iter(self.batches.epoch(0)))

    def confusion(self) -> tuple[Sequence[str], np.ndarray] | None:
        """Names and counts of the last evaluation: pairs that are the same, or not, and what was found."""
        truth, found = self._same(), self._similarities >= self.settings.threshold
        return ("different", "same"), np.bincount(2 * truth + found, minlength=4).reshape(2, 2)

    def pictures(self) -> dict[str, np.ndarray]:
        """Pictures of the last evaluation: the ROC and PR curves, and the similarities of same and different pairs."""
        truth = self._same()
        if truth.all() or not truth.any():
            return {}
        arguments = (self._similarities, truth, self.settings.threshold)
        return {
            "roc": draw_roc(*arguments),
            "precision_recall": draw_precision_recall(*arguments),
            "similarities": draw_similarities(*arguments),
        }

    def samples(self, count: int = 8) -> str:
        """Pairs of the last evaluation as Markdown, the worst mistakes first."""
        if isinstance(self.validation, ClassPairs):
            return self._nearest_samples(count)
        expected = self._targets if "score" in self.settings.columns else self._same()
        rows = ["| a | b | true | similarity |", "| --- | --- | --- | --- |"]
        for index in np.argsort(-np.abs(expected - self._similarities), kind="stable")[:count]:
            pair = self.validation_rows[index]
            texts = (self._shown(int(side[pair])) for side in (self.validation.a, self.validation.b))
            rows.append(f"| {' | '.join(texts)} | {expected[index]:.2f} | {self._similarities[index]:.2f} |")
        return "\n".join(rows)

    def _nearest_samples(self, count: int) -> str:
        """Texts of the validation data, each with the most similar of the others."""
        rows = ["| text | nearest | similarity |", "| --- | --- | --- |"]
        similarities = self._vectors[:count] @ self._vectors.T
        similarities[np.arange(len(similarities)), np.arange(len(similarities))] = -np.inf
        for index, row in enumerate(similarities):
            nearest = int(row.argmax())
            texts = (self._shown(int(self.validation_rows[place])) for place in (index, nearest))
            rows.append(f"| {' | '.join(texts)} | {row[nearest]:.2f} |")
        return "\n".join(rows)

    def _shown(self, place: int) -> str:
        return " ".join(self.validation.store.tokens(place)[:SHOWN_TOKENS]).replace("|", "&#124;")

    def _same(self) -> np.ndarray:
        return is_same(self._targets, self.settings)

    def _threshold(self) -> float:
        truth = self._same()
        if truth.all() or not truth.any():
            # Nothing to choose by: scores of which none, or each, makes a duplicate.
            return self.settings.threshold
        return best_threshold(self._similarities, truth, score=self.recipe.pairs.threshold_for)

    def _drawn_pairs(self, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Similarities of as many pairs of one label as of two, and whether they are of one."""
        generator = np.random.default_rng(self.recipe.seed)
        first, second = generator.integers(len(labels), size=(2, THRESHOLD_PAIRS))
        differ = labels[first] != labels[second]
        first, second = first[differ], second[differ]
        of_label: dict[str, np.ndarray] = {label: np.flatnonzero(labels == label) for label in np.unique(labels)}
        several = [row for row in first if len(of_label[labels[row]]) > 1]
        partner = [generator.choice(of_label[labels[row]][of_label[labels[row]] != row]) for row in several]
        vectors = self._vectors
        different = np.sum(vectors[first] * vectors[second], axis=1)
        same = np.sum(vectors[several] * vectors[partner], axis=1) if several else np.zeros(0, np.float32)
        targets = np.repeat([1.0, 0.0], [len(same), len(different)])
        return np.concatenate([same, different]), targets.astype(np.float32)

    def _embedded(self, texts: PairedTexts | ClassPairs, places: np.ndarray) -> np.ndarray:
        """The vectors of the texts at some places, by the present weights."""
        lengths = texts.store.lengths[places]
        vectors = np.zeros((len(places), self._predictor.output_shape[-1]), np.float32)
        for chosen in calls(lengths.tolist(), TOKENS_PER_CALL * 4):
            inputs = padded_rows(texts.store, places[chosen], self.inputs, size=len(chosen))
            vectors[chosen] = np.asarray(self._predictor.predict_on_batch(inputs))
        return vectors


def _texts_of(example: TextPair | LabelledText) -> tuple[str, ...]:
    return (example.a, example.b) if isinstance(example, TextPair) else (example.text,)
