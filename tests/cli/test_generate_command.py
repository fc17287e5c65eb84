"""`keras-seq generate`: what it writes, and every wrong option in one line."""

import json
import shutil

import pytest

import keras_seq.tasks
from keras_seq.cli.generate_command import RULE, rendered
from keras_seq.data import read_midi
from keras_seq.families.music.served import MusicFunctions, MusicSettings
from keras_seq.families.music.task import MusicModel
from keras_seq.zoo import music_model

RECIPES = {
    "language_model": """
[language]
layout = "lines"

[model]
builder = "name_generator_model"

[model.arguments]
units = 24
embedding_dim = 12

[optimizer]
learning_rate = 1e-2

[fit]
epochs = 3
""",
    "ngram_language_model": """
[language]
layout = "lines"

[ngram]
order = 3
""",
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory, invoke):
    """A run for each task that generates."""
    folder = tmp_path_factory.mktemp("names")
    for task, sections in RECIPES.items():
        data = "\n".join(f'{split} = "names_pt/{split}.txt"' for split in ("train", "validation", "test"))
        (folder / f"{task}.toml").write_text(f'task = "{task}"\nname = "names"\n[data]\n{data}\n{sections}', "utf-8")
        result = invoke("train", folder / f"{task}.toml", "--run-dir", folder / task, "--quiet")
        assert result.code == 0, result.lines
    return folder


@pytest.fixture(scope="module")
def saved(runs, tmp_path_factory, invoke):
    """The language model as a SavedModel."""
    folder = tmp_path_factory.mktemp("saved_models") / "names"
    result = invoke("export", runs / "language_model", "--to", folder)
    assert result.code == 0, result.lines
    return folder


@pytest.fixture(params=list(RECIPES))
def run(request, runs):
    return runs / request.param


def test_as_many_lines_as_asked_for_each_with_the_prefix(run, invoke):
    options = ["--prefix", "Ma", "--count", "6", "--temperature", "0.8"]
    first, again, other = (invoke("generate", run, *options, "--seed", seed) for seed in (1, 1, 2))
    assert first.code == 0, first.lines
    names = first.output.splitlines()
    assert len(names) == 6 and all(name.startswith("Ma") for name in names)
    assert again.output == first.output and other.output != first.output


def test_json_and_files(run, invoke, tmp_path):
    options = ["--prefix", "É", "--count", "3", "--seed", "5"]
    plain = invoke("generate", run, *options).output
    rows = [json.loads(line) for line in invoke("generate", run, *options, "--json").output.splitlines()]
    assert rows == [{"prefix": "É", "text": name} for name in plain.splitlines()]
    path = tmp_path / "names.txt"
    path.write_text("old")
    written = invoke("generate", run, *options, "--output", path)
    assert (written.code, written.output, path.read_text("utf-8")) == (0, "", plain)


def test_length(run, invoke):
    names = invoke("generate", run, "--prefix", "Ma", "--count", "20", "--max-length", "2").output.splitlines()
    assert {len(name) for name in names} <= {2, 3, 4} and any(len(name) == 4 for name in names)


def test_stop(runs, invoke):
    options = ["generate", runs / "language_model", "--prefix", "Mar", "--count", "30", "--seed", "4"]
    whole, stopped = (invoke(*options, *stop).output.splitlines() for stop in ([], ["--stop", "a"]))
    # What stands in the prefix stops nothing.
    assert stopped == ["Mar" + name[3:].split("a")[0] for name in whole] and stopped != whole


def test_the_likeliest_alone(runs, invoke):
    options = ["generate", runs / "language_model", "--prefix", "L", "--count", "5"]
    greedy = invoke(*options, "--top-k", "1")
    assert greedy.code == 0, greedy.lines
    assert len(set(greedy.output.splitlines())) == 1
    assert invoke(*options, "--top-p", "0.000001", "--seed", "3").output == greedy.output


@pytest.mark.thorough
def test_a_saved_model_generates_what_its_run_does(runs, saved, invoke, monkeypatch):
    options = ["--prefix", "An", "--count", "4", "--temperature", "0.9", "--seed", "11", "--top-k", "9"]
    expected = invoke("generate", runs / "language_model", *options).output
    assert invoke("generate", saved, *options).output == expected
    monkeypatch.setenv("KERAS_SEQ_MODELS", str(saved.parent))
    assert invoke("generate", "names", *options).output == expected


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--prefix", "A&"], ["'&'", "does not know"]),
        (["--temperature", "0"], ["`temperature`", "above 0", "temperature=0.0"]),
        (["--temperature", "-0.5"], ["`temperature`", "above 0"]),
        (["--temperature", "nan"], ["`temperature`", "above 0"]),
        (["--count", "0"], ["`count`", "positive"]),
        (["--max-length", "-1"], ["`max_length`"]),
        (["--seed", "-1"], ["`seed`"]),
        (["--output", "{folder}/missing/a.txt"], ["missing", "does not exist"]),
        (["--output", "{folder}"], ["is a folder"]),
    ],
)
def test_wrong_options(run, runs, invoke, options, parts):
    result = invoke("generate", run, *[option.format(folder=runs) for option in options])
    assert (result.code, result.output, len(result.lines)) == (2, "", 1), (result.lines, result.exception)
    assert result.lines[0].startswith("keras-seq: ") and all(part in result.lines[0] for part in parts), result.lines


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--top-k", "-1"], ["`top_k`"]),
        (["--top-k", "100000"], ["`top_k`", "100000"]),
        (["--top-p", "0"], ["`top_p`"]),
        (["--top-p", "1.5"], ["`top_p`"]),
        (["--stop", ""], ["`stop`"]),
    ],
)
@pytest.mark.parametrize("kind", ["run", pytest.param("saved", marks=pytest.mark.thorough)])
def test_wrong_options_of_a_language_model(runs, request, invoke, options, parts, kind):
    model = runs / "language_model" if kind == "run" else request.getfixturevalue("saved")
    result = invoke("generate", model, *options)
    assert (result.code, result.output, len(result.lines)) == (2, "", 1), (result.lines, result.exception)
    assert all(part in result.lines[0] for part in parts), result.lines


