import csv

import numpy as np
import pytest
import tensorflow as tf
import text_classifier

WORDS = {"good": "great fine lovely", "bad": "awful poor boring", "odd": "strange weird curious"}


def lines(labels, count, *, fold=False):
    """Invented texts: a word of the class among others that all share."""
    generator = np.random.default_rng(0)
    for index in range(count):
        label = labels[index % len(labels)]
        text = f"a {generator.choice(WORDS[label].split())} film , number {index} !"
        yield f"{index % 3}\t{label}\t{text}\n" if fold else f"{label}\t{text}\n"


@pytest.fixture
def data(tmp_path, monkeypatch):
    for name, labels in [("sst/sst2", ("good", "bad")), ("umsab-sentiment/pt", ("good", "bad", "odd"))]:
        for split, count in (("train", 30), ("test", 70)):
            path = tmp_path / "data" / f"{name}.{split}.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(lines(labels, count)), encoding="utf-8")
    for split, labels in {"train": WORDS, "dev": WORDS, "test": WORDS}.items():
        path = tmp_path / "data" / "clinc150" / f"{split}.tsv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(lines(list(labels), 60)), encoding="utf-8")
    outside = "".join(f"oos\tquite another thing {index}\n" for index in range(9))
    (tmp_path / "data" / "clinc150" / "oos_test.tsv").write_text(outside, encoding="utf-8")
    (tmp_path / "data" / "subj").mkdir()
    (tmp_path / "data" / "subj" / "subj.tsv").write_text(
        "".join(lines(["good", "bad"], 30, fold=True)), encoding="utf-8"
    )
    monkeypatch.setenv("KERAS_SEQ_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def rows(data):
    def run(*arguments):
        table = data / "table.csv"
        code = text_classifier.main([*arguments, "--results", str(table), "--models", str(data / "models")])
        if not table.exists():
            return code, {}
        with table.open(encoding="utf-8", newline="") as file:
            return code, {row["what"]: row for row in csv.DictReader(file)}

    return run


def save_model(folder):
    class Classifier(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        def serve(self, text):
            tf.debugging.assert_less_equal(tf.shape(text)[0], 64)
            return {"label": tf.fill(tf.shape(text), "good"), "scores": tf.zeros([tf.shape(text)[0], 2])}

    module = Classifier()
    tf.saved_model.save(module, str(folder / "1"), signatures={"serving_default": module.serve})


def test_scores_of_the_svm(rows, capsys):
    code, found = rows("--only", "svm")
    assert code == 0
    values = {what: float(row["value"]) for what, row in found.items()}
    assert values["svm sst2: accuracy, test"] == 1.0
    assert values["svm umsab-pt: macro-F1, test"] == 1.0
    assert values["svm subj: accuracy, mean of 3 folds"] == 1.0
    assert values["svm clinc150: out-of-scope recall, threshold that keeps 95% of dev"] == 1.0
    assert values["svm clinc150: in scope kept, threshold that keeps 95% of dev"] >= 0.9
    assert values["svm clinc150: AUROC, in scope against out of scope"] == 1.0
    assert len(values) == 7
    told = capsys.readouterr().out
    assert all(f"left out {name}: " in told for name in ("sst5", "banking77", "r8", "told-br"))


def test_a_score_is_of_the_test_split(rows, data):
    """Labels that are wrong in half of the test file halve the accuracy."""
    path = data / "data" / "sst" / "sst2.test.tsv"
    texts = [line.split("\t")[1] for line in path.read_text(encoding="utf-8").splitlines()]
    path.write_text("".join(f"good\t{text}\n" for text in texts), encoding="utf-8")
    _, found = rows("--only", "svm", "--data", "sst2")
    assert {what: row["value"] for what, row in found.items()} == {"svm sst2: accuracy, test": "0.5"}


def test_throughput_beside_the_svm(rows, data, capsys):
    save_model(data / "models" / "sentiment_en")
    save_model(data / "models" / "mine")
    code, found = rows("--only", "throughput", "--rounds", "2")
    assert code == 0
    assert "left out intent_en: " in capsys.readouterr().out
    code, found = rows("--only", "throughput", "--rounds", "1", "--pairs", "mine=umsab-pt")
    assert code == 0
    how = "raw text to label, batches of 64, file order"
    for model, name in (("sentiment_en", "sst2"), ("mine", "umsab-pt")):
        ours, others = found[f"{model} on {name}: {how}"], found[f"svm on {name} beside {model}: {how}"]
        assert (ours["unit"], ours["ratio"]) == ("texts/s", "1.000")
        assert float(others["ratio"]) == pytest.approx(float(ours["value"]) / float(others["value"]), abs=2e-3)
    assert len(found) == 4


def test_rounds_alternate():
    calls = []
    medians = text_classifier._medians([lambda: calls.append("a"), lambda: calls.append("b")], 3)
    assert calls == ["a", "b", "a", "b", "b", "a", "a", "b"]
    assert len(medians) == 2


def test_a_limit_writes_no_rows(rows):
    assert rows("--only", "svm", "--data", "sst2", "--limit", "20") == (0, {})


def test_what_is_named_must_be_there(rows, capsys):
    assert rows("--only", "svm", "--data", "r8") == (2, {})
    assert rows("--only", "throughput", "--pairs", "none=sst2") == (2, {})
    told = capsys.readouterr().err.splitlines()
    assert [line.startswith("error: ") for line in told] == [True, True]
    for arguments in (["--pairs", "mine"], ["--pairs", "mine=imdb"], ["--rounds", "0"]):
        with pytest.raises(SystemExit) as caught:
            text_classifier.main(arguments)
        assert caught.value.code == 2
