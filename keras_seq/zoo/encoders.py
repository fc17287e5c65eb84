"""Encoders: what reads the vectors of tokens between embedding and head, and what each of them can do."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import keras

from keras_seq.core.checks import check_boolean, check_choice, check_positive_integer
from keras_seq.core.plugins import Plugins
from keras_seq.layers import (
    GRU,
    LSTM,
    Bidirectional,
    ConcatenateFeatures,
    SimpleRNN,
    StepConvolution,
    TransformerStack,
)
from keras_seq.ops.masking import get_keras_mask
from keras_seq.zoo.token_vectors import from_options

Tensor = Any
SomeEncoder = TypeVar("SomeEncoder", bound="type[Encoder]")

# Those of this package are registered below; other packages have entry points of this group.
MODULES: dict[str, str] = {}
ENCODERS = Plugins("keras_seq.encoders", "encoder", table=f"{__name__}:MODULES", attribute="ENCODER")

CELLS = {"simple_rnn": SimpleRNN, "gru": GRU, "lstm": LSTM}
# What a head, a pooling or a signature may need of an encoder.
NEEDS = {
    "causal": "no step sees a later one",
    "streams": "the state goes in and out, so that it reads a text in parts and no step sees a later one",
    "reads_all": "the state at the end of a text depends on every step",
}
# The sides on which every text is padded somewhere between its file and a signature.
PADDED_SIDES = ("left", "right")


class Encoder:
    """Base of encoders: a frozen dataclass of options that checks them in `__post_init__`, and connects its layers.

    A subclass with `register_encoder` is taken by every builder that has the argument `encoder`, and by every recipe:
    `encoder = { kind = "its name", ... }`. It has `__call__`, or `prepare` where the order in which weights are drawn
    matters, and says what it can do by the properties below. It keeps the steps and their mask: build it of layers that
    pass masks on; an operation of `keras.ops` does not.

    `padding` are the places of padding at which outputs at real steps stay the same: `"left"` and `"right"`, which
    every encoder must take, and `"inside"`. `variants` are options with which `causal` and the others differ; each must
    build an encoder.

    Call arguments:
        x: `(batch, steps, features)`, the vectors of tokens, with their mask.
        rates: rates of dropout by place; `recurrent` is for the encoder.

    Returns:
        `(batch, steps, any number of features)`, with the mask of `x`.

    Example:
        >>> import dataclasses, keras
        >>> from keras_seq.zoo import ner_model
        >>> from keras_seq.zoo.encoders import ENCODERS, Encoder, register_encoder
        >>> @register_encoder("dense")
        ... @dataclasses.dataclass(frozen=True)
        ... class DenseEncoder(Encoder):
        ...     units: int = 64
        ...
        ...     def __call__(self, x, rates):
        ...         return keras.layers.Dense(self.units, activation="relu")(x)
        >>> ner_model(100, 5, encoder={"kind": "dense", "units": 16}).output_shape
        (None, None, 5, 5)
        >>> ENCODERS.remove("dense")
    """

    name: ClassVar[str]
    padding: ClassVar[tuple[str, ...]] = (*PADDED_SIDES, "inside")
    variants: ClassVar[tuple[Mapping[str, Any], ...]] = ({},)

    @property
    def causal(self) -> bool:
        """Whether no step sees a later one."""
        return False

    @property
    def streams(self) -> bool:
        """Whether it can read a text in parts, with a state that goes in and out."""
        return False

    @property
    def reads_all(self) -> bool:
        """Whether the state at the end of a text, or at both ends of it, depends on every step."""
        return False

    @property
    def both_ends(self) -> bool:
        """Whether the first half of the features ends at the last real step, the second at the first one."""
        return False

    def __call__(self, x: Tensor, rates: Mapping[str, float]) -> Tensor:
        return self.prepare(rates)(x)

    def prepare(self, rates: Mapping[str, float]) -> Callable[[Tensor], Tensor]:
        """Make the layers, before those of the head; what it returns connects them."""
        return lambda x: self(x, rates)


def register_encoder(name: str) -> Callable[[SomeEncoder], SomeEncoder]:
    """Enter a class of encoders under a name: the `kind` of mappings and recipes.

    Raises:
        TypeError: if what is decorated is no dataclass that extends `Encoder`.
        ValueError: if the name is taken, or padding on a side that texts have would change outputs.
    """

    def register(encoder: SomeEncoder) -> SomeEncoder:
        is_encoder = isinstance(encoder, type) and issubclass(encoder, Encoder) and dataclasses.is_dataclass(encoder)
        if not is_encoder or (encoder.__call__, encoder.prepare) == (Encoder.__call__, Encoder.prepare):
            raise TypeError(
                "`encoder` must be a dataclass that extends Encoder, with `__call__` or `prepare`. "
                f"Received: encoder={encoder!r}. Write @register_encoder above @dataclasses.dataclass(frozen=True)."
            )
        missing = [side for side in PADDED_SIDES if side not in encoder.padding]
        if missing:
            raise ValueError(
                f"`padding` must hold {' and '.join(PADDED_SIDES)}: texts are padded there. Received: "
                f"padding={encoder.padding} of {encoder.__name__}. Use layers that take the mask."
            )
        for options in encoder.variants:
            encoder(**options)
        encoder.name = name
        ENCODERS.add(name, encoder)
        return encoder

    return register


def make_encoder(
    encoder: Encoder | Mapping[str, Any] | None, kind: str = "", options: Any = None, **defaults: Any
) -> Encoder:
    """The encoder that the arguments of a builder name.

    Args:
        encoder: the argument `encoder`: an encoder; or its options, with its name as `kind`; or `None`.
        kind: the name of the encoder that the builder has without it, and of the argument for its options.
        options: that argument, a mapping or `None`.
        **defaults: the options that the builder has of its own.

    Raises:
        TypeError: if an argument or an option has a wrong type.
        ValueError: if there is no encoder of this name, an option is unknown or out of range, or both arguments are
            given.

    Example:
        >>> make_encoder({"kind": "recurrent", "cell": "gru", "units": [64]})
        Recurrent(cell='gru', units=(64,), bidirectional=True)
        >>> make_encoder(None, "recurrent", {"units": 32}, bidirectional=False)
        Recurrent(cell='lstm', units=(32,), bidirectional=False)
    """
    check_no_other(encoder, **{kind: options})
    if isinstance(encoder, Encoder):
        return encoder
    argument, given = (kind, options or {}) if encoder is None else ("encoder", encoder)
    if not isinstance(given, Mapping) or (encoder is not None and not isinstance(given.get("kind"), str)):
        raise TypeError(
            f"`{argument}` must be a mapping of options, `encoder` an encoder or a mapping with its `kind`. "
            f"Received: {argument}={given!r}. Write {{'kind': 'recurrent'}}, for instance; there are "
            f"{', '.join(ENCODERS.names())}."
        )
    given = {**defaults, **given} if encoder is None else dict(given)
    found = ENCODERS.get(kind if encoder is None else given.pop("kind"))
    return from_options(found, given, argument)


def check_no_other(encoder: Any, **others: Any) -> None:
    """Raise if a builder was given both an encoder and arguments that describe one; those not given are `None`."""
    given = [f"`{name}`" for name, value in others.items() if value is not None]
    if encoder is not None and given:
        raise ValueError(
            f"{given[0]} and `encoder` exclude each other. Received: encoder={encoder!r}, and {', '.join(given)}. "
            "Write the options into `encoder`."
        )


def check_needs(encoder: Encoder, needs: Sequence[str], asker: str) -> None:
    """Raise unless an encoder can do what a head, a pooling or a signature needs.

    Args:
        encoder: the encoder.
        needs: names of `NEEDS`.
        asker: what needs it, as the message calls it.

    Raises:
        ValueError: if it cannot; the message lists the encoders that can.
    """
    for need in needs:
        if not getattr(encoder, need):
            raise ValueError(
                f"{asker} needs an encoder of which {NEEDS[need]}. Received: encoder={encoder!r}. "
                f"Those that can: {', '.join(able_encoders(need))}."
            )


def able_encoders(need: str) -> list[str]:
    """The encoders that can do something, each with the options that it takes, such as `recurrent(units=[64])`."""
    found = []
    for name in ENCODERS.names():
        kind = ENCODERS.get(name)
        able = [options for options in kind.variants if getattr(kind(**options), need)]
        if able:
            options = ", ".join(f"{key}={value!r}" for key, value in able[0].items())
            found.append(f"{name}({options})" if options else name)
    return found


def encoded(connect: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """What an encoder makes of token vectors.

    Args:
        connect: what `Encoder.prepare` gave.
        x: `(batch, steps, features)`.

    Raises:
        ValueError: if the outputs are no vectors of the same steps, or have lost the mask.
    """
    y = connect(x)
    if len(y.shape) != 3 or y.shape[-1] is None or (get_keras_mask(x) is None) != (get_keras_mask(y) is None):
        raise ValueError(
            "`encoder` must give one vector per step, (batch, steps, features), with the mask of its input. "
            f"Received: shape {y.shape}, {'no' if get_keras_mask(y) is None else 'a'} mask. Build it of layers that "
            "pass masks on; an operation of `keras.ops` does not."
        )
    return y


def connected(layers: Iterable[keras.layers.Layer], x: Tensor) -> Tensor:
    """What layers make of a tensor, one after the other."""
    for layer in layers:
        x = layer(x)
    return x


def sizes_of(name: str, units: int | Sequence[int]) -> tuple[int, ...]:
    """One size or several as positive integers."""
    sizes = tuple(units) if isinstance(units, Sequence) and not isinstance(units, str) else (units,)
    for size in sizes:
        check_positive_integer(name, size)
    return sizes


@register_encoder("bag")
@dataclasses.dataclass(frozen=True)
class Bag(Encoder):
    """No encoder at all: what follows reads the vectors of tokens themselves."""

    @property
    def causal(self) -> bool:
        return True

    def __call__(self, x: Tensor, rates: Mapping[str, float]) -> Tensor:
        return x


@register_encoder("recurrent")
@dataclasses.dataclass(frozen=True)
class Recurrent(Encoder):
    """Recurrent layers on top of each other, with dropout after each.

    Args:
        cell: `"simple_rnn"`, `"gru"` or `"lstm"`.
        units: sizes of the layers, per direction; none: then it is a bag.
        bidirectional: whether each layer reads in both directions.

    Reference:
        Graves, "Supervised Sequence Labelling with Recurrent Neural Networks", Springer 2012.
    """

    variants = ({}, {"bidirectional": False})
    cell: str = "lstm"
    units: int | Sequence[int] = (128,)
    bidirectional: bool = True

    def __post_init__(self) -> None:
        check_choice("cell", self.cell, tuple(CELLS))
        check_boolean("bidirectional", self.bidirectional)
        object.__setattr__(self, "units", sizes_of("units", self.units))

    @property
    def causal(self) -> bool:
        return not self.bidirectional

    @property
    def streams(self) -> bool:
        return not self.bidirectional

    @property
    def reads_all(self) -> bool:
        return bool(self.units)

    @property
    def both_ends(self) -> bool:
        return self.bidirectional

    def prepare(self, rates: Mapping[str, float]) -> Callable[[Tensor], Tensor]:
        layers = []
        for index, size in enumerate(sizes_of("units", self.units)):
            layer = CELLS[self.cell](size, return_sequences=True, name=f"{self.cell}_{index}")
            layers.append(Bidirectional(layer, name=f"bidirectional_{index}") if self.bidirectional else layer)

        def connect(x: Tensor) -> Tensor:
            for index, layer in enumerate(layers):
                x = keras.layers.Dropout(rates["recurrent"], name=f"drop_recurrent_{index}")(layer(x))
            return x

        return connect


@register_encoder("convolutional")
@dataclasses.dataclass(frozen=True)
class Convolutional(Encoder):
    """Convolutions over the steps on top of each other, ReLU and dropout after each.

    Args:
        units: sizes of the layers.
        kernel_sizes: widths of the convolutions that stand side by side in each layer, `units` features each.
        dilated: whether each layer reaches twice as far as the one below: steps 1, 2, 4, ... apart.
        causal: whether a step sees no later one.

    Reference:
        Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP 2014; Strubell et al., "Fast and
        Accurate Entity Recognition with Iterated Dilated Convolutions", EMNLP 2017.
    """

    variants = ({}, {"causal": True})
    units: int | Sequence[int] = (128,)
    kernel_sizes: int | Sequence[int] = (3,)
    dilated: bool = False
    causal: bool = False

    def __post_init__(self) -> None:
        for name in ("units", "kernel_sizes"):
            sizes = sizes_of(name, getattr(self, name))
            if not sizes:
                raise ValueError(f"`{name}` must hold at least one size. Received: {name}=(). Pass [3], for instance.")
            object.__setattr__(self, name, sizes)
        check_boolean("dilated", self.dilated)
        check_boolean("causal", self.causal)

    @property
    def streams(self) -> bool:
        return self.causal

    def prepare(self, rates: Mapping[str, float]) -> Callable[[Tensor], Tensor]:
        layers = [
            [
                StepConvolution(
                    size,
                    width,
                    dilation_rate=2**index if self.dilated else 1,
                    causal=self.causal,
                    activation="relu",
                    name=f"convolution_{index}_{width}",
                )
                for width in sizes_of("kernel_sizes", self.kernel_sizes)
            ]
            for index, size in enumerate(sizes_of("units", self.units))
        ]

        def connect(x: Tensor) -> Tensor:
            for index, side_by_side in enumerate(layers):
                parts = [layer(x) for layer in side_by_side]
                x = ConcatenateFeatures(name=f"convolutions_{index}")(parts) if len(parts) > 1 else parts[0]
                x = keras.layers.Dropout(rates["recurrent"], name=f"drop_convolution_{index}")(x)
            return x

        return connect


@register_encoder("transformer")
@dataclasses.dataclass(frozen=True)
class Transformer(Encoder):
    """A projection to `units` features, then blocks of self-attention.

    Args:
        num_blocks: number of blocks.
        units: number of features.
        num_heads: number of attention heads, a divisor of `units`.
        feed_forward_units: size of the inner dense layer of a block; `None`: four times `units`.
        causal: whether a step sees no later one.
        window: with `causal`, how many steps a step sees, itself among them; `None`: all. With a window it streams.
        positions: `"sinusoidal"`, `"rotary"`, or `"learned"` with `max_steps`: see `keras_seq.layers.TransformerStack`.
        max_steps: number of learned positions.
        norm: `"pre"` or `"post"`: where the norms stand.

    Reference:
        Vaswani et al., "Attention Is All You Need", NIPS 2017;
        Xiong et al., "On Layer Normalization in the Transformer Architecture", ICML 2020.
    """

    variants = ({}, {"causal": True}, {"causal": True, "window": 256})
    num_blocks: int = 2
    units: int = 128
    num_heads: int = 4
    feed_forward_units: int | None = None
    causal: bool = False
    window: int | None = None
    positions: str = "sinusoidal"
    max_steps: int | None = None
    norm: str = "pre"

    def __post_init__(self) -> None:
        for name in ("num_blocks", "units", "num_heads", "feed_forward_units", "window"):
            if name not in ("feed_forward_units", "window") or getattr(self, name) is not None:
                check_positive_integer(name, getattr(self, name))
        if self.units % self.num_heads:
            raise ValueError(
                f"`num_heads` must divide `units`. Received: num_heads={self.num_heads}, units={self.units}. "
                "Change one of the two."
            )

    @property
    def streams(self) -> bool:
        return self.causal and self.window is not None

    @property
    def reads_all(self) -> bool:
        return self.window is None

    def prepare(self, rates: Mapping[str, float]) -> Callable[[Tensor], Tensor]:
        stack = TransformerStack(
            self.num_blocks,
            self.num_heads,
            feed_forward_units=self.feed_forward_units,
            dropout=rates["recurrent"],
            # The token vectors have dropout of their own.
            input_dropout=0.0,
            positions=self.positions,
            max_steps=self.max_steps,
            scale_inputs=True,
            norm=self.norm,
            causal=self.causal,
            window=self.window,
            name="transformer",
        )
        return functools.partial(connected, [keras.layers.Dense(self.units, name="input_projection"), stack])
