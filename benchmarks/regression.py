"""Ridge regression on TF-IDF of words and characters beside the regressors of the zoo: scores on the same split.

    python benchmarks/regression.py                    tune on the validation split alone
    python benchmarks/regression.py --test             then score the test split, once, and write the rows

TF-IDF of words (one and two in a row) and of characters (two to five, within words), as for the SVM of
benchmarks/text_classifier.py; scikit-learn's `Ridge`. Its penalty is the one of the highest Pearson correlation on the
validation split, and it learns from the training split alone. The rows go to benchmarks/regression.csv.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from results import constant_columns, write_rows

from keras_seq.cli.startup import start_frameworks

RESULTS = Path(__file__).resolve().with_suffix(".csv")
PACKAGES = ("keras-seq", "scikit-learn")
# Name of a data set -> its files.
DATA = {"sst5": {split: f"sst/sst5.{split}.tsv" for split in ("train", "dev", "test")}}
ALPHAS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
SCORES = ("pearson", "spearman", "mae")


def read(reference: str) -> tuple[list[str], list[float]]:
    """The texts of a file, and their scores."""
    from keras_seq.data import find_data, read_labelled_text

    examples = list(read_labelled_text(find_data(reference), columns=("score", "text")))
    return [example.text for example in examples], [example.score or 0.0 for example in examples]


def measure(name: str, *, on_test: bool) -> dict[str, float]:
    """Train and tune on one data set; give measurement -> value."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_union

    from keras_seq.families.regression.task import regression_scores

    # All that stands between blanks is a word: the usual pattern would drop "!" and "n't".
    vectorizer = make_union(
        TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
    )
    texts, scores = read(DATA[name]["train"])
    features = vectorizer.fit_transform(texts)
    models = {alpha: Ridge(alpha, random_state=0).fit(features, scores) for alpha in ALPHAS}

    def scored(alpha: float, split: str) -> dict[str, float]:
        texts, true = read(DATA[name][split])
        return regression_scores(true, models[alpha].predict(vectorizer.transform(texts)), radius=0.0)

    by_alpha = {alpha: scored(alpha, "dev") for alpha in ALPHAS}
    for alpha, found in by_alpha.items():
        print(f"{name}, dev, alpha {alpha:g}: " + ", ".join(f"{key} {found[key]:.4f}" for key in SCORES), flush=True)
    best = max(ALPHAS, key=lambda alpha: by_alpha[alpha]["pearson"])
    if not on_test:
        return {}
    found = scored(best, "test")
    return {f"ridge {name}, alpha {best:g}: {key}, test": found[key] for key in SCORES}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all data sets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--test", action="store_true", help="score the test split too, and write the rows")
    options = parser.parse_args(arguments)
    start_frameworks()
    constant = constant_columns(PACKAGES)
    rows = []
    for name in DATA:
        for what, value in measure(name, on_test=options.test).items():
            print(f"{what}: {value:.4f}", flush=True)
            rows.append({**constant, "what": what, "value": f"{value:.6g}"})
    if rows:
        write_rows(rows, RESULTS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
