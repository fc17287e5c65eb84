import math

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.training import optimizers
from keras_seq.training.fit_recipe import OptimizerSection
from keras_seq.training.optimizers import SGD, Adam, WarmupSchedule, averaged_weights, build_optimizer


@pytest.mark.parametrize("kind", ["constant", "linear", "cosine", "inverse_sqrt"])
def test_schedules_rise_and_fall_as_written(kind):
    schedule = WarmupSchedule(0.5, total_steps=110, kind=kind, warmup_steps=10, final_fraction=0.1)
    schedule = WarmupSchedule.from_config(schedule.get_config())
    for step in (0, 4, 9, 10, 11, 60, 110, 200):
        progress = min((step - 10) / 100, 1.0)
        if step < 10:
            factor = (step + 1) / 10
        elif kind == "constant":
            factor = 1.0
        elif kind == "linear":
            factor = 1 - 0.9 * progress
        elif kind == "cosine":
            factor = 0.1 + 0.9 * (1 + math.cos(math.pi * progress)) / 2
        else:
            factor = max(math.sqrt(10 / step), 0.1)
        assert float(schedule(step)) == pytest.approx(0.5 * factor, rel=1e-5)


def test_an_unknown_schedule_is_refused():
    with pytest.raises(ValueError, match="`kind` must be"):
        WarmupSchedule(0.5, total_steps=110, kind="step")


@pytest.mark.parametrize("clip_norm", [0.0, 1.0])
def test_norm_clipping_and_average_follow_the_formulas(clip_norm):
    variable = keras.Variable(np.array([1.0, 2.0], "float32"))
    optimizer = SGD(learning_rate=0.1, clip_norm=clip_norm, ema=0.6)
    optimizer.build([variable])
    weights, average = np.array([1.0, 2.0]), None
    for step in range(1, 30):
        gradient = np.array([3.0, -4.0]) * step
        optimizer.apply([ops.convert_to_tensor(gradient.astype("float32"))])
        norm = np.linalg.norm(gradient)
        weights = weights - 0.1 * gradient * (min(1.0, clip_norm / norm) if clip_norm else 1.0)
        decay = min(0.6, (step - 1) / (step + 8))
        average = weights if average is None else decay * average + (1 - decay) * weights
        assert float(optimizer.gradient_norm) == pytest.approx(norm, rel=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(variable), weights, rtol=1e-4)
    np.testing.assert_allclose(ops.convert_to_numpy(optimizer.averages[0]), average, rtol=1e-4)


def test_an_embedding_row_used_twice_counts_once_in_the_norm():
    model = keras.Sequential([keras.Input((2,), dtype="int32"), keras.layers.Embedding(5, 1)])
    model.compile(SGD(learning_rate=0.0, clip_norm=1.0), loss=lambda y_true, y_pred: ops.sum(y_pred))
    model.fit(np.array([[3, 3]]), np.zeros((1, 2, 1)), verbose=0)
    # Both look-ups hit row 3: its gradient is 2, and so is the norm.
    assert float(model.optimizer.gradient_norm) == pytest.approx(2.0)


def test_a_gradient_that_is_not_finite_stays_visible():
    variable = keras.Variable(np.ones(2, "float32"))
    optimizer = SGD(learning_rate=0.1, clip_norm=1.0)
    optimizer.apply([ops.convert_to_tensor(np.array([np.inf, 1.0], "float32"))], [variable])
    assert not np.isfinite(ops.convert_to_numpy(variable)).all()


def test_averaged_weights_come_and_go():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(Adam(learning_rate=0.1, ema=0.9), loss="mse", jit_compile=True)
    model.optimizer.build(model.trainable_variables)
    fresh = model.get_weights()
    with averaged_weights(model):
        np.testing.assert_array_equal(model.get_weights()[0], fresh[0])
    model.fit(np.ones((8, 2)), np.ones((8, 1)), batch_size=2, verbose=0)
    trained = model.get_weights()
    with averaged_weights(model):
        assert (model.get_weights()[0] != trained[0]).any()
        np.testing.assert_array_equal(model.get_weights()[0], ops.convert_to_numpy(model.optimizer.averages[0]))
    np.testing.assert_array_equal(model.get_weights()[0], trained[0])
    # One `fit` call more goes on from the trained weights: Keras' own average would have replaced them.
    assert not hasattr(model.optimizer, "_model_variables_moving_average")


