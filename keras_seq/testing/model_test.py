"""One test for every model that a builder of the zoo returns. It knows no concrete model."""

import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_seq.testing.padding import PLACES, check_padding


def run_model_test(
    build: Callable[..., keras.Model],
    *,
    arguments: Mapping[str, Any],
    inputs: Mapping[str, np.ndarray],
    targets: Any,
    loss: Any,
    expected_output_shape: Any = None,
    fixed_inputs: Collection[str] = (),
    padding: Collection[str] = PLACES,
) -> keras.Model:
    """Check that a builder keeps every promise that builders make.

    - It returns an uncompiled functional `keras.Model` whose inputs are named tensors; two calls share nothing.
    - It predicts, for any batch size and number of steps; `summary()` prints.
    - One step of `fit` gives a finite loss, moves weights and leaves them finite, with a row of padding in the batch.
    - A `.keras` file loads in safe mode without `custom_objects` and gives equal outputs.
    - Adding or moving padding never changes outputs at real steps; a row of padding alone gives finite numbers.
    - As a graph, which is what is exported, it takes what a server may send: one step, padding alone, no rows.

    Args:
        build: The builder.
        arguments: Keyword arguments of the builder: those of a small model.
        inputs: Name of an input -> NumPy array `(batch, steps, ...)` with real steps only, at least 2 rows.
        targets: What `fit` is given as `y`, for these inputs.
        loss: What `compile` is given as `loss`; registered with Keras, since the `.keras` file names it.
        expected_output_shape: Shape (or a list of shapes) of the outputs for `inputs`; not checked when `None`.
        fixed_inputs: Names of the inputs that have no steps, `(batch, ...)`: they are neither lengthened nor padded.
        padding: Where padding (id 0 in every integer input) must not matter: that of the model's encoder; `()`: the
            model has no steps, and none that is served without rows.

    Returns:
        The model, after its step of `fit`.

    Raises:
        AssertionError: if a promise is broken.
    """
    keras.utils.set_random_seed(1)
    inputs = dict(inputs)
    model = build(**arguments)
    assert isinstance(model, keras.Model), f"the builder returned {type(model)}, expected a keras.Model"
    assert hasattr(model, "operations"), "the model is not functional"
    assert not model.compiled, "the model is compiled: loss and optimizer are the caller's"
    names = {tensor.name for tensor in model.inputs}
    assert names == set(inputs), f"the model's inputs are named {sorted(names)}, expected {sorted(inputs)}"
    shared = {id(weight) for weight in model.weights} & {id(weight) for weight in build(**arguments).weights}
    assert not shared, "two models of one builder share weights"

    outputs = model.predict(_feed(model, inputs), verbose=0)
    leaves = keras.tree.flatten(outputs)
    if expected_output_shape is not None:
        shapes = expected_output_shape if isinstance(expected_output_shape, list) else [expected_output_shape]
        received = [tuple(output.shape) for output in leaves]
        assert received == [tuple(shape) for shape in shapes], f"outputs have the shapes {received}, expected {shapes}"
    for symbol, output in zip(keras.tree.flatten(model.outputs), leaves, strict=True):
        matches = len(symbol.shape) == output.ndim and all(
            size in (None, actual) for size, actual in zip(symbol.shape, output.shape, strict=True)
        )
        assert matches, f"the symbolic shape {symbol.shape} does not describe the shape {output.shape}"
    # Another number of rows and steps through the same model: nothing was fixed at its first call.
    longer = {
        name: array[:1] if name in fixed_inputs else np.concatenate([array[:1]] * 2, axis=1)
        for name, array in inputs.items()
    }
    model.predict(_feed(model, longer), verbose=0)
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    assert lines, "`summary()` printed nothing"

    if padding:
        # The harness adds a row of padding alone.
        fixed = {name: np.concatenate([inputs[name], np.zeros_like(inputs[name][:1])]) for name in fixed_inputs}
        check_padding(
            lambda padded, mask: model(
                _tensors(model, {**padded, **{name: array[: len(mask)] for name, array in fixed.items()}}),
                training=False,
            ),
            {name: array for name, array in inputs.items() if name not in fixed},
            places=padding,
        )
        _check_odd_inputs(model, inputs, fixed)
    _check_fit(model, inputs, targets, loss)
    _check_saving(model, inputs)
    return model


def _check_odd_inputs(model, inputs, fixed):
    def call(feed):
        return model(feed, training=False)

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        # One graph for all shapes: what eager mode forgives, a graph may refuse.
        specs = keras.tree.map_structure(lambda symbol: tf.TensorSpec(symbol.shape, symbol.dtype), model.input)
        call = tf.function(call, input_signature=[specs], autograph=False)
    first = {name: array[:1] for name, array in inputs.items()}
    for what, odd in (
        ("one step", {name: array if name in fixed else array[:, :1] for name, array in first.items()}),
        ("padding alone", {name: np.zeros_like(array) for name, array in first.items()}),
        ("no rows", {name: array[:0] for name, array in inputs.items()}),
    ):
        try:
            outputs = [keras.ops.convert_to_numpy(output) for output in keras.tree.flatten(call(_tensors(model, odd)))]
        except Exception as error:
            raise AssertionError(f"a batch of {what} is refused, which exports must take: {error}") from error
        rows = len(next(iter(odd.values())))
        assert all(len(output) == rows for output in outputs), f"a batch of {what} gave other numbers of rows"
        assert not any(np.isnan(output).any() for output in outputs), f"a batch of {what} gave NaN"


def _check_fit(model, inputs, targets, loss):
    before = model.get_weights()
    # A row of padding must not spoil the step of the others.
    padded = {name: np.concatenate([array, np.zeros_like(array[:1])]) for name, array in inputs.items()}
    targets = keras.tree.map_structure(lambda array: np.concatenate([array, np.full_like(array[:1], -1)]), targets)
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss)
    rows = len(next(iter(padded.values())))
    history = model.fit(_feed(model, padded), targets, batch_size=rows, epochs=1, verbose=0)
    assert np.isfinite(history.history["loss"]).all(), f"the loss is not finite: {history.history['loss']}"
    after = model.get_weights()
    assert all(np.isfinite(weight).all() for weight in after), "a step of fit left weights that are not finite"
    changed = any((old != new).any() for old, new in zip(before, after, strict=True))
    assert changed, "a step of fit changed no weight"


def _check_saving(model, inputs):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        revived = keras.saving.load_model(path)
    for expected, actual in zip(
        keras.tree.flatten(model.predict(_feed(model, inputs), verbose=0)),
        keras.tree.flatten(revived.predict(_feed(revived, inputs), verbose=0)),
        strict=True,
    ):
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-6, err_msg="outputs changed after loading")


def _feed(model, inputs):
    """The named arrays in the structure that the model was made with: a tensor, a list or a dictionary."""
    return keras.tree.map_structure(lambda symbol: inputs[symbol.name], model.input)


def _tensors(model, inputs):
    return keras.tree.map_structure(keras.ops.convert_to_tensor, _feed(model, inputs))
