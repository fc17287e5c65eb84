import json


def test_show(tmp_path, invoke):
    path = tmp_path / "a.conll"
    path.write_text("1\tRui\tB-PER\n2\tmora\tO\n")
    lines = invoke("data", "show", path).output.splitlines()
    assert "column 2         token (inferred)" in lines and "types            1 (PER 1)" in lines
    found = json.loads(invoke("data", "show", path, "--columns", "token=2,tag=3", "--json").output)
    assert (found["reader"], found["types"], found["columns"][0]["origin"]) == ("CoNLL", {"PER": 1}, "recipe")
    assert found["line_ends"] == {"LF": 2} and found["encoding"] == "UTF-8"


def test_what_cannot_be_shown_is_one_line(tmp_path, invoke):
    path = tmp_path / "a.conll"
    path.write_text("Rui B-PER\nmora x O\n")
    for options, parts in (
        ([], [f"{path}:2: 3 columns, 2 in line 1"]),
        (["--columns", "token,label"], ["--columns token,label: `columns` must name"]),
        (["--reader", "conl"], ["reader 'conl' is unknown"]),
    ):
        result = invoke("data", "show", path, *options)
        assert result.code == 2 and len(result.lines) == 1 and all(part in result.lines[0] for part in parts)
