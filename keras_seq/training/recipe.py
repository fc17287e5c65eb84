"""A recipe: everything that decides a score, typed and checked, kept in one TOML file."""

import difflib
import inspect
import os
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

import tomli_w
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from keras_seq.core.errors import RecipeError
from keras_seq.core.files import atomic_write
from keras_seq.training.images_recipe import ImagesRecipe
from keras_seq.training.language_recipe import LanguageRecipe
from keras_seq.training.music_recipe import MusicRecipe
from keras_seq.training.ngram_recipe import NgramRecipe
from keras_seq.training.pairs_recipe import PairsRecipe
from keras_seq.training.pretraining_recipe import PretrainingRecipe
from keras_seq.training.recipe_section import Section
from keras_seq.training.transfer_recipe import TransferRecipe

# Task -> the score that decides when `fit.monitor` is not given.
MONITORS = {
    "tagger": "entity_f1",
    "classifier": "accuracy",
    "image_matcher": "accuracy",
    "language_model": "perplexity",
    "music": "nll_per_step",
    "ngram_language_model": "perplexity",
    "pair_matcher": "f1",
}
# The task that has no builder, and what stands in the place of one.
NGRAM_TASK, NGRAM_BUILDER = "ngram_language_model", "kneser_ney"
# Scores of which less is better.
LESS_IS_BETTER = ("perplexity", "nll", "nats_per_character", "bits_per_character", "nll_per_step", "memory_mb")

# The keys of `data` that name files, and all keys that do.
DATA_FILES = ("train", "validation", "test", "out_of_scope_validation", "out_of_scope_test")
FILE_KEYS = (*(f"data.{key}" for key in DATA_FILES), "pretraining.files", "pretraining.vectors", "transfer.file")


class DataRecipe(Section):
    """Which data, and how it becomes ids. A reference is `name/file` of a registered data set, or a path."""

    train: str = Field(min_length=1)
    validation: str | None = Field(default=None, min_length=1)
    test: str | None = Field(default=None, min_length=1)
    language: str = "und"
    columns: tuple[Literal["label", "text", "fold", "ignored"], ...] = Field(
        default=("label", "text"), strict=False, description="of labelled text, parted by tabs"
    )
    label_separator: str | None = Field(
        default=None, min_length=1, description="between the labels of a text that may have several"
    )
    fold: int | None = Field(
        default=None, ge=0, description="the rows of the training file that have this fold are the test data"
    )
    held_out: float = Field(
        default=0.1,
        gt=0,
        lt=1,
        description="share of the training texts that validates where no file does; of a running text its end",
    )
    out_of_scope_validation: str | None = Field(default=None, min_length=1)
    out_of_scope_test: str | None = Field(default=None, min_length=1)
    max_tokens: int = Field(default=1000, ge=1, description="of a longer text the rest is not read")
    scheme: Literal["BIO", "BIOES"] = "BIOES"
    min_count: int = Field(default=1, ge=1, description="rarer words are unknown")
    min_character_count: int = Field(default=1, ge=1, description="rarer characters are unknown")
    max_characters: int = Field(default=20, ge=1)
    replace_mentions: float = Field(
        default=0.0, ge=0, lt=1, description="share of entities exchanged for others of their type, anew in each epoch"
    )
    max_length: int = Field(default=10_000, ge=1, description="a sentence of more tokens is an error")


class ModelRecipe(Section):
    """Which builder of the zoo, and its keyword arguments (those that do not follow from the data)."""

    builder: str = Field(min_length=1)
    word_vectors: Literal["random", "cooccurrence"] = Field(
        default="random",
        description="what word vectors begin with: `cooccurrence` counts neighbours in the training text",
    )
    arguments: dict[str, Any] = Field(default_factory=dict)


class SubwordRecipe(Section):
    """Which character n-grams of a token become ids, where the model reads subwords."""

    num_buckets: int = Field(default=50_000, ge=1)
    min_length: int = Field(default=3, ge=1)
    max_length: int = Field(default=5, ge=1)


