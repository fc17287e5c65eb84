"""What README.md shows is true: its example runs and its table is that of zoo/results.csv."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
ROW = {
    "model": "toy",
    "task": "tagger",
    "data": "toy-data",
    "split": "toy-data/test.conll",
    "metric": "entity_f1",
    "mean": "0.87654",
    "standard_deviation": "0.0021",
    "seeds": "1 2 3",
    "parameters": "2500000",
    "training_seconds": "1190",
    "cpu": "2 cores",
}


@pytest.fixture(scope="module")
def refresh_readme(zoo_script):
    return zoo_script("refresh_readme")


@pytest.mark.thorough
def test_example_runs(capsys):
    code = re.search(r"<!-- example: begin -->\n```python\n(.*?)```\n<!-- example: end -->", README, re.DOTALL).group(1)
    assert len(code.strip().splitlines()) <= 16
    exec(compile(code, "README.md", "exec"), {})
    tags = capsys.readouterr().out.strip()
    assert set(re.findall(r"'(.*?)'", tags)) <= {"O", "B-PER", "I-PER"}
    assert tags.count(",") == 8


def test_table_is_that_of_the_results(refresh_readme):
    rows = refresh_readme.read_rows(ROOT / "zoo" / "results.csv")
    assert refresh_readme.refreshed(README, rows) == README, "run: python zoo/refresh_readme.py"


def test_table_holds_the_numbers(refresh_readme):
    text = refresh_readme.refreshed(README, [ROW])
    assert "| `toy` | tagger | toy-data | entity_f1 | 0.877 ± 0.002 | 3 | 2.5 M | 20 min, 2 cores |" in text
    alone = refresh_readme.render_table([{**ROW, "seeds": "1", "standard_deviation": ""}])
    assert "| entity_f1 | 0.877 | 1 |" in alone
    folds = refresh_readme.render_table([{**ROW, "seeds": "1", "split": "toy-data/all.tsv, 10 folds"}])
    assert "| entity_f1 | 0.877 ± 0.002 | 1, 10 folds |" in folds
    assert text.replace(refresh_readme.render_table([ROW]), "") == README.replace(
        re.search(rf"{refresh_readme.BEGIN}\n(.*?){refresh_readme.END}", README, re.DOTALL).group(1), ""
    )


def test_missing_markers_are_named(refresh_readme):
    with pytest.raises(ValueError, match="must hold the lines"):
        refresh_readme.refreshed("nothing", [ROW])
