"""A training small enough to be killed: dropout, and an LSTM if asked for, on synthetic arrays; also a program."""

import hashlib
import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
from keras import ops

from keras_seq.core.plugins import FAMILIES
from keras_seq.training import KerasRecipe, Recipe, RunDirectory, TrainingCallback, compile_model, fit

# What a recipe needs of its family.
FAMILY = SimpleNamespace(name="arrays", unit="rows", recipe=KerasRecipe, monitor="accuracy", lower_is_better=())


class ArrayBatches:
    """Batches of two lengths in an order that seed and epoch decide."""

    def __init__(self, seed=0, num_batches=12):
        self.seed = seed
        self.num_batches = num_batches

    def __len__(self):
        return self.num_batches

    def epoch(self, epoch, skip=0):
        for index in range(skip, self.num_batches):
            generator = np.random.default_rng((self.seed, epoch, index))
            token_ids = generator.integers(1, 30, size=(8, 6 if index < 4 else 9)).astype("int32")
            yield {"token_ids": token_ids}, (token_ids % 3).astype("int32")


class Slow(TrainingCallback):
    """Makes batches last, so that a kill can hit the middle of an epoch."""

    def on_train_batch_end(self, batch, logs=None):
        time.sleep(0.03)


def recipe(**changes):
    values = {
        "task": FAMILY.name,
        "name": "tiny",
        "seed": 7,
        "data": {"train": "train.npz", "validation": "validation.npz"},
        "model": {"builder": "tiny_model"},
        "optimizer": {"learning_rate": 0.02, "ema": 0.9, "schedule": "cosine", "warmup_steps": 5, "clip_norm": 1.0},
        "fit": {"epochs": 3, "monitor": "accuracy", "checkpoint_batches": 2},
    }
    return Recipe.from_dict(values).override(f"{key}={value}" for key, value in changes.items())


def model(steps_per_epoch, recipe, recurrent=False):
    keras.utils.set_random_seed(recipe.seed)
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    x = keras.layers.Embedding(30, 8)(token_ids)
    x = keras.layers.Dropout(0.3)(x)
    if recurrent:
        x = keras.layers.LSTM(8, return_sequences=True, dropout=0.2)(x)
    built = keras.Model({"token_ids": token_ids}, keras.layers.Dense(3)(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    compile_model(built, recipe, steps_per_epoch=steps_per_epoch, loss=loss, metrics=["accuracy"])
    return built


def evaluate(model):
    hits = [
        ops.convert_to_numpy(model(inputs, training=False)).argmax(-1) == labels
        for inputs, labels in ArrayBatches(seed=99, num_batches=2).epoch(0)
    ]
    return {"accuracy": float(np.mean([part.mean() for part in hits]))}


def digest(model):
    """A fingerprint of all that training has changed: weights, averages, moments, random-number state."""
    variables = [*model.variables, *model.optimizer.variables]
    return hashlib.sha256(b"".join(np.asarray(ops.convert_to_numpy(v.value)).tobytes() for v in variables)).hexdigest()


def train(directory, resume=False, callbacks=(), evaluate=evaluate, batches=None, recurrent=False, **changes):
    settings = recipe(**changes)
    batches = ArrayBatches(settings.seed) if batches is None else batches
    run = (RunDirectory.resume if resume else RunDirectory.create)(directory, settings)
    trained = model(len(batches), settings, recurrent)
    result = fit(
        trained,
        batches,
        settings=settings.fit,
        run_directory=run,
        evaluate=evaluate,
        callbacks=callbacks,
        resume=resume,
    )
    return trained, result, run


def outcome(trained, result):
    """What must be equal between a run that was killed and one that was not: all but the clock."""
    history = [{key: value for key, value in record.items() if key != "seconds"} for record in result.history]
    return {
        "digest": digest(trained),
        "history": history,
        "best_epoch": result.best_epoch,
        "scores": result.best_scores,
    }


if __name__ == "__main__":
    FAMILIES.add(FAMILY.name, FAMILY)
    directory, layer = Path(sys.argv[1]), sys.argv[2]
    trained, result, run = train(
        directory, resume=directory.exists(), callbacks=[Slow()], recurrent=layer == "recurrent"
    )
    run.write_metrics(outcome(trained, result))
    print(json.dumps(result.best_scores))
