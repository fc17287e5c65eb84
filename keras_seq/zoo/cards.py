"""Model cards: what a trained model is, was trained on, scores, and must not be used for."""

import dataclasses
import json
import os
import re
from dataclasses import dataclass, field

from pydantic import ConfigDict, TypeAdapter, ValidationError

from keras_seq.core.errors import DataError, InputError
from keras_seq.core.files import atomic_write
from keras_seq.core.notices import visible
from keras_seq.core.reading import read_text_file

CARD_FILE = "card.json"
"""Where a card stands in the folder of its model."""

# No language, an undetermined one, no linguistic content (BCP 47).
NO_LANGUAGE = ("", "und", "zxx")
_REMEDY = "export the model again"
_URL = re.compile(r"https?://[^\s<>()|]+")


@dataclass(frozen=True, kw_only=True)
class DatasetCard:
    """The data that a model was trained and measured on.

    Args:
        name: The registered name of the data set.
        split: What was used for what, such as `"train: train.conll, test: test.conll"`.
        licence: The licence of the data.
        citation: How its authors ask to be cited.
        url: Where it is published.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    split: str
    licence: str
    citation: str = ""
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """The card of one trained model: stored as `card.json`, shown as Markdown.

    Args:
        name: The name of the trained model, such as `"ner_pt"`.
        task: The task it is for, such as `"tagger"`.
        builder: The registered name of its builder, or `""` for what no builder of the zoo makes.
        description: What it does, in one or two sentences.
        language: The language of the text it is for (BCP 47), or `""`; `"zxx"` for what is no language, as images are.
        data: What it was trained and measured on.
        recipe: The resolved recipe (TOML text): everything that decided the score.
        seeds: The seeds that were run; the shipped weights are those of `seeds[0]`.
        command: The command line that trains it.
        metrics: Name of a metric -> its value for the shipped weights, on the test split unless `limitations` says
            otherwise.
        parameters: How many weights it has.
        training_seconds: How long one training took.
        cpu: The processor that the training took so long on.
        versions: Name of a package -> the version it was trained with.
        date: The day it was trained on, as `YYYY-MM-DD`.
        limitations: What it is not good for, one sentence each.

    Example:

    >>> card = ModelCard(
    ...     name="toy", task="tagger", builder="ner_model", description="Finds names.", language="en",
    ...     data=DatasetCard(name="toy", split="test: test.conll", licence="CC0-1.0"), recipe="seed = 1", seeds=(1,),
    ...     command="keras-seq train toy.toml", metrics={"entity_f1": 0.5}, parameters=10, training_seconds=1.5,
    ...     cpu="any", versions={"keras": "3.15.1"}, date="2026-01-31", limitations=("It knows three names.",),
    ... )
    >>> ModelCard.from_json(card.to_json()) == card
    True
    >>> print(card.render().splitlines()[0])
    # toy
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    task: str
    builder: str
    description: str
    language: str
    data: DatasetCard
    recipe: str
    seeds: tuple[int, ...]
    command: str
    metrics: dict[str, float]
    parameters: int
    training_seconds: float
    cpu: str
    versions: dict[str, str]
    date: str
    limitations: tuple[str, ...] = field(default=())

    def __post_init__(self):
        # JSON has lists only: tuples keep an equal card equal after a round trip.
        object.__setattr__(self, "seeds", tuple(self.seeds))
        object.__setattr__(self, "limitations", tuple(self.limitations))
        for name in ("name", "task", "command", "date"):
            if not getattr(self, name):
                raise ValueError(f"`{name}` must not be empty. Received: {name}={getattr(self, name)!r}. Fill it in.")
        if not self.seeds:
            raise ValueError(f"`seeds` must hold the seed of the weights. Received: seeds={self.seeds!r}. Name it.")

    def to_json(self) -> str:
        """Return the card as JSON text that ends in a line break."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "ModelCard":
        """Return the card that `to_json` wrote.

        Raises:
            ValueError: if the text is not JSON, has missing or unknown keys, or values of another type.
        """
        try:
            return TypeAdapter(cls).validate_json(text, strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = ".".join(map(str, first["loc"]))
            reason = first["msg"].removeprefix("Value error, ").split(". ")[0]
            raise ValueError(f"{f'`{key}`: ' if key else ''}{reason}") from error

    def save(self, path: str | os.PathLike) -> None:
        """Write the card to a file, whole or not at all.

        Args:
            path: The file, by convention `card.json`.
        """
        with atomic_write(path, "w") as file:
            file.write(self.to_json())

    @classmethod
    def load(cls, path: str | os.PathLike) -> "ModelCard":
        """Read a card from a file.

        Args:
            path: A file that `save` wrote.

        Raises:
            InputError: if the file is missing or is not a card.
        """
        try:
            return cls.from_json(read_text_file(path, _REMEDY))
        except InputError:
            raise
        except ValueError as error:
            raise DataError(path, None, f"not a model card: {error}", _REMEDY) from error

    def render(self) -> str:
        """Return the card as Markdown.

        Returns:
            Text that ends in a line break.
        """
        rows = [
            ("Task", self.task),
            ("Builder", f"`{self.builder}`" if self.builder else ""),
            ("Language", "" if self.language in NO_LANGUAGE else self.language),
            ("Parameters", f"{self.parameters:,}"),
            ("Data", f"[{self.data.name}]({self.data.url})" if _URL.fullmatch(self.data.url) else self.data.name),
            ("Split", self.data.split),
            ("Licence of the data", self.data.licence),
            ("Seeds", ", ".join(str(seed) for seed in self.seeds)),
            ("Training", f"{self.training_seconds:,.0f} s on {self.cpu}, {self.date}"),
            ("Versions", ", ".join(f"{name} {version}" for name, version in sorted(self.versions.items()))),
        ]
        lines = [f"# {_plain(self.name)}", "", _plain(self.description), "", "| | |", "|---|---|"]
        lines += [f"| {name} | {_cell(value)} |" for name, value in rows if value]
        lines += ["", f"## Scores (seed {self.seeds[0]})", "", "| metric | value |", "|---|---|"]
        lines += [f"| {_cell(name)} | {value:.4f} |" for name, value in self.metrics.items()]
        # A fence is longer than any within.
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", f"{self.command} {self.recipe}")), default=0))
        lines += ["", "## How it was made", "", fence, self.command, fence]
        lines += ["", f"{fence}toml", self.recipe.rstrip(), fence]
        if self.limitations:
            lines += ["", "## Limitations", "", *(f"- {_plain(sentence)}" for sentence in self.limitations)]
        if self.data.citation:
            lines += ["", "## Citation of the data", "", _plain(self.data.citation)]
        return visible("\n".join(lines)) + "\n"


def _plain(value: str) -> str:
    # In Markdown, too, HTML is obeyed.
    return value.replace("<", "&lt;")


def _cell(value: str) -> str:
    return _plain(" ".join(value.split())).replace("|", "\\|")
