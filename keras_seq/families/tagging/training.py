"""How a tagger is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_seq.core.errors import InputError, RecipeError
from keras_seq.data import BucketedBatches, Sentence
from keras_seq.data.tag_schemes import tag_names
from keras_seq.families.tagging.data import (
    TaggedBatches,
    TaggedSentences,
    check_tags,
    read_sentences,
    tagging_scores,
)
from keras_seq.families.tagging.recipe import TaggerRecipe
from keras_seq.families.tagging.served import TaggingFunctions, TaggingSettings
from keras_seq.families.tagging.task import Tagger
from keras_seq.losses import CRFNegativeLogLikelihood, MaskedCrossEntropy
from keras_seq.metrics import confusion_matrix
from keras_seq.ops.spans import entities
from keras_seq.ops.tag_decoding import decode_tags
from keras_seq.tasks.text_task import TOKENS_PER_CALL
from keras_seq.tasks.training_parts import build_encoder, complete_features, find_builder
from keras_seq.tasks.word_vectors import show_word_vectors
from keras_seq.text import WordTokenizer, cooccurrence_vectors
from keras_seq.training import jit_setting


class TaggerTraining:
    """What `keras_seq.tasks.train` needs of a tagger: model, loss, batches, and the scores of an epoch.

    Reading and checking the files comes first, so that a broken file leaves no trace.

    Args:
        recipe: the recipe.
        paths: the CoNLL files `train`, `validation` and, for the final score, `test`.
        data_directory, on_progress: not used: a tagger reads no other files, and trains nothing before.

    Raises:
        DataError: if a file is broken, or the validation file has a tag that the training file does not have.
        RecipeError: if the builder does not take the arguments of the recipe.
    """

    shown_scores = ("entity_f1", "entity_precision", "entity_recall")

    def __init__(
        self,
        recipe: TaggerRecipe,
        paths: Mapping[str, Path],
        data_directory: str | Path | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        data = recipe.data
        self.recipe, self.paths = recipe, paths
        train, validation, test = paths["train"], paths["validation"], paths.get("test")

        def sentences(path: str | Path) -> Iterable[Sentence]:
            return read_sentences(path, data.scheme, data.max_length)

        types = {tag[2:] for sentence in sentences(train) for tag in sentence.tags if tag != "O"}
        self.tag_names = tag_names(types, data.scheme)
        if not types:
            raise InputError(f"{train}: holds no entity, every tag is O; train with a file that has some")
        self.encoder = build_encoder(recipe, (sentence.tokens for sentence in sentences(train)))
        training = TaggedSentences(sentences(train), self.encoder, self.tag_names, train)
        self.validation = TaggedSentences(sentences(validation), self.encoder, self.tag_names, validation)
        if test is not None:
            for sentence in sentences(test):
                check_tags(test, sentence, self.tag_names)
        builder = find_builder(recipe)
        recipe, features = complete_features(recipe, self.encoder)
        keras.utils.set_random_seed(recipe.seed)
        self.model = recipe.build_model(
            builder,
            vocabulary_size=len(self.encoder.vocabulary),
            num_tags=self.tag_names,
            features=features,
        )
        if recipe.model.word_vectors == "cooccurrence":
            self._set_word_vectors(training, recipe)
        inputs = [tensor.name for tensor in self.model.inputs]
        batching = recipe.batching
        order = BucketedBatches(
            training.lengths,
            batch_size=batching.batch_size,
            tokens_per_batch=batching.tokens_per_batch or None,
            bucket_boundaries=batching.bucket_boundaries or None,
            seed=recipe.seed,
        )
        self.batches = TaggedBatches(training, order, inputs, data.replace_mentions)
        self.validation_batches = TaggedBatches(
            self.validation,
            BucketedBatches(self.validation.lengths, batch_size=64, tokens_per_batch=TOKENS_PER_CALL, shuffle=False),
            inputs,
        )
        if len(self.model.output_shape) == 4:
            self.loss = CRFNegativeLogLikelihood(miss_cost=recipe.fit.miss_cost)
        elif recipe.fit.miss_cost:
            raise RecipeError('key `fit.miss_cost` needs a model with a CRF; take it out, or set head = "crf"')
        else:
            self.loss = MaskedCrossEntropy()
        settings = TaggingSettings(self.tag_names)
        self.task = Tagger(TaggingFunctions(self.model, WordTokenizer(), self.encoder, settings), recipe.name)
        self._decoder = _decoder(self.model, jit_setting(recipe.fit))
        self._last: tuple[list[list[str]], list[list[str]]] = ([], [])

    @property
    def score_names(self) -> list[str]:
        """The scores that `evaluate` gives."""
        types = sorted({name[2:] for name in self.tag_names if name != "O"})
        return [*self.shown_scores, "token_accuracy", *(f"f1/{kind}" for kind in types)]

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """The scores of the present weights on the validation data: overall, and `f1/<type>` for each entity type."""
        true: list[list[str]] = [[] for _ in self.validation]
        predicted: list[list[str]] = [[] for _ in self.validation]
        batches = self.validation_batches
        for batch in batches.order.epoch(0):
            inputs, labels = batches.arrays(batch, 0)
            tag_ids = self._decoder.predict_on_batch(inputs)
            for row, index in enumerate(batch.indices):
                real = labels[row] >= 0
                if index >= 0:
                    true[index] = [self.tag_names[tag] for tag in labels[row][real]]
                    predicted[index] = [self.tag_names[tag] for tag in tag_ids[row][real]]
        self._last = (true, predicted)
        scores = tagging_scores(true, predicted)
        by_type = {f"f1/{kind}": values["f1"] for kind, values in scores.pop("types").items()}
        return {**scores, **by_type}

    def complete(self) -> None:
        """Nothing: a tagger is whole when it is trained."""

    def show(self, directory: Path) -> None:
        """Write the word vectors of the trained model for TensorBoard."""
        show_word_vectors(self.model, self.encoder, directory)

    def final_scores(self) -> dict[str, Any]:
        """The scores of what is kept, on the validation and the test data."""
        return {
            split: self.task.evaluate(self.paths[split], max_length=self.recipe.data.max_length)
            for split in ("validation", "test")
            if split in self.paths
        }

    def pictures(self) -> dict[str, np.ndarray]:
        """None besides the confusion matrix."""
        return {}

    def fixed_batch(self) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Inputs and labels of the first validation batch."""
        return self.validation_batches.arrays(self.validation_batches.order.epoch(0)[0], 0)

    def confusion(self) -> tuple[list[str], np.ndarray]:
        """Names and counts of the confusion matrix of the last evaluation."""
        return confusion_matrix(*self._last)

    def samples(self, count: int = 8) -> str:
        """Predictions of the last evaluation as Markdown: true and found entities of sentences that have some."""
        true, predicted = self._last
        chosen = [index for index, tags in enumerate(true) if any(tag != "O" for tag in tags)][:count]
        rows = ["| sentence | true | found |", "| --- | --- | --- |"]
        for index in chosen:
            tokens = self.validation.tokens(index)
            cells = [" ".join(tokens), _listed(tokens, true[index]), _listed(tokens, predicted[index])]
            rows.append("| " + " | ".join(cell.replace("|", "&#124;") for cell in cells) + " |")
        return "\n".join(rows)

    def _set_word_vectors(self, training: TaggedSentences, recipe: TaggerRecipe) -> None:
        embedding = self.model.get_layer("word_embedding")
        ids = (example["token_ids"] for example in training)
        vectors = cooccurrence_vectors(ids, embedding.input_dim, embedding.output_dim, seed=recipe.seed)
        # Words without neighbours keep the vectors that the layer began with.
        known = np.any(vectors != 0, axis=1, keepdims=True)
        embedding.set_weights([np.where(known, vectors, embedding.get_weights()[0])])


class _TagDecoder(keras.layers.Layer):
    """The best tag ids from what a tagger puts out and its token ids."""

    def __init__(self) -> None:
        super().__init__()
        self.supports_masking = True

    def compute_mask(self, *arguments: Any) -> None:
        # The ids say what is padding.
        return None

    def call(self, outputs: Any, token_ids: Any) -> Any:
        return decode_tags(outputs, ops.not_equal(token_ids, 0))

    def compute_output_spec(self, outputs: Any, token_ids: Any) -> keras.KerasTensor:
        return keras.KerasTensor(token_ids.shape, dtype="int32")


def _decoder(model: keras.Model, jit_compile: Any) -> keras.Model:
    inputs = {tensor.name: tensor for tensor in model.inputs}
    decoder = keras.Model(inputs, _TagDecoder()(model.output, inputs["token_ids"]))
    decoder.compile(jit_compile=jit_compile)
    return decoder


def _listed(tokens: Sequence[str], tags: Sequence[str]) -> str:
    return "; ".join(f"{kind}: {' '.join(tokens[first:end])}" for kind, first, end in entities(tags))
