import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny import ArrayBatches, train

from keras_seq.training import GradientNormsPerStep
from keras_seq.training.drawing import draw_gradient_norms, draw_newest_gradient_norms

pytestmark = pytest.mark.usefixtures("array_family")

RED, BLACK, GREY = (255, 0, 0), (0, 0, 0), (211, 211, 211)


def events(directory):
    accumulator = EventAccumulator(str(directory), size_guidance={"tensors": 0}).Reload()
    return {
        tag: {event.step: event.tensor_proto for event in accumulator.Tensors(tag)}
        for tag in accumulator.Tags()["tensors"]
    }


def value(proto):
    return float(np.frombuffer(proto.tensor_content or np.float32(proto.float_val[0]).tobytes(), "float32")[0])


def share(picture, colour):
    return np.all(picture == colour, axis=-1).mean()


def model_with(layer, **compile_arguments):
    model = keras.Sequential([keras.Input((7, 2)), layer, keras.layers.Dense(1)])
    model.compile(**{"optimizer": keras.optimizers.SGD(0.1), "loss": "mse", **compile_arguments})
    return model


def batch(rows=8):
    inputs = np.random.default_rng(0).normal(size=(rows, 7, 2)).astype("float32")
    return inputs, inputs[:, :1, 0]


def test_a_plain_fit_gets_pictures_and_the_ratio(tmp_path):
    model = model_with(keras.layers.Bidirectional(keras.layers.LSTM(3), name="both"))
    callback = GradientNormsPerStep(tmp_path, *batch(), every=2)
    model.fit(*batch(32), batch_size=8, epochs=5, verbose=0, callbacks=[callback])
    assert callback.epochs == [0, 2, 4]
    found = events(tmp_path)
    for index, name in enumerate(("both/forward", "both/backward")):
        rows = callback.norms[name]
        assert not np.allclose(rows[0], rows[1])
        for kind in ("map", "newest"):
            pictures = found[f"gradient_norms/{name}/{kind}"]
            # Steps of the optimizer: four batches an epoch.
            assert list(pictures) == [0, 8, 16]
            assert all(proto.string_val[2].startswith(b"\x89PNG") for proto in pictures.values())
        ratios = found[f"gradient_norms/{name}/first_to_last"]
        for row, proto in zip(rows, ratios.values(), strict=True):
            assert value(proto) == pytest.approx(row[-index] / row[index - 1], rel=1e-5)
    model.fit(*batch(32), batch_size=8, epochs=1, verbose=0, callbacks=[callback])
    assert callback.epochs == [0]


@pytest.mark.thorough
def test_the_loop_of_this_package_and_a_resume(tmp_path):
    inputs, labels = next(iter(ArrayBatches(seed=99).epoch(0)))
    whole = GradientNormsPerStep(tmp_path / "events", inputs, labels)
    train(tmp_path / "run", recurrent=True, callbacks=[whole], **{"fit.epochs": 2})
    assert whole.epochs == [0, 1, 2]
    (name,) = whole.norms
    assert name.startswith("lstm")
    assert list(events(tmp_path / "events")[f"gradient_norms/{name}/map"]) == [0, 12, 24]
    # What is measured changes nothing: the numbers of a training without it.
    plain = train(tmp_path / "plain", recurrent=True, **{"fit.epochs": 2})[0]
    measured = train(
        tmp_path / "again",
        recurrent=True,
        callbacks=[GradientNormsPerStep(tmp_path / "e", inputs, labels)],
        **{"fit.epochs": 2},
    )[0]
    for ours, its in zip(measured.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, its)


def test_an_exploded_gradient_is_shown(tmp_path):
    model = model_with(keras.layers.SimpleRNN(2, activation="linear", name="rnn"), optimizer=keras.optimizers.SGD(1e30))
    callback = GradientNormsPerStep(tmp_path, *batch())
    model.fit(*batch(), epochs=2, verbose=0, callbacks=[callback])
    assert np.isinf(callback.norms["rnn"][-1]).all()
    assert len(events(tmp_path)["gradient_norms/rnn/map"]) == 3
    ratio = events(tmp_path)["gradient_norms/rnn/first_to_last"][2]
    assert np.isnan(value(ratio))


def test_colours_outside_the_scale_mark_what_is_not_a_number():
    usual = np.array([[1e-3, 1e-2, 0.1, 1.0]] * 4)
    odd = usual.copy()
    odd[0, 0], odd[1, 1], odd[2, 2] = np.inf, 0.0, np.nan
    pictures = [draw_gradient_norms("lstm", range(4), norms) for norms in (usual, odd)]
    # A cell of sixteen takes some three hundredths of the picture.
    for colour, least in ((RED, 0.02), (GREY, 0.02), (BLACK, 0.02)):
        before, after = (share(picture, colour) for picture in pictures)
        assert after - before > least
    assert all(picture.dtype == "uint8" and picture.ndim == 3 for picture in pictures)


@pytest.mark.parametrize("fill", [np.inf, 0.0, np.nan, 1.0])
def test_norms_that_are_all_alike_are_drawn(fill):
    for draw in (draw_gradient_norms, draw_newest_gradient_norms):
        assert draw("lstm", [1], np.full((1, 3), fill)).std() > 0


def test_wrong_arguments_are_refused(tmp_path):
    with pytest.raises(ValueError, match="`every` must be a positive integer"):
        GradientNormsPerStep(tmp_path, *batch(), every=0)
    with pytest.raises(ValueError, match="`norms` must have one row for each of the 2 epochs"):
        draw_gradient_norms("lstm", [1, 2], np.ones((3, 4)))
    model = model_with(keras.layers.Flatten())
    with pytest.raises(ValueError, match="`model` must have a recurrent layer"):
        model.fit(*batch(), verbose=0, callbacks=[GradientNormsPerStep(tmp_path, *batch())])
    inputs, targets = batch()
    with pytest.raises(ValueError, match="the same number of rows"):
        model_with(keras.layers.GRU(2)).fit(
            *batch(), verbose=0, callbacks=[GradientNormsPerStep(tmp_path, inputs, targets[1:])]
        )
