import errno
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

from keras_seq.core.errors import InputError
from keras_seq.export import ExportError, Served, find_saved_model, latest_version, list_versions, write_saved_model
from keras_seq.export.manifest import check_version, is_of_version


def write(target, lookup, **options):
    return write_saved_model(target, lookup, **options)


def tree(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(Path(folder).rglob("*"))
    }


def serve(folder, texts):
    return tf.saved_model.load(str(folder)).signatures["serving_default"](text=tf.constant(texts))


def test_layout_and_move(lookup, tmp_path):
    folder = write(tmp_path / "models" / "m", lookup, beside={"card.json": lambda path: path.write_text("{}")})
    assert folder == tmp_path / "models" / "m" / "1"
    assert sorted(entry.name for entry in folder.parent.iterdir()) == ["1", "card.json"]
    # The asset is a copy: neither the file it came from nor the place it was written to matters.
    (tmp_path / "vocabulary.txt").unlink()
    moved = (tmp_path / "models").rename(tmp_path / "elsewhere") / "m" / "1"
    assert (moved / "assets" / "vocabulary.txt").read_text() == "a\nb\n"
    outputs = serve(moved, ["b", "zz"])
    assert outputs["ids"].numpy().tolist() == [1, -1]
    assert outputs["scores"].numpy().tolist() == [2.0, 4.0]


def test_only_what_serving_reads_is_stored(lookup, tmp_path):
    folder = write(tmp_path / "m", lookup)
    stored = tf.train.load_checkpoint(str(folder / "variables" / "variables")).get_variable_to_shape_map()
    assert [shape for name, shape in stored.items() if name != "_CHECKPOINTABLE_OBJECT_GRAPH"] == [[]]


def test_a_tagger_stores_its_weights_and_nothing_else(functions, model_folder):
    stored = tf.train.load_checkpoint(str(model_folder / "1" / "variables" / "variables"))
    shapes = stored.get_variable_to_shape_map()
    del shapes["_CHECKPOINTABLE_OBJECT_GRAPH"]
    assert sorted(map(tuple, shapes.values())) == sorted(tuple(weight.shape) for weight in functions.model.weights
                                                         if "seed" not in weight.path)  # fmt: skip
    graph = (model_folder / "1" / "saved_model.pb").read_bytes()
    assert b"Adam" not in graph and b"/site-packages/" not in graph


def test_a_new_version_stands_beside_the_old_one(lookup, tmp_path):
    write(tmp_path / "m", lookup, beside={"card": lambda path: path.mkdir()})
    lookup.scale.assign(3.0)
    write(tmp_path / "m", lookup, version=10, beside={"card": lambda path: (path.mkdir(), (path / "x").touch())})
    assert list_versions(tmp_path / "m") == [1, 10] and latest_version(tmp_path / "m") == 10
    assert find_saved_model(tmp_path / "m") == tmp_path / "m" / "10"
    assert find_saved_model(tmp_path / "m" / "1") == tmp_path / "m" / "1"
    assert (tmp_path / "m" / "card" / "x").exists()
    assert sorted(entry.name for entry in (tmp_path / "m").iterdir()) == ["1", "10", "card"]
    assert serve(tmp_path / "m" / "1", ["a"])["scores"].numpy() == 2.0
    assert serve(tmp_path / "m" / "10", ["a"])["scores"].numpy() == 3.0


def test_an_existing_version_is_left_alone(lookup, tmp_path):
    write(tmp_path / "m", lookup, version=4)
    before = tree(tmp_path)
    with pytest.raises(InputError, match=r"m/4: exists and is not empty; pass `--version 5`"):
        write(tmp_path / "m", lookup, version=4)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("target", ["file", "file/m", "file/a/b"])
def test_a_file_in_the_way(lookup, tmp_path, target):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="file: is a file, a folder is needed"):
        write(tmp_path / target, lookup)
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "1").write_text("mine")
    with pytest.raises(InputError, match="m/1: is a file, a folder is needed"):
        write(tmp_path / "m", lookup)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.fixture