class ClassificationRecipe(Section):
    """What is particular to classifiers of text."""

    class_weights: Literal["none", "balanced"] = Field(
        default="none", description="balanced: rare classes count for more in the loss"
    )
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    calibrate: bool = Field(default=True, description="fit a temperature on the validation data")
    keep_in_scope: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="share of the validation texts that the rejection threshold keeps; 0 = nothing is rejected",
    )
    out_of_scope_label: str = Field(default="out_of_scope", min_length=1)


class BatchingRecipe(Section):
    """How examples become batches: at most `batch_size` rows and (0 = any number) `tokens_per_batch` padded tokens."""

    batch_size: int = Field(default=32, ge=1)
    tokens_per_batch: int = Field(default=0, ge=0)
    bucket_boundaries: tuple[int, ...] = Field(default=(), strict=False)

    @field_validator("bucket_boundaries")
    @classmethod
    def _increasing(cls, boundaries: tuple[int, ...]) -> tuple[int, ...]:
        if any(boundary < 1 for boundary in boundaries) or list(boundaries) != sorted(set(boundaries)):
            raise ValueError("must be lengths of at least 1, each larger than the one before")
        return boundaries


class OptimizerRecipe(Section):
    """The optimizer, its schedule, clipping by the global norm, and the averaging of weights (0 = off)."""

    name: Literal["adam", "adamw", "nadam", "sgd"] = "adam"
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    betas: tuple[float, float] = Field(default=(0.9, 0.999), strict=False)
    momentum: float = Field(default=0.9, ge=0, lt=1, description="of sgd only")
    clip_norm: float = Field(default=5.0, ge=0, description="0 = no clipping")
    schedule: Literal["constant", "cosine", "linear", "inverse_sqrt"] = "constant"
    warmup_steps: int = Field(default=0, ge=0)
    warmup_fraction: float = Field(default=0.0, ge=0, lt=1, description="of all steps")
    final_fraction: float = Field(default=0.0, ge=0, le=1, description="of the learning rate, reached at the last step")
    ema: float = Field(default=0.0, ge=0, lt=1, description="decay of the weight average; 0 = no averaging")

    @field_validator("betas")
    @classmethod
    def _rates(cls, betas: tuple[float, float]) -> tuple[float, float]:
        if any(not 0 <= beta < 1 for beta in betas):
            raise ValueError("must be two rates, each at least 0 and below 1")
        return betas

    @model_validator(mode="after")
    def _one_warmup(self) -> Self:
        if self.warmup_steps and self.warmup_fraction:
            raise ValueError("`warmup_steps` and `warmup_fraction` exclude each other: set one of them to 0")
        return self


class FitRecipe(Section):
    """How long to train, and what is watched: `patience` evaluations without a better `monitor` end it (0 = never)."""

    epochs: int = Field(default=20, ge=1)
    miss_cost: float = Field(
        default=0.0, ge=0, description="of a tagger with a CRF: what a missed entity token costs, in nats"
    )
    monitor: str = Field(default="", description="a score of the validation data; by default that of the task")
    direction: Literal["max", "min"] = "max"
    patience: int = Field(default=0, ge=0)
    evaluate_every: int = Field(default=1, ge=1, description="epochs")
    jit_compile: bool | Literal["auto"] = Field(
        default=False,
        description="whole steps by XLA; recurrent loops are compiled either way, and on JAX everything is",
    )
    checkpoint_seconds: float = Field(default=60.0, gt=0)
    checkpoint_batches: int = Field(default=0, ge=0, description="0 = by the clock only")


class TensorBoardRecipe(Section):
    """What TensorBoard shows beside the curves."""

    gradient_norms: bool = Field(
        default=False, description="the norm of dL/dh_t at every step of the recurrent layers, after each epoch"
    )


