"""One test for every layer. It knows no concrete layer."""

import inspect
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_seq.testing.padding import check_padding


def run_layer_test(
    layer_class: type[keras.layers.Layer],
    *,
    arguments: Mapping[str, Any],
    inputs: Any,
    expected_output_shape: Any = None,
    loss: Callable[[Any, Any], Any] | None = None,
    run_jit: bool = True,
    run_padding: bool = True,
) -> None:
    """Check that a layer keeps every promise that layers make.

    - The configuration holds every argument that is not at its default, is JSON, and round-trips; every argument is an
      attribute of its name.
    - Symbolic shapes and dtypes equal those of eager outputs; symbolic calls accept dynamic batch and steps.
    - Eager, graph and jit-compiled outputs are equal.
    - A `.keras` file loads in safe mode without `custom_objects` and gives equal outputs.
    - One step of `fit`, with a row of padding alone, moves weights and leaves them finite.
    - In mixed precision variables stay float32 and outputs stay finite and close.
    - Adding or moving padding never changes outputs at real steps; a row of padding alone gives finite numbers.

    Args:
        layer_class: The class of the layer.
        arguments: Keyword arguments of its constructor.
        inputs: A structure of NumPy arrays `(batch, steps, ...)` with real steps only, at least 2 rows. Keep it small.
        expected_output_shape: Shape (or a list of shapes) of the outputs for `inputs`; not checked when `None`.
        loss: `loss(y_true, y_pred)` for the step of `fit`, for each output that is floating; `y_true` is noise of the
            shape of the output. By default a bounded squared error.
        run_jit: Whether the outputs compiled with XLA are compared.
        run_padding: Whether the layer must be safe under padding: `False` only for layers that know no steps.

    Raises:
        AssertionError: if a promise is broken.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_seq.testing import run_layer_test
    >>> run_layer_test(
    ...     keras.layers.Dense, arguments={"units": 3}, inputs=np.ones((2, 4, 5), "float32"),
    ...     expected_output_shape=(2, 4, 3), run_jit=False,
    ... )
    """
    keras.utils.set_random_seed(1)
    _check_configuration(layer_class, arguments)

    layer = layer_class(**arguments)
    mask = np.ones(_first(inputs).shape[:2], bool) if _takes_mask(layer) else None
    outputs = _call(layer, inputs, mask)
    if expected_output_shape is not None:
        shapes = expected_output_shape if isinstance(expected_output_shape, list) else [expected_output_shape]
        received = [tuple(output.shape) for output in _leaves(outputs)]
        assert received == [tuple(shape) for shape in shapes], f"outputs have the shapes {received}, expected {shapes}"

    _check_symbolic(layer, inputs, mask, outputs)
    _check_saving(_functional(layer, inputs, mask), _feed(inputs, mask))
    model = _functional(layer, inputs, mask)
    _check_compiled(model, _feed(inputs, mask), outputs, jit_compile=False)
    if run_jit:
        _check_compiled(model, _feed(inputs, mask), outputs, jit_compile=True)
    _check_mixed_precision(layer_class, layer, arguments, inputs, mask, outputs)
    if run_padding:
        check_padding(lambda padded, padded_mask: _call(layer, padded, None if mask is None else padded_mask), inputs)
    _check_fit(model, inputs, mask, loss)


def _check_configuration(layer_class, arguments):
    layer = layer_class(**arguments)
    config = layer.get_config()
    missing = {
        name
        for name in (_new_arguments(layer_class) | set(arguments)) - set(config)
        if getattr(layer, name, None) != _default(layer_class, name)
    }
    assert not missing, f"`get_config` lacks {sorted(missing)}"
    missing = {name for name in _new_arguments(layer_class) if not hasattr(layer, name)}
    assert not missing, f"arguments that are not attributes: {sorted(missing)}"
    json.dumps(config)
    revived = layer_class.from_config(config).get_config()
    assert revived == config, f"the configuration changed on its round trip: {config} became {revived}"
    for name, value in arguments.items():
        if isinstance(value, (bool, int, float, str)) and name in config:
            assert config[name] == value or isinstance(config[name], dict), f"{name}={value!r} became {config[name]!r}"


def _own_arguments(layer_class):
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = inspect.signature(layer_class.__init__).parameters.values()
    return {parameter.name for parameter in parameters if parameter.kind in kinds} - {"self"}


def _default(layer_class, name):
    """What an argument is by default: then an entry may be missing, as the stock layer has none."""
    parameters = (inspect.signature(base.__init__).parameters for base in layer_class.__mro__)
    return next((found[name].default for found in parameters if name in found), None)


def _new_arguments(layer_class):
    """Arguments that no stock Keras layer brought: those keep an attribute or a configuration entry as they please."""
    stock = [base for base in layer_class.__mro__ if base.__module__.startswith("keras.")]
    return _own_arguments(layer_class) - {name for base in stock for name in _own_arguments(base)}


def _check_symbolic(layer, inputs, mask, outputs):
    for dynamic in (False, True):
        symbolic = layer(
            keras.tree.map_structure(lambda array, dynamic=dynamic: _symbol(array, dynamic), inputs),
            **({} if mask is None else {"mask": _symbol(mask, dynamic)}),
        )
        for spec, output in zip(_leaves(symbolic), _leaves(outputs), strict=True):
            shape = tuple(output.shape)
            matches = len(spec.shape) == len(shape) and all(
                size in (None, actual) for size, actual in zip(spec.shape, shape, strict=True)
            )
            assert matches, f"the symbolic shape {spec.shape} does not describe the eager shape {shape}"
            dtype = keras.backend.standardize_dtype(output.dtype)
            assert spec.dtype == dtype, f"the symbolic dtype is {spec.dtype}, the eager one {dtype}"


