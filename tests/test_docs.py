"""What docs/*.md shows is true: its Python runs and prints what it says, its files exist, its table is the CSV's."""

import csv
import re
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GUIDES = sorted((ROOT / "docs").glob("*.md"))
LENGTHS = ("50", "100", "200", "400")
# Registered name of a data set -> what the benchmark calls it.
SVM_NAMES = {"umsab-sentiment-pt": "umsab-pt"}
CLIPPINGS = {"none": "no", "1.0": "to 1"}


def run_blocks(text, name):
    """Run the Python blocks in order, in one namespace; give the lines that each promises, as comments behind
    `print(...)`."""
    namespace = {}
    promised = []
    for found in re.finditer(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        # Empty lines in front: an error then names the line of the guide.
        code = "\n" * (text[: found.start(1)].count("\n")) + found.group(1)
        exec(compile(code, name, "exec"), namespace)
        promised += re.findall(r"^print\(.*\)  # (.*)$", found.group(1), re.MULTILINE)
    return promised


def adding_problem_table(rows):
    """Solved runs of all runs, and the median of the steps that they took."""
    lines = [f"| cell | clipping | {' | '.join(f'T = {length}' for length in LENGTHS)} |", "|---" * 6 + "|"]
    for cell in ("simple_rnn", "relu_rnn", "gru", "lstm"):
        for clipping, shown in CLIPPINGS.items():
            cells = []
            for length in LENGTHS:
                key = (cell, clipping, length)
                runs = [row["steps_to_solve"] for row in rows if (row["cell"], row["clipping"], row["length"]) == key]
                solved = [int(steps) for steps in runs if steps != "never"]
                median = f" ({statistics.median(solved):g})" if solved else ""
                cells.append(f"{len(solved)} of {len(runs)}{median}")
            lines.append(f"| `{cell}` | {shown} | {' | '.join(cells)} |")
    return "\n".join(lines)


def read_csv(*parts):
    with ROOT.joinpath(*parts).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def svm_table(results, benchmark, shown_runs):
    """Test scores of the classifiers of the zoo beside those of the linear SVM."""
    svm = {}
    for row in benchmark:
        found = re.match(r"svm ([^:]+): (accuracy|macro-F1), (?:test|mean of 10 folds)$", row["what"])
        if found:
            svm[found[1], found[2].replace("-", "_").lower()] = float(row["value"])
    lines = ["| data (test split) | metric | linear SVM | here: mean ± deviation | seeds | recipe |", "|---" * 6 + "|"]
    for row in results:
        name = SVM_NAMES.get(row["data"], row["data"])
        if row["task"] != "classifier" or (name, row["metric"]) not in svm:
            continue
        mean = f"{float(row['mean']):.4f}"
        shown = f"{mean} ± {float(row['standard_deviation']):.4f}" if row["standard_deviation"] else mean
        score = f"{svm[name, row['metric']]:.4f}"
        lines.append(f"| {row['data']} | {row['metric']} | {score} | {shown} | {shown_runs(row)} | `{row['model']}` |")
    return "\n".join(lines)


# Models are trained in these.
LONG = ("language_models.md", "pairs.md", "recurrent.md", "regression.md", "text_classification.md")


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, id=path.name, marks=[pytest.mark.thorough] if path.name in LONG else []) for path in GUIDES],
)
def test_blocks_run(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    promised = run_blocks(path.read_text(encoding="utf-8"), str(path))
    assert capsys.readouterr().out.splitlines() == promised


def test_blocks_share_a_namespace_and_may_fail(capsys):
    text = "```python\nx = 2\n```\n\n```python\nprint(x + 1)  # 4\n```\n"
    assert run_blocks(text, "guide") == ["4"]
    assert capsys.readouterr().out.splitlines() == ["3"]
    with pytest.raises(NameError, match="y") as raised:
        run_blocks(text + "\n```python\n\ny\n```\n", "guide")
    assert raised.traceback[-1].lineno + 1 == 11


@pytest.mark.parametrize("path", [*GUIDES, ROOT / "README.md"], ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    text = path.read_text(encoding="utf-8")
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        elif "://" not in target:
            assert (path.parent / target).exists(), target


def test_table_of_the_adding_problem():
    text = (ROOT / "docs" / "recurrent.md").read_text(encoding="utf-8")
    table = adding_problem_table(read_csv("benchmarks", "adding_problem.csv"))
    shown = re.search(r"<!-- adding problem -->\n(.*?)\n<!-- /adding problem -->", text, re.DOTALL).group(1)
    assert shown == table, f"put this table there:\n{table}"


def test_table_beside_the_svm(zoo_script):
    text = (ROOT / "docs" / "text_classification.md").read_text(encoding="utf-8")
    benchmark = read_csv("benchmarks", "text_classifier.csv")
    table = svm_table(read_csv("zoo", "results.csv"), benchmark, zoo_script("refresh_readme").shown_runs)
    shown = re.search(r"<!-- svm table: begin -->\n(.*?)\n?<!-- svm table: end -->", text, re.DOTALL).group(1)
    assert shown == table, f"put this table there:\n{table}"


def test_table_beside_ridge_regression():
    text = (ROOT / "docs" / "regression.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([^|]*?)(?:,| \()[^|]*\|(.*)\|$", text, re.MULTILINE))
    here = {row["metric"]: row for row in read_csv("zoo", "results.csv") if row["model"] == "sst5_scores"}
    there = {row["what"]: row["value"] for row in read_csv("benchmarks", "regression.csv")}
    scores = ("pearson", "spearman", "mae")
    shown = [f"{float(here[score]['mean']):.4f} ± {float(here[score]['standard_deviation']):.4f}" for score in scores]
    assert [cell.strip() for cell in rows["`zoo/sst5_scores.toml`"].split("|")][:3] == shown
    shown = [f"{float(there[f'ridge sst5, alpha 3: {score}, test']):.4f}" for score in scores]
    assert [cell.strip() for cell in rows["ridge regression on TF-IDF"].split("|")][:3] == shown


def test_speed_beside_the_svm_is_that_of_the_benchmark():
    text = (ROOT / "docs" / "text_classification.md").read_text(encoding="utf-8")
    speeds = {
        row["what"].split(": raw text")[0]: float(row["value"])
        for row in read_csv("benchmarks", "text_classifier.csv")
        if row["unit"] == "texts/s"
    }
    ours = {what.split(" on ")[0]: value for what, value in speeds.items() if " beside " not in what}
    svm = {what.split(" beside ")[1]: value for what, value in speeds.items() if " beside " in what}
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([\d,]+) \| ([\d,]+) \| ([\d.]+) \|$", text, re.MULTILINE)
    assert {row[0] for row in rows} == set(ours)
    for name, here, there, ratio in rows:
        expected = (f"{ours[name]:,.0f}", f"{svm[name]:,.0f}", f"{ours[name] / svm[name]:.2f}")
        assert (here, there, ratio) == expected, name
