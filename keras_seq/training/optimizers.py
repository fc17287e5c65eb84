"""Optimizers of a recipe: gradient clipping by the global norm, which is kept, and an EMA of the weights."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_seq.core.keras_compat import adam_moments, trained_variables
from keras_seq.core.registration import register
from keras_seq.training.fit_recipe import OptimizerSection


@register
class WarmupSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises linearly, then stays or decays.

    With `s` the step, `w = warmup_steps`, `n = total_steps`, `p = (s - w) / (n - w)` and `f = final_fraction`, the rate
    is `learning_rate` times `(s + 1) / w` while `s < w`; afterwards, by `kind`:

    - `"constant"`: 1
    - `"linear"`: `1 - (1 - f) p`
    - `"cosine"`: `f + (1 - f) (1 + cos(pi p)) / 2`
    - `"inverse_sqrt"`: `sqrt(max(w, 1) / max(s, w, 1))`, not below `f`

    Args:
        learning_rate: The highest rate.
        total_steps: Steps of the whole training.
        kind: One of the names above.
        warmup_steps: Steps of the rise.
        final_fraction: Part of `learning_rate` that is left at the last step.

    Example:

    >>> schedule = WarmupSchedule(0.1, total_steps=100, kind="linear", warmup_steps=10)
    >>> round(float(schedule(4)), 3), round(float(schedule(55)), 3)
    (0.05, 0.05)
    """

    def __init__(
        self,
        learning_rate: float,
        *,
        total_steps: int,
        kind: str = "constant",
        warmup_steps: int = 0,
        final_fraction: float = 0.0,
    ):
        super().__init__()
        if kind not in ("constant", "linear", "cosine", "inverse_sqrt"):
            raise ValueError(
                "`kind` must be 'constant', 'linear', 'cosine' or 'inverse_sqrt'. "
                f"Received: kind={kind!r}. Pass one of these."
            )
        self.learning_rate = learning_rate
        self.total_steps = total_steps
        self.kind = kind
        self.warmup_steps = warmup_steps
        self.final_fraction = final_fraction

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32")
        warmup = float(self.warmup_steps)
        progress = ops.clip((step - warmup) / max(self.total_steps - warmup, 1.0), 0.0, 1.0)
        final = self.final_fraction
        if self.kind == "linear":
            factor = 1.0 - (1.0 - final) * progress
        elif self.kind == "cosine":
            factor = final + (1.0 - final) * 0.5 * (1.0 + ops.cos(math.pi * progress))
        elif self.kind == "inverse_sqrt":
            factor = ops.maximum(ops.sqrt(max(warmup, 1.0) / ops.maximum(step, max(warmup, 1.0))), final)
        else:
            factor = ops.ones_like(step)
        rise = ops.minimum((step + 1.0) / max(warmup, 1.0), 1.0)
        return self.learning_rate * ops.where(step < warmup, rise, factor)

    def get_config(self) -> dict[str, Any]:
        return {
            "learning_rate": self.learning_rate,
            "total_steps": self.total_steps,
            "kind": self.kind,
            "warmup_steps": self.warmup_steps,
            "final_fraction": self.final_fraction,
        }