def test_a_failure_leaves_the_old_file(runs, invoke, tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("old")
    assert invoke("generate", runs / "language_model", "--prefix", "&", "--output", path).code == 2
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_models_that_cannot(runs, trained, invoke, tmp_path):
    result = invoke("generate", trained.folder)
    assert (result.code, len(result.lines)) == (2, 1)
    assert (
        "a tagger does not generate; `keras-seq generate` is for language_model, music, ngram_language_model"
        in result.lines[0]
    )
    result = invoke("generate", runs / "ngram_language_model", "--top-k", "3")
    assert (result.code, len(result.lines)) == (2, 1)
    assert "of the task ngram_language_model has no --top-k; leave it out" in result.lines[0]
    result = invoke("generate", "no_such_model")
    assert result.code == 2 and "no_such_model: is no run directory" in result.lines[0]
    shutil.copytree(runs / "ngram_language_model", tmp_path / "run")
    (tmp_path / "run" / "ngrams.npz").unlink()
    assert "holds no ngrams.npz" in invoke("generate", tmp_path / "run").lines[0]


@pytest.fixture
def music(monkeypatch):
    """An untrained music model, found under any name."""
    model = music_model(units=4)
    monkeypatch.setattr(keras_seq.tasks, "load", lambda _: MusicModel(MusicFunctions(model, MusicSettings()), "tunes"))


def test_music_becomes_midi_files(music, invoke, tmp_path):
    options = ["generate", "tunes", "--max-length", "6", "--seed", "3"]
    result = invoke(*options, "--output", tmp_path / "tune.mid")
    assert (result.code, result.output) == (0, f"Written: {tmp_path / 'tune.mid'}\n"), result.lines
    begun = [*options, "--count", "2", "--prefix", tmp_path / "tune.mid", "--output", tmp_path / "more.midi"]
    result = invoke(*begun)
    assert result.output.splitlines() == [f"Written: {tmp_path / name}" for name in ("more-1.midi", "more-2.midi")]
    first = read_midi(tmp_path / "tune.mid")
    for name in ("more-1.midi", "more-2.midi"):
        assert (read_midi(tmp_path / name)[: len(first)] == first).all()
    before = (tmp_path / "more-2.midi").read_bytes()
    assert invoke(*begun).code == 0 and (tmp_path / "more-2.midi").read_bytes() == before
    # None of several pieces takes the place of the one that they begin with.
    prefix = tmp_path / "more-2.midi"
    result = invoke(*options, "--count", "2", "--prefix", prefix, "--output", tmp_path / "more.midi")
    assert result.code == 2 and f"{prefix}: is the input ({prefix}), which would be lost" in result.lines[0]
    assert prefix.read_bytes() == before


def test_pieces_of_midi_files_are_scored(music, invoke, tmp_path):
    path = tmp_path / "tune.mid"
    assert invoke("generate", "tunes", "--max-length", "6", "--output", path).code == 0
    (tmp_path / "names.txt").write_text(f"{path}\n")
    (tmp_path / "tune").write_bytes(path.read_bytes())
    found = [
        invoke("predict", "tunes", *given) for given in ([path], ["--input", path], ["--input", tmp_path / "names.txt"])
    ]
    assert found[0].code == 0, found[0].lines
    cost, log_prob, steps, name = found[0].output.rstrip().split("\t")
    assert (int(steps), name) == (5, str(path)) and float(cost) == pytest.approx(-float(log_prob) / 5, abs=0.01)
    assert found[0].output == found[1].output == found[2].output, [each.lines for each in found]
    other = invoke("predict", "tunes", "--input", tmp_path / "tune")
    assert other.output == found[0].output.replace("tune.mid", "tune"), other.lines


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ([], ["makes music", "--output tune.mid"]),
        (["--output", "{folder}/tune.txt"], ["makes music", "--output tune.mid"]),
        (["--output", "{folder}/tune.mid", "--json"], ["no text", "leave --json out"]),
        (["--output", "{folder}/tune.mid", "--top-k", "3"], ["of the task music has no --top-k"]),
        (["--output", "{folder}/tune.mid", "--prefix", "{folder}/nothing.mid"], ["nothing.mid: no such file"]),
        (["--output", "{folder}/tune.mid", "--max-length", "0"], ["`max_length`"]),
    ],
)
def test_wrong_options_of_a_music_model(music, invoke, tmp_path, options, parts):
    result = invoke("generate", "tunes", *[option.format(folder=tmp_path) for option in options])
    assert (result.code, result.output, len(result.lines)) == (2, "", 1), (result.lines, result.exception)
    assert all(part in result.lines[0] for part in parts), result.lines
    assert not list(tmp_path.iterdir())


def test_texts_of_several_lines_are_parted_by_a_rule():
    assert rendered(["a", "b"], "", False) == "a\nb\n"
    assert rendered(["a\nb", "c"], "", False) == f"a\nb\n{RULE}\nc\n"
    assert [json.loads(line)["text"] for line in rendered(["a\nb", "c"], "", True).splitlines()] == ["a\nb", "c"]


def test_help_shows_examples(invoke):
    result = invoke("generate", "--help")
    assert result.code == 0
    for part in ("--prefix", "--temperature", "--top-k", "--top-p", "--stop", "Examples:", "names_pt"):
        assert part in result.output
