import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from tiny import ArrayBatches, Slow, evaluate, outcome, train

from keras_seq.core.errors import RecipeError, RunError
from keras_seq.training import TrainingCallback, TrainingInterrupted

PROGRAM = Path(__file__).with_name("tiny.py")


def start(directory):
    environment = {
        **os.environ,
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), str(directory)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def newest_step(directory):
    steps = [int(path.stem.split("-")[1]) for path in directory.glob("checkpoints/step-*.npz")]
    return max(steps, default=0)


def finish(process):
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors[-2000:]


def test_killed_three_times_ends_like_one_that_was_not(tmp_path):
    whole = start(tmp_path / "whole")
    # Random moments: shortly after some checkpoint, whatever the training does then.
    generator = np.random.default_rng()
    kills = 0
    for target in sorted(generator.choice(np.arange(1, 34), size=3, replace=False)):
        process = start(tmp_path / "killed")
        while process.poll() is None and newest_step(tmp_path / "killed") < target:
            time.sleep(0.005)
        time.sleep(generator.uniform(0, 0.05))
        process.kill()
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
    assert kills >= 2
    finish(start(tmp_path / "killed"))
    finish(whole)
    expected = json.loads((tmp_path / "whole" / "metrics.json").read_text())
    assert json.loads((tmp_path / "killed" / "metrics.json").read_text()) == expected
    assert len(expected["history"]) == 3


class Stop(TrainingCallback):
    def __init__(self, step, number):
        super().__init__()
        self.step, self.number = step, number

    def on_train_batch_end(self, batch, logs=None):
        if self.position.steps_done(batch) == self.step:
            os.kill(os.getpid(), self.number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_writes_a_checkpoint_and_resumes_exactly(tmp_path, number):
    expected = outcome(*train(tmp_path / "whole")[:2])
    before = signal.getsignal(number)
    with pytest.raises(TrainingInterrupted, match=r"epoch 2 after batch \d+ of 12; go on with --resume$"):
        train(tmp_path / "run", callbacks=[Stop(17, number)], **{"fit.checkpoint_batches": 0})
    assert signal.getsignal(number) is before
    resumed = train(tmp_path / "run", resume=True, **{"fit.checkpoint_batches": 0})
    assert outcome(*resumed[:2]) == expected
