"""Taggers side by side with a CRF on hand-made features: tokens per second from raw text, and entity F1.

    python benchmarks/tagger.py                              all models and data sets at hand
    python benchmarks/tagger.py --only throughput --models ner_pt
    python benchmarks/tagger.py --only crfsuite --data wnut17 --limit 200

The data sets are found as recipes find them (KERAS_SEQ_DATA, or fetched; `quickstart` comes with the package); of those
that are not at hand one line says how to get them. Each number is printed and added as a row to
benchmarks/results.csv, but for runs with `--limit`, which prove that it works and measure nothing.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from results import constant_columns, write_rows

from keras_seq.cli.startup import start_frameworks
from keras_seq.core.errors import InputError

PACKAGES = ("keras-seq", "keras", "tensorflow", "python-crfsuite")
COMPARATORS = ("throughput", "crfsuite")
# Name -> files of training and test.
DATA = {
    "lener-br": ("lener-br/train.conll", "lener-br/test.conll"),
    "wnut17": ("wnut17/train.conll", "wnut17/test.conll"),
    "wikiann-pt": ("wikiann/pt.train.conll", "wikiann/pt.test.conll"),
    "quickstart": ("quickstart/train.conll", "quickstart/test.conll"),
}
MODELS = ("ner_pt",)
# What models are timed on: the first of these that is at hand.
TEXTS = ("lener-br", "quickstart")
BATCH_SIZE = 64
MAX_ITERATIONS = 100

Tokens = Sequence[str]
Report = Callable[[str, float, str], None]


def detokenize(tokens: Tokens) -> str:
    """Text as it was before it was split, near enough: no space before closing or after opening punctuation."""
    text = ""
    for token in tokens:
        glued = not text or token in {",", ".", ";", ":", "!", "?", ")", "]", "”"} or text[-1] in "([“"
        text += token if glued else f" {token}"
    return text


def features_of(tokens: Tokens) -> list[list[str]]:
    """The usual features of a named-entity CRF: word, affixes, shape, and those of two neighbours on either side."""
    words = [(token.lower(), _shape(token)) for token in tokens]
    rows = []
    for index, token in enumerate(tokens):
        word, shape = words[index]
        row = ["bias", f"word={word}", f"shape={shape}", f"short_shape={_short(shape)}"]
        for length in range(1, min(4, len(word)) + 1):
            row += [f"prefix={word[:length]}", f"suffix={word[-length:]}"]
        row += [f"{name}={flag}" for name, flag in _flags(token)]
        for offset in (-2, -1, 1, 2):
            neighbour = index + offset
            if 0 <= neighbour < len(tokens):
                other, other_shape = words[neighbour]
                row += [f"{offset}:word={other}", f"{offset}:shape={_short(other_shape)}"]
            elif abs(offset) == 1:
                row.append(f"{offset}:border")
        if index:
            row.append(f"-1:word|word={words[index - 1][0]}|{word}")
        rows.append(row)
    return rows


def measure_crfsuite(name: str, *, limit: int | None, passes: int, report: Report) -> None:
    """Train the CRF on one data set; report its entity F1 on the test file and its speed from tokens to tags."""
    import pycrfsuite

    from keras_seq.metrics import entity_scores

    train, test = (_sentences(reference, limit) for reference in DATA[name])
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.set_params({"c1": 0.1, "c2": 0.1, "max_iterations": MAX_ITERATIONS, "feature.possible_transitions": True})
    begin = time.perf_counter()
    for tokens, tags in train:
        trainer.append(features_of(tokens), tags)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "crf")
        trainer.train(path)
        seconds = time.perf_counter() - begin
        tagger = pycrfsuite.Tagger()
        tagger.open(path)
        sentences = [tokens for tokens, _ in test]
        predicted = [tagger.tag(features_of(tokens)) for tokens in sentences]
        rate = _median_rate(
            lambda: [tagger.tag(features_of(tokens)) for tokens in sentences], sum(map(len, sentences)), passes
        )
        tagger.close()
    scores = entity_scores([tags for _, tags in test], predicted)
    report(f"crfsuite {name}: entity F1 on test", scores["entity_f1"], "")
    report(f"crfsuite {name}: training", seconds, "s")
    report(f"crfsuite {name}: tagging, features included", rate, "tokens/s")


def measure_throughput(name: str, texts_name: str, *, limit: int | None, passes: int, report: Report) -> None:
    """Report the tokens per second of a SavedModel on raw text, in batches, in file order and sorted by length.

    The tokens are those of the CoNLL file, so that the numbers compare with those of a tagger that is given tokens.
    """
    import tensorflow as tf

    from keras_seq.export import latest_version
    from keras_seq.tasks.loading import find_model

    folder = find_model(name)
    tag = tf.saved_model.load(str(folder / str(latest_version(folder)))).signatures["serving_default"]
    sentences = [tokens for tokens, _ in _sentences(DATA[texts_name][1], limit)]
    for order, ordered in (("file order", sentences), ("sorted by length", sorted(sentences, key=len))):
        texts = [detokenize(tokens) for tokens in ordered]
        batches = [tf.constant(texts[begin : begin + BATCH_SIZE]) for begin in range(0, len(texts), BATCH_SIZE)]
        rate = _median_rate(
            lambda batches=batches: [tag(text=batch)["tags"].numpy() for batch in batches],
            sum(map(len, sentences)),
            passes,
        )
        report(f"{name}: raw text of {texts_name} to tags, batches of {BATCH_SIZE}, {order}", rate, "tokens/s")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; the exit code is 2 when a model or a data set that was named is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=COMPARATORS, help="one of the two comparisons")
    parser.add_argument("--models", nargs="+", metavar="NAME", help="trained models to time")
    parser.add_argument("--data", nargs="+", choices=DATA, help="data sets for the CRF")
    parser.add_argument("--passes", type=int, default=5, help="timed passes over the test file; the median counts")
    parser.add_argument("--limit", type=int, help="take only so many sentences of each file, and write no results")
    options = parser.parse_args(arguments)
    start_frameworks()
    from keras_seq.tasks.loading import find_model

    rows: list[dict[str, object]] = []
    # Of the whole run: threads or cores may be limited from outside.
    constant = constant_columns(PACKAGES)

    def report(what: str, value: float, unit: str) -> None:
        rows.append({**constant, "what": what, "value": f"{value:.6g}", "unit": unit})
        print(f"{what}: {value:,.0f} {unit}" if value >= 100 else f"{what}: {value:.4f} {unit}".rstrip(), flush=True)

    told: set[str] = set()

    def at_hand(names: Sequence[str], find: Callable[[str], object]) -> list[str]:
        """The names that are found; one line for each of the others."""
        found = []
        for name in names:
            try:
                find(name)
                found.append(name)
            except InputError as error:
                if name not in told:
                    print(f"left out {name}: {error}", flush=True)
                told.add(name)
        return found

    sizes = {"limit": options.limit, "passes": options.passes, "report": report}
    try:
        if options.only != "crfsuite":
            (texts, *_) = at_hand(TEXTS, _files)
            for name in options.models or at_hand(MODELS, find_model):
                measure_throughput(name, texts, **sizes)
        if options.only != "throughput":
            for name in options.data or at_hand(tuple(DATA), _files):
                measure_crfsuite(name, **sizes)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    finally:
        if rows and options.limit is None:
            write_rows(rows)
    return 0


def _median_rate(run: Callable[[], object], tokens: int, passes: int) -> float:
    """Tokens per second: the median of the passes, after one that warms up."""
    run()
    seconds = []
    for _ in range(passes):
        begin = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begin)
    return tokens / statistics.median(seconds)


def _files(name: str) -> list[Path]:
    """The files of a data set; `InputError` names the command that fetches it."""
    from keras_seq.data import find_data

    return [find_data(reference) for reference in DATA[name]]


def _sentences(reference: str, limit: int | None) -> list[tuple[Tokens, Tokens]]:
    from keras_seq.data import find_data, read_conll

    return [(sentence.tokens, sentence.tags) for sentence in read_conll(find_data(reference), scheme="BIO")][:limit]


def _shape(token: str) -> str:
    return "".join(
        "X" if char.isupper() else "x" if char.islower() else "d" if char.isdigit() else char for char in token
    )


def _short(shape: str) -> str:
    """The shape with runs of one character written once."""
    return "".join(char for index, char in enumerate(shape) if shape[index - 1 : index] != char)


def _flags(token: str) -> Iterator[tuple[str, bool]]:
    yield "title", token.istitle()
    yield "upper", token.isupper()
    yield "digits", token.isdigit()
    yield "has_digit", any(char.isdigit() for char in token)
    yield "has_hyphen", "-" in token


if __name__ == "__main__":
    sys.exit(main())
