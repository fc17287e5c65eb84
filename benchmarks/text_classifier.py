"""Text classifiers side by side with a linear SVM on counts of words and characters: scores, and texts per second.

    python benchmarks/text_classifier.py                                   all data sets and models at hand
    python benchmarks/text_classifier.py --only svm --data sst2 clinc150   scores of the SVM: a minute a data set
    python benchmarks/text_classifier.py --only throughput --models saved_models --rounds 9
    python benchmarks/text_classifier.py --only throughput --pairs my_model=r8

The SVM is one configuration for all data sets: TF-IDF of words (one and two in a row) and of characters (two to five,
within words), scikit-learn's LinearSVC. It learns from the training split alone; the configuration itself was chosen
by its scores on the test splits, which is to its advantage.

Throughput is from raw text to labels, in batches of 64 in the order of the test file: an exported SavedModel, called by
its signature, and the SVM's `predict`, in turn in each round, so that whatever else the machine does falls on both. The
median of the rounds counts; the `ratio` of a row is its time over that of the SavedModel.

The data sets are found as recipes find them (KERAS_SEQ_DATA, or fetched); of those that are not at hand one line says
so. The rows go to benchmarks/text_classifier.csv, but for runs with `--limit`, which prove that it works and measure
nothing.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from results import constant_columns, write_rows

from keras_seq.cli.startup import start_frameworks
from keras_seq.core.errors import InputError

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).resolve().with_suffix(".csv")
PACKAGES = ("keras-seq", "keras", "tensorflow", "scikit-learn")
COMPARISONS = ("svm", "throughput")
BATCH_SIZE = 64
# Share of the validation texts of the classes that the threshold for texts of no class keeps.
KEEP_IN_SCOPE = 0.95


class Data(NamedTuple):
    """The files of a data set, and what is scored; without `test`, each fold of `train` is tested in turn."""

    train: str
    test: str | None
    score: str = "accuracy"
    dev: str | None = None
    out_of_scope: str | None = None


DATA = {
    "sst2": Data("sst/sst2.train.tsv", "sst/sst2.test.tsv"),
    "sst5": Data("sst/sst5.train.tsv", "sst/sst5.test.tsv"),
    "banking77": Data("banking77/train.tsv", "banking77/test.tsv"),
    "clinc150": Data(
        "clinc150/train.tsv", "clinc150/test.tsv", dev="clinc150/dev.tsv", out_of_scope="clinc150/oos_test.tsv"
    ),
    "r8": Data("r8/train.tsv", "r8/test.tsv"),
    "told-br": Data("told-br/train.tsv", "told-br/test.tsv", score="macro-F1"),
    "subj": Data("subj/subj.tsv", None),
    "umsab-pt": Data("umsab-sentiment/pt.train.tsv", "umsab-sentiment/pt.test.tsv", score="macro-F1"),
}
# Shipped model -> what it was trained on.
MODELS = {"intent_en": "clinc150", "sentiment_en": "sst2", "sentiment_pt": "umsab-pt", "toxicity_pt": "told-br"}

Texts = list[tuple[str, str]]
Report = Callable[..., None]


def build_svm() -> Any:
    """The SVM, untrained: from raw text to a label."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.svm import LinearSVC

    return make_pipeline(
        make_union(
            # All that stands between blanks is a word: the usual pattern would drop "!" and "n't".
            TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", sublinear_tf=True),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
        ),
        LinearSVC(C=0.5, random_state=0),
    )


def splits_of(name: str, limit: int | None = None) -> Iterator[tuple[Texts, Texts]]:
    """Training and test examples, `(text, label)`: one pair, or one for each fold."""
    data = DATA[name]
    if data.test is not None:
        yield _read(data.train, limit), _read(data.test, limit)
        return
    from keras_seq.data import find_data, read_labelled_text

    examples = list(read_labelled_text(find_data(data.train), columns=("fold", "label", "text")))[:limit]
    for fold in sorted({example.fold for example in examples}):
        train, test = ([each for each in examples if (each.fold == fold) == is_test] for is_test in (False, True))
        yield _pairs(train), _pairs(test)


def measure_svm(name: str, *, limit: int | None, report: Report) -> None:
    """Train the SVM on one data set; report its score on the test split, and how it rejects texts of no class."""
    data = DATA[name]
    scores = []
    for train, test in splits_of(name, limit):
        svm = _trained(train)
        scores.append(_score(data.score, svm, test))
    where = "test" if data.test is not None else f"mean of {len(scores)} folds"
    report(f"svm {name}: {data.score}, {where}", statistics.mean(scores))
    if data.out_of_scope is None or data.dev is None:
        return
    from keras_seq.metrics import out_of_scope_scores
    from keras_seq.ops.calibration import rejection_threshold

    dev, in_scope, out_of_scope = (
        svm.decision_function([text for text, _ in texts]).max(axis=1)
        for texts in (_read(data.dev, limit), test, _read(data.out_of_scope, limit))
    )
    found = out_of_scope_scores(in_scope, out_of_scope, rejection_threshold(dev, KEEP_IN_SCOPE))
    threshold = f"threshold that keeps {KEEP_IN_SCOPE:.0%} of dev"
    report(f"svm {name}: out-of-scope recall, {threshold}", found["out_of_scope_recall"])
    report(f"svm {name}: in scope kept, {threshold}", found["in_scope_kept"])
    report(f"svm {name}: AUROC, in scope against out of scope", found["auroc"])


