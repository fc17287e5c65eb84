import os
import signal
import subprocess
import sys
import threading

import pytest

from keras_seq.core.files import atomic_write, remove_leftovers
from keras_seq.core.locks import InUseError, exclusive_lock

HOLDER = """
import sys, time
from keras_seq.core.locks import exclusive_lock
with exclusive_lock(sys.argv[1], "run: is being trained"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_another_process_is_named_and_a_kill_lets_go(tmp_path):
    path = tmp_path / ".lock"
    with subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(InUseError, match=f"^run: is being trained by process {holder.pid} on .+; wait until"):
            exclusive_lock(path, "run: is being trained").__enter__()
        assert path.exists()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with exclusive_lock(path, "run: is being trained"):
        assert str(os.getpid()) in path.read_text()
    assert os.listdir(tmp_path) == []


def test_threads_exclude_each_other(tmp_path):
    inside, most, refused = [0], [0], [0]

    def work():
        for _ in range(200):
            try:
                with exclusive_lock(tmp_path / ".lock", "run: is in use"):
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                    inside[0] -= 1
            except InUseError as error:
                assert "process" in str(error)
                refused[0] += 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] and refused[0] < 800
    assert os.listdir(tmp_path) == []


def test_leftovers_go_and_what_is_being_written_stays(tmp_path):
    (tmp_path / ".a.00000000.tmp").write_text("of a kill")
    (tmp_path / ".b.00000000.tmp").mkdir()
    (tmp_path / ".b.00000000.tmp" / "part").write_text("of a kill")
    for name in ("kept", ".notes.tmp"):
        (tmp_path / name).write_text("no leftover")
    with atomic_write(tmp_path / "a", "w") as file:
        file.write("live")
        remove_leftovers(tmp_path, "c")
        assert len(os.listdir(tmp_path)) == 5
        remove_leftovers(tmp_path)
        assert len(os.listdir(tmp_path)) == 3
    assert sorted(os.listdir(tmp_path)) == [".notes.tmp", "a", "kept"]
    assert (tmp_path / "a").read_text() == "live"
