"""Splitting text into pieces on one thread: our graph beside the library that learned them, in turn.

    KERAS_SEQ_DATA=... python benchmarks/pieces.py         the captions of multi30k, 8,000 pieces: half a minute
    python benchmarks/pieces.py --quick FILE               the lines of another file, 500 pieces, no rows

Pieces are learned from the first half of the lines; batches of 64 lines of the second half are split. Ours finds the
words in raw text, the pieces and their places in it; the library splits words that are found already, a line a call,
into pieces alone. The median of the batches counts. The rows go to benchmarks/results.csv: milliseconds a sentence.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from results import constant_columns, write_rows

from keras_seq.core.lines import read_lines
from keras_seq.data import find_data
from keras_seq.text import PieceTokenizer, WordTokenizer
from keras_seq.text.piece_training import LIBRARIES, library_model, pieces_of

FILES = ("multi30k/train.en.gz", "multi30k/train.de.gz", "multi30k/train.fr.gz")
BATCH, MOST_BATCHES, MOST_LINES = 64, 100, 20_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure each rule, print it and enter it into the table of results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", default=FILES, help="a sentence a line")
    parser.add_argument("--quick", action="store_true", help="few pieces, no rows")
    options = parser.parse_args(arguments)
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    learned, measured = [], []
    for name in options.files:
        lines = [line for _, line in read_lines(find_data(name), "a sentence a line")][:MOST_LINES]
        learned += lines[: len(lines) // 2]
        measured += lines[len(lines) // 2 :]
    words = Counter(word for sentence in words_of(learned) for word in sentence)
    # Of all files, evenly.
    step = max(1, len(measured) // (BATCH * MOST_BATCHES))
    sentences = measured[::step]
    batches = [sentences[begin : begin + BATCH] for begin in range(0, len(sentences), BATCH)]
    batches = [batch for batch in batches if len(batch) == BATCH] or [(measured * BATCH)[:BATCH]]
    spaced = [[" ".join(sentence) for sentence in words_of(batch)] for batch in batches]
    rows = []
    for rule, library in LIBRARIES.items():
        model: Any = library_model(words, rule, 500 if options.quick else 8000)
        tokenizer = PieceTokenizer(pieces_of(model), rule)
        graph = tf.function(tokenizer.tokenize, input_signature=[tf.TensorSpec([None], tf.string)])
        ours = milliseconds(lambda batch, graph=graph: graph(tf.constant(batch)), batches)
        theirs = milliseconds(lambda batch, model=model: [model.encode(line) for line in batch], spaced)
        what = f"pieces, {rule}: sentences in batches of {BATCH}, one thread"
        for name, value in (("keras_seq", ours), (library, theirs)):
            print(f"{what}: {name} {value:.4f} ms a sentence")
            rows.append(
                {"what": f"{what}: {name}", "value": f"{value:.4f}", "unit": "ms", "ratio": f"{value / ours:.3f}"}
            )
    if not options.quick:
        constant = constant_columns(("keras-seq", "tensorflow", "sentencepiece", "tokenizers"))
        write_rows({**constant, **row} for row in rows)
    return 0


def words_of(sentences: Sequence[str]) -> list[list[str]]:
    """The words of sentences."""
    found: list[list[str]] = []
    for begin in range(0, len(sentences), 1000):
        tokens, _, _ = WordTokenizer().tokenize(sentences[begin : begin + 1000])
        found += [[word.decode() for word in row if word] for row in tokens.numpy()]
    return found


def milliseconds(function: Callable[[Sequence[str]], object], batches: Sequence[Sequence[str]]) -> float:
    """The median time of a batch, for each of its sentences."""
    times = []
    for batch in [*batches[:3], *batches]:
        begin = time.perf_counter()
        function(batch)
        times.append((time.perf_counter() - begin) * 1000 / BATCH)
    return statistics.median(times[3:] or times)


if __name__ == "__main__":
    raise SystemExit(main())
