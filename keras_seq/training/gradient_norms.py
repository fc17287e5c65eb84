"""The norm of dL/dh_t at every step t of every recurrent layer: how far back in time a loss can teach."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_seq.training.hidden_gradients import Tape, recurrent_layers, with_probes


class GradientNorms:
    """Measures the norm of dL/dh_t at every step t of every recurrent layer of a model.

    h_t is the hidden state that a `SimpleRNN`, `GRU` or `LSTM` (alone, or as a direction of a `Bidirectional`) has
    after step t. dL/dh_t is the total derivative: it counts what h_t does at step t and what it does through all steps
    that are read later. Norms that shrink towards the steps that are read first are a vanishing gradient, norms that
    grow an exploding one. Of an LSTM it is the derivative at a given c_t: what flows along c alone does not count.

    The model is run as in inference (no dropout) and is not changed: the measured graph is another one on the same
    layers, made once here, so keep the object when measuring again. It always sees the present weights. Works on the
    TensorFlow and JAX backends.

    Masking: a masked step holds the state. Each step's figure is the mean, over the rows in which that step is real, of
    the Euclidean norm over units. L is the loss of the batch, usually a mean over rows, so figures shrink with the
    batch size; compare them between steps, or with the same batch.

    Args:
        model: A functional or sequential model with a recurrent layer. Layers within models within it count too; what
            lies in other wrappers (`TimeDistributed`, `keras.layers.RNN` with a cell of your own) does not.
        loss: A Keras loss, its name, or a function of `(targets, outputs)`; by default the one that the model is
            compiled with. Sample weights, loss weights and regularization are left out.

    Raises:
        TypeError: if `model` is not functional or sequential.
        ValueError: if the model is not built, has no recurrent layer, or no single loss is known.

    Example:

    >>> model = keras.Sequential([keras.Input((7, 2)), keras.layers.GRU(4), keras.layers.Dense(1)])
    >>> measure = GradientNorms(model, loss="mse")
    >>> [(name, len(norms)) for name, norms in measure(np.ones((3, 7, 2)), np.ones((3, 1))).items()]
    [('gru...', 7)]

    Reference:
        Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", ICML 2013.
    """

    def __init__(self, model: keras.Model, *, loss: Any = None):
        check_measurable(model)
        self.model = model
        self.loss = model.loss if loss is None else loss
        self._loss = _scalar_loss(self.loss)
        self._tape = Tape()
        self._probed = with_probes(model, self._tape)
        self._known_shapes: dict[Any, dict[str, tuple[tuple, str]]] = {}
        self._gradients = _gradient_function(self._probed, self._tape, self._loss)

    def __call__(self, inputs: Any, targets: Any) -> dict[str, np.ndarray]:
        """Measure on one batch.

        Args:
            inputs: Arrays, in the structure that the model takes.
            targets: Arrays, in the structure that the loss takes.

        Returns:
            Direction -> norms, float64 `(steps,)`, in the order of the input whichever way the direction reads. The
            name is that of the layer, with `/forward` or `/backward` in a `Bidirectional`, and with `/call_2` where a
            layer is called a second time. NaN at a step that no row has; inf where a gradient was not finite.

        Raises:
            ValueError: if arrays differ in their number of rows, or there is no row.
        """
        inputs, targets = (keras.tree.map_structure(np.asarray, part) for part in (inputs, targets))
        leaves = keras.tree.flatten((inputs, targets))
        rows = sorted({array.shape[0] if array.ndim else 0 for array in leaves})
        if len(rows) != 1 or rows[0] < 1:
            raise ValueError(
                "`inputs` and `targets` must be arrays with the same number of rows, at least one. "
                f"Received: {' and '.join(map(str, rows))} rows. Pass one batch."
            )
        inputs, targets = (keras.tree.map_structure(ops.convert_to_tensor, part) for part in (inputs, targets))
        added = {name: ops.zeros(shape, dtype) for name, (shape, dtype) in self._shapes(leaves, inputs).items()}
        try:
            gradients, masks = self._gradients(added, inputs, targets)
        finally:
            self._tape.end()
        return {name: _norms(gradients[name], masks[name]) for name in added}

    def _shapes(self, leaves: list[np.ndarray], inputs: Any) -> dict[str, tuple[tuple, str]]:
        key = tuple(array.shape for array in leaves)
        if key not in self._known_shapes:
            self._tape.begin({})
            try:
                self._probed(inputs, training=False)
                self._known_shapes[key] = {
                    name: (tuple(map(int, shape)), dtype) for name, (shape, dtype) in self._tape.shapes.items()
                }
            finally:
                self._tape.end()
        return self._known_shapes[key]


def hidden_gradient_norms(model: keras.Model, inputs: Any, targets: Any, *, loss: Any = None) -> dict[str, np.ndarray]:
    """The norm of dL/dh_t at every step t of every recurrent layer, on one batch.

    For one measurement; to measure again, keep a `GradientNorms`, which says what the figures mean.

    Args:
        model: As for `GradientNorms`.
        inputs: One batch, in the structure that the model takes.
        targets: The targets of these rows.
        loss: As for `GradientNorms`.

    Returns:
        Direction -> norms, float64 `(steps,)`: the mean over rows in which the step is real.

    Raises:
        TypeError: as for `GradientNorms`.
        ValueError: as for `GradientNorms` and its call.

    Example:

    >>> model = keras.Sequential([keras.Input((7, 2)), keras.layers.GRU(4, name="gru"), keras.layers.Dense(1)])
    >>> hidden_gradient_norms(model, np.ones((3, 7, 2)), np.ones((3, 1)), loss="mse")["gru"].shape
    (7,)
    """
    return GradientNorms(model, loss=loss)(inputs, targets)


def first_to_last(name: str, norms: np.ndarray) -> float:
    """The norm at the step that is read first over that at the step read last: far below 1 is a vanishing gradient.

    Args:
        name: The direction, as `GradientNorms` names it: one that ends in `/backward` reads from the end.
        norms: Its norms, in the order of the input; steps that no row has are passed over.

    Returns:
        The ratio; NaN where it is not defined (both 0, both infinite, no step).

    Example:

    >>> first_to_last("lstm", np.array([np.nan, 0.25, 1.0, 0.5]))
    0.5
    """
    known = norms[~np.isnan(norms)]
    if not known.size:
        return float("nan")
    first, last = (known[-1], known[0]) if _reads_backwards(name) else (known[0], known[-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.divide(first, last))


def check_measurable(model: Any) -> None:
    """Raise unless `GradientNorms` can measure this model."""
    if not (isinstance(model, keras.Sequential) or _is_functional(model)):
        raise TypeError(
            "`model` must be a functional or sequential `keras.Model`. "
            f"Received: model={model!r}. Build it from `keras.Input`."
        )
    if not model.built:
        raise ValueError(
            f"`model` must be built. Received: model={model.name!r}, not built. Begin it with a `keras.Input`."
        )
    if not recurrent_layers(model):
        names = ", ".join(layer.name for layer in model.layers)
        raise ValueError(
            "`model` must have a recurrent layer: SimpleRNN, GRU or LSTM, alone or in a Bidirectional. "
            f"Received: model={model.name!r} with the layers {names}. Measure a model that has one."
        )


def _reads_backwards(name: str) -> bool:
    return "/backward" in name


def _is_functional(model: Any) -> bool:
    # Keras has no public name for the class of functional models: their inputs and outputs are symbolic.
    return isinstance(model, keras.Model) and bool(getattr(model, "inputs", None))


def _scalar_loss(loss: Any) -> Callable[[Any, Any], Any]:
    if loss is None:
        raise ValueError("`loss` must be given where the model is not compiled. Received: loss=None. Pass a loss.")
    if isinstance(loss, (dict, list, tuple)):
        raise ValueError(
            "`loss` must be one loss: a Keras loss, its name or a function of (targets, outputs). "
            f"Received: loss={loss!r}. Pass a function that adds up the losses of all outputs."
        )
    function = keras.losses.get(loss)
    if isinstance(function, keras.losses.Loss):
        return function

    def mean(targets: Any, outputs: Any) -> Any:
        if keras.tree.is_nested(outputs):
            return ops.mean(function(targets, outputs))
        return _MeanLoss(function)(targets, outputs)

    return mean


class _MeanLoss(keras.losses.Loss):
    """What `compile` makes of a function: masked by the mask of the outputs, and averaged."""

    def __init__(self, function: Callable):
        super().__init__(name="mean_loss")
        self.function = function

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.function(y_true, y_pred)


def _gradient_function(probed: keras.Model, tape: Tape, loss: Callable) -> Callable:
    """A compiled function of what is added, inputs and targets; gives gradients and masks."""
    if keras.backend.backend() == "jax":
        import jax

        def value(added: Any, trainable: Any, others: Any, inputs: Any, targets: Any) -> Any:
            tape.begin(added)
            outputs, _ = probed.stateless_call(trainable, others, inputs, training=False)
            return loss(targets, outputs), dict(tape.masks)

        gradients = jax.jit(jax.grad(value, has_aux=True))

        def on_jax(added: Any, inputs: Any, targets: Any) -> Any:
            trainable, others = (
                [variable.value for variable in group]
                for group in (probed.trainable_variables, probed.non_trainable_variables)
            )
            return gradients(added, trainable, others, inputs, targets)

        return on_jax

    # Imported here: the room must be importable where TensorFlow is not installed.
    import tensorflow as tf

    @tf.function(autograph=False)
    def on_tensorflow(added: Any, inputs: Any, targets: Any) -> Any:
        with tf.GradientTape(watch_accessed_variables=False) as gradient_tape:
            gradient_tape.watch(added)
            tape.begin(added)
            value = loss(targets, probed(inputs, training=False))
        gradients = gradient_tape.gradient(value, added, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return gradients, dict(tape.masks)

    return on_tensorflow


def _norms(gradients: Any, mask: Any) -> np.ndarray:
    # float64: the square of a float32 may not be one.
    norms = np.linalg.norm(ops.convert_to_numpy(ops.cast(gradients, "float32")).astype("float64"), axis=-1)
    real = np.ones(norms.shape, bool) if mask is None else ops.convert_to_numpy(mask).astype(bool)
    rows = real.sum(axis=0)
    norms = np.where(np.isfinite(norms), norms, np.inf)
    mean = np.where(real, norms, 0.0).sum(axis=0) / np.maximum(rows, 1)
    return np.where(rows > 0, mean, np.nan)
