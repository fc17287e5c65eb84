"""Keras' own tests of recurrent layers, with our classes in the place of the stock ones."""

import hashlib
import os
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import keras
import pytest

# The archive of the package index, the only one that holds the tests.
VERSION = "3.15.1"
SHA256 = "92ae7c1dd7f61041953dc2d42253181ee099086f0b58ae36fcf98147a6f08a29"
FILES = ("bidirectional_test", "gru_test", "lstm_test", "rnn_test", "simple_rnn_test", "stacked_rnn_cells_test",
         "time_distributed_test")  # fmt: skip
HARNESS = Path(__file__).resolve().parents[1] / "harness"

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(keras.__version__ != VERSION, reason=f"the tests are those of Keras {VERSION}"),
]


def fetch_archive(folder: Path) -> Path:
    """The source archive, from the cache or from the package index."""
    cached = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keras_seq" / f"keras-{VERSION}.tar.gz"
    if not cached.is_file():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        result = subprocess.run(
            [*command, f"keras=={VERSION}", "--dest", str(folder)], capture_output=True, text=True, timeout=300
        )
        if result.returncode:
            pytest.skip(f"the package index does not give the source of Keras: {result.stderr.strip()[-200:]}")
        cached.parent.mkdir(parents=True, exist_ok=True)
        (folder / cached.name).replace(cached)
    assert hashlib.sha256(cached.read_bytes()).hexdigest() == SHA256, f"{cached}: is not the archive that was looked at"
    return cached


@pytest.fixture(scope="module")
def keras_tests(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keras")
    with tarfile.open(fetch_archive(folder)) as archive:
        for name in FILES:
            text = archive.extractfile(f"keras-{VERSION}/keras/src/layers/rnn/{name}.py").read()
            (folder / f"{name}.py").write_bytes(text)
    return folder


def passed(folder: Path, backend: str, *plugins: str) -> dict[str, bool]:
    """Name of a test -> whether it passed; skipped ones are left out."""
    report = folder / f"{backend}{len(plugins)}.xml"
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(folder)]
        + [f"-p{plugin}" for plugin in plugins]
        + [f"--junitxml={report}", *(str(folder / f"{name}.py") for name in FILES)],
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join([str(HARNESS), *sys.path])},
        cwd=folder,
        capture_output=True,
        timeout=900,
    )
    outcomes = {}
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("skipped") is None:
            outcomes[f"{case.get('classname')}::{case.get('name')}"] = len(case) == 0
    return outcomes


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_as_many_pass_as_with_the_stock_layers(keras_tests, backend):
    stock = passed(keras_tests, backend)
    ours = passed(keras_tests, backend, "ours_for_keras")
    print(f"{backend}: {sum(ours.values())} of {len(ours)} pass, {sum(stock.values())} with the stock layers")
    assert sum(stock.values()) > 50, stock
    assert not {name for name, is_passed in stock.items() if is_passed and not ours.get(name)}