class AveragingOptimizer(keras.optimizers.Optimizer):
    """Mixin for a Keras optimizer: gradient clipping by the global norm, and an exponential moving average of weights.

    Keras' own `use_ema` copies the average over the weights at the end of every `fit` call, which a loop of one `fit`
    call an epoch must not do, and its average leans on the first weights for thousands of steps. Here the average is
    kept apart, and its decay at step `t` is `min(ema, (t - 1) / (t + 8))`: the first weights are forgotten quickly. All
    of it is part of the compiled step. `averaged_weights` puts the averages into the model for a while.

    Gradients of embeddings are made dense first, so that rows named twice in a batch count once in the norm.

    Args:
        *args: Passed to the Keras optimizer.
        clip_norm: Largest global norm of the gradient; 0 for no clipping.
        ema: Decay of the exponential moving average; 0 for none.
        **kwargs: Passed to the Keras optimizer.
    """

    def __init__(self, *args: Any, clip_norm: float = 0.0, ema: float = 0.0, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if clip_norm < 0:
            raise ValueError(
                f"`clip_norm` must not be negative. Received: clip_norm={clip_norm}. Pass 0 for no clipping."
            )
        if not 0 <= ema < 1:
            raise ValueError(f"`ema` must be at least 0 and below 1. Received: ema={ema}. Pass 0 for no average.")
        self.clip_norm = clip_norm
        self.ema = ema

    def build(self, variables: Sequence[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self.gradient_norm = self.add_variable((), name="gradient_norm")
        self.averages = self.add_optimizer_variables(variables, "average") if self.ema else []

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[keras.Variable] | None = None) -> None:
        grads = [_dense(gradient) for gradient in grads]
        squares = [_sum_of_squares(gradient) for gradient in grads if gradient is not None]
        norm = ops.sqrt(ops.sum(ops.stack(squares))) if squares else ops.zeros(())
        if self.clip_norm:
            # A norm that is not finite must stay visible in the weights: the loop then stops.
            scale = self.clip_norm / ops.maximum(norm, self.clip_norm)
            grads = [None if gradient is None else gradient * ops.cast(scale, gradient.dtype) for gradient in grads]
        super().apply(grads, trainable_variables)
        if squares:
            self.gradient_norm.assign(norm)
        if self.averages:
            step = ops.cast(self.iterations, "float32")
            decay = ops.minimum(self.ema, (step - 1.0) / (step + 8.0))
            for variable, average in zip(trained_variables(self), self.averages, strict=True):
                if average is not None:
                    rate = ops.cast(1.0 - decay, average.dtype)
                    average.assign(average + rate * (ops.cast(variable, average.dtype) - average))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "clip_norm": self.clip_norm, "ema": self.ema}


def _dense(gradient: Any) -> Any:
    if not hasattr(gradient, "indices"):
        return gradient
    # TensorFlow gives the gradient of a look-up as rows and their indices.
    import tensorflow as tf

    return tf.convert_to_tensor(gradient)


def _sum_of_squares(gradient: Any) -> Any:
    gradient = ops.cast(gradient, "float32")
    if keras.backend.backend() != "tensorflow":
        return ops.sum(ops.square(gradient))
    import tensorflow as tf

    # One pass over memory; the largest table of embeddings is most of what a step reads.
    return 2 * tf.nn.l2_loss(gradient)


class _AdamStep(AveragingOptimizer):
    """Mixin: on TensorFlow a variable is updated by one op, for which Keras has nine, each a pass over memory."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        if keras.backend.backend() != "tensorflow" or self.amsgrad:
            super().update_step(gradient, variable, learning_rate)
            return
        import tensorflow as tf

        momentum, velocity = adam_moments(self, variable)
        dtype = variable.dtype
        step = tf.cast(self.iterations.value + 1, dtype)
        beta_1, beta_2 = tf.constant(self.beta_1, dtype), tf.constant(self.beta_2, dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=momentum.value.handle,
            v=velocity.value.handle,
            beta1_power=tf.pow(beta_1, step),
            beta2_power=tf.pow(beta_2, step),
            lr=tf.cast(learning_rate, dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.constant(self.epsilon, dtype),
            grad=tf.cast(gradient, dtype),
        )


@register
class Adam(_AdamStep, keras.optimizers.Adam):
    """Keras' `Adam` with gradient clipping and an EMA of the weights: see `AveragingOptimizer`."""


@register
class AdamW(_AdamStep, keras.optimizers.AdamW):
    """Keras' `AdamW` with clipping, gradient norm and weight average: see `AveragingOptimizer`."""


@register
class Nadam(AveragingOptimizer, keras.optimizers.Nadam):
    """Keras' `Nadam` with clipping, gradient norm and weight average: see `AveragingOptimizer`."""


@register
class SGD(AveragingOptimizer, keras.optimizers.SGD):
    """Keras' `SGD` with clipping, gradient norm and weight average: see `AveragingOptimizer`."""


def build_optimizer(settings: OptimizerSection, total_steps: int) -> keras.optimizers.Optimizer:
    """Make the optimizer of a recipe.

    Args:
        settings: The `optimizer` section of the recipe.
        total_steps: Steps of the whole training; schedules end there.

    Returns:
        An unbuilt Keras optimizer. Biases and normalization scales are left out of weight decay.

    Example:

    >>> build_optimizer(OptimizerSection(name="sgd", learning_rate=0.5), total_steps=10).name
    'optimizer'
    """
    warmup_steps = settings.warmup_steps or round(settings.warmup_fraction * total_steps)
    learning_rate: Any = settings.learning_rate
    if settings.schedule != "constant" or warmup_steps:
        learning_rate = WarmupSchedule(
            settings.learning_rate,
            total_steps=total_steps,
            kind=settings.schedule,
            warmup_steps=warmup_steps,
            final_fraction=settings.final_fraction,
        )
    options = {
        "learning_rate": learning_rate,
        # Keras takes `None` for no decay, except in AdamW, which insists on a number.
        "weight_decay": settings.weight_decay if settings.name == "adamw" else settings.weight_decay or None,
        "clip_norm": settings.clip_norm,
        "ema": settings.ema,
        # A fixed name: that of a variable in a checkpoint must not depend on how many optimizers the process has made.
        "name": "optimizer",
    }
    if settings.name == "sgd":
        optimizer: Any = SGD(momentum=settings.momentum, **options)
    else:
        beta_1, beta_2 = settings.betas
        optimizer_class = {"adam": Adam, "adamw": AdamW, "nadam": Nadam}[settings.name]
        optimizer = optimizer_class(beta_1=beta_1, beta_2=beta_2, **options)
    if settings.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


@contextlib.contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Put the averaged weights into a compiled model for the length of the block, then the trained ones again.

    Does nothing when the model's optimizer keeps no averages or has not taken a step.

    Args:
        model: A compiled model.

    Returns:
        A context manager.
    """
    averages = getattr(model.optimizer, "averages", []) if model.optimizer is not None else []
    if not averages or int(model.optimizer.iterations) == 0:
        yield
        return
    pairs = [pair for pair in zip(model.trainable_variables, averages, strict=True) if pair[1] is not None]
    trained = [np.array(ops.convert_to_numpy(variable)) for variable, _ in pairs]
    try:
        for variable, average in pairs:
            variable.assign(average)
        yield
    finally:
        for (variable, _), value in zip(pairs, trained, strict=True):
            variable.assign(value)
