"""How a tagger is trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
from keras import ops

from keras_seq.core.errors import InputError, RecipeError
from keras_seq.data import BucketedBatches, Sentence
from keras_seq.data.tag_schemes import tag_names
from keras_seq.families.tagging.data import TaggedBatches, TaggedSentences, check_tags, tagging_scores
from keras_seq.families.tagging.recipe import TaggerRecipe
from keras_seq.families.tagging.served import TaggingFunctions, TaggingSettings
from keras_seq.families.tagging.task import Tagger
from keras_seq.losses import CRFNegativeLogLikelihood, MaskedCrossEntropy
from keras_seq.metrics import confusion_matrix
from keras_seq.ops.spans import entities
from keras_seq.ops.tag_decoding import decode_tags
from keras_seq.tasks.markdown import markdown_table
from keras_seq.tasks.tagged_text import TAGGED_TEXT
from keras_seq.tasks.text_task import TOKENS_PER_CALL
from keras_seq.tasks.text_training import TextTraining
from keras_seq.tasks.training_parts import batching_options
from keras_seq.tasks.word_vectors import count_word_vectors
from keras_seq.text.tokenizer import WORD_STARTS
from keras_seq.training import Panels

# Sentences that are shown.
SHOWN = 8


class TaggerTraining(TextTraining):
    """The training of a tagger, from CoNLL files."""

    recipe: TaggerRecipe
    tags_words = True
    shown_scores = ("entity_f1", "entity_precision", "entity_recall")
    task: Tagger
    train: TaggedSentences
    validation: TaggedSentences
    validation_batches: TaggedBatches

    def read(self) -> None:
        path = self.paths["train"]
        types = TAGGED_TEXT.sniff(path, self.recipe.data.columns).counts
        if not types:
            raise InputError(f"{path}: holds no entity, every tag is O; train with a file that has some")
        self.tag_names = tag_names(list(types), self.recipe.data.scheme)
        # Of the last evaluation, the true tags and those that were found.
        self._last: tuple[list[list[str]], list[list[str]]] = ([], [])
        super().read()

    def examples_of(self, path: Path) -> Iterator[Sentence]:
        data = self.recipe.data
        for sentence in TAGGED_TEXT.examples(path, data.columns, scheme=data.scheme, max_length=data.max_length):
            check_tags(path, sentence, self.tag_names)
            yield sentence

    def read_examples(self, path: Path) -> TaggedSentences:
        return TaggedSentences(self.examples_of(path), self.tag_names, self.tokenizer)

    def make_model(self) -> keras.Model:
        return self.built(num_tags=self.tag_names)

    def make_batches(self) -> TaggedBatches:
        order = BucketedBatches(self.validation.lengths, batch_size=64, tokens_per_batch=TOKENS_PER_CALL, shuffle=False)
        self.validation_batches = TaggedBatches(self.validation, order, self.inputs)
        order = BucketedBatches(self.train.lengths, **batching_options(self.recipe.batching, self.recipe.seed))
        return TaggedBatches(self.train, order, self.inputs, self.recipe.data.replace_mentions)

    def make_loss(self) -> keras.losses.Loss:
        miss_cost = self.recipe.fit.miss_cost
        if len(self.built_model.output_shape) == 4:
            return CRFNegativeLogLikelihood(miss_cost=miss_cost)
        if miss_cost:
            raise RecipeError('key `fit.miss_cost` needs a model with a CRF; take it out, or set head = "crf"')
        return MaskedCrossEntropy()

    def make_task(self) -> Tagger:
        settings = TaggingSettings(self.tag_names)
        return Tagger(TaggingFunctions(self.built_model, self.tokenizer, self.encoder, settings), self.recipe.name)

    def predicted(self) -> Any:
        inputs = {tensor.name: tensor for tensor in self.built_model.inputs}
        return _TagDecoder()(self.built_model.output, inputs.get(WORD_STARTS, inputs["token_ids"]))

    def pretrain(self) -> None:
        if self.recipe.model.word_vectors == "cooccurrence":
            ids = (example["token_ids"] for example in self.train)
            count_word_vectors(self.built_model, ids, self.recipe.seed)

    @property
    def score_names(self) -> list[str]:
        return [*self.shown_scores, "token_accuracy", *(f"f1/{kind}" for kind in self.validation.types)]

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """The scores of the present weights on the validation data: overall, and `f1/<type>` for each type in it."""
        true: list[list[str]] = [[] for _ in self.validation]
        predicted: list[list[str]] = [[] for _ in self.validation]
        batches = self.validation_batches
        for batch in batches.order.epoch(0):
            inputs, labels = batches.arrays(batch, 0)
            tag_ids = self.predictor.predict_on_batch(inputs)
            for row, index in enumerate(batch.indices):
                real = labels[row] >= 0
                if index >= 0:
                    true[index] = [self.tag_names[tag] for tag in labels[row][real]]
                    predicted[index] = [self.tag_names[tag] for tag in tag_ids[row][real]]
        self._last = (true, predicted)
        scores = tagging_scores(true, predicted)
        by_type = scores.pop("types")
        return {**scores, **{f"f1/{kind}": by_type[kind]["f1"] for kind in self.validation.types}}

    def validation_scores(self) -> dict[str, Any]:
        data = self.recipe.data
        return self.task.evaluate(self.paths["validation"], columns=data.columns, max_length=data.max_length)

    def panels(self) -> Panels:
        return Panels(
            confusion=lambda: confusion_matrix(*self._last),
            samples=lambda: markdown_table(
                ("sentence", "true", "found"), _found_entities(self.validation, *self._last)
            ),
            projector=self.vectors,
        )


class _TagDecoder(keras.layers.Layer):
    """The best tag ids from what a tagger puts out, and an input that is 0 where there is no tag."""

    def __init__(self) -> None:
        super().__init__()
        self.supports_masking = True

    def compute_mask(self, *arguments: Any) -> None:
        # The input says what is padding.
        return None

    def call(self, outputs: Any, is_tagged: Any) -> Any:
        return decode_tags(outputs, ops.not_equal(is_tagged, 0))

    def compute_output_spec(self, outputs: Any, is_tagged: Any) -> keras.KerasTensor:
        return keras.KerasTensor(is_tagged.shape, dtype="int32")


def _listed(tokens: Sequence[str], tags: Sequence[str]) -> str:
    return "; ".join(f"{kind}: {' '.join(tokens[first:end])}" for kind, first, end in entities(tags))


def _found_entities(
    sentences: TaggedSentences, true: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]
) -> Iterator[tuple[str, str, str]]:
    """The true and the found entities of the first sentences that have some."""
    for index in [index for index, tags in enumerate(true) if any(tag != "O" for tag in tags)][:SHOWN]:
        tokens = sentences.words(index)
        yield " ".join(tokens), _listed(tokens, true[index]), _listed(tokens, predicted[index])
