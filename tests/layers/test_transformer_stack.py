"""The stack against its equations in plain NumPy, whole and in parts; what masks hide; what it refuses."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.layers import MeanLayer, TransformerStack
from keras_seq.testing import run_layer_test

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
ROWS, STEPS, FEATURES, CONTEXT_STEPS, CONTEXT_FEATURES = 3, 6, 8, 4, 5
generator = np.random.default_rng(0)
SEQUENCES = generator.standard_normal((ROWS, STEPS, FEATURES)).astype("float32")
CONTEXT = generator.standard_normal((ROWS, CONTEXT_STEPS, CONTEXT_FEATURES)).astype("float32")
# Padding on the left, on the right and inside; a row of padding alone.
MASK = np.array([[0, 1, 1, 0, 1, 0], [1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0]], bool)
CONTEXT_MASK = np.array([[1, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]], bool)
POSITIONS = {
    "sinusoidal": {"positions": "sinusoidal", "scale_inputs": True},
    "learned": {"positions": "learned", "max_steps": STEPS},
    "rotary": {"positions": "rotary", "max_wavelength": 50.0},
    "none": {"positions": None},
}


def built(*, num_layers=2, num_heads=2, **arguments):
    """A stack whose weights are all random, those that begin as zeros and ones as well."""
    stack = TransformerStack(num_layers, num_heads, **arguments)
    stack.build((None, None, FEATURES), (None, None, CONTEXT_FEATURES) if stack.cross_attention else None)
    generator = np.random.default_rng(1)
    for weight in stack.weights:
        weight.assign(weight + generator.normal(size=weight.shape, scale=0.3))
    return stack


@pytest.mark.both_backends
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"num_layers": 1, "causal": True, "positions": "rotary", "dropout": 0.1}, id="causal"),
        pytest.param(
            {
                "num_layers": 2,
                "positions": "learned",
                "max_steps": 9,
                "norm": "post",
                "input_norm": True,
                "use_bias": False,
                "head_dim": 3,
                "feed_forward_units": 5,
                "activation": "gelu_tanh",
                "kernel_initializer": "he_normal",
            },
            id="post-norm",
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_layer(arguments):
    run_layer_test(
        TransformerStack,
        arguments={"num_heads": 2, **arguments},
        inputs=SEQUENCES,
        expected_output_shape=(ROWS, STEPS, FEATURES),
    )


# --- The equations, for the real steps of one row, in float64


def plain(stack, x, context=None):
    weights = {weight.path.split("/", 1)[1]: np.array(weight, "float64") for weight in stack.weights}
    turn = None
    if stack.scale_inputs:
        x = x * math.sqrt(FEATURES)
    if stack.positions == "sinusoidal":
        x = x + np.array([[plain_sine(t, i, FEATURES) for i in range(FEATURES)] for t in range(len(x))])
    elif stack.positions == "learned":
        x = x + weights["positions/embeddings"][: len(x)]
    elif stack.positions == "rotary":
        turn = stack.max_wavelength
    if stack.input_norm:
        x = plain_norm(x, weights, "input_norm", stack)
    for index in range(stack.num_layers):
        own = {name.split("/", 1)[1]: array for name, array in weights.items() if name.startswith(f"block_{index}/")}
        parts = [("attention", lambda y, own=own: plain_attention(y, y, own, "attention", stack, turn))]
        if context is not None:
            parts += [("context", lambda y, own=own: plain_attention(y, context, own, "context_attention", stack))]
        parts += [("feed_forward", lambda y, own=own: plain_feed_forward(y, own, stack.activation))]
        for name, part in parts:
            if stack.norm == "pre":
                x = x + part(plain_norm(x, own, f"{name}_norm", stack))
            else:
                x = plain_norm(x + part(x), own, f"{name}_norm", stack)
    return plain_norm(x, weights, "final_norm", stack) if "final_norm/gamma" in weights else x


def plain_sine(t, i, size):
    angle = t / 10_000 ** (2 * (i // 2) / size)
    return math.cos(angle) if i % 2 else math.sin(angle)


def plain_norm(x, weights, name, stack):
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + stack.norm_epsilon)
    return x * weights[f"{name}/gamma"] + weights.get(f"{name}/beta", 0)


def plain_feed_forward(x, weights, activation):
    functions = {
        "gelu": lambda value: value * (1 + math.erf(value / 2**0.5)) / 2,
        "gelu_tanh": lambda value: value * (1 + math.tanh((2 / math.pi) ** 0.5 * (value + 0.044715 * value**3))) / 2,
        "relu": lambda value: max(value, 0.0),
    }
    x = np.vectorize(functions[activation])(x @ weights["inner/kernel"] + weights.get("inner/bias", 0))
    return x @ weights["outer/kernel"] + weights.get("outer/bias", 0)


def plain_attention(x, context, weights, name, stack, turn=None):
    def heads(part, read):
        bias = weights.get(f"{name}/{part}/bias", np.zeros((stack.num_heads, 1)))
        return np.einsum("tf,fhk->htk", read, weights[f"{name}/{part}/kernel"]) + bias[:, None]

    query, key, value = heads("query", x), heads("key", context), heads("value", context)
    if turn is not None:
        query, key = plain_rotation(query, turn), plain_rotation(key, turn)
    total = np.zeros((len(x), FEATURES)) + weights.get(f"{name}/attention_output/bias", 0)
    for head in range(stack.num_heads):
        for step in range(len(x)):
            seen = step + 1 if stack.causal and context is x else len(context)
            scores = key[head, :seen] @ query[head, step] / math.sqrt(query.shape[-1])
            powers = np.exp(scores - scores.max()) if seen else scores
            vector = (powers / powers.sum()) @ value[head, :seen] if seen else np.zeros(value.shape[-1])
            total[step] += vector @ weights[f"{name}/attention_output/kernel"][head]
    return total


def plain_rotation(vectors, max_wavelength):
    turned, half = np.empty_like(vectors), vectors.shape[-1] // 2
    for t in range(vectors.shape[1]):
        for i in range(half):
            angle = t / max_wavelength ** (2 * i / vectors.shape[-1])
            matrix = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
            turned[:, t, [i, i + half]] = vectors[:, t, [i, i + half]] @ matrix.T
    return turned


def check_against_equations(stack):
    inputs = (SEQUENCES, CONTEXT) if stack.cross_attention else (SEQUENCES,)
    masks = {"mask": MASK, **({"context_mask": CONTEXT_MASK} if stack.cross_attention else {})}
    outputs = ops.convert_to_numpy(stack(*inputs, **masks))
    assert np.isfinite(outputs).all()
    for row, real in enumerate(MASK[:2]):
        context = CONTEXT[row, CONTEXT_MASK[row]].astype("float64") if stack.cross_attention else None
        expected = plain(stack, SEQUENCES[row, real].astype("float64"), context)
        np.testing.assert_allclose(outputs[row, real], expected, atol=2e-5)


@pytest.mark.both_backends("rotary")
@pytest.mark.parametrize("positions", POSITIONS)
def test_equal_to_the_equations_at_real_steps(positions):
    check_against_equations(built(**POSITIONS[positions]))


@pytest.mark.parametrize(
    "arguments",
    [
        {"norm": "post", "input_norm": True, "norm_epsilon": 1e-3, "activation": "gelu_tanh"},
        {"norm": "post", "final_norm": True, "use_bias": False, "activation": "relu", "head_dim": 3},
        {"final_norm": False, "causal": True, "feed_forward_units": 5},
        {"norm": "post", "causal": True, "cross_attention": True, "num_heads": 4},
        {"cross_attention": True, "positions": "rotary"},
    ],
)
def test_equal_to_the_equations_with_every_choice(arguments):
    check_against_equations(built(**arguments))


# --- Attention weights


@pytest.mark.parametrize("causal", [False, True])
def test_attention_weights(causal):
    stack = built(cross_attention=True, causal=causal)
    outputs, weights, context_weights = (
        ops.convert_to_numpy(array)
        for array in stack(SEQUENCES, CONTEXT, mask=MASK, context_mask=CONTEXT_MASK, return_attention_weights=True)
    )
    np.testing.assert_array_equal(outputs, stack(SEQUENCES, CONTEXT, mask=MASK, context_mask=CONTEXT_MASK))
    assert weights.shape == (ROWS, 2, 2, STEPS, STEPS)
    assert context_weights.shape == (ROWS, 2, 2, STEPS, CONTEXT_STEPS)
    visible = np.broadcast_to(MASK[:, None, None, None, :], weights.shape)
    if causal:
        visible = visible & np.tri(STEPS, dtype=bool)
    seen = np.broadcast_to(CONTEXT_MASK[:, None, None, None, :], context_weights.shape)
    for found, shown in ((weights, visible), (context_weights, seen)):
        assert (found[~shown] == 0).all()
        assert (found[shown] > 0).all()
        np.testing.assert_allclose(found.sum(-1), shown.any(-1), atol=1e-6)


def test_attention_weights_in_a_functional_model():
    inputs, mask = keras.Input((None, FEATURES)), keras.Input((None,), dtype="bool")
    stack = TransformerStack(2, 2)
    model = keras.Model([inputs, mask], stack(inputs, mask=mask, return_attention_weights=True))
    assert model.output_shape == [(None, None, FEATURES), (None, 2, 2, None, None)]
    outputs, weights = model.predict_on_batch([SEQUENCES, MASK])
    expected, expected_weights = stack(SEQUENCES, mask=MASK, return_attention_weights=True)
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    np.testing.assert_allclose(weights, expected_weights, atol=1e-6)


def test_masks_that_come_with_the_tensors_are_used_and_go_on():
    embedding = keras.layers.Embedding(5, FEATURES, mask_zero=True)
    sequences, context = embedding(np.where(MASK, 3, 0)), embedding(np.where(CONTEXT_MASK, 4, 0))
    stack = TransformerStack(2, 2, cross_attention=True)
    outputs = stack(sequences, context)
    plain_tensors = [ops.convert_to_tensor(ops.convert_to_numpy(tensor)) for tensor in (sequences, context)]
    np.testing.assert_allclose(outputs, stack(*plain_tensors, mask=MASK, context_mask=CONTEXT_MASK), atol=1e-6)
    pooling = MeanLayer()
    np.testing.assert_allclose(pooling(outputs), pooling(ops.convert_to_numpy(outputs), mask=MASK), atol=1e-6)


def test_a_functional_model_with_a_context_trains_and_is_saved(tmp_path):
    inputs, context = keras.Input((None, FEATURES), name="x"), keras.Input((None, CONTEXT_FEATURES), name="context")
    stack = TransformerStack(1, 2, causal=True, cross_attention=True, dropout=0.1)
    model = keras.Model([inputs, context], stack(inputs, context))
    model.compile(optimizer="sgd", loss="mse")
    before = model.get_weights()
    model.fit([SEQUENCES, CONTEXT], SEQUENCES, verbose=0)
    assert all((old != new).any() for old, new in zip(before, model.get_weights(), strict=True) if old.ndim > 1)
    model.save(tmp_path / "model.keras")
    revived = keras.saving.load_model(tmp_path / "model.keras")
    expected = model.predict_on_batch([SEQUENCES, CONTEXT])
    np.testing.assert_allclose(revived.predict_on_batch([SEQUENCES, CONTEXT]), expected, atol=1e-6)


@pytest.mark.both_backends
def test_rows_are_independent_and_an_empty_context_gives_finite_numbers():
    stack = built(cross_attention=True)
    outputs = ops.convert_to_numpy(stack(SEQUENCES, CONTEXT, mask=MASK, context_mask=CONTEXT_MASK))
    for row in range(ROWS):
        one = slice(row, row + 1)
        alone = stack(SEQUENCES[one], CONTEXT[one], mask=MASK[one], context_mask=CONTEXT_MASK[one])
        np.testing.assert_allclose(ops.convert_to_numpy(alone)[0], outputs[row], atol=1e-5)
    # A context of padding alone is one without a step.
    without = ops.convert_to_numpy(stack(SEQUENCES[1:2], CONTEXT[1:2, :0], mask=MASK[1:2]))
    np.testing.assert_allclose(without[0], outputs[1], atol=1e-5)


@pytest.mark.both_backends
def test_what_stands_at_padding_has_no_say():
    sequences = np.where(MASK[..., None], SEQUENCES, np.nan)
    stack = built()
    outputs, expected = (ops.convert_to_numpy(stack(given, mask=MASK)) for given in (sequences, SEQUENCES))
    np.testing.assert_allclose(outputs[MASK], expected[MASK], atol=1e-6)
    assert np.isfinite(outputs).all()


# --- Reading in parts


def read_in_parts(stack, borders, sequences=SEQUENCES, mask=MASK, state=None):
    if state is None:
        inputs = (CONTEXT, CONTEXT_MASK) if stack.cross_attention else ()
        state = stack.initial_state(len(sequences), *inputs)
    parts = []
    for begin, end in zip(borders, borders[1:], strict=False):
        part, state = stack.step(
            sequences[:, begin:end], state, mask=None if mask is None else ops.convert_to_tensor(mask[:, begin:end])
        )
        parts.append(ops.convert_to_numpy(part))
    return np.concatenate(parts, axis=1), state


@pytest.mark.both_backends(thorough=True)
@pytest.mark.parametrize("positions", POSITIONS)
def test_reading_in_parts_is_reading_the_whole(positions):
    stack = built(causal=True, **POSITIONS[positions])
    whole = ops.convert_to_numpy(stack(SEQUENCES, mask=MASK))
    for borders in ([0, 1, 2, 3, 4, 5, 6], [0, 2, 2, 5, 6]):
        outputs, state = read_in_parts(stack, borders)
        np.testing.assert_allclose(outputs[MASK], whole[MASK], atol=1e-5)
        assert np.isfinite(outputs).all()
    assert {name: tuple(value.shape) for name, value in state.items()} == {
        "keys": (ROWS, 2, 2, STEPS, 4),
        "values": (ROWS, 2, 2, STEPS, 4),
        "real": (ROWS, STEPS),
    }
    outputs, _ = read_in_parts(stack, [0, 2, 6], mask=None)
    np.testing.assert_allclose(outputs, ops.convert_to_numpy(stack(SEQUENCES)), atol=1e-5)


@pytest.mark.both_backends
def test_reading_in_parts_with_a_context_that_is_projected_once():
    stack = built(causal=True, cross_attention=True, norm="post")
    whole = ops.convert_to_numpy(stack(SEQUENCES, CONTEXT, mask=MASK, context_mask=CONTEXT_MASK))
    outputs, state = read_in_parts(stack, [0, 1, 4, 6])
    np.testing.assert_allclose(outputs[MASK], whole[MASK], atol=1e-5)
    initial = stack.initial_state(ROWS, CONTEXT, CONTEXT_MASK)
    for name in ("context_keys", "context_values", "context_real"):
        np.testing.assert_array_equal(state[name], initial[name])


def test_cached_padding_counts_for_nothing():
    """So that states of different lengths can become one batch."""
    stack = built(causal=True, positions="rotary")
    whole = ops.convert_to_numpy(stack(SEQUENCES))
    _, state = read_in_parts(stack, [0, 2], mask=None)
    for before, after in ((3, 0), (0, 2), (1, 1)):
        around = [[0, 0], [0, 0], [0, 0], [before, after], [0, 0]]
        padded = {
            "keys": ops.pad(state["keys"], around, constant_values=7.0),
            "values": ops.pad(state["values"], around, constant_values=7.0),
            "real": ops.pad(state["real"], around[2:4]),
        }
        outputs, _ = read_in_parts(stack, [2, 3, 6], mask=None, state=padded)
        np.testing.assert_allclose(outputs, whole[:, 2:], atol=1e-5)


def test_reading_in_parts_in_mixed_precision():
    stack = TransformerStack(1, 2, causal=True, dtype="mixed_float16")
    whole = ops.convert_to_numpy(stack(SEQUENCES, mask=MASK))
    outputs, state = read_in_parts(stack, [0, 2, 6])
    assert outputs.dtype == whole.dtype == "float16"
    assert keras.backend.standardize_dtype(state["keys"].dtype) == "float16"
    np.testing.assert_allclose(outputs[MASK], whole[MASK], atol=2e-2)


@pytest.mark.skipif(not ON_TENSORFLOW, reason="graphs of TensorFlow")
@pytest.mark.thorough
@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_graph_reads_parts_of_any_length(jit_compile):
    import tensorflow as tf

    stack = built(causal=True)
    whole = ops.convert_to_numpy(stack(SEQUENCES, mask=MASK))
    initial = stack.initial_state(ROWS)
    specs = {
        "keys": tf.TensorSpec((None, 2, 2, None, 4)),
        "values": tf.TensorSpec((None, 2, 2, None, 4)),
        "real": tf.TensorSpec((None, None), tf.bool),
    }

    @tf.function(
        input_signature=[tf.TensorSpec((None, None, FEATURES)), specs, tf.TensorSpec((None, None), tf.bool)],
        jit_compile=jit_compile,
    )
    def step(x, state, mask):
        return stack.step(x, state, mask)

    first, state = step(SEQUENCES[:, :4], initial, MASK[:, :4])
    second, state = step(SEQUENCES[:, 4:], state, MASK[:, 4:])
    np.testing.assert_allclose(np.concatenate([first, second], axis=1)[MASK], whole[MASK], atol=1e-5)


@pytest.mark.skipif(not ON_TENSORFLOW, reason="a loop of TensorFlow whose tensors grow")
@pytest.mark.thorough
@pytest.mark.parametrize("positions", ["learned", "rotary"])
def test_a_loop_reads_step_by_step(positions):
    import tensorflow as tf

    stack = built(causal=True, cross_attention=True, **POSITIONS[positions])
    whole = ops.convert_to_numpy(stack(SEQUENCES, CONTEXT, mask=MASK, context_mask=CONTEXT_MASK))

    @tf.function
    def read(sequences, mask, context, context_mask):
        state = stack.initial_state(tf.shape(sequences)[0], context, context_mask)
        shapes = {name: value.shape for name, value in state.items()}
        grows = {"keys": (None, 2, 2, None, 4), "values": (None, 2, 2, None, 4), "real": (None, None)}
        shapes = {**shapes, **{name: tf.TensorShape(shape) for name, shape in grows.items()}}

        def body(index, state, outputs):
            part, state = stack.step(sequences[:, index : index + 1], state, mask[:, index : index + 1])
            return index + 1, state, outputs.write(index, part[:, 0])

        steps = tf.shape(sequences)[1]
        _, _, outputs = tf.while_loop(
            lambda index, *_: index < steps,
            body,
            (0, state, tf.TensorArray("float32", steps)),
            shape_invariants=(tf.TensorShape(()), shapes, tf.TensorShape(None)),
        )
        return tf.transpose(outputs.stack(), (1, 0, 2))

    outputs = read(*(tf.constant(array) for array in (SEQUENCES, MASK, CONTEXT, CONTEXT_MASK)))
    np.testing.assert_allclose(outputs.numpy()[MASK], whole[MASK], atol=1e-5)


@pytest.mark.skipif(ON_TENSORFLOW, reason="a step that JAX compiles for its shapes")
@pytest.mark.both_backends
def test_a_compiled_step():
    import jax

    stack = built(causal=True)
    whole = ops.convert_to_numpy(stack(SEQUENCES, mask=MASK))
    _, state = read_in_parts(stack, [0, 4])
    outputs, _ = jax.jit(stack.step)(SEQUENCES[:, 4:], state, MASK[:, 4:])
    np.testing.assert_allclose(np.asarray(outputs)[MASK[:, 4:]], whole[:, 4:][MASK[:, 4:]], atol=1e-5)


@pytest.mark.skipif(not ON_TENSORFLOW, reason="exports are TensorFlow's")
@pytest.mark.thorough
def test_an_export_of_core_operations_takes_no_rows_and_no_steps(tmp_path):
    import tensorflow as tf

    stack = built(num_layers=1, causal=True, cross_attention=True, positions="rotary")
    archive = keras.export.ExportArchive()
    archive.track(stack)
    specs = [
        tf.TensorSpec((None, None, FEATURES), name="x"),
        tf.TensorSpec((None, None), tf.bool, name="mask"),
        tf.TensorSpec((None, None, CONTEXT_FEATURES), name="context"),
    ]

    def both(x, mask, context):
        first, state = stack.step(x, stack.initial_state(tf.shape(x)[0], context), mask)
        return {"whole": stack(x, context, mask=mask), "first": first, "second": stack.step(x, state)[0]}

    archive.add_endpoint("serve", both, input_signature=specs)
    archive.write_out(str(tmp_path / "stack"), verbose=False)
    served = tf.saved_model.load(str(tmp_path / "stack"))
    for rows, steps, context_steps in ((2, 3, 4), (0, 3, 4), (2, 0, 4), (2, 3, 0), (0, 0, 0), (1, 1, 1)):
        x, context = SEQUENCES[:rows, :steps], CONTEXT[:rows, :context_steps]
        answers = served.serve(tf.constant(x), tf.ones((rows, steps), tf.bool), tf.constant(context))
        expected = stack(x, context)
        for name, answer in answers.items():
            assert answer.shape == (rows, steps, FEATURES)
            assert np.isfinite(answer).all()
            if name != "second":
                np.testing.assert_allclose(answer, expected, atol=1e-5)


# --- Positions beyond those that were learned


@pytest.mark.both_backends
def test_a_real_step_beyond_the_learned_positions_is_an_error_or_no_number():
    stack = built(causal=True, positions="learned", max_steps=4)
    with pytest.raises(ValueError, match="at most `max_steps`=4 steps"):
        stack(SEQUENCES)
    # Padding needs no position.
    assert np.isfinite(ops.convert_to_numpy(stack(SEQUENCES[:1], mask=MASK[:1]))).all()
    state = stack.initial_state(ROWS)
    _, state = stack.step(SEQUENCES[:, :3], state)
    try:
        outputs, _ = stack.step(SEQUENCES[:, 3:5], state)
    except Exception as error:
        assert ON_TENSORFLOW and "is not in [0, 4)" in str(error)
    else:
        assert np.isnan(ops.convert_to_numpy(outputs)[:, 1]).all()


# --- What is refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_layers": 0}, "`num_layers` must be a positive integer"),
        ({"num_heads": 0}, "`num_heads` must be a positive integer"),
        ({"positions": "relative"}, "`positions` must be one of 'sinusoidal', 'learned', 'rotary', None"),
        ({"positions": "learned"}, "`max_steps`, the number of learned positions, must be given"),
        ({"max_steps": 5}, "`max_steps`, the number of learned positions, must be given with them and with no others"),
        ({"norm": "both"}, "`norm` must be one of 'pre', 'post'"),
        ({"activation": "tanh"}, "`activation` must be one of 'gelu', 'gelu_tanh', 'relu'"),
        ({"norm_epsilon": 0}, "`norm_epsilon` must be a finite number above 0"),
        ({"head_dim": 0}, "`head_dim` must be a positive integer"),
        ({"dropout": 1.0}, "`dropout` must be a rate"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        TransformerStack(**{"num_layers": 1, "num_heads": 2, **arguments})


@pytest.mark.parametrize("name", ["scale_inputs", "input_norm", "final_norm", "use_bias", "causal", "cross_attention"])
def test_what_is_no_boolean_is_refused(name):
    with pytest.raises(TypeError, match=f"`{name}` must be a boolean"):
        TransformerStack(1, 2, **{name: "yes"})


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="`num_heads` must divide the number of features"):
        TransformerStack(1, 3)(SEQUENCES)
    with pytest.raises(ValueError, match="the size of a head must be even"):
        TransformerStack(1, 2, head_dim=3, positions="rotary")(SEQUENCES)
    with pytest.raises(ValueError, match="must have 8 features"):
        built()(SEQUENCES[..., :6])
    with pytest.raises(ValueError, match=r"`mask` of .* must have the shape \(batch, steps\)"):
        built()(SEQUENCES, mask=MASK[:, :2])


def test_a_context_is_there_if_and_only_if_it_is_expected():
    with pytest.raises(ValueError, match="takes a context, since `cross_attention=True`"):
        built(cross_attention=True)(SEQUENCES)
    with pytest.raises(ValueError, match="takes no context"):
        built()(SEQUENCES, CONTEXT)
    with pytest.raises(ValueError, match="takes a context"):
        built(causal=True, cross_attention=True).initial_state(2)


def test_what_cannot_be_read_in_parts_is_refused():
    stack = built()
    for call in (lambda: stack.initial_state(1), lambda: stack.step(SEQUENCES, {})):
        with pytest.raises(ValueError, match="cannot be read in parts: without `causal=True`.* Use a causal"):
            call()
    with pytest.raises(ValueError, match="must be built before it has a state"):
        TransformerStack(1, 2, causal=True).initial_state(1)
