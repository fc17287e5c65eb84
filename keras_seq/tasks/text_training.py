"""What the trainings of families have in common whose model reads the tokens of texts."""

from __future__ import annotations

import collections
import itertools
from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import keras
import numpy as np

from keras_seq.core.errors import RecipeError
from keras_seq.core.notices import notify
from keras_seq.tasks.token_store import TokenStore
from keras_seq.tasks.training import KerasTraining
from keras_seq.tasks.training_parts import (
    build_encoder,
    compiled_predictor,
    complete_features,
    find_builder,
    make_tokenizer,
)
from keras_seq.tasks.word_vectors import frequent_words, pretraining_paths, set_word_vectors, word_vectors
from keras_seq.text import TokenEncoder, Tokenizer, WordTokenizer
from keras_seq.text.tokenizer import WORD_STARTS
from keras_seq.text.vocabulary import UNKNOWN_ID
from keras_seq.training import PretrainingSection
from keras_seq.training.text_recipe import TokenRecipe

# From this share of unknown words on a recipe wants another tokenizer.
MOST_UNKNOWN = 0.5


class TokenizedExamples(Protocol):
    """Examples whose texts stand in a store of tokens."""

    store: TokenStore

    def __len__(self) -> int:
        """How many examples there are."""

    def places(self, rows: np.ndarray) -> np.ndarray:
        """The places of the texts of some examples in the store, in ascending order."""


class TextTraining(KerasTraining):
    """The training of a Keras model that reads the tokens of texts.

    `read` gives `train` and `validation`, and which of their rows take part: where the recipe names no validation file,
    a share of the training examples validates. `build` makes `encoder` of the texts that train; `pretrain` lets the
    table of words begin with vectors that know text but no label.
    """

    recipe: TokenRecipe
    train: TokenizedExamples
    validation: TokenizedExamples
    rows: np.ndarray
    """Which examples of `train` train."""
    validation_rows: np.ndarray
    """Which examples of `validation` validate."""
    encoder: TokenEncoder
    pretraining: PretrainingSection | None = None
    """The section of the recipe, where the family has it."""
    tags_words: ClassVar[bool] = False
    """Whether the model says something of each word, whatever the tokens of the word are."""
    predictor: keras.Model
    """What predicts during the training."""

    def read(self) -> None:
        self.tokenizer: Tokenizer = WordTokenizer()
        splitting, counts = self.recipe.splitting, collections.Counter[str]()
        if splitting != (self.tokenizer.name, None, {}):
            if splitting.file is None:
                # Words, of the texts that train.
                self._read_parts()
                for text in self.train.store.texts(self.train.places(self.rows).tolist()):
                    counts.update(text)
            self.tokenizer = make_tokenizer(self.recipe, counts, self.data_directory)
        self._read_parts()
        if "test" in self.paths:
            # Whatever is wrong with it is told before hours are spent.
            collections.deque(self.examples_of(self.paths["test"]), maxlen=0)

    def _read_parts(self) -> None:
        """Read what trains and what validates."""
        self.train = self.read_examples(self.paths["train"])
        self.rows = np.arange(len(self.train))
        if "validation" in self.paths:
            self.validation = self.read_examples(self.paths["validation"])
            self.validation_rows = np.arange(len(self.validation))
        else:
            self.validation = self.train
            self.rows, self.validation_rows = self.split()

    @abstractmethod
    def examples_of(self, path: Path) -> Iterator[Any]:
        """The examples of a file with their raw texts, checked while they are read."""

    @abstractmethod
    def read_examples(self, path: Path) -> TokenizedExamples:
        """All examples of a file, tokenized."""

    def split(self) -> tuple[np.ndarray, np.ndarray]:
        """Which rows of the training file train, and which validate, where no file does; by default one must."""
        raise RecipeError("key `data.validation` is missing; name a file of the form of `data.train`")

    def build(self) -> None:
        places = self.train.places(self.rows)
        texts: Iterable[Iterable[str]] = self.train.store.texts(int(place) for place in places)
        if self.pretraining is not None:
            paths = pretraining_paths(self.pretraining, self.data_directory)
            words = frequent_words(self.pretraining, paths, self.tokenizer, self.recipe.data.min_count)
            texts = itertools.chain(texts, words)
        self.encoder = build_encoder(self.recipe, texts, self.tokenizer)
        super().build()
        for examples in {id(part): part for part in (self.train, self.validation)}.values():
            examples.store.encode(self.encoder, [name for name in self.inputs if name != WORD_STARTS])
        self.predictor = compiled_predictor(self.recipe, self.reader.inputs, self.predicted())
        _tell_unknown_words(self.validation.store, self.inputs, self.paths.get("validation", self.paths["train"]))

    def predicted(self) -> Any:
        """What `predictor` computes from the features: by default what the model does."""
        return self.reader.output

    def built(self, **from_data: Any) -> keras.Model:
        """As of every model; what the encoder decides is among the arguments."""
        builder = find_builder(self.recipe)
        recipe, features = complete_features(self.recipe, self.encoder)
        if self.tags_words and self.tokenizer.splits_words:
            features[WORD_STARTS] = True
        return recipe.build_model(builder, vocabulary_size=len(self.encoder.vocabulary), features=features, **from_data)

    @property
    def reader(self) -> keras.Model:
        """What of the model reads tokens: by default all of it."""
        return self.built_model

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the features that the model reads."""
        return tuple(tensor.name for tensor in self.reader.inputs)

    def pretrain(self) -> None:
        section = self.pretraining
        if section is None or (section.method == "none" and section.vectors is None):
            return
        chosen = set(self.rows.tolist())
        examples = (example for row, example in enumerate(self.examples_of(self.paths["train"])) if row in chosen)
        set_word_vectors(
            self.reader,
            section,
            self.recipe.seed,
            (text for example in examples for text in self.texts_of(example)),
            self.encoder,
            self.tokenizer,
            self.data_directory,
            self.on_progress,
        )

    def texts_of(self, example: Any) -> tuple[str, ...]:
        """The raw texts of an example."""
        return (example.text,)

    def vectors(self) -> Mapping[str, tuple[np.ndarray, Sequence[str]]]:
        """For the projector: vectors and their labels, by default those of words."""
        return word_vectors(self.reader, self.encoder)

    def validation_scores(self) -> dict[str, Any]:
        return {**self.evaluate(self.model), "examples": len(self.validation_rows)}


def _tell_unknown_words(store: TokenStore, inputs: Collection[str], path: Path) -> None:
    """Say it where most of the texts is unknown, as in languages that are written without spaces."""
    if set(inputs) & {"token_ids", "subword_ids", "character_ids"} != {"token_ids"} or not len(store.numbers):
        return
    unknown = float((store.features["token_ids"] == UNKNOWN_ID)[store.numbers].mean())
    if unknown > MOST_UNKNOWN:
        notify(
            f"{path}: {unknown:.0%} of the words that validate are unknown; where words are not parted by spaces, "
            'data.tokenizer = "pieces" reads what they are made of'
        )
