"""What holds for the package as a whole: cheap imports, a second backend, the public names."""

import os
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

import keras_seq


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:keras_seq", "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_importing_the_package_imports_no_framework():
    result = run_python(
        "import sys, keras_seq; keras_seq.__version__;"
        "print([name for name in ('keras', 'tensorflow', 'jax', 'numpy') if name in sys.modules])"
    )
    assert result.stdout.strip() == "[]", result.stderr


RECIPES = """
import sys, tomllib
from pathlib import Path
from typer.testing import CliRunner
from keras_seq.cli.main import app
from keras_seq.training import Recipe

for path in Path("zoo").glob("*.toml"):
    if "task" in tomllib.loads(path.read_text("utf-8")):
        print(Recipe.load(path).override(["seed=1"]).name)
for command in ("--help", "recipe", "recipe tagger", "recipe --keys", "list", "list --task tagger --json"):
    result = CliRunner().invoke(app, command.split())
    assert result.exit_code == 0 and result.stdout, (command, result.exception)
print([name for name in ("keras", "tensorflow", "jax", "scipy") if name in sys.modules])
"""


def test_recipes_and_lists_need_no_framework():
    result = run_python(RECIPES)
    assert result.stdout.splitlines()[-1] == "[]" and "ner_pt" in result.stdout, result.stderr


OPENS = """
import sys
sys.modules["tensorflow"] = None
import keras_seq
assert "keras" not in sys.modules
import keras
import keras_seq.zoo
assert "keras_seq.zoo.ner" not in sys.modules
print("opened", keras.saving.load_model(sys.argv[1]).name)
"""


@pytest.mark.thorough
def test_a_room_that_is_imported_after_keras_registers_the_classes(tmp_path):
    keras_seq.zoo.ner_model(9, 3, embedding_dim=2, units=2).save(tmp_path / "model.keras")
    result = run_python(f"import sys; sys.argv = ['', {str(tmp_path / 'model.keras')!r}]\n{OPENS}", KERAS_BACKEND="jax")
    assert result.stdout.strip() == "opened ner_model", result.stderr


def test_rooms_have_what_they_import_lazily():
    for room in (keras_seq.families, keras_seq.tasks, keras_seq.training, keras_seq.zoo):
        names = set(dir(room)) - {"TYPE_CHECKING", "lazy_imports"}
        assert names >= set(getattr(room, "__all__", ()))
        assert all(hasattr(room, name) for name in names)
        with pytest.raises(AttributeError, match=f"module {room.__name__!r} has no attribute 'lode'"):
            room.lode  # noqa: B018


def test_unknown_attribute():
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        keras_seq.lode  # noqa: B018
    assert "load" in dir(keras_seq)


# Where TensorFlow may be imported, below `keras_seq/`: everywhere in these rooms and files ...
TENSORFLOW_ROOMS = ("text/*", "export/*", "families/*/served.py", "ops/recurrence_tensorflow.py")
# ... and here inside functions only, so that importing the room needs no TensorFlow.
TENSORFLOW_LAZILY = (
    "testing/label_test.py",
    "testing/model_test.py",
    "training/event_files.py",
    "training/feeding.py",
    "training/gradient_norms.py",
    "training/optimizers.py",
    "training/projector.py",
    "training/tensorboard.py",
)


def test_tensorflow_is_imported_where_contributing_says():
    package = Path(keras_seq.__file__).parent
    imports = re.compile(r"^([ \t]*)(?:import|from) tensor(?:flow|board)", re.MULTILINE)
    seen = set()
    for path in package.rglob("*.py"):
        name = path.relative_to(package).as_posix()
        indents = imports.findall(path.read_text(encoding="utf-8"))
        if not indents or any(fnmatch(name, room) for room in TENSORFLOW_ROOMS):
            continue
        assert name in TENSORFLOW_LAZILY, f"{name} imports TensorFlow"
        assert all(indents), f"{name} imports TensorFlow at the top"
        seen.add(name)
    assert seen == set(TENSORFLOW_LAZILY)
    contributing = (package.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in contributing for name in ("text/", "export/", "families/*/served.py", *TENSORFLOW_LAZILY))


WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = None   # any import of it now raises
sys.modules["tensorflow_text"] = None
import keras_seq, keras_seq.layers, keras_seq.losses, keras_seq.metrics, keras_seq.ops, keras_seq.zoo
import keras
import numpy as np
from keras_seq.testing import run_model_test
from keras_seq.zoo import list_builders, registered_builder

assert keras.backend.backend() == "jax"
entry = registered_builder("ner_model")
model = entry.build(**entry.example)
arrays = {
    symbol.name: np.ones((2, *((size or 3) for size in symbol.shape[1:] or [3])), symbol.dtype)
    for symbol in model.inputs
}
model.compile(loss=lambda y_true, y_pred: keras.ops.mean(keras.ops.square(keras.ops.tanh(y_pred))))
history = model.fit(arrays, np.zeros((2, 3), "int32"), verbose=0)
assert np.isfinite(history.history["loss"]).all()
print("trained beside", list_builders())
"""


@pytest.mark.thorough
def test_jax_needs_no_tensorflow():
    """In a process as a user has it; all builders train in `zoo/test_builders_on_jax.py`, where nothing imports it."""
    result = run_python(WITHOUT_TENSORFLOW, KERAS_BACKEND="jax", JAX_PLATFORMS="cpu")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("trained beside")
