import csv

import numpy as np
import regression


def test_the_penalty_is_chosen_without_the_test_split(tmp_path, monkeypatch, capsys):
    draw, words = np.random.default_rng(0), {"awful": 0, "fair": 1, "superb": 2}
    for split, size in (("train", 60), ("dev", 30), ("test", 30)):
        chosen = draw.choice(list(words), size)
        lines = [f"{words[word] + draw.normal(0, 0.2):.2f}\ta film , {word} !\n" for word in chosen]
        (tmp_path / f"{split}.tsv").write_text("".join(lines))
    files = {split: str(tmp_path / f"{split}.tsv") for split in ("train", "dev", "test")}
    monkeypatch.setattr(regression, "DATA", {"films": files})
    monkeypatch.setattr(regression, "RESULTS", tmp_path / "table.csv")
    (tmp_path / "test.tsv").rename(tmp_path / "hidden.tsv")
    assert regression.main([]) == 0 and not (tmp_path / "table.csv").exists()
    tuned = capsys.readouterr().out.splitlines()
    assert len(tuned) == len(regression.ALPHAS) and all("films, dev, alpha" in line for line in tuned)
    (tmp_path / "hidden.tsv").rename(tmp_path / "test.tsv")
    assert regression.main(["--test"]) == 0
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["what"].split(": ")[1]: float(row["value"]) for row in csv.DictReader(file)}
    assert rows["pearson, test"] > 0.9 and rows["mae, test"] < 0.5 and set(rows) >= {"spearman, test"}