def measure_throughput(model: str, name: str, folder: Path, *, rounds: int, limit: int | None, report: Report) -> None:
    """Report the texts per second of a SavedModel and of the SVM on the test split of one data set."""
    import tensorflow as tf

    from keras_seq.export import latest_version

    saved_model = tf.saved_model.load(str(folder / model / str(latest_version(folder / model))))
    serve = saved_model.signatures["serving_default"]
    train, test = next(splits_of(name, limit))
    svm = _trained(train)
    texts = [text for text, _ in test]
    batches = [texts[begin : begin + BATCH_SIZE] for begin in range(0, len(texts), BATCH_SIZE)]

    def run_ours() -> None:
        for batch in batches:
            outputs = serve(text=tf.constant(batch))
            for output in outputs.values():
                output.numpy()

    def run_svm() -> None:
        for batch in batches:
            svm.predict(batch)

    ours, others = _medians((run_ours, run_svm), rounds)
    how = f"raw text to label, batches of {BATCH_SIZE}, file order"
    report(f"{model} on {name}: {how}", len(texts) / ours, unit="texts/s", ratio="1.000")
    report(f"svm on {name} beside {model}: {how}", len(texts) / others, unit="texts/s", ratio=f"{others / ours:.3f}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; the exit code is 2 when a model or a data set that was named is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=COMPARISONS, help="one of the two comparisons")
    parser.add_argument("--data", nargs="+", choices=DATA, help="data sets for the scores of the SVM")
    parser.add_argument("--models", type=Path, default=ROOT / "saved_models", metavar="DIR", help="exported models")
    parser.add_argument(
        "--pairs", nargs="+", type=_pair, metavar="NAME=DATA", help="models to time, each with its data set"
    )
    parser.add_argument("--rounds", type=_positive, default=7, help="timed rounds; the median counts")
    parser.add_argument("--limit", type=_positive, help="take only so many texts of each file, and write no results")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the table")
    options = parser.parse_args(arguments)
    start_frameworks()

    rows: list[dict[str, object]] = []
    # Of the whole run: threads or cores may be limited from outside.
    constant = constant_columns(PACKAGES)

    def report(what: str, value: float, *, unit: str = "", ratio: str = "") -> None:
        rows.append({**constant, "what": what, "value": f"{value:.6g}", "unit": unit, "ratio": ratio})
        shown = f"{value:,.0f} {unit}" if unit else f"{value:.4f}"
        print(f"{what}: {shown}" + (f", {ratio} x the time of ours" if ratio else ""), flush=True)

    def run_all(named: Sequence[Any] | None, known: Sequence[Any], run: Callable[[Any], None]) -> None:
        """What was named must be there; of what is only known, what is missing is left out with one line."""
        for each in named or known:
            try:
                run(each)
            except InputError as error:
                if named:
                    raise
                print(f"left out {each if isinstance(each, str) else each[0]}: {error}", flush=True)

    def score(name: str) -> None:
        measure_svm(name, limit=options.limit, report=report)

    def time_beside(pair: tuple[str, str]) -> None:
        if not (options.models / pair[0]).is_dir():
            raise InputError(f"{options.models / pair[0]}: no such model; pass --models DIR, or export it")
        measure_throughput(*pair, options.models, rounds=options.rounds, limit=options.limit, report=report)

    try:
        if options.only != "svm":
            run_all(options.pairs, list(MODELS.items()), time_beside)
        if options.only != "throughput":
            run_all(options.data, list(DATA), score)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    finally:
        if rows and options.limit is None:
            write_rows(rows, options.results)
    return 0


def _trained(train: Texts) -> Any:
    return build_svm().fit(*zip(*train, strict=True))


def _score(score: str, svm: Any, test: Texts) -> float:
    from sklearn.metrics import accuracy_score, f1_score

    texts, labels = zip(*test, strict=True)
    predicted = svm.predict(texts)
    if score == "accuracy":
        return float(accuracy_score(labels, predicted))
    return float(f1_score(labels, predicted, average="macro", zero_division=0))


def _medians(runs: Sequence[Callable[[], None]], rounds: int) -> list[float]:
    """Seconds of each: the median of the rounds, after one that warms up; who begins changes from round to round."""
    for run in runs:
        run()
    seconds: list[list[float]] = [[] for _ in runs]
    for number in range(rounds):
        order = range(len(runs))
        for index in order if number % 2 == 0 else reversed(order):
            begin = time.perf_counter()
            runs[index]()
            seconds[index].append(time.perf_counter() - begin)
    return [statistics.median(each) for each in seconds]


def _read(reference: str, limit: int | None) -> Texts:
    from keras_seq.data import find_data, read_labelled_text

    return _pairs(list(read_labelled_text(find_data(reference)))[:limit])


def _pairs(examples: Sequence[Any]) -> Texts:
    return [(example.text, example.labels[0]) for example in examples]


def _pair(text: str) -> tuple[str, str]:
    model, _, name = text.partition("=")
    if not model or name not in DATA:
        raise argparse.ArgumentTypeError(f"{text!r}: a pair is NAME=DATA, where DATA is one of {', '.join(DATA)}")
    return model, name


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no positive integer")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
