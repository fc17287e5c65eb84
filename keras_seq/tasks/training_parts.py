"""What the trainings of all tasks read in a recipe in the same way."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import keras

from keras_seq.core.errors import InputError, RecipeError
from keras_seq.data import find_data
from keras_seq.text import NUM_CASE_CLASSES, TOKENIZERS, SubwordHashing, TokenEncoder, Tokenizer
from keras_seq.training import KerasRecipe, jit_setting
from keras_seq.training.fit_recipe import BatchingSection
from keras_seq.training.text_recipe import TokenRecipe
from keras_seq.zoo.features import complete_arguments
from keras_seq.zoo.registry import get_builder

SomeRecipe = TypeVar("SomeRecipe", bound=KerasRecipe)


def find_builder(recipe: KerasRecipe) -> Callable[..., Any]:
    """The builder that a recipe names.

    Raises:
        RecipeError: if there is none of that name.
    """
    try:
        return get_builder(recipe.model.builder)
    except ValueError as error:
        raise RecipeError(f"key `model.builder`: {error}") from None


def batching_options(batching: BatchingSection, seed: int) -> dict[str, Any]:
    """The options of `keras_seq.data.BucketedBatches` that a recipe gives: sizes of batches, and the seed."""
    return {
        "batch_size": batching.batch_size,
        "tokens_per_batch": batching.tokens_per_batch or None,
        "bucket_boundaries": batching.bucket_boundaries or None,
        "seed": seed,
    }


def compiled_predictor(recipe: KerasRecipe, inputs: Iterable[Any], outputs: Any) -> keras.Model:
    """What predicts during the training: of its own, so that compiling it leaves the trained model alone.

    Args:
        recipe: says how it is compiled.
        inputs: the named inputs of a functional model.
        outputs: what to compute from them.
    """
    predictor = keras.Model({tensor.name: tensor for tensor in inputs}, outputs)
    predictor.compile(jit_compile=jit_setting(recipe.fit))
    return predictor


def complete_features(recipe: SomeRecipe, encoder: TokenEncoder) -> tuple[SomeRecipe, dict[str, Any]]:
    """Take `features` out of the recipe's arguments; complete them and the others with what the data decides.

    Returns:
        The recipe without them, and the builder's argument `features`.

    Raises:
        RecipeError: if a table is none, or holds what the data decides.
    """
    try:
        arguments = complete_arguments(
            recipe.model.arguments,
            num_characters=len(encoder.characters),
            max_characters=encoder.max_characters,
            num_cases=NUM_CASE_CLASSES,
            num_buckets=None if encoder.subwords is None else encoder.subwords.num_buckets,
        )
    except ValueError as error:
        # It begins with the name of an argument, in quotes.
        raise RecipeError(f"key `model.arguments.{str(error)[1:]}") from None
    features = arguments.pop("features")
    return recipe.model_copy(update={"model": recipe.model.model_copy(update={"arguments": arguments})}), features


def make_tokenizer(recipe: TokenRecipe, words: Mapping[str, int], data_directory: str | Path | None) -> Tokenizer:
    """The tokenizer that a recipe names, read from its file, or trained.

    Args:
        recipe: names it, and its options.
        words: how often each word of the training texts comes.
        data_directory: where the file is looked for first.

    Raises:
        InputError: if the file is not there, or the words give no tokenizer.
        RecipeError: if there is none of that name, or it does not take the options.
    """
    splitting = recipe.splitting
    try:
        kind = TOKENIZERS.get(splitting.name)
    except InputError as error:
        raise RecipeError(f"key `data.tokenizer`: {error}") from None
    make: Any = kind.train if splitting.file is None else kind.read
    source = words if splitting.file is None else find_data(splitting.file, data_directory)
    known = list(inspect.signature(make).parameters)[1:]
    try:
        return make(source, **splitting.arguments)
    except (TypeError, ValueError) as error:
        raise RecipeError(
            f"key `tokenizer.arguments`: {error}; the tokenizer {kind.name} takes {', '.join(known)}"
        ) from None


def build_encoder(recipe: TokenRecipe, texts: Iterable[Iterable[str]], tokenizer: Tokenizer) -> TokenEncoder:
    """The encoder of tokens that a recipe asks for, from the tokens of the training texts."""
    data, hashed = recipe.data, recipe.hashed
    return TokenEncoder.build(
        texts,
        min_count=data.min_count,
        min_character_count=data.min_character_count,
        max_characters=data.max_characters,
        subwords=None if hashed is None else SubwordHashing(**hashed.model_dump()),
        vocabulary=tokenizer.vocabulary,
    )
