import functools
import hashlib
import http.server
import threading

import pytest

from keras_seq.core.errors import InputError
from keras_seq.data import fetch, find_data, registry
from keras_seq.data.fetch import to_token_tag_lines
from keras_seq.data.registry import DataFile, Dataset

UPSTREAM = "pt:Paulo\tB-PER\r\npt::\tO\r\n\r\n\t\r\npt:São Paulo\tNN\tB-LOC".encode()
CONTENT = "Paulo B-PER\n: O\n\nSão Paulo B-LOC\n\n".encode()


@pytest.fixture
def server(tmp_path):
    """A loopback server of a folder; gives the folder and its address."""
    folder = tmp_path / "upstream"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.fixture
def toy(monkeypatch):
    """Registers a data set for one test."""
    monkeypatch.setattr(registry, "_DATASETS", {})

    def register(*urls, sha256=None):
        digest = sha256 or hashlib.sha256(CONTENT).hexdigest()
        files = {"train.conll": DataFile(urls, digest, "pt:")}
        return registry.register_dataset(Dataset("toy", "A toy", "ner", "pt", "CC0", "none", files))

    return register


def test_columns_become_token_tag_lines():
    assert to_token_tag_lines(UPSTREAM, "pt:") == CONTENT
    assert to_token_tag_lines(CONTENT.replace("São Paulo".encode(), b"SP")) == CONTENT.replace(
        "São Paulo".encode(), b"SP"
    )
    assert to_token_tag_lines(b"") == b""
    assert to_token_tag_lines(b"\xef\xbb\xbf\n\na O") == b"a O\n\n"


def test_fetch_checks_converts_and_reports(server, toy, tmp_path):
    folder, address = server
    (folder / "train").write_bytes(UPSTREAM)
    toy(f"{address}/train")
    seen = []
    target = fetch("toy", tmp_path / "data", progress=lambda *state: seen.append(state))
    assert target == tmp_path / "data" / "toy"
    assert (target / "train.conll").read_bytes() == CONTENT
    assert seen[-1] == ("train.conll", len(UPSTREAM), len(UPSTREAM))
    assert find_data("toy/train.conll.gz", tmp_path / "data") == target / "train.conll"
    assert [file.name for file in target.iterdir()] == ["train.conll"]


def test_fetch_happens_once(server, toy, tmp_path):
    folder, address = server
    (folder / "train").write_bytes(UPSTREAM)
    toy(f"{address}/train")
    fetch("toy", tmp_path)
    (folder / "train").unlink()
    (tmp_path / "toy" / "train.conll").rename(tmp_path / "toy" / "train.conll.gz")
    fetch("toy", tmp_path)
    with pytest.raises(InputError, match="no address gave the file"):
        fetch("toy", tmp_path, force=True)


def test_second_address_and_default_folder(server, toy, tmp_path, monkeypatch):
    folder, address = server
    (folder / "train").write_bytes(UPSTREAM)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    toy(f"{address}/gone", f"{address}/train")
    assert fetch("toy") == tmp_path / "cache" / "keras_seq" / "data" / "toy"
    assert find_data("toy/train.conll").read_bytes() == CONTENT


@pytest.mark.parametrize("content", [UPSTREAM + b"x", b"\xff", b""])
def test_wrong_content_leaves_nothing(server, toy, tmp_path, content):
    folder, address = server
    (folder / "train").write_bytes(content)
    toy(f"{address}/train")
    with pytest.raises(InputError, match=r"train\.conll: no address gave the file .*; check the network"):
        fetch("toy", tmp_path / "data")
    assert list((tmp_path / "data" / "toy").iterdir()) == []


def test_no_server_and_no_data_set(toy, tmp_path):
    toy("http://127.0.0.1:9/train")
    with pytest.raises(InputError, match="refused"):
        fetch("toy", tmp_path)
    with pytest.raises(InputError, match="no data set is called"):
        fetch("toys", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be created"):
        fetch("toy", tmp_path / "file")
