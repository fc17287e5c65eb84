"""The commands that `export` prints do run, of each family that is exported."""

import tarfile
from pathlib import Path

import pytest
from example_calls import printed_calls, run_printed, write_example_files

from keras_seq.cli.export_command import show_exported
from keras_seq.tasks import family_named

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "old_forms"
MODELS = sorted(path.name.removesuffix(".tar.xz") for path in FOLDER.glob("*_model.tar.xz"))


# One that reads texts, and one of arrays.
ALWAYS = ("language_model_model", "music_model")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.thorough] * (name not in ALWAYS)) for name in MODELS]
)
def test_what_export_prints_is_run(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with tarfile.open(FOLDER / f"{name}.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    target = tmp_path / name
    show_exported(family_named(name.removesuffix("_model")).example_call, target, target / "1")
    predict, served = printed_calls(capsys.readouterr().out)
    write_example_files(tmp_path, target / "1")
    assert run_printed(predict).strip()
    assert "Result for output key" in run_printed(served)
