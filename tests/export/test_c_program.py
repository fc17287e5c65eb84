"""A program in C, with TensorFlow's library and nothing else, gives the answers that Python gives."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import tensorflow as tf

SOURCE = Path(__file__).with_name("tag_sentence.c")
COMPILER = next((path for name in ("cc", "gcc", "clang") if (path := shutil.which(name))), None)
SENTENCES = ("Ana mora em São Paulo, diz o juiz 👩‍👧.", "Lisboa", "")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    if COMPILER is None:
        pytest.skip("no C compiler (cc, gcc, clang) on the path: the C program was not built")
    path = tmp_path_factory.mktemp("c") / "tag_sentence"
    package = Path(tf.__file__).parent
    libraries = [f"-L{package}", f"-Wl,-rpath,{package}", "-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"]
    warnings = ["-std=c11", "-Wall", "-Wextra", "-Werror"]
    command = [COMPILER, *warnings, "-isystem", str(package / "include"), str(SOURCE), *libraries, "-o", str(path)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return path


def run(program, *arguments):
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", "PATH": os.environ["PATH"]}
    return subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_answers_of_c_and_python_agree(program, functions, model_folder, sentence):
    result = run(program, model_folder / "1", sentence)
    assert result.returncode == 0, result.stderr
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    expected = {name: value.numpy()[0] for name, value in functions.text(tf.constant([sentence])).items()}
    assert [row[0] for row in rows] == [token.decode() for token in expected["tokens"]]
    assert [row[1] for row in rows] == [tag.decode() for tag in expected["tags"]]
    assert [int(row[2]) for row in rows] == expected["starts"].tolist()
    assert [int(row[3]) for row in rows] == expected["ends"].tolist()
    assert [float(row[4]) for row in rows] == pytest.approx(expected["scores"].tolist(), abs=1e-5)


def test_a_folder_without_a_model(program, tmp_path):
    result = run(program, tmp_path, "Ana")
    assert result.returncode == 2
    assert "cannot load" in result.stderr
