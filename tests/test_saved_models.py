"""Nothing that a shipped model needs beside it is missing. That each answers as on the day it was shipped is tested in
`export/test_parity.py`."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from keras_seq.tasks import family_named
from keras_seq.tasks.text_task import ENCODER_FOLDER, TokenTask
from keras_seq.zoo import ModelCard, list_builders

ROOT = Path(__file__).resolve().parent.parent
SAVED_MODELS = ROOT / "saved_models"
NAMES = sorted(path.name for path in SAVED_MODELS.glob("[!.]*") if path.is_dir())


def size_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_every_result_has_a_recipe_and_every_model_a_result():
    with (ROOT / "zoo" / "results.csv").open(encoding="utf-8", newline="") as file:
        models = {row["model"] for row in csv.DictReader(file)}
    assert set(NAMES) <= models
    assert models <= {path.stem for path in (ROOT / "zoo").glob("*.toml")}


def test_all_models_stay_small():
    assert size_of(SAVED_MODELS) < 150e6


@pytest.mark.parametrize("name", NAMES)
def test_each_model_stays_small(name):
    assert size_of(SAVED_MODELS / name) < 20e6


@pytest.mark.parametrize("name", NAMES)
def test_model_is_complete(name):
    folder = SAVED_MODELS / name
    card = ModelCard.load(folder / "card.json")
    assert card.name == name
    assert card.builder in list_builders()
    assert (folder / "README.md").read_text(encoding="utf-8") == card.render()
    task = family_named(card.task).task
    for file in ("model.keras", "golden.npz"):
        assert (folder / file).is_file(), file
    assert (folder / "task.json").is_file()
    assert not issubclass(task, TokenTask) or any((folder / ENCODER_FOLDER).iterdir())
    assert [path for path in folder.iterdir() if path.name.isdigit() and (path / "saved_model.pb").is_file()]


LONG_TEXT = """
import json, re, sys, time
import tensorflow as tf

signature = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
text = "O juiz Paulo Souza, do TRF da 1ª Região, decidiu em 14 de março.\\n" * 15_000
started = time.monotonic()
outputs = signature(**{name: [text] for name in signature.structured_input_signature[1]})
print(json.dumps({
    # Not `ru_maxrss`, which begins with that of the process that started this one.
    "megabytes": int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024,
    "seconds": time.monotonic() - started,
    "sizes": {name: value.shape.as_list() for name, value in outputs.items()},
    "counts": {name: int(outputs[name][0]) for name in ("read_tokens", "num_tokens") if name in outputs},
}))
"""


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["ner_pt", "names_pt", "sentiment_en", "similar_pt"])  # one a family
def test_a_text_of_a_megabyte(name):
    """It is answered to its end, or what was read of it is said; with bounded memory."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", LONG_TEXT, str(SAVED_MODELS / name / "1")]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["megabytes"] < 1500 and found["seconds"] < 300, found
    sizes, counts = found["sizes"], found["counts"]
    assert sizes.get("tags", [1, 0])[1] > 200_000 or counts.get("num_tokens", 0) > 200_000, found
    assert "read_tokens" in counts or {"tags", "log_prob"} & set(sizes), found
