"""Recurrent layers, called in the ways in which users and Keras call them."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_seq.layers
from keras_seq.layers import GRU, LSTM, Bidirectional, RecurrentStack, SimpleRNN

pytestmark = pytest.mark.both_backends

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
ROWS, STEPS, FEATURES, UNITS = 6, 5, 3, 4
ENOUGH_UNITS = 33  # TensorFlow compiles loops of an open length from 32 units on
MAKERS = {
    "rnn": lambda units=UNITS, **options: SimpleRNN(units, **options),
    "gru": lambda units=UNITS, **options: GRU(units, **options),
    "lstm": lambda units=UNITS, **options: LSTM(units, **options),
    "both": lambda units=UNITS, **options: Bidirectional(LSTM(units, **options)),
    "both-gru": lambda units=UNITS, **options: Bidirectional(GRU(units, **options), merge_mode="sum"),
    "stack": lambda units=UNITS, return_sequences=False, **options: RecurrentStack(
        "gru", units, num_layers=2, bidirectional=True, return_sequences=return_sequences, **options
    ),
}
every_maker = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
only_tensorflow = pytest.mark.skipif(not ON_TENSORFLOW, reason="about graphs of TensorFlow")
only_jax = pytest.mark.skipif(ON_TENSORFLOW, reason="about JAX")


def random_array(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def numbers(outputs):
    return [ops.convert_to_numpy(part) for part in keras.tree.flatten(outputs)]


def assert_close(actual, expected, tolerance=1e-5):
    for ours, theirs in zip(numbers(actual), numbers(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


class TestWhatKerasDoesAroundACall:
    def test_a_subclass_with_a_call_of_its_own(self):
        class Doubled(LSTM):
            def call(self, sequences, **keys):
                return 2 * super().call(sequences, **keys)

        x = random_array(ROWS, STEPS, FEATURES)
        with keras.saving.custom_object_scope({"Doubled": Doubled}):
            doubled, plain = Bidirectional(Doubled(UNITS)), Bidirectional(LSTM(UNITS))
        for layer in (doubled, plain):
            layer.build(x.shape)
        doubled.set_weights(plain.get_weights())
        assert_close(doubled(x), 2 * plain(x))

    def test_a_cell_of_its_own_is_not_fused(self):
        class Negated(keras.layers.GRUCell):
            def call(self, inputs, states, training=False):
                output, states = super().call(inputs, states, training)
                return -output, states

        layer = GRU(UNITS)
        layer.cell = Negated(UNITS)
        assert not layer.is_fused
        x = random_array(ROWS, STEPS, FEATURES)
        plain = GRU(UNITS)
        plain.build(x.shape)
        layer.build(x.shape)
        layer.cell.set_weights(plain.cell.get_weights())
        assert_close(layer(x), -plain(x))

    def test_penalties_of_activities_are_those_of_keras(self):
        x, losses = random_array(ROWS, STEPS, FEATURES), []
        for module in (keras.layers, keras_seq.layers):
            keras.utils.set_random_seed(0)
            layer = module.Bidirectional(module.LSTM(UNITS, activity_regularizer="l2"), activity_regularizer="l1")
            layer(x)
            losses.append([float(loss) for loss in layer.losses])
        assert len(losses[0]) == 3
        np.testing.assert_allclose(*losses, rtol=1e-5)

    @pytest.mark.parametrize("make", [MAKERS["lstm"], MAKERS["both"]], ids=["lstm", "both"])
    def test_dropout_is_drawn_anew_at_each_call_for_any_number_of_rows(self, make):
        layer, x = make(dropout=0.5), random_array(ROWS, STEPS, FEATURES)
        first, second = (numbers(layer(x, training=True))[0] for _ in range(2))
        assert np.abs(first - second).max() > 1e-3
        assert numbers(layer(x[:2], training=True))[0].shape[0] == 2
        assert_close(layer(x), layer(x))


class TestArguments:
    @every_maker
    def test_a_mask_in_a_list_and_with_a_last_axis(self, make):
        layer, x = make(return_sequences=True), random_array(ROWS, STEPS, FEATURES)
        mask = np.arange(STEPS) < np.arange(ROWS)[:, None]
        expected = layer(x, mask=ops.convert_to_tensor(mask))
        for given in ([ops.convert_to_tensor(mask)], ops.convert_to_tensor(mask[..., None])):
            assert_close(layer(x, mask=given), expected)

    @every_maker
    def test_one_state_for_all_rows(self, make):
        layer, x = make(return_state=True), random_array(ROWS, STEPS, FEATURES)
        states = [0.1 * part for part in layer(x)[1:]]
        axis = 1 if isinstance(layer, RecurrentStack) else 0
        first = [ops.take(state, [0], axis=axis) for state in states]
        assert_close(
            layer(x, initial_state=first), layer(x, initial_state=[ops.repeat(part, ROWS, axis=axis) for part in first])
        )

    @every_maker
    @pytest.mark.parametrize("options", [{}, {"fused": False}], ids=["fused", "plain"])
    def test_no_steps(self, make, options):
        for return_sequences in (True, False):
            layer = make(return_sequences=return_sequences, return_state=True, **options)
            layer(random_array(ROWS, STEPS, FEATURES))
            for training in (False, True):
                output, *states = layer(random_array(ROWS, 0, FEATURES), training=training)
                assert output.shape[:2] == ((ROWS, 0) if return_sequences else (ROWS, output.shape[1]))
                for part in [output, *states]:
                    np.testing.assert_array_equal(ops.convert_to_numpy(part), 0)
                expected = [state + 1 for state in states]
                assert_close(layer(random_array(ROWS, 0, FEATURES), initial_state=expected)[1:], expected)

    def test_no_steps_with_dropout(self):
        layer = LSTM(UNITS, dropout=0.3)
        model = keras.Sequential([keras.Input((None, FEATURES)), layer])
        np.testing.assert_array_equal(ops.convert_to_numpy(model(random_array(2, 0, FEATURES), training=True)), 0)

    @every_maker
    def test_fused_and_plain_are_equal(self, make):
        x = random_array(ROWS, STEPS, FEATURES)
        mask = ops.convert_to_tensor(np.arange(STEPS) < np.arange(1, ROWS + 1)[:, None])
        layers = [make(fused=fused) for fused in (None, True, False)]
        for layer in layers:
            layer.build(x.shape)
            layer.set_weights(layers[0].get_weights())
        for layer in layers[1:]:
            assert_close(layer(x, mask=mask), layers[0](x, mask=mask))

    def test_fused_is_refused_where_it_is_not_exact(self):
        for options in ({"activation": "softsign"}, {"recurrent_dropout": 0.1}, {"unroll": True}):
            assert not LSTM(UNITS, **options).is_fused
            with pytest.raises(ValueError, match="`fused` must be None or False with these settings"):
                LSTM(UNITS, fused=True, **options)
        for wrong in (1, "yes"):
            with pytest.raises(TypeError, match=f"`fused` must be a boolean. Received: fused={wrong!r}"):
                GRU(UNITS, fused=wrong)

    @pytest.mark.parametrize("name", ["SimpleRNN", "GRU", "LSTM", "SimpleRNNCell", "GRUCell", "LSTMCell"])
    def test_a_configuration_of_defaults_is_one_of_the_stock_class(self, name):
        layer = getattr(keras_seq.layers, name)(UNITS)
        assert getattr(keras.layers, name).from_config(layer.get_config()).units == UNITS
        if "Cell" not in name:
            changed = type(layer)(UNITS, learn_initial_state=True, fused=False)
            assert type(layer).from_config(changed.get_config()).get_config() == changed.get_config()
            assert changed.get_config()["fused"] is False


@only_tensorflow
class TestGraphs:
    @pytest.mark.parametrize("make", [MAKERS["rnn"], MAKERS["gru"], MAKERS["lstm"]], ids=["rnn", "gru", "lstm"])
    @pytest.mark.parametrize(
        "options", [{}, {"fused": False}, {"recurrent_dropout": 0.2}], ids=["", "plain", "dropout"]
    )
    @pytest.mark.parametrize("training", [False, True])
    def test_stateful_with_two_rows_and_then_an_open_batch(self, make, training, options):
        import tensorflow as tf

        layer, x = make(stateful=True, **options), random_array(2, STEPS, FEATURES)
        first = layer(x, training=training)
        graph = tf.function(
            lambda x: layer(x, training=training), input_signature=[tf.TensorSpec((None, None, FEATURES))]
        )
        second = graph(x)
        assert second.shape == (2, UNITS)
        layer.reset_state()
        if not options.get("recurrent_dropout"):
            assert_close([graph(x), graph(x)], [first, second])

    @every_maker
    def test_states_of_known_rows_beside_an_open_batch(self, make):
        import tensorflow as tf

        for options in ({}, {"fused": False}):
            layer, x = make(return_state=True, **options), random_array(ROWS, STEPS, FEATURES)
            states = list(layer(x)[1:])
            graph = tf.function(
                lambda x, layer=layer, states=states: layer(x, initial_state=states),
                input_signature=[tf.TensorSpec((None, None, FEATURES))],
            )
            assert_close(graph(x), layer(x, initial_state=states))

    @staticmethod
    def ways():
        """Name -> how a function is called in a graph."""
        import tensorflow as tf

        def in_while(call, x):
            return tf.while_loop(lambda i, y: i < 2, lambda i, y: (i + 1, y + call(x * (1.0 + y))), (0, 0.0))[1]

        return {
            "cond": lambda call, x: tf.cond(tf.reduce_sum(x) > -1e9, lambda: call(x), lambda: call(2 * x)),
            "case": lambda call, x: tf.switch_case(tf.constant(1), [lambda: call(x), lambda: call(2 * x)]),
            "cond in cond": lambda call, x: tf.cond(
                tf.reduce_sum(x) > -1e9,
                lambda: tf.cond(tf.reduce_sum(x) > -2e9, lambda: call(x), lambda: call(3 * x)),
                lambda: call(2 * x),
            ),
            "while": in_while,
            "map": lambda call, x: tf.reduce_sum(tf.map_fn(lambda row: call(row[None]), x)),
            "recomputed": lambda call, x: tf.recompute_grad(call)(x),
        }

    @pytest.mark.parametrize(
        ("make", "way"),
        [
            pytest.param(
                MAKERS[name],
                way,
                id=f"{name}-{way}",
                marks=[] if name == "gru" or way == "cond" else [pytest.mark.thorough],
            )
            for name in ("gru", "both")
            for way in ("cond", "case", "cond in cond", "while", "map", "recomputed")
        ],
    )
    def test_gradients_within_branches_and_loops(self, make, way):
        import tensorflow as tf

        x = tf.constant(random_array(ROWS, STEPS, FEATURES))
        layer, plain = make(ENOUGH_UNITS), make(ENOUGH_UNITS, fused=False)
        for each in (layer, plain):
            each.build((None, None, FEATURES))
        plain.set_weights(layer.get_weights())

        def gradients(layer):
            @tf.function(input_signature=[tf.TensorSpec((ROWS, None, FEATURES))])
            def compute(x):
                with tf.GradientTape() as tape:
                    tape.watch(x)
                    total = self.ways()[way](lambda x: tf.reduce_sum(tf.sin(layer(x, training=True))), x)
                return total, *tape.gradient(total, [x, *(weight.value for weight in layer.trainable_weights)])

            return compute(x)

        assert_close(gradients(layer), gradients(plain), 1e-4)

    @pytest.mark.parametrize(
        ("make", "mode"),
        [
            pytest.param(MAKERS[name], mode, id=f"{name}-{mode}", marks=[] if first else [pytest.mark.thorough])
            for name in ("rnn", "lstm", "both-gru")
            for mode in ("eager", "graph", "jit")
            for first in [(name, mode) in (("rnn", "eager"), ("both-gru", "eager"), ("lstm", "graph"))]
        ],
    )
    def test_gradients_of_gradients(self, make, mode):
        """As a gradient penalty asks for them; with a mask, and an open number of steps."""
        import tensorflow as tf

        x = tf.constant(random_array(ROWS, STEPS, FEATURES))
        mask = tf.constant(np.arange(STEPS) < np.arange(1, ROWS + 1)[:, None])
        layer, plain = make(ENOUGH_UNITS), make(ENOUGH_UNITS, fused=False)
        for each in (layer, plain):
            each.build((None, None, FEATURES))
        plain.set_weights(layer.get_weights())

        def penalty(layer, x, mask):
            with tf.GradientTape(persistent=True) as outer:
                outer.watch(x)
                with tf.GradientTape() as inner:
                    inner.watch(x)
                    total = tf.reduce_sum(layer(x, mask=mask, training=True) ** 2)
                norm = tf.reduce_sum(inner.gradient(total, x) ** 2)
            weights = [weight.value for weight in layer.trainable_weights]
            return [*outer.gradient(norm, [x, *weights]), *outer.gradient(total, [x, *weights])]

        spec = [tf.TensorSpec((None, None, FEATURES)), tf.TensorSpec((None, None), tf.bool)]
        expected = penalty(plain, x, mask)
        if mode == "eager":
            actual = penalty(layer, x, mask)
        elif mode == "graph":
            actual = tf.function(lambda x, mask: penalty(layer, x, mask), input_signature=spec)(x, mask)
        else:
            actual = tf.function(lambda: penalty(layer, x, mask), jit_compile=True)()
        assert_close(actual, expected, 1e-4)


@only_jax
class TestModesOfJax:
    @every_maker
    def test_forward_mode_needs_the_plain_loop(self, make):
        import jax

        x = random_array(ROWS, STEPS, FEATURES)
        fused, plain = make(), make(fused=False)
        for layer in (fused, plain):
            layer.build(x.shape)
        plain.set_weights(fused.get_weights())
        with pytest.raises(TypeError, match="Make the layer with `fused=False`"):
            jax.jvp(fused, (x,), (x,))
        _, tangent = jax.jvp(plain, (x,), (x,))
        small = 1e-2
        expected = (plain(x + small * x) - plain(x - small * x)) / (2 * small)
        assert_close(tangent, expected, 1e-3)

    @pytest.mark.both_backends("gru")
    @pytest.mark.parametrize("make", [MAKERS["gru"], MAKERS["both"]], ids=["gru", "both"])
    def test_reverse_mode_of_any_order(self, make):
        import jax

        x = random_array(2, 3, FEATURES)
        fused, plain = make(), make(fused=False)
        for layer in (fused, plain):
            layer.build(x.shape)
        plain.set_weights(fused.get_weights())

        def penalty(layer):
            def norm(x):
                return (jax.grad(lambda x: (layer(x) ** 2).sum())(x) ** 2).sum()

            return jax.jit(jax.grad(norm))(x), jax.hessian(lambda x: layer(x).sum())(x)

        assert_close(penalty(fused), penalty(plain), 1e-4)