class ExpectedRecipe(Section):
    """The score that the recipe is known to reach, so that a run can say whether it did."""

    scores: dict[str, float] = Field(default_factory=dict)


class Recipe(Section):
    """Everything that decides a score: data, model, batches, optimizer, length of training, seed.

    Use `Recipe.load` to read one, `override` to change single values, `save` to write all values, defaults included.
    Whatever is wrong with a recipe is told in one line that names the file, the key, what is expected and what came.

    Example:

    >>> recipe = Recipe.from_dict({
    ...     "task": "tagger", "name": "demo",
    ...     "data": {"train": "train.conll", "validation": "dev.conll"},
    ...     "model": {"builder": "ner_model", "arguments": {"units": 64}},
    ... })
    >>> recipe.override(["fit.epochs=3", "model.arguments.units=32"]).fit.epochs
    3
    """

    task: str = Field(min_length=1)
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    description: str = ""
    seed: int = Field(default=0, ge=0, lt=2**31)
    data: DataRecipe
    subwords: SubwordRecipe = SubwordRecipe()
    pretraining: PretrainingRecipe = PretrainingRecipe()
    transfer: TransferRecipe = TransferRecipe()
    model: ModelRecipe
    classification: ClassificationRecipe = ClassificationRecipe()
    language: LanguageRecipe = LanguageRecipe()
    ngram: NgramRecipe = NgramRecipe()
    music: MusicRecipe = MusicRecipe()
    pairs: PairsRecipe = PairsRecipe()
    images: ImagesRecipe = ImagesRecipe()
    batching: BatchingRecipe = BatchingRecipe()
    optimizer: OptimizerRecipe = OptimizerRecipe()
    fit: FitRecipe = FitRecipe()
    tensorboard: TensorBoardRecipe = TensorBoardRecipe()
    expected: ExpectedRecipe = ExpectedRecipe()

    @model_validator(mode="before")
    @classmethod
    def _without_builder(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and values.get("task") == NGRAM_TASK:
            return {"model": {"builder": NGRAM_BUILDER}, **values}
        return values

    @model_validator(mode="before")
    @classmethod
    def _default_monitor(cls, values: Any) -> Any:
        if not isinstance(values, Mapping) or values.get("task") not in MONITORS:
            return values
        fit = values.get("fit", {})
        if not isinstance(fit, Mapping):
            return values
        monitor = fit.get("monitor") or _monitor_of(values)
        direction = "min" if monitor in LESS_IS_BETTER else "max"
        return {**values, "fit": {"direction": direction, **fit, "monitor": monitor}}

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Read a recipe from a TOML file.

        Args:
            path: The file.

        Returns:
            The checked recipe.

        Raises:
            RecipeError: When the file cannot be read, is not TOML, or holds an unknown key, a wrong type or an
                impossible value.
        """
        try:
            text = Path(path).read_bytes().decode("utf-8-sig")
        except OSError as error:
            raise RecipeError(f"{path}: cannot be read ({error.strerror}); name a recipe, a TOML file") from None
        except UnicodeDecodeError as error:
            raise RecipeError(f"{path}: is not UTF-8 text (byte {error.start}); name a recipe, a TOML file") from None
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            match = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
            line = int(match[1]) if match else text.count("\n") + 1
            reason = re.sub(r" \(at .*\)$", "", str(error))
            raise RecipeError(f"{path}:{line}: is not valid TOML: {reason}; correct this line") from None
        return cls.from_dict(values, source=os.fspath(path), text=text)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], source: str = "recipe", text: str = "") -> Self:
        """Check a dict shaped like the TOML file.

        Args:
            values: The sections and keys.
            source: What messages call the recipe, usually its path.
            text: The TOML text, where there is one: messages then name the line of the key.

        Returns:
            The checked recipe.

        Raises:
            RecipeError: As for `load`.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise RecipeError(_explain(error.errors(include_url=False)[0], cls, source, text)) from None

    def override(self, assignments: Iterable[str]) -> Self:
        """Change single values, as `--set key=value` does.

        Args:
            assignments: Texts such as `"fit.epochs=3"`. The value is read as TOML; what is not TOML is a string, so
                quotes may be left out. `none` takes the key away, so that its default holds.

        Returns:
            A new, checked recipe.

        Raises:
            RecipeError: When a text has no `=`, or the key or the value does not fit.
        """
        values = self.to_dict()
        for assignment in assignments:
            key, separator, value_text = assignment.partition("=")
            keys = [part.strip() for part in key.split(".")]
            if not separator or not all(keys):
                raise RecipeError(
                    f"--set: expected key=value. Received: {_shown(assignment)}; write for example fit.epochs=3"
                )
            section = values
            for depth, part in enumerate(keys[:-1], start=1):
                section = section.setdefault(part, {})
                if not isinstance(section, dict):
                    raise RecipeError(
                        f"--set {assignment}: `{'.'.join(keys[:depth])}` is a value, not a section; name it alone"
                    )
            if value_text.strip().lower() == "none":
                section.pop(keys[-1], None)
            else:
                section[keys[-1]] = _parse_value(value_text.strip())
        return type(self).from_dict(values, source="--set")

    def to_dict(self) -> dict[str, Any]:
        """All values, defaults included, as plain dicts, lists and scalars; keys without a value are left out."""
        return self.model_dump(mode="json", exclude_none=True)

    def save(self, path: str | os.PathLike) -> None:
        """Write all values, defaults included, as TOML; the file appears whole or not at all."""
        with atomic_write(path) as file:
            file.write(tomli_w.dumps(self.to_dict()).encode())

    def first_difference(self, other: "Recipe", ignored: Collection[str] = ()) -> tuple[str, Any, Any] | None:
        """The first key in which two recipes differ, with both values, or `None` when they are equal.

        Args:
            other: The other recipe.
            ignored: Keys such as `data.train` that may differ.
        """
        mine, theirs = _flatten(self.to_dict()), _flatten(other.to_dict())
        for key in [*mine, *(key for key in theirs if key not in mine)]:
            if key not in ignored and mine.get(key) != theirs.get(key):
                return key, mine.get(key), theirs.get(key)
        return None

    def files(self) -> dict[str, str]:
        """All files that a training reads: key, such as `data.train` or `pretraining.files[0]`, and reference."""
        data, pretraining = self.data, self.pretraining
        found = {f"data.{key}": getattr(data, key) for key in DATA_FILES}
        found |= {f"pretraining.files[{index}]": file for index, file in enumerate(pretraining.files)}
        found |= {"pretraining.vectors": pretraining.vectors, "transfer.file": self.transfer.file}
        return {key: reference for key, reference in found.items() if reference is not None}

    def build_model(self, builder: Callable[..., Any], source: str = "recipe", **from_data: Any) -> Any:
        """Call a builder with `model.arguments` and with what follows from the data.

        Args:
            builder: A builder of the zoo; `model.arguments` are checked against its signature.
            source: What messages call the recipe, usually its path.
            **from_data: Arguments that the data decides, such as `vocabulary_size` and `num_tags`.

        Returns:
            What the builder returns.

        Raises:
            RecipeError: When an argument is unknown, missing, decided by the data, or refused by the builder.
        """
        parameters = inspect.signature(builder).parameters
        free = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
        for key in self.model.arguments:
            place = f"{source}: key `model.arguments.{key}`"
            if key in from_data:
                raise RecipeError(f"{place} follows from the data (here {_shown(from_data[key])}); take it out")
            if key not in parameters and not free:
                known = [name for name in parameters if name not in from_data]
                raise RecipeError(f"{place} is unknown to {self.model.builder}; {_closest(key, known)}")
        arguments = {**from_data, **self.model.arguments}
        for name, parameter in parameters.items():
            required = parameter.default is parameter.empty and parameter.kind in (
                parameter.POSITIONAL_OR_KEYWORD,
                parameter.KEYWORD_ONLY,
            )
            if required and name not in arguments:
                raise RecipeError(f"{source}: key `model.arguments.{name}` is missing; {self.model.builder} needs it")
        try:
            return builder(**arguments)
        except (TypeError, ValueError) as error:
            raise RecipeError(f"{source}: [model.arguments] refused by {self.model.builder}: {error}") from error


def _monitor_of(values: Mapping[str, Any]) -> str:
    """The score that decides; of pairs it depends on what is known of them."""
    pairs = values.get("pairs", {})
    if values["task"] == "pair_matcher" and isinstance(pairs, Mapping):
        if pairs.get("form") == "classes":
            return "recall_at_1"
        if "score" in (pairs.get("columns") or ()):
            return "pearson"
    return MONITORS[values["task"]]


def _parse_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict) and value:
            flat.update(_flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def _explain(error: Mapping[str, Any], model: type[BaseModel], source: str, text: str) -> str:
    """One line for the first thing that pydantic found wrong."""
    section: Any = model
    keys: list[str] = []
    index = ""
    for part in error["loc"]:
        if isinstance(part, int):
            index = f"[{part}]"
        elif isinstance(section, type) and issubclass(section, BaseModel):
            field = section.model_fields.get(part)
            section = None if field is None else field.annotation
            keys.append(part)
        elif section in (dict[str, Any], dict[str, float]):
            keys.append(part)
        # What remains are the arms of a union (`bool`, `literal['auto']`): no keys of the recipe.
    key = ".".join(keys) + index
    line = _line_of(keys, text)
    place = f"{source}:{line}" if line else source
    if error["type"] == "extra_forbidden":
        return f"{place}: unknown key `{key}`; {_closest(keys[-1], list(_fields_at(model, keys[:-1])))}"
    if error["type"] == "missing" and index:
        return f"{place}: key `{'.'.join(keys)}` has too few values. Received: {_shown(error['input'])}; add some"
    if error["type"] == "missing":
        return f"{place}: key `{key}` is missing; add it"
    expected = _EXPECTED.get(error["type"]) or error["msg"].removeprefix("Value error, ")
    if error["type"] == "value_error" and not expected.startswith("must"):
        return f"{place}: [{key}]: {expected}"
    if keys and keys[-1] == "jit_compile":
        expected = 'must be true, false or "auto"'
    expected = re.sub(r"^(Input|String|Tuple|List) should", "must", expected)
    return f"{place}: key `{key}` {expected}. Received: {_shown(error['input'])}; correct the value"


_EXPECTED = {
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "dict_type": "must be a table of keys and values",
    "model_type": "must be a section of keys and values",
    "model_attributes_type": "must be a section of keys and values",
    "tuple_type": "must be a list",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "must be made of letters, digits, '.', '_' and '-', a letter or digit first",
}


def _fields_at(model: Any, keys: list[str]) -> Mapping[str, Any]:
    for key in keys:
        model = model.model_fields[key].annotation
    return model.model_fields


def _closest(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"did you mean `{close[0]}`?" if close else f"known are: {', '.join(known)}"


def _line_of(keys: list[str], text: str) -> int | None:
    """The line of a key in TOML text, or that of its section; `None` when neither stands there plainly."""
    section: list[str] = []
    section_line = None
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[([^\[\]]+)\]", line)
        if header:
            section = [part.strip().strip("\"'") for part in header[1].split(".")]
            if section == keys[: len(section)]:
                section_line = number
            continue
        entry = re.match(r"\s*([\w.\"'-]+)\s*=", line)
        if entry:
            full = section + [part.strip("\"'") for part in entry[1].split(".")]
            if full == keys[: len(full)]:
                return number
    return section_line


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else shown[:77] + "..."