def trained_weights(layer, x, optimizer, jit_compile=False):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input(x.shape[1:]), layer, keras.layers.Dense(2)])
    model.compile(optimizer, loss="mse", jit_compile=jit_compile)
    model.fit(x, np.ones((*x.shape[:2], 2)), batch_size=3, epochs=3, shuffle=False, verbose=0)
    return model.get_weights()


@pytest.mark.both_backends("False-True-Adam")
@pytest.mark.parametrize("name", ["Adam", "AdamW"])
@pytest.mark.parametrize("jit_compile", [True, False])
@pytest.mark.parametrize("amsgrad", [True, False])
def test_steps_are_those_of_keras(name, jit_compile, amsgrad):
    options = {"learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-4, "amsgrad": amsgrad}
    x = np.random.default_rng(0).normal(size=(12, 5, 4))
    seeded = keras.initializers.GlorotUniform(seed=1)
    ours, theirs = (
        trained_weights(
            keras.layers.Dense(3, kernel_initializer=seeded), x, getattr(module, name)(**options), jit_compile
        )
        for module in (optimizers, keras.optimizers)
    )
    for array, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(array, other, rtol=1e-5, atol=1e-6)


def test_a_look_up_is_trained_like_the_product_that_it_stands_for():
    """Rows named twice in a batch, and rows that are not named, whose moments fade."""
    rows = np.random.default_rng(0).integers(0, 7, (12, 5))
    weights = np.random.default_rng(1).normal(size=(9, 3))
    initializer = keras.initializers.Constant(weights)
    looked_up, product = (
        trained_weights(layer, x, Adam(learning_rate=0.02, epsilon=1e-4, clip_norm=0.5))
        for layer, x in (
            (keras.layers.Embedding(9, 3, embeddings_initializer=initializer), rows),
            (keras.layers.Dense(3, use_bias=False, kernel_initializer=initializer), np.eye(9)[rows]),
        )
    )
    assert np.abs(looked_up[0] - weights).max() > 0.05
    for array, other in zip(looked_up, product, strict=True):
        np.testing.assert_allclose(array, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["adam", "adamw", "nadam", "sgd"])
def test_every_optimizer_of_a_recipe_is_built_and_saved(name, tmp_path):
    settings = OptimizerSection(name=name, weight_decay=0.5, schedule="cosine", warmup_fraction=0.1, ema=0.9)
    optimizer = build_optimizer(settings, total_steps=100)
    assert optimizer.name == "optimizer"
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer, loss="mse")
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    assert not optimizer._use_weight_decay(model.trainable_variables[1])
    assert optimizer._use_weight_decay(model.trainable_variables[0])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert (loaded.optimizer.ema, loaded.optimizer.clip_norm) == (0.9, 5.0)
    np.testing.assert_array_equal(
        ops.convert_to_numpy(loaded.optimizer.averages[0]), ops.convert_to_numpy(optimizer.averages[0])
    )


def test_a_recipe_clips_by_the_global_norm_unless_told_otherwise():
    variables = [keras.Variable(np.zeros(3, "float32")), keras.Variable(np.zeros((2, 2), "float32"))]
    gradients = [np.full(variable.shape, 100.0, "float32") for variable in variables]
    for options, norm in (({}, 5.0), ({"clip_norm": 0.0}, 100 * math.sqrt(7))):
        settings = OptimizerSection(name="sgd", learning_rate=1.0, momentum=0.0, **options)
        optimizer = build_optimizer(settings, total_steps=10)
        for variable in variables:
            variable.assign(ops.zeros_like(variable.value))
        optimizer.apply([ops.convert_to_tensor(gradient) for gradient in gradients], variables)
        changes = np.concatenate([np.ravel(ops.convert_to_numpy(variable.value)) for variable in variables])
        np.testing.assert_allclose(changes, -norm / math.sqrt(7), rtol=1e-5)


@pytest.mark.parametrize("options", [{"ema": 1.0}, {"clip_norm": -1.0}])
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError, match=f"`{next(iter(options))}` must"):
        Adam(**options)