def _check_compiled(model, feed, outputs, jit_compile):
    model.compile(jit_compile=jit_compile)
    _assert_equal(
        model.predict_on_batch(feed), outputs, f"outputs with jit_compile={jit_compile} differ from eager ones"
    )


def _check_saving(model, feed):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.keras"
        model.save(path)
        revived = keras.saving.load_model(path)
    _assert_equal(
        revived.predict_on_batch(feed),
        model.predict_on_batch(feed),
        "outputs changed after loading",
        rtol=1e-6,
        atol=1e-6,
    )


def _check_mixed_precision(layer_class, layer, arguments, inputs, mask, outputs):
    mixed = layer_class(**{**arguments, "dtype": "mixed_float16"})
    _call(mixed, inputs, mask)
    for variable in mixed.weights:
        assert variable.dtype not in ("float16", "bfloat16"), f"{variable.path} is {variable.dtype} in mixed precision"
    mixed.set_weights(layer.get_weights())
    results = _call(mixed, inputs, mask)
    _assert_equal(results, outputs, "outputs in mixed precision are far from those in float32", rtol=2e-2, atol=2e-2)
    symbolic = _leaves(
        mixed(
            keras.tree.map_structure(lambda array: _symbol(array, True), inputs),
            **({} if mask is None else {"mask": _symbol(mask, True)}),
        )
    )
    for spec, result in zip(symbolic, _leaves(results), strict=True):
        dtype = keras.backend.standardize_dtype(result.dtype)
        assert spec.dtype == dtype, f"in mixed precision the symbolic dtype is {spec.dtype}, the eager one {dtype}"


def _check_fit(model, inputs, mask, loss):
    if not model.trainable_weights:
        return
    generator = np.random.default_rng(2)
    if mask is not None:
        mask = mask.copy()
        mask[0, -1] = False
        mask[-1] = False
    symbols = keras.tree.flatten(model.outputs)
    floating = [index for index, symbol in enumerate(symbols) if "float" in symbol.dtype]
    assert floating, "a layer with weights has no floating output to train them through"
    trained = keras.Model(model.inputs, [symbols[index] for index in floating])
    feed = _feed(inputs, mask)
    targets = [
        generator.standard_normal(keras.ops.shape(output)).astype("float32")
        for output in keras.tree.flatten(trained.predict_on_batch(feed))
    ]
    before = [np.array(weight) for weight in trained.get_weights()]
    trained.compile(optimizer=keras.optimizers.SGD(0.1), loss=[loss or _bounded_squared_error] * len(floating))
    history = trained.fit(feed, targets, batch_size=len(targets[0]), epochs=1, verbose=0)
    assert np.isfinite(history.history["loss"]).all(), f"the loss is not finite: {history.history['loss']}"
    after = trained.get_weights()
    assert all(np.isfinite(weight).all() for weight in after), "a step of fit left weights that are not finite"
    changed = any((old != new).any() for old, new in zip(before, after, strict=True))
    assert changed, "a step of fit changed no weight"


def _bounded_squared_error(y_true, y_pred):
    # Bounded, so that the large negative scores that stand for "forbidden" do not drown the rest.
    return keras.ops.mean(keras.ops.square(keras.ops.tanh(y_pred) - keras.ops.cast(y_true, y_pred.dtype)))


def _functional(layer, inputs, mask):
    """A model of named inputs around the very layer, the mask among its inputs."""
    names = iter(f"inputs_{index}" for index in range(len(keras.tree.flatten(inputs))))
    symbols = keras.tree.map_structure(
        lambda array: keras.Input(shape=(None, *array.shape[2:]), dtype=array.dtype.name, name=next(names)), inputs
    )
    if mask is None:
        return keras.Model(keras.tree.flatten(symbols), layer(symbols))
    mask_symbol = keras.Input(shape=(None,), dtype="bool", name="mask")
    return keras.Model([*keras.tree.flatten(symbols), mask_symbol], layer(symbols, mask=mask_symbol))


def _feed(inputs, mask):
    return [*keras.tree.flatten(inputs), *([] if mask is None else [mask])]


def _call(layer, inputs, mask):
    inputs = keras.tree.map_structure(keras.ops.convert_to_tensor, inputs)
    return layer(inputs) if mask is None else layer(inputs, mask=keras.ops.convert_to_tensor(mask))


def _takes_mask(layer):
    return "mask" in inspect.signature(layer.call).parameters


def _symbol(array, dynamic):
    shape = (None, None, *array.shape[2:]) if dynamic else array.shape
    return keras.KerasTensor(shape, dtype=array.dtype.name)


def _first(structure):
    return keras.tree.flatten(structure)[0]


def _leaves(structure):
    return keras.tree.flatten(structure)


def _assert_equal(actual, expected, message, rtol=1e-4, atol=1e-5):
    for left, right in zip(_leaves(actual), _leaves(expected), strict=True):
        left, right = keras.ops.convert_to_numpy(left), keras.ops.convert_to_numpy(right)
        assert left.shape == right.shape, f"{message}: the shape {right.shape} became {left.shape}"
        np.testing.assert_allclose(
            left.astype("float64"), right.astype("float64"), rtol=rtol, atol=atol, err_msg=message
        )
