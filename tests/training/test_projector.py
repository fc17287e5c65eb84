import numpy as np
import pytest
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.projector.projector_plugin import ProjectorPlugin
from werkzeug.test import Client

from keras_seq.core.errors import RunError
from keras_seq.training import write_projector
from keras_seq.training.event_files import EventWriter
from keras_seq.training.projector import MAX_POINTS

LABELS = ["", "[UNK]", "água", "a\tb", "漢字"]
VECTORS = np.arange(15, dtype="float32").reshape(5, 3) / 7


class Projector:
    """TensorBoard's own server side of the projector, asked over WSGI."""

    def __init__(self, logdir):
        multiplexer = EventMultiplexer().AddRunsFromDirectory(str(logdir))
        multiplexer.Reload()
        provider = MultiplexerDataProvider(multiplexer, str(logdir))
        self.routes = ProjectorPlugin(TBContext(logdir=str(logdir), data_provider=provider)).get_plugin_apps()

    def ask(self, route, **query):
        response = Client(self.routes[route]).get(route, query_string=query)
        assert response.status_code == 200, response.text
        return response

    def table(self, run, name):
        vectors = np.frombuffer(self.ask("/tensor", run=run, name=name).data, "float32")
        labels = self.ask("/metadata", run=run, name=name).text.splitlines()
        return vectors.reshape(len(labels), -1), labels


def test_tensorboard_serves_the_vectors(tmp_path):
    write_projector(tmp_path / "new", VECTORS, LABELS)
    projector = Projector(tmp_path / "new")
    assert projector.ask("/runs").json == ["."]
    (embedding,) = projector.ask("/info", run=".").json["embeddings"]
    assert embedding["tensorName"] == "words" and embedding["tensorShape"] == [4, 3]
    vectors, labels = projector.table(".", "words")
    np.testing.assert_allclose(vectors, VECTORS[1:], rtol=1e-5)
    assert labels == ["[UNK]", "água", "a b", "漢字"]


def test_a_run_in_the_log_directory(tmp_path):
    writer = EventWriter(tmp_path / "run")
    writer.scalars({"loss": 1.0}, step=0)
    writer.close()
    write_projector(tmp_path / "run", VECTORS, LABELS)
    projector = Projector(tmp_path)
    assert projector.ask("/runs").json == ["run"]
    np.testing.assert_allclose(projector.table("run", "words")[0], VECTORS[1:], rtol=1e-5)


def test_tables_of_other_names_stay_and_the_same_name_is_replaced(tmp_path):
    write_projector(tmp_path, VECTORS, LABELS, "words")
    write_projector(tmp_path, VECTORS[:, :2], LABELS, "subwords")
    write_projector(tmp_path, -VECTORS, LABELS, "words")
    projector = Projector(tmp_path)
    names = [embedding["tensorName"] for embedding in projector.ask("/info", run=".").json["embeddings"]]
    assert sorted(names) == ["subwords", "words"]
    np.testing.assert_allclose(projector.table(".", "words")[0], -VECTORS[1:], rtol=1e-5)
    np.testing.assert_allclose(projector.table(".", "subwords")[0], VECTORS[1:, :2], rtol=1e-5)


def test_at_most_ten_thousand_points(tmp_path):
    count = MAX_POINTS + 5
    write_projector(tmp_path, np.arange(count)[:, None], ["", *map(str, range(1, count))])
    labels = (tmp_path / "words.labels.tsv").read_text(encoding="utf-8").split()
    assert labels == [str(number) for number in range(1, MAX_POINTS + 1)]
    vectors = (tmp_path / "words.vectors.tsv").read_text(encoding="utf-8").split()
    assert len(vectors) == MAX_POINTS and float(vectors[-1]) == MAX_POINTS


@pytest.mark.parametrize(
    ("vectors", "labels", "name", "message"),
    [
        (VECTORS, LABELS[:4], "words", "`vectors` must have a row for each label"),
        (VECTORS[0], LABELS[:3], "words", "`vectors` must have a row for each label"),
        (VECTORS[:1], [" "], "words", "`labels` must hold a label"),
        (VECTORS, LABELS, "../words", "`name` must be made of letters"),
    ],
)
def test_wrong_arguments(tmp_path, vectors, labels, name, message):
    with pytest.raises(ValueError, match=message):
        write_projector(tmp_path, vectors, labels, name)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        write_projector(tmp_path / "file" / "logs", VECTORS, LABELS)
