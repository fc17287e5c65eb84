"""What a user names as an output is written, wherever it leads, and nothing else is replaced."""

import errno
import os
import socket
import stat
import subprocess
import sys
import threading

import pytest

from keras_seq.core import files
from keras_seq.core.errors import InputError
from keras_seq.core.files import atomic_file, atomic_write, check_output

pytestmark = pytest.mark.skipif(os.name == "nt", reason="devices, FIFOs and links of POSIX")


def write(path, text="new\n"):
    check_output(path)
    with atomic_write(path, "w") as file:
        file.write(text)


def device(folder):
    path = folder / "null"
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root makes devices")
    return path


def test_a_device_stays_one(tmp_path):
    path = device(tmp_path)
    write(path)
    assert stat.S_ISCHR(path.lstat().st_mode)
    (tmp_path / "link").symlink_to(path)
    write(tmp_path / "link")
    assert stat.S_ISCHR(path.lstat().st_mode) and (tmp_path / "link").is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["link", "null"]


def test_a_full_device_says_so():
    with pytest.raises(OSError) as caught, atomic_write("/dev/full") as file:
        file.write(b"new")
    assert caught.value.errno == errno.ENOSPC
    assert stat.S_ISCHR(os.lstat("/dev/full").st_mode)


def test_a_terminal_is_written_into():
    main, terminal = os.openpty()
    name = os.ttyname(terminal)
    write(name)
    assert os.read(main, 100) == b"new\r\n"
    for descriptor in (main, terminal):
        os.close(descriptor)


@pytest.mark.parametrize("through_link", [False, True])
def test_a_fifo_reaches_its_reader(tmp_path, through_link):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("fifo")
    received = []
    reader = threading.Thread(target=lambda: received.append((tmp_path / "fifo").read_text()))
    reader.start()
    write(tmp_path / ("link" if through_link else "fifo"))
    reader.join(10)
    assert received == ["new\n"]
    assert stat.S_ISFIFO((tmp_path / "fifo").lstat().st_mode)


def test_a_fifo_without_a_reader_is_waited_for_a_while(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "WAIT_SECONDS", 0.1)
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(InputError, match="is a FIFO from which nobody reads"):
        write(tmp_path / "fifo")


def test_a_socket_is_written_into(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        with pytest.raises(InputError, match="^socket: cannot be written .Connection refused.; name another place$"):
            write("socket")
        server.listen()
        write("socket")
        connection, _ = server.accept()
        with connection:
            assert connection.recv(100) == b"new\n"
    assert stat.S_ISSOCK(os.lstat("socket").st_mode)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
@pytest.mark.parametrize("kind", ["file", "pipe"])
def test_standard_output_goes_on_where_it_is(tmp_path, name, kind):
    (tmp_path / "link").symlink_to("/dev/stdout")
    program = (
        "import sys; from keras_seq.core.files import atomic_write\nprint('before')\n"
        "with atomic_write(sys.argv[1], 'w') as file: file.write('new\\n')\nprint('after')"
    )
    command = [sys.executable, "-c", program, name]
    if kind == "pipe":
        output = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    else:
        with (tmp_path / "output").open("w") as file:
            subprocess.run(command, cwd=tmp_path, check=True, stdout=file)
        output = (tmp_path / "output").read_text()
    assert output == "before\nnew\nafter\n"


def test_another_descriptor_is_written_into(tmp_path):
    reader, writer = os.pipe()
    write(f"/dev/fd/{writer}")
    assert os.read(reader, 100) == b"new\n"
    os.close(reader)
    os.close(writer)
    with open(os.devnull) as read_only:
        for number in (writer, read_only.fileno()):
            for act in (check_output, lambda path: atomic_write(path).__enter__()):
                message = f"^/dev/fd/{number}: cannot be written .Bad file descriptor.; name another"
                with pytest.raises(InputError, match=message):
                    act(f"/dev/fd/{number}")


def test_a_link_stays_and_its_target_is_replaced(tmp_path):
    (tmp_path / "far").mkdir()
    target = tmp_path / "far" / "target"
    target.write_text("old")
    target.chmod(0o640)
    (tmp_path / "near").symlink_to("far")
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("near/target")
    before = target.stat().st_ino
    with pytest.raises(KeyboardInterrupt), atomic_write(tmp_path / "one") as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert target.read_text() == "old"
    write(tmp_path / "one")
    assert target.read_text() == "new\n" and target.stat().st_ino != before
    assert target.stat().st_mode & 0o777 == 0o640
    assert os.readlink(tmp_path / "one") == "two" and os.readlink(tmp_path / "two") == "near/target"
    assert os.listdir(tmp_path / "far") == ["target"]


def test_dangling_links_and_circles(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkdir("folder")
    os.symlink("folder/new", "dangling")
    write("dangling")
    assert (tmp_path / "folder" / "new").read_text() == "new\n" and os.path.islink("dangling")
    os.symlink("nowhere/new", "lost")
    with pytest.raises(InputError, match="^lost: the folder .*nowhere does not exist; create it first$"):
        write("lost")
    os.symlink("b", "a")
    os.symlink("a", "b")
    os.symlink("self", "self")
    for name in ("a", "self"):
        with pytest.raises(InputError, match=f"^{name}: links lead in a circle; name a file$"):
            write(name)
    os.symlink("folder", "to_folder")
    with pytest.raises(InputError, match="^to_folder: is a folder"):
        write("to_folder")


def test_an_input_is_no_output_under_any_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").write_text("old")
    os.link("in", "hard")
    os.symlink("in", "soft")
    for output in ("in", "./in", "hard", "soft", str(tmp_path / "in")):
        with pytest.raises(InputError, match="is the input .in., which would be lost; name another file"):
            check_output(output, ["in"])
    with open("in", "a") as file, pytest.raises(InputError, match="is the input .in., which would be lost"):
        # `--input in --output /dev/stdout >> in` would not end.
        check_output(f"/dev/fd/{file.fileno()}", ["in"])
    check_output("other", ["in", "missing"])
    check_output("/dev/null", ["/dev/null"])


def test_an_input_that_is_its_own_output_is_read_to_its_end(tmp_path):
    (tmp_path / "in").write_text("old")
    os.link(tmp_path / "in", tmp_path / "hard")
    with open(tmp_path / "in") as source, atomic_write(tmp_path / "in", "w") as file:
        file.write("new")
        assert source.read() == "old"
    assert (tmp_path / "in").read_text() == "new" and (tmp_path / "hard").read_text() == "old"


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_the_right_to_write(tmp_path):
    tmp_path.chmod(0o500)
    for act in (check_output, lambda path: atomic_write(path).__enter__()):
        with pytest.raises(InputError, match="the folder .* cannot be written"):
            act(tmp_path / "new")
    tmp_path.chmod(0o700)


def test_no_right_to_make_a_file_is_one_line(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise PermissionError(errno.EACCES, "Permission denied", "hidden name")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(InputError, match="out: the folder .* cannot be written .Permission denied.; name another"):
        write(tmp_path / "out")


@pytest.mark.parametrize("name", ["a" * 255, "ã" * 127])
def test_long_names(tmp_path, name):
    write(tmp_path / name)
    assert os.listdir(tmp_path) == [name]


def test_a_writer_of_paths_replaces_whole_files(tmp_path):
    path = tmp_path / "model.keras"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_file(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["model.keras"]
    with atomic_file(path) as temporary:
        assert temporary.suffix == ".keras"
        temporary.write_text("new")
    assert path.read_text() == "new" and os.listdir(tmp_path) == ["model.keras"]