def full_disk():
    """No file may grow beyond 1,000 bytes: TensorFlow's writes fail as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("has_old_version", [False, True])
def test_a_full_disk(lookup, tmp_path, has_old_version, request):
    lookup.scale = tf.Variable(tf.ones([1000]))
    lookup.answer = lambda text: {"scores": lookup.scale[: tf.size(text)]}
    spec = tf.TensorSpec([None], tf.string, name="text")
    lookup.declare("serving_default", lookup.answer, spec)
    if has_old_version:
        write(tmp_path / "m", lookup)
    before = tree(tmp_path)
    request.getfixturevalue("full_disk")
    with pytest.raises(ExportError, match=r"m: cannot be written \(.+\); free the disk") as caught:
        write(tmp_path / "m", lookup, version=2)
    assert "\n" not in str(caught.value)
    assert tree(tmp_path) == before


def raise_no_space(path):
    raise OSError(errno.ENOSPC, "No space left on device")


def interrupt(path):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"beside": {"card.json": raise_no_space}}, ExportError),
        ({"beside": {"card.json": interrupt}}, KeyboardInterrupt),
        ({"check": interrupt}, KeyboardInterrupt),
    ],
)
@pytest.mark.parametrize("has_old_version", [False, True])
def test_an_interrupted_export_leaves_no_trace(lookup, tmp_path, options, error, has_old_version):
    target = tmp_path / "new" / "m"
    if has_old_version:
        write(target, lookup, beside={"card.json": lambda path: path.write_text("old")})
    before = tree(tmp_path)
    with pytest.raises(error):
        write(target, lookup, version=2, **options)
    assert tree(tmp_path) == before


def test_check_sees_the_complete_version_before_it_is_in_place(lookup, tmp_path):
    seen = []

    def check(folder):
        seen.append(serve(folder, ["b"])["ids"].numpy().tolist())
        assert not (tmp_path / "m" / "1").exists()

    write(tmp_path / "m", lookup, check=check)
    assert seen == [[1]]


def test_a_failed_check_names_the_target(lookup, tmp_path):
    def check(folder):
        raise ExportError(f"{folder}: answers differ")

    with pytest.raises(ExportError, match=f"^{tmp_path}/m/1: answers differ$"):
        write(tmp_path / "m", lookup, check=check)
    assert not (tmp_path / "m").exists()


def test_wrong_arguments(lookup, tmp_path):
    served = Served()
    served.declare("x", lookup.answer, tf.TensorSpec([None], tf.string, name="text"))
    with pytest.raises(ValueError, match=r"`served` must declare 'serving_default'.*Received: x"):
        write_saved_model(tmp_path / "m", served)
    with pytest.raises(ValueError, match=r"`version` must be a positive integer. Received: version=0"):
        write(tmp_path / "m", lookup, version=0)
    for name in ("../card.json", "3"):
        with pytest.raises(ValueError, match="`beside` must have plain file names"):
            write(tmp_path / "m", lookup, beside={name: Path.touch})
    assert not (tmp_path / "m").exists()


def test_further_assets(lookup, tmp_path):
    words = {"names.txt": lambda path: path.write_text("a")}
    assert (write(tmp_path / "m", lookup, assets=words) / "assets" / "names.txt").read_text() == "a"
    with pytest.raises(ValueError, match="`assets` must have names that no table has. Received: 'vocabulary.txt'"):
        write(tmp_path / "n", lookup, assets={"vocabulary.txt": Path.touch})
    assert not (tmp_path / "n").exists()


def test_no_saved_model(tmp_path):
    (tmp_path / "7").mkdir()
    assert list_versions(tmp_path) == list_versions(tmp_path / "nowhere") == []
    assert latest_version(tmp_path) is None
    with pytest.raises(InputError, match="holds no SavedModel"):
        find_saved_model(tmp_path)


def test_a_lower_version_leaves_what_belongs_to_the_highest(lookup, tmp_path, capsys):
    for version in (2, 1):
        card = {"card": lambda path, version=version: path.write_text(f"of version {version}")}
        write(tmp_path / "m", lookup, version=version, beside=card)
    assert (tmp_path / "m" / "card").read_text() == "of version 2"
    for version in (1, 2):
        check_version(tmp_path / "m" / str(version))
    assert capsys.readouterr().err == ""
    assert not is_of_version(tmp_path / "m" / "card", tmp_path / "m" / "1")


RANDOM = ("fingerprint.pb", "manifest.json")
PROGRAM = """
import sys
import tensorflow as tf
from keras_seq.export import Served, write_saved_model
from keras_seq.text import Vocabulary
served = Served()
served.table = Vocabulary(["a", "b"]).table("words")
variables = [tf.Variable([float(number), 0.0, 0.0, 0.0], name=f"v{number}") for number in range(40)]
served.variables_in_use = variables
served.declare(
    "serving_default",
    lambda text: {"sums": tf.gather(tf.add_n([variable + 0 for variable in variables]), served.table(text))},
    tf.TensorSpec([None], tf.string, name="text"),
)
write_saved_model(sys.argv[1], served, family="toy")
"""


@pytest.mark.thorough
def test_two_processes_write_the_same_graph_and_variables(tmp_path):
    found = []
    for name in "ab":
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / name)]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
        files = tree(tmp_path / name / "1")
        # TensorFlow's fingerprint has a random part, which the manifest knows.
        found.append({path: content for path, content in files.items() if Path(path).name not in RANDOM})
    assert found[0] == found[1]
    assert {"saved_model.pb", "assets/task.json", "variables/variables.data-00000-of-00001"} <= set(found[0])
