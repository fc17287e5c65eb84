import json
import re
from pathlib import Path

import numpy as np

from keras_seq.data import write_midi

GUIDE = Path(__file__).parents[2] / "docs" / "files.md"
# The files that the guide shows.
SHOWN = {
    "words.conllu": "1\tVamos\tir\tVERB\tO\n2-3\tao\t_\t_\t_\n2\ta\ta\tADP\tO\n3\to\to\tDET\tO\n"
    "4\tRio\tRio\tPROPN\tB-LOC\n\n",
    "layers.tsv": "#\tx.org/1\t[2010]\n1\tRui\tB-PER\tO\n2\tPorto\tO\tB-LOC\n",
    "orphan.conll": "Rui B-PER\nSá I-PER\nem O\nFaro B-LOC\n\nAna B-PER\nem O\nBeja I-LOC\n",
    "plain.conll": "Rui B-PER\nmora O\nem O\nFaro B-LOC\n\nAna S-PER\n",
    "onto.conll": "#begin document (a/b); part 000\n"
    "a/b 0 0 Rui N (S* - - - s1 (PER) (ARG0) -\na/b 0 1 mora V *) morar 1 1 s1 * (V*) -\n",
    "reviews.tsv": 'label\ttext\npos\tfoi bom\nneg\tfoi ruim\n"pos"\tmuito bom\n',
    "swapped.tsv": "id\tReview\tSentiment\n7\tfoi bom\tpos\n8\tfoi ruim\tneg\n",
    "scores.csv": 'id;nota;texto\n1;4;"bom; e barato"\n2;2.5;caro\n',
    "mac.tsv": "pos\tfoi bom\rneg\tfoi ruim\r",
    "pairs.tsv": "1\tQue horas são?\tQue hora é?\n0\tQuem é?\tComo é?\n",
    "prodigy.jsonl": '{"text": "Rui mora", "spans": [{"start": 0, "end": 3, "label": "PER"}], "answer": "accept"}\n'
    '{"text": "Faro", "spans": [], "answer": "reject"}\n',
}


def test_the_guide_shows_what_is_shown(tmp_path, invoke, monkeypatch):
    for name, content in SHOWN.items():
        (tmp_path / name).write_text(content, encoding="utf-8", newline="")
    monkeypatch.chdir(tmp_path)
    text = GUIDE.read_text("utf-8").split("## What is shown\n```\n")[1].removesuffix("```\n")
    shown = re.findall(r"\$ keras-seq (.+)\n((?:(?!\$ ).*\n)+)", text)
    assert {command.split()[2] for command, _ in shown} == set(SHOWN)
    for command, expected in shown:
        result = invoke(*command.split())
        assert (result.output or "".join(f"{line}\n" for line in result.lines)) == expected, command


def test_show(tmp_path, invoke):
    path = tmp_path / "a.conll"
    path.write_text("1\tRui\tB-PER\n2\tmora\tO\n")
    lines = invoke("data", "show", path).output.splitlines()
    assert "column 2         token (inferred)" in lines and "types            1 (PER 1)" in lines
    found = json.loads(invoke("data", "show", path, "--columns", "token=2,tag=3", "--json").output)
    assert (found["reader"], found["types"], found["columns"][0]["origin"]) == ("CoNLL", {"PER": 1}, "recipe")
    assert found["line_ends"] == {"LF": 2} and found["encoding"] == "UTF-8"


def test_roles_tell_the_reader(tmp_path, invoke):
    path = tmp_path / "a.tsv"
    path.write_text("pos\t7\tfoi bom\nneg\t8\tfoi ruim\n")
    for roles, classes in (("text=3,label=1", {"pos": 1, "neg": 1}), ("ignored,label,text", {"7": 1, "8": 1})):
        found = json.loads(invoke("data", "show", path, "--columns", roles, "--json").output)
        assert (found["reader"], found["classes"]) == ("labelled text", classes)
    invoke("data", "convert", path, tmp_path / "out", "--columns", "text=3,label=1")
    assert (tmp_path / "out").read_text() == "pos\tfoi bom\nneg\tfoi ruim\n"


def test_what_cannot_be_shown_is_one_line(tmp_path, invoke):
    path = tmp_path / "a.conll"
    path.write_text("Rui B-PER\nmora x O\n")
    for options, parts in (
        ([], [f"{path}:2: 3 columns, 2 in line 1"]),
        (["--columns", "token,label"], ["--columns token,label: `columns` must name"]),
        (["--columns", "token=1,token=2"], ["--columns token=1,token=2: a role stands twice"]),
        (["--reader", "conl"], ["reader 'conl' is unknown"]),
    ):
        result = invoke("data", "show", path, *options)
        assert result.code == 2 and len(result.lines) == 1 and all(part in result.lines[0] for part in parts)


def test_a_broken_file_of_a_folder(tmp_path, invoke):
    (tmp_path / "bad.mid").write_bytes(b"MThd")
    write_midi(tmp_path / "good.mid", np.ones((2, 88)))
    shown = invoke("data", "show", tmp_path)
    assert shown.code == 0 and "1 of 2 files are passed over; --strict stops at them" in shown.output
    strict = invoke("data", "show", tmp_path, "--strict")
    assert strict.code == 2 and "bad.mid: damaged MIDI file" in strict.lines[-1]
    (tmp_path / "a.conll").write_text("Rui B-PER\n")
    refused = invoke("data", "show", tmp_path / "a.conll", "--strict")
    assert refused.code == 2 and "is read as CoNLL; leave it out" in refused.lines[-1]


def test_convert(tmp_path, invoke):
    def converted(name, content, *options):
        (tmp_path / name).write_text(content)
        result = invoke("data", "convert", tmp_path / name, tmp_path / "out", *options)
        assert result.code == 0, result.lines
        return (tmp_path / "out").read_text()

    spans = {"text": "Rui mora em Faro.\nE tu?", "label": [[0, 3, "PER"], [12, 16, "LOC"]]}
    tagged = "Rui\tB-PER\nmora\tO\nem\tO\nFaro\tB-LOC\n.\tO\n\nE\tO\ntu\tO\n?\tO\n"
    assert converted("a.jsonl", json.dumps(spans)) == tagged
    assert converted("b.conllu", "1\tRui\tS-PER\n2\tmora\tO\n") == "Rui\tB-PER\nmora\tO\n"
    assert converted("c.jsonl", json.dumps({"text": "foi\tbom", "label": ["pos"]})) == "pos\tfoi bom\n"
    assert converted("d.csv", 'text,label\n"foi, sim",pos\n') == "pos\tfoi, sim\n"
    assert converted("h.csv", 'text,label\n"foi, sim","muito\tbom"\n') == "muito bom\tfoi, sim\n"
    assert converted("i.csv", "texto;nota\nfoi;2.5\n") == "2.5\tfoi\n"
    assert converted("e.csv", "sentence1,sentence2,label\na,b,1\n") == "1\ta\tb\n"
    (tmp_path / "f.txt").write_text("Uma linha.\n")
    result = invoke("data", "convert", tmp_path / "f.txt", tmp_path / "no")
    assert result.code == 2 and "which has no other form; use it as it is" in result.lines[0]
    (tmp_path / "g.jsonl").write_text(json.dumps({"text": "Ruim", "label": [[0, 3, "PER"]]}))
    result = invoke("data", "convert", tmp_path / "g.jsonl", tmp_path / "no")
    assert (
        result.code == 2 and "does not begin and end with tokens" in result.lines[0] and not (tmp_path / "no").exists()
    )
