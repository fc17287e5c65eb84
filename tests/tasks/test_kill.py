"""A training that is killed and resumed ends with the numbers of one that was not."""

import json
import random
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from keras_seq.tasks import train

BATCHES = 25  # of an epoch
CHANGES = {
    "fit": {"checkpoint_batches": 2},
    "data": {"replace_mentions": 0.4},
    "model": {"word_vectors": "cooccurrence"},
}


def command(recipe, folder, *options):
    code = "import sys; from keras_seq.cli.main import main; sys.argv[0] = 'keras-seq'; main()"
    return [sys.executable, "-c", code, "train", str(recipe), "--run-dir", str(folder), "--quiet", *options]


def steps_done(folder):
    """The batch of the newest checkpoint."""
    names = [path.stem for path in (folder / "checkpoints").glob("step-*.npz")]
    return max((int(name.removeprefix("step-")) for name in names), default=0)


def outcome(folder):
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    losses = [record["train_loss"] for record in metrics["history"]]
    return {split: metrics[split] for split in ("validation", "test")}, losses, metrics["best_epoch"]


@pytest.mark.thorough
@pytest.mark.parametrize("kills", [3])
def test_a_kill_at_a_random_moment_changes_nothing(tmp_path, recipe, seed_of_kills, kills):
    values = recipe.to_dict()
    for section, changes in CHANGES.items():
        values[section] |= changes
    values["fit"]["epochs"] = 2 * (1 + kills)
    recipe = type(recipe).from_dict(values)
    recipe.save(tmp_path / "recipe.toml")
    train(recipe, tmp_path / "whole", quiet=True)
    total = values["fit"]["epochs"] * BATCHES

    generator = random.Random(seed_of_kills)
    for moment in sorted(generator.sample(range(1, total - 20), kills)):
        options = ["--resume"] if (tmp_path / "killed").exists() else []
        process = subprocess.Popen(
            command(tmp_path / "recipe.toml", tmp_path / "killed", *options),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 120
        while steps_done(tmp_path / "killed") < moment:
            assert process.poll() is None and time.monotonic() < deadline, f"ended or hung before batch {moment}"
            time.sleep(0.01)
        process.kill()
        assert process.wait() == -9
    train(recipe, tmp_path / "killed", resume=True, quiet=True)

    assert outcome(tmp_path / "killed") == outcome(tmp_path / "whole")
    whole, killed = (
        keras.saving.load_model(tmp_path / name / "model.keras", compile=False) for name in ("whole", "killed")
    )
    for one, other in zip(whole.get_weights(), killed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
