import contextlib
import functools
import hashlib
import http.server
import socket
import sys
import threading
import time

import pytest

from keras_seq.core.errors import InputError
from keras_seq.data import fetch, find_data, registry
from keras_seq.data.conversions import label_first_lines, text_and_label_files, to_token_tag_lines
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
        files = {
            "train.conll": DataFile(
                tuple((url,) for url in urls), digest, functools.partial(to_token_tag_lines, prefix="pt:")
            )
        }
        return registry.register_dataset(Dataset("toy", "A toy", "ner", "pt", "CC0", "none", files))

    return register


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


@pytest.fixture
def register(monkeypatch):
    """Registers a data set of these files for one test."""
    monkeypatch.setattr(registry, "_DATASETS", {})

    def register(files):
        return registry.register_dataset(Dataset("toy", "A toy", "classification", "pt", "CC0", "none", files))

    return register


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def test_a_file_made_of_two(server, register, tmp_path):
    folder, address = server
    (folder / "text").write_bytes(b"one \ntwo\n")
    (folder / "labels").write_bytes(b"a\nb")
    expected = b"a\tone\nb\ttwo\n"
    addresses = tuple((f"{address}/text", f"{address}/{labels}") for labels in ("gone", "labels"))
    register({"train.tsv": DataFile(addresses, sha256(expected), text_and_label_files)})
    seen = []
    fetch("toy", tmp_path, progress=lambda *state: seen.append(state))
    assert (tmp_path / "toy" / "train.tsv").read_bytes() == expected
    assert seen == [("train.tsv", 9, 9), ("train.tsv", 12, 12)]
    (folder / "labels").write_bytes(b"a\nb\nc")
    with pytest.raises(InputError, match="gone: .*; http.*/text with http.*/labels: 2 texts, 3 labels\\)"):
        fetch("toy", tmp_path, force=True)
    assert (tmp_path / "toy" / "train.tsv").read_bytes() == expected


def test_a_file_made_of_many(server, register, tmp_path):
    folder, address = server
    for name, text in (("a", "one\n"), ("b", "two\n"), ("c", "three\n")):
        (folder / name).write_text(text)

    def joined(*contents):
        return b"-".join(contents)

    expected = b"one\n-two\n-three\n"
    addresses = tuple((f"{address}/{first}", f"{address}/b", f"{address}/c") for first in ("gone", "a"))
    register({"all.txt": DataFile(addresses, sha256(expected), joined)})
    fetch("toy", tmp_path)
    assert (tmp_path / "toy" / "all.txt").read_bytes() == expected
    (folder / "c").unlink()
    with pytest.raises(InputError, match="/a with 2 more: File not found"):
        fetch("toy", tmp_path, force=True)


def test_an_archive_of_several_files_is_downloaded_once(server, register, tmp_path):
    folder, address = server
    (folder / "all").write_bytes(b"a one\nb two")

    def line(number, content):
        return label_first_lines(content).splitlines(keepends=True)[number]

    files = {
        f"{number}.tsv": DataFile(((f"{address}/all",),), sha256(expected), functools.partial(line, number))
        for number, expected in enumerate((b"a\tone\n", b"b\ttwo\n"))
    }
    register(files)
    seen = []
    fetch("toy", tmp_path, progress=lambda *state: seen.append(state))
    assert seen == [("0.tsv", 11, 11)]
    assert [(tmp_path / "toy" / name).read_bytes() for name in files] == [b"a\tone\n", b"b\ttwo\n"]


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


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n"], ids=["body", "header"])
def test_a_server_that_trickles_is_given_up(head, toy, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys.modules[fetch.__module__], "_TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr(sys.modules[fetch.__module__], "_TOLD_SECONDS", 0.1)
    is_given_up = threading.Event()

    def trickle(server):
        connection, _ = server.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(9_999)
            connection.sendall(head)
            while True:
                connection.sendall(b"x")
                time.sleep(0.05)
        is_given_up.set()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=trickle, args=(server,), daemon=True).start()
        toy(f"http://127.0.0.1:{server.getsockname()[1]}/train")
        begin = time.monotonic()
        with pytest.raises(InputError, match=r"too slow: \d+ bytes in \d+ s"):
            fetch("toy", tmp_path)
        assert time.monotonic() - begin < 5
        assert "bytes in 0 s; waiting up to 0.5 s" in capsys.readouterr().err
        if head.endswith(b"\r\n\r\n"):
            assert is_given_up.wait(5)


def test_content_of_any_other_kind_is_told(server, tmp_path, monkeypatch):
    folder, address = server
    (folder / "train").write_bytes(b"[" * 100_000)

    def convert(content):
        raise RuntimeError("no such kind")

    monkeypatch.setattr(registry, "_DATASETS", {})
    digest = hashlib.sha256(CONTENT).hexdigest()
    files = {"a.txt": DataFile(((f"{address}/train",),), digest, convert)}
    registry.register_dataset(Dataset("toy", "A toy", "ner", "pt", "CC0", "none", files))
    with pytest.raises(InputError, match="no such kind"):
        fetch("toy", tmp_path)
