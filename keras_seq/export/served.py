"""What a model serves: functions under the names by which they are called, in Python or from a SavedModel."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_seq.core.errors import InputError
from keras_seq.core.notices import quiet_loggers
from keras_seq.core.processes import check_process
from keras_seq.core.streaming import STATE_PREFIX, State
from keras_seq.export.json_settings import JSONSettings
from keras_seq.export.manifest import check_version
from keras_seq.ops.serving import serving_graph

NO_SETTINGS = JSONSettings()


class Served(tf.Module):
    """The functions of a model under the names by which they are served, and the settings that they depend on.

    A family writes one subclass. Its constructor builds what the functions need, and declares each of them once; the
    same graph answers in Python (`call`) and, exported, in any TensorFlow runtime. What a task must know beside the
    answers, such as the names of labels, stands in the settings, which an export keeps in `assets/task.json`: a
    `SavedServed` has them too. Sizes of inputs are told by `inputs`.

    What changes from call to call (a temperature, a seed) is an input `(batch,)` with one value for each row: servers
    join rows of different callers into one batch, and refuse scalars in requests of rows.

    Args:
        model: the Keras model, which a run directory keeps.
        settings: a frozen dataclass of this family.

    Example:
        >>> import tensorflow as tf
        >>> served = Served()
        >>> served.declare(
        ...     "serving_default",
        ...     lambda text, times: {"length": times * tf.strings.length(text)},
        ...     tf.TensorSpec([None], tf.string, name="text"),
        ...     tf.TensorSpec([None], tf.int32, name="times"),
        ... )
        >>> served.call("serving_default", text=["abc", "d"], times=[1, 2])["length"].numpy().tolist()
        [3, 2]
    """

    def __init__(self, model: keras.Model | None = None, settings: Any = NO_SETTINGS) -> None:
        super().__init__()
        self.model: Any = model
        self.settings = settings
        self._signatures: dict[str, Any] = {}

    def declare(self, name: str, function: Callable[..., dict[str, tf.Tensor]], *specs: tf.TensorSpec) -> None:
        """Serve a function.

        It is traced once, without autograph, as a graph to be served (`keras_seq.ops.serving.serving_graph`).

        Args:
            name: the name of the signature; servers call `serving_default` when none is named.
            function: takes tensors by the names of the specs, gives a dictionary of tensors.
            *specs: the inputs, each with the name by which it is called.
        """
        names = [spec.name for spec in specs]

        def traced(*values: tf.Tensor) -> dict[str, tf.Tensor]:
            with serving_graph():
                return function(**dict(zip(names, values, strict=True)))

        traced.__name__ = name
        self._signatures[name] = tf.function(traced, input_signature=specs, autograph=False)

    def with_settings(self, settings: Any) -> Served:
        """The same model with other settings; by default its constructor takes the model and the settings."""
        return type(self)(self.model, settings)

    def signatures(self) -> dict[str, Any]:
        """The graphs by the names under which they are served; what is exported."""
        return dict(self._signatures)

    def serves(self, signature: str) -> bool:
        """Whether there is a signature of this name."""
        return signature in self._signatures

    def inputs(self, signature: str) -> dict[str, tf.TensorSpec]:
        """The inputs of a signature by their names."""
        return {spec.name: spec for spec in self._signatures[signature].input_signature}

    def call(self, signature: str, **inputs: Any) -> dict[str, tf.Tensor]:
        """Call a signature.

        Args:
            signature: its name.
            **inputs: tensors, arrays, numbers or lists, by the names of the inputs.

        Returns:
            What the function gives.

        Raises:
            InputError: if this process was forked from one in which a model has run.
            ValueError: if the inputs are not those of the signature.
        """
        check_process()
        tensors = _tensors(signature, self.inputs(signature), inputs)
        return self._signatures[signature](*tensors.values())


class SavedServed:
    """The functions of an exported model, called through the signatures of its SavedModel; one class for all families.

    Args:
        path: the folder of one version, which holds `saved_model.pb`.
        settings: those that it was exported with.

    Attributes:
        path: as above.
        settings: as above.
        assets: the folder of its assets.

    Raises:
        InputError: if it cannot be loaded, or a file of it is not the one that was exported with it.
    """

    def __init__(self, path: str | os.PathLike, settings: Any = NO_SETTINGS) -> None:
        self.path = Path(path)
        self.settings = settings
        self.assets = self.path / "assets"
        check_version(self.path)
        check_process()
        try:
            # TensorFlow warns of gradients, which are for training on and not exported.
            with quiet_loggers("tensorflow", "absl"):
                self._loaded = tf.saved_model.load(os.fspath(path))
        except (OSError, ValueError, KeyError, tf.errors.OpError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"{path}: cannot be loaded ({reason}); export it again") from error

    def serves(self, signature: str) -> bool:
        """Whether there is a signature of this name."""
        return signature in self._loaded.signatures

    def inputs(self, signature: str) -> dict[str, tf.TensorSpec]:
        """The inputs of a signature by their names; an older export may lack some, or take numbers without rows.

        Raises:
            InputError: if there is no such signature.
        """
        return self._function(signature).structured_input_signature[1]

    def call(self, signature: str, **inputs: Any) -> dict[str, tf.Tensor]:
        """As `Served.call`.

        Options of models that were exported by version 0.1.0 have no rows: of such an input all rows must have the same
        value.

        Raises:
            InputError: if there is no such signature, rows that must have the same value differ, or this process was
                forked from one in which a model has run.
            ValueError: if the inputs are not those of the signature.
        """
        check_process()
        specs = self.inputs(signature)
        for name in inputs.keys() & specs.keys():
            if specs[name].shape.rank == 0:
                inputs[name] = _of_all_rows(f"{self.path}: the signature {signature} takes one `{name}`", inputs[name])
        return self._function(signature)(**_tensors(signature, specs, inputs))

    def _function(self, signature: str) -> Any:
        known: Mapping[str, Any] = self._loaded.signatures
        if signature not in known:
            raise InputError(
                f"{self.path}: has no signature `{signature}`, but {', '.join(sorted(known))}; export the model again"
            )
        return known[signature]


def state_specs(states: State) -> list[tf.TensorSpec]:
    """The inputs of a signature `step` for states like these, with any number of rows."""
    return [tf.TensorSpec([None, *value.shape[1:]], value.dtype, name=name) for name, value in states.items()]


def initial_states(served: Served | SavedServed, rows: int) -> State:
    """The states before the first call of the signature `step`, by their names: zeros.

    Raises:
        InputError: if an exported model has no such signature.
    """
    specs = served.inputs("step")
    return {
        name: tf.zeros([rows, *spec.shape[1:]], spec.dtype)
        for name, spec in specs.items()
        if name.startswith(STATE_PREFIX)
    }


def sample_states(served: Served | SavedServed, rows: int) -> dict[str, np.ndarray]:
    """States as they may be between calls of `step`, for tests of what is exported: floats are drawn, counts are 0."""
    return {
        name: np.random.default_rng(1).normal(size=zeros.shape).astype(zeros.dtype.as_numpy_dtype) * 0.1
        if zeros.dtype.is_floating
        else zeros.numpy()
        for name, zeros in initial_states(served, rows).items()
    }


def assert_in_range(condition: tf.Tensor, message: str, value: tf.Tensor) -> tf.Operation:
    """An op that fails with the message and the value unless the condition holds everywhere; for what is served."""
    return tf.debugging.Assert(tf.reduce_all(condition), [message, value])


def finite_states(states: Mapping[str, tf.Tensor]) -> list[tf.Operation]:
    """Ops that fail unless all states that a step was sent are finite numbers."""
    checks = [
        assert_in_range(tf.math.is_finite(state), f"{name} must be finite; received", state)
        for name, state in states.items()
        if state.dtype.is_floating
    ]
    # Eagerly, a check that holds is no operation.
    return [check for check in checks if check is not None]


def _tensors(signature: str, specs: Mapping[str, tf.TensorSpec], inputs: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """The inputs of a signature as tensors, in its order."""
    if set(inputs) != set(specs):
        raise ValueError(
            f"`inputs` of the signature {signature} must be {', '.join(specs)}. Received: {', '.join(inputs)}. "
            "Give each by its name."
        )
    return {name: tf.convert_to_tensor(inputs[name], spec.dtype) for name, spec in specs.items()}


def _of_all_rows(what: str, value: Any) -> Any:
    """The number that all rows share."""
    rows = np.asarray(value)
    if rows.ndim == 0:
        return value
    if rows.ndim > 1 or not len(rows) or (rows != rows[0]).any():
        raise InputError(
            f"{what} for all rows, as exports of version 0.1.0 do. Received: {rows.tolist()}; "
            "export the model again to give each row its own"
        )
    return rows[0]
