"""One test for every loss and every metric: what they make of labels that are wrong. It knows no concrete one."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from keras_seq.core.keras_compat import set_keras_mask

# What labels can be, of each row or of each step.
CLASSES = "classes"  # integers from 0 on, as many as the last axis of the predictions has places, or `num_classes`
IDS = "ids"  # integers of which only equality counts
BINARY = "binary"  # 1 or 0
SHARES = "shares"  # from 0 to 1
COUNTS = "counts"  # numbers of at least 0
MULTI_HOT = "multi_hot"  # a last axis with 1 or 0 for each class

_WRONG_INTEGERS = (-2, -100, -(2**31), -(2**32), -(2**40))
_NO_CLASSES = (10**6, 2**24, 2**31 - 1, 2**31, 2**32, 2**32 + 1, 2**40)
_NO_NUMBERS = (float("nan"), float("inf"), -float("inf"))
_FRACTIONS = (0.5, 1e-3, -0.5, -1.5)


@dataclasses.dataclass(frozen=True)
class Labelled:
    """A batch of real rows or steps, what its labels are, and what its predictions are.

    Args:
        y_true: Right labels, int64, or float32 for shares.
        y_pred: Predictions of them, `(batch, ...)` or `(batch, steps, ...)`.
        labels: One of the kinds of this module: `"classes"`, `"ids"`, `"binary"`, `"shares"`, `"counts"`,
            `"multi_hot"`.
        steps: Whether there is a label for each step.
        num_classes: Of `"classes"`: how many there are; `None` where the predictions are ids and nobody knows.
        wrong_predictions: Arrays of the shape of `y_pred` that are something else than what is expected, such as
            probabilities for log-probabilities.
        label_name: What the labels are called in errors.
        prediction_name: What the predictions are called in errors.
        padding: Whether -1 is the label of padding.
        masked: Whether a Keras mask tells padding too.
        weights: `"rows"`, `"steps"`, `"one"` (one number for the batch) or `None`: what weights are taken.
    """

    y_true: np.ndarray
    y_pred: np.ndarray
    labels: str
    steps: bool = False
    num_classes: int | None = None
    wrong_predictions: tuple[np.ndarray, ...] = ()
    label_name: str = "y_true"
    prediction_name: str = "y_pred"
    padding: bool = True
    masked: bool = False
    weights: str | None = "rows"


def run_loss_test(
    loss_class: type[keras.losses.Loss],
    *,
    batch: Labelled,
    arguments: Mapping[str, Any] | None = None,
    run_jit: bool = False,
) -> None:
    """Check that a loss is right, an error that names the argument, or NaN: never a plausible number.

    Eagerly and in a compiled graph, each with one wrong label in a batch of right ones:

    - Labels of any dtype, in arrays, lists and tensors, are the same labels; so is a column of one label per row.
    - Labels that are out of range, negative, fractions, or no numbers. Ids above 2^24, 2^31 and 2^40 are told apart.
    - Labels of another rank, one-hot rows, of another number of rows or steps, strings.
    - What stands behind padding and behind a Keras mask does not matter, be it NaN; what is NaN elsewhere is seen.
    - Predictions of another kind, where `batch` has some.
    - One number as weight, weights of rows as `(batch,)` and `(batch, 1)`, and of other shapes; `class_weight` of `fit`
      where labels are not one class per row.
    - The configuration is JSON and round-trips.

    Args:
        loss_class: The class of the loss.
        batch: Right labels and predictions; at least 4 rows.
        arguments: Keyword arguments of the constructor.
        run_jit: Whether the compiled graph is compiled with XLA, as it always is on JAX; it takes a second or two.

    Raises:
        AssertionError: if a promise is broken.

    Example:

    >>> import numpy as np
    >>> from keras_seq.losses import ContrastiveLoss
    >>> from keras_seq.testing import Labelled, run_loss_test
    >>> distances = np.array([0.1, 0.9, 0.4, 0.7], "float32")
    >>> run_loss_test(ContrastiveLoss, batch=Labelled(np.array([1, 0, 1, 0]), distances, "binary"))
    """
    loss = loss_class(**(arguments or {}))
    _check_configuration(loss, keras.losses, arguments or {}, batch)
    judge = _Judge(loss, batch, run_jit)
    _check_judge(judge)
    if batch.weights is not None:
        _check_loss_weights(judge)
    if batch.steps and batch.y_true.ndim == 2:  # Keras itself refuses others
        _check_class_weight(loss, batch)


def run_metric_test(
    metric_class: type[keras.metrics.Metric] | Callable[[Any, Any], Any],
    *,
    batch: Labelled,
    arguments: Mapping[str, Any] | None = None,
    run_jit: bool = False,
) -> None:
    """Check that a metric is right, an error that names the argument, or NaN: never a plausible number.

    The promises are those of `run_loss_test`.

    Args:
        metric_class: The class of the metric; or a function of labels and predictions that gives numbers, which is
            tried with arrays alone.
        batch: Right labels and predictions; at least 4 rows.
        arguments: Keyword arguments of the constructor.
        run_jit: Whether the compiled graph is compiled with XLA, as it always is on JAX; it takes a second or two.

    Raises:
        AssertionError: if a promise is broken.

    Example:

    >>> import numpy as np
    >>> from keras_seq.metrics import MacroF1
    >>> from keras_seq.testing import Labelled, run_metric_test
    >>> batch = Labelled(np.array([1, 0, 1, 0]), np.eye(2, dtype="float32")[[1, 0, 0, 1]], "classes", num_classes=2)
    >>> run_metric_test(MacroF1, batch=batch, arguments={"num_classes": 2})
    """
    if not isinstance(metric_class, type):
        _check_judge(_Judge(metric_class, batch))
        return
    metric = metric_class(**(arguments or {}))
    _check_configuration(metric, keras.metrics, arguments or {}, batch)
    judge = _Judge(metric, batch, run_jit)
    _check_judge(judge)
    if batch.weights is not None:
        _check_metric_weights(judge)


class _Judge:
    """A loss, a metric or a function, as a function from labels and predictions to an array, eager or compiled."""

    def __init__(self, judged: Any, batch: Labelled, run_jit: bool = False) -> None:
        self.judged, self.batch = judged, batch
        self.is_function = not isinstance(judged, (keras.losses.Loss, keras.metrics.Metric))
        self._compiled = _compiled(self._of_mask, run_jit)

    def eager(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> np.ndarray:
        return _flat(self._call(y_true, y_pred, sample_weight))

    def compiled(self, y_true: Any, y_pred: Any, mask: Any = None) -> np.ndarray:
        return _flat(self._compiled(y_true, y_pred, mask))

    def masked(self, y_true: Any, y_pred: Any, mask: Any) -> np.ndarray:
        return _flat(self._of_mask(y_true, y_pred, mask))

    def ways(self) -> Iterator[tuple[str, Callable[..., np.ndarray]]]:
        yield "eager", self.eager
        if not self.is_function:
            yield "compiled", self.compiled

    def _of_mask(self, y_true, y_pred, mask):
        y_pred = keras.ops.convert_to_tensor(y_pred)
        if mask is not None:
            # A copy: the mask must not stay with an array that is used again.
            y_pred = keras.ops.copy(y_pred)
            set_keras_mask(y_pred, keras.ops.convert_to_tensor(mask))
        return self._call(y_true, y_pred, None)

    def _call(self, y_true, y_pred, sample_weight):
        if not isinstance(self.judged, keras.metrics.Metric):
            return self.judged(y_true, y_pred, *(() if sample_weight is None else (sample_weight,)))
        variables = self.judged.stateless_update_state(
            self.judged.stateless_reset_state(), y_true, y_pred, *(() if sample_weight is None else (sample_weight,))
        )
        return self.judged.stateless_result(variables)


def _check_judge(judge: _Judge) -> None:
    batch = judge.batch
    expected = _outcome(judge.eager, batch.y_true, batch.y_pred)
    assert not isinstance(expected, str), f"right labels: {expected}"
    assert np.isfinite(expected).all(), f"right labels give {expected}"
    _check_forms(judge, expected)
    for way, call in judge.ways():
        wrong = list(_wrong_labels(batch, way == "compiled"))
        if way == "eager" and keras.backend.backend() == "jax" and not judge.is_function:
            # Here JAX compiles the loops of each call anew; most labels are tried in the compiled graph.
            wrong = wrong[::5]
        for label, y_true in wrong:
            _assert_refused(call, y_true, batch.y_pred, batch.label_name, f"{way}: the label {label!r}")
        if batch.labels == IDS:
            _check_large_ids(call, batch, expected, way)
        _check_predictions(call, batch, expected, way)
    for label, y_true in _wrong_shapes(batch):
        _assert_refused(judge.eager, y_true, batch.y_pred, batch.label_name, f"labels: {label}", must_raise=True)
    if batch.masked:
        _check_mask(judge, expected)


def _check_forms(judge, expected):
    """The same labels in other dtypes and containers."""
    batch = judge.batch
    y_true = batch.y_true
    whole = bool((y_true == np.round(y_true)).all())
    for dtype in ("int8", "uint8", "int32", "uint32", "int64", "uint64", "float32", "float64") if whole else ():
        _assert_same(judge.eager, (y_true.astype(dtype), batch.y_pred), expected, f"labels of {dtype}")
    _assert_same(judge.eager, (y_true.tolist(), batch.y_pred), expected, "labels in a list")
    if not judge.is_function:
        tensor = keras.ops.convert_to_tensor(y_true.astype("int32" if whole else "float32"))
        _assert_same(judge.eager, (tensor, batch.y_pred), expected, "labels in a tensor")
        _assert_same(judge.compiled, (y_true, batch.y_pred), expected, "a compiled graph")
        if y_true.ndim == 1:
            _assert_same(judge.eager, (y_true[:, None], batch.y_pred), expected, "a column of labels")


def _wrong_labels(batch: Labelled, compiled: bool) -> Iterator[tuple[Any, np.ndarray]]:
    """Labels of which one is wrong."""
    integers: tuple[int, ...] = _WRONG_INTEGERS if batch.padding else ()
    if batch.labels == CLASSES and batch.num_classes is not None:
        integers += (batch.num_classes, *_NO_CLASSES)
    elif batch.labels in (BINARY, SHARES, MULTI_HOT):
        integers += (2, 5, *_NO_CLASSES)
    for label in integers:
        # What a compiled graph of JAX is given is cut to 32 bits before anybody sees it.
        if not (compiled and keras.backend.backend() == "jax" and not -(2**31) <= label < 2**31):
            yield label, _replaced(batch.y_true.astype("int64"), label)
    if batch.labels == CLASSES and batch.num_classes is not None and not compiled:
        for label, dtype in ((255, "uint8"), (2**32 - 1, "uint32"), (2**64 - 1, "uint64"), (2**63, "uint64")):
            yield f"{label} of {dtype}", _replaced(batch.y_true.astype(dtype), label)
    floats: tuple[float, ...] = _NO_NUMBERS
    if batch.labels in (CLASSES, IDS, BINARY):
        floats += _FRACTIONS
    elif batch.labels in (SHARES, MULTI_HOT):
        floats += (1.5, -0.5, -2.0)
    elif batch.labels == COUNTS:
        floats += (-0.5, -2.0)
    if batch.labels == IDS:
        floats += (2.0**24, 2.0**31)  # of float32: other numbers are rounded to these
    for number in floats:
        yield number, _replaced(batch.y_true.astype("float32"), number)


def _wrong_shapes(batch: Labelled) -> Iterator[tuple[str, Any]]:
    """Labels of another shape, or no numbers at all."""
    y_true = batch.y_true
    yield "one axis more", np.stack([y_true, y_true], axis=-1)
    yield "rows are missing", y_true[:-1]
    yield "rows of different lengths", [[0], *([0, 0] for _ in y_true[1:])]
    yield "strings", y_true.astype(str)
    if batch.labels == CLASSES and batch.num_classes is not None and (batch.steps or batch.num_classes < 2):
        yield "one-hot", np.eye(batch.num_classes)[y_true]
    if batch.labels == IDS:
        yield "one-hot", np.eye(len(y_true))[np.unique(y_true, return_inverse=True)[1]]
    if batch.steps or batch.labels == MULTI_HOT:
        yield "one axis less", y_true[:, 0]
    if batch.steps:
        yield "a last axis of one", y_true[..., None]
        yield "steps are missing", y_true[:, :-1]


def _check_large_ids(call, batch, expected, way):
    highest = 2**31 if way == "compiled" and keras.backend.backend() == "jax" else 2**63
    for offset in (2**24, 2**31 - 64, 2**31, 2**32, 2**40, 2**53):
        ids = batch.y_true.astype("int64") + offset
        if ids.max() < highest:
            _assert_same(call, (ids, batch.y_pred), expected, f"{way}: ids from {offset} on")
    if way == "eager":
        for offset, dtype in ((2**31, "uint32"), (2**63, "uint64"), (2**64 - 64, "uint64")):
            ids = batch.y_true.astype(dtype) + np.asarray(offset, dtype)
            _assert_same(call, (ids, batch.y_pred), expected, f"ids of {dtype} from {offset} on")


def _check_predictions(call, batch, expected, way):
    y_true, y_pred = batch.y_true, batch.y_pred
    for wrong in batch.wrong_predictions:
        _assert_refused(call, y_true, wrong, batch.prediction_name, f"{way}: predictions of another kind")
    floating = np.issubdtype(y_pred.dtype, np.floating)
    if floating:
        broken = _replaced(y_pred, float("nan"))
        _assert_refused(call, y_true, broken, batch.prediction_name, f"{way}: predictions that are no numbers")
    if batch.padding and way == "eager":
        for garbage in (float("nan"), 1e30, -1e30) if floating else (10**6, -5):
            rows = np.full_like(y_pred[:2], garbage)
            labels = np.concatenate([y_true, np.full_like(y_true[:2], -1)])
            _assert_same(
                call, (labels, np.concatenate([y_pred, rows])), expected, f"rows of padding, predicted {garbage}"
            )
            if batch.steps:
                steps = np.full_like(y_pred[:, :2], garbage)
                labels = np.concatenate([np.full_like(y_true[:, :2], -1), y_true], axis=1)
                padded = np.concatenate([steps, y_pred], axis=1)
                _assert_same(call, (labels, padded), expected, f"steps of padding, predicted {garbage}")


def _check_mask(judge, expected):
    """Labels of any kind behind a Keras mask."""
    batch = judge.batch
    real = np.ones(batch.y_true.shape[:2], bool)
    padded = [np.concatenate([array, array[:, :2]], axis=1) for array in (batch.y_true, batch.y_pred)]
    mask = np.concatenate([real, np.zeros_like(real[:, :2])], axis=1)
    for label in (0, -1, -7, 10**6):
        y_true = padded[0].copy()
        y_true[:, -2:] = label
        _assert_same(judge.masked, (y_true, padded[1], mask), expected, f"the label {label} behind a mask")
        _assert_same(judge.compiled, (y_true, padded[1], mask), expected, f"compiled: the label {label} behind a mask")


def _check_loss_weights(judge):
    batch = judge.batch
    expected = judge.eager(batch.y_true, batch.y_pred)
    for name, weight in _single_weights():
        _assert_same(judge.eager, (batch.y_true, batch.y_pred, weight), 2 * expected, f"{name} as weight")
    _check_shapes_of_weights(judge)


def _check_metric_weights(judge):
    batch = judge.batch
    expected = judge.eager(batch.y_true, batch.y_pred)
    for name, weight in _single_weights():
        _assert_same(judge.eager, (batch.y_true, batch.y_pred, weight), expected, f"{name} as weight")
    _check_shapes_of_weights(judge)


def _single_weights():
    yield "a number", 2.0
    yield "an array without axes", np.array(2.0, "float32")
    yield "a tensor without axes", keras.ops.convert_to_tensor(2.0)


def _check_shapes_of_weights(judge):
    batch = judge.batch
    rows = np.linspace(0.5, 2, len(batch.y_true)).astype("float32")
    wrong = [rows[:-1], np.ones((*batch.y_true.shape, 2, 2), "float32")]
    if batch.weights == "one":
        wrong.append(rows)
    else:
        of_rows = judge.eager(batch.y_true, batch.y_pred, rows)
        assert np.isfinite(of_rows).all(), f"weights of rows give {of_rows}"
        _assert_same(judge.eager, (batch.y_true, batch.y_pred, rows[:, None]), of_rows, "a column of weights")
    if batch.steps:
        steps = np.repeat(rows[:, None], batch.y_true.shape[1], axis=1)
        if batch.weights == "steps":
            _assert_same(judge.eager, (batch.y_true, batch.y_pred, steps), of_rows, "weights of steps")
        else:
            wrong.append(steps)
    for weights in wrong:
        name = f"weights of the shape {weights.shape}"
        found = _outcome(judge.eager, batch.y_true, batch.y_pred, weights)
        assert isinstance(found, str) and "`sample_weight`" in found, f"{name}: {found}"


def _check_class_weight(loss, batch):
    """`fit` takes `class_weight` for labels of steps, and misreads it."""
    inputs = keras.Input(batch.y_pred.shape[1:])
    model = keras.Model(inputs, _Scaled()(inputs))
    model.compile("sgd", loss, jit_compile=False)
    class_weight = dict.fromkeys(range(batch.y_true.shape[1]), 2.0)
    for eager in (False, True):
        model.run_eagerly = eager
        found = _outcome(lambda: model.fit(batch.y_pred, batch.y_true, class_weight=class_weight, verbose=0).history)
        assert isinstance(found, str), f"`class_weight` of `fit` was taken for labels of steps: {found}"
        assert "`class_weight`" in found, f"`class_weight` of `fit`: {found}"


class _Scaled(keras.layers.Layer):
    """Multiplies by a weight of 1: a model that puts out what it is given."""

    def build(self, input_shape: tuple) -> None:
        self.scale = self.add_weight(name="scale", shape=(), initializer="ones")

    def call(self, inputs: Any) -> Any:
        return inputs * self.scale


def _check_configuration(judged, room, arguments, batch):
    config = judged.get_config()
    for name, value in arguments.items():
        assert name in config, f"`get_config` lacks {name!r}"
        assert config[name] == value, f"{name}={value!r} became {config[name]!r} in the configuration"
    copy = room.deserialize(json.loads(json.dumps(room.serialize(judged))))
    assert type(copy) is type(judged), f"{type(judged).__name__} became {type(copy).__name__}"
    revived = copy.get_config()
    assert revived == config, f"the configuration changed on its round trip: {config} became {revived}"
    given = batch.y_true, batch.y_pred
    _assert_same(_Judge(copy, batch).eager, given, _Judge(judged, batch).eager(*given), "after a round trip")


def _compiled(function, run_jit):
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    import tensorflow as tf

    graph = tf.function(function, reduce_retracing=True, jit_compile=run_jit)

    def call(*arguments):
        return graph(*(None if argument is None else tf.convert_to_tensor(argument) for argument in arguments))

    return call


def _flat(result: Any) -> np.ndarray:
    leaves = keras.tree.flatten(result)
    return np.concatenate([np.ravel(keras.ops.convert_to_numpy(leaf)).astype("float64") for leaf in leaves])


def _replaced(array: np.ndarray, value: Any) -> np.ndarray:
    """A copy with another number in the middle."""
    changed = array.copy()
    changed.reshape(-1)[changed.size // 2] = value
    return changed


def _outcome(call: Callable, *arguments: Any) -> Any:
    """The numbers, or the text of the error."""
    try:
        return call(*arguments)
    except Exception as error:  # any: errors of the backend are what the package must not show
        return f"{type(error).__name__}: {error}"


def _assert_refused(call, y_true, y_pred, name, what, must_raise=False):
    found = _outcome(call, y_true, y_pred)
    if isinstance(found, str):
        assert re.search(rf"`{name}`", found), f"{what}: the error does not name `{name}`: {found}"
    else:
        assert not must_raise and np.isnan(found).all(), f"{what} gives the plausible {found}"


def _assert_same(call, arguments, expected, what):
    found = _outcome(call, *arguments)
    assert not isinstance(found, str), f"{what}: {found}"
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6, err_msg=what)
