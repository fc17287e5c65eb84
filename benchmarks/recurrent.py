"""Recurrent layers in training: this package beside stock Keras and PyTorch, on the same shapes, in turn.

    python benchmarks/recurrent.py                                       everything: some 35 minutes
    python benchmarks/recurrent.py --cells lstm bilstm --modes layer     part of the grid
    python benchmarks/recurrent.py --shapes 64,128,64,64 --rounds 15     one shape, more carefully
    python benchmarks/recurrent.py --modes ner                           `ner_model` through `fit`, tokens per second
    python benchmarks/recurrent.py --summary                             ratios over all rows of this processor
    python benchmarks/recurrent.py --quick                               proves that it works, measures nothing

A shape is batch, steps, inputs, units. What is timed, forwards and backwards but for `serve`:

- `layer`: one layer, the gradient of its outputs with regard to its inputs and weights;
- `fit`: a tagger (embedding, the layer, dense, cross-entropy, Adam): `model.fit` of Keras as it comes, and the usual
  training loop in PyTorch;
- `ner`: `keras_seq.zoo.ner_model` (embedding, bidirectional LSTM, dense, log-softmax) likewise;
- `serve`: forwards only, one sentence at a time, as an exported graph runs it;
- `mask`: one layer of this package with a mask and without, in turn: what the mask costs.

With a mask, the lengths of the rows are spread evenly between 1 and the number of steps, so that half of all steps are
padding on the right; PyTorch is given packed sequences.

Each framework runs in a process of its own. In each round all of them measure, one after the other, so that whatever
else the machine does falls on all; the median of the rounds counts. The rows go to benchmarks/results.csv (not with
--quick): milliseconds a step, the ratio to this package's time, and the share of the machine's matrix-product peak.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from results import constant_columns, read_rows, write_rows
from workers import Worker

from keras_seq.core.files import atomic_write

SHAPES = (
    (32, 35, 200, 200),
    (20, 35, 650, 650),
    (64, 64, 128, 128),
    (64, 128, 64, 64),
    (256, 32, 256, 256),
    (1, 128, 128, 128),
)
GATES = {"simple_rnn": 1, "gru": 3, "lstm": 4, "bilstm": 4}
CELLS = tuple(GATES)
MODES = ("layer", "fit", "ner", "serve", "mask")
FRAMEWORKS = ("keras_seq", "keras", "pytorch")
PACKAGES = ("keras-seq", "keras", "tensorflow", "torch", "numpy")

# Its speed section is written anew from the table.
GUIDE = Path(__file__).resolve().parents[1] / "docs" / "recurrent.md"

VOCABULARY, TAGS = 10_000, 20
# Batch, steps, embedding, units of the tagger that is timed as `ner`.
NER_SHAPE = (32, 48, 100, 128)
SERVE_SHAPES = ((1, 32, 64, 64), (1, 24, 100, 128))
LEARNING_RATE = 1e-3
# An idle thread pool spins for a while before it sleeps; the next process waits for it.
PAUSE = 0.1


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for, print it and enter it into the table of results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=CELLS)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    parser.add_argument("--masks", nargs="+", choices=("none", "right"), default=("none", "right"))
    parser.add_argument("--shapes", nargs="+", type=_shape, default=SHAPES, metavar="BATCH,STEPS,INPUTS,UNITS")
    parser.add_argument("--rounds", type=int, default=7, help="rounds per case; the median counts")
    parser.add_argument("--seconds", type=float, default=0.25, help="how long each framework measures in a round")
    parser.add_argument("--quick", action="store_true", help="tiny shapes, two rounds, no rows")
    parser.add_argument("--summary", action="store_true", help="measure nothing, sum up what the table holds")
    parser.add_argument("--worker", choices=FRAMEWORKS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.worker:
        return _serve(options.worker)
    shapes, ner_shape, serve_shapes = options.shapes, NER_SHAPE, SERVE_SHAPES
    if options.quick:
        options.rounds, options.seconds = 2, 0.01
        shapes, ner_shape, serve_shapes = [(4, 5, 3, 6)], (4, 5, 3, 6), [(1, 5, 3, 6)]
    constant = constant_columns(PACKAGES)
    if options.summary:
        print(_write_summary(constant))
        return 0

    cases = _cases(options.modes, options.cells, options.masks, shapes, ner_shape, serve_shapes)
    workers = {name: Worker(name, __file__) for name in FRAMEWORKS}
    rows: list[dict[str, Any]] = []
    try:
        peak = workers["keras"].ask({"peak": 64 if options.quick else 2048})
        print(f"{constant['processor']}: one matrix product reaches {peak / 1e9:,.0f} GFLOP/s", flush=True)
        measured = []
        for number, case in enumerate(cases, 1):
            times = _measure(dict.fromkeys(workers, case), workers, options.rounds, options.seconds)
            measured.append((case, times))
            print(f"{number:3}/{len(cases)}  {_describe(case):48}  {_line(times)}", flush=True)
            rows += [{**constant, **row} for row in _rows(case, times, peak)]
        costs = []
        if "mask" in options.modes:
            workers["masked"] = Worker("keras_seq", __file__)
            pair = {"none": workers["keras_seq"], "right": workers["masked"]}
            for shape, cell in itertools.product(shapes, options.cells):
                with_and_without = {
                    mask: {"mode": "layer", "shape": shape, "cell": cell, "mask": mask} for mask in pair
                }
                times = _measure(with_and_without, pair, options.rounds, options.seconds)
                costs.append(times["right"] / times["none"])
                what = _what_of_mask(cell, shape)
                print(f"{what}: {costs[-1]:.2f}x", flush=True)
                rows.append({**constant, "what": what, "value": f"{costs[-1]:.4g}", "unit": "x"})
        if options.quick:
            print("\n".join(_line_of_summary(row) for row in _summary(measured, costs)))
    finally:
        for worker in workers.values():
            worker.close()
        if rows and not options.quick:
            write_rows(rows)
            print(_write_summary(constant))
    return 0


def _cases(modes: Any, cells: Any, masks: Any, shapes: Any, ner_shape: Any, serve_shapes: Any) -> list[dict]:
    cases = [
        {"mode": mode, "shape": shape, "cell": cell, "mask": mask}
        for mode, shape, cell, mask in itertools.product(modes, shapes, cells, masks)
        if mode in ("layer", "fit")
    ]
    if "ner" in modes:
        cases += [{"mode": "ner", "shape": ner_shape, "cell": "bilstm", "mask": mask} for mask in masks]
    if "serve" in modes:
        cases += [
            {"mode": "serve", "shape": shape, "cell": cell, "mask": "none"}
            for shape, cell in itertools.product(serve_shapes, cells)
        ]
    return cases


def _measure(cases: dict[str, dict], workers: dict[str, Worker], rounds: int, seconds: float) -> dict[str, float]:
    """Milliseconds a step for each worker, on the case of its name."""
    for name, worker in workers.items():
        worker.ask({"setup": cases[name]})
    times: dict[str, list[float]] = {name: [] for name in workers}
    for turn in range(rounds):
        # Each goes first as often as the others.
        names = list(workers)[turn % len(workers) :] + list(workers)[: turn % len(workers)]
        for name in names:
            time.sleep(PAUSE)
            times[name].append(workers[name].ask({"run": seconds}))
    return {name: statistics.median(values) for name, values in times.items()}


def _rows(case: dict, times: dict[str, float], peak: float) -> list[dict[str, Any]]:
    return [
        {
            "what": f"{_what(case)}: {name}",
            "value": f"{value:.4g}",
            "unit": "ms",
            "ratio": f"{value / times['keras_seq']:.3f}",
            "peak_share": "" if case["mode"] != "layer" else f"{_operations(case) / (value / 1e3) / peak:.3f}",
        }
        for name, value in times.items()
    ]


def _write_summary(constant: dict[str, str]) -> str:
    """Enter ratios over all cases that the table holds for this processor, whenever they were measured; tell them."""
    values = {row["what"]: float(row["value"]) for row in read_rows() if row["processor"] == constant["processor"]}
    measured = []
    for case in _cases(MODES, CELLS, ("none", "right"), SHAPES, NER_SHAPE, SERVE_SHAPES):
        names = {name: f"{_what(case)}: {name}" for name in FRAMEWORKS}
        if all(what in values for what in names.values()):
            measured.append((case, {name: values[what] for name, what in names.items()}))
    costs = [
        values[what]
        for cell, shape in itertools.product(CELLS, SHAPES)
        if (what := _what_of_mask(cell, shape)) in values
    ]
    rows = _summary(measured, costs)
    write_rows({**constant, **row} for row in rows)
    if GUIDE.exists():
        before, begin, rest = GUIDE.read_text(encoding="utf-8").partition("<!-- speed -->\n")
        _, end, after = rest.partition("<!-- /speed -->")
        if end:
            with atomic_write(GUIDE, "w") as file:
                file.write(f"{before}{begin}{_tables(constant, measured, rows)}{end}{after}")
    return "\n".join([f"{len(measured)} cases in the table:", *map(_line_of_summary, rows)])


def _tables(constant: dict, measured: list[tuple[dict, dict[str, float]]], summary: list[dict[str, str]]) -> str:
    """The figures of the guide, in Markdown."""
    lines = [f"Measured on {constant['processor']}, {constant['date']}, with {constant['versions']}.", ""]
    lines += ["| all cases | |", "|---|---|"]
    lines += ["| {} | {} |".format(*_line_of_summary(row).rsplit(": ", 1)) for row in summary]
    titles = {
        "layer": "One layer, forwards and backwards",
        "fit": "One step of `fit` of a tagger (embedding, layer, dense)",
        "serve": "One sentence, forwards only",
    }
    for mode, title in titles.items():
        cases = [(case, times) for case, times in measured if case["mode"] == mode]
        if not cases:
            continue
        lines += ["", f"{title}: milliseconds here, and how many times as long the others take.", ""]
        lines += ["| batch, steps, inputs, units | layer | mask | here | stock Keras | PyTorch |"]
        lines += ["|---|---|---|---:|---:|---:|"]
        for case, times in cases:
            ours = times["keras_seq"]
            keras, pytorch = (f"{times[name] / ours:.2f}x" for name in ("keras", "pytorch"))
            shape = ", ".join(map(str, case["shape"]))
            lines.append(f"| {shape} | {case['cell']} | {case['mask']} | {ours:.2f} | {keras} | {pytorch} |")
    return "\n".join(lines) + "\n"


def _summary(measured: list[tuple[dict, dict[str, float]]], costs: Sequence[float]) -> list[dict[str, str]]:
    rows = []

    def add(what: str, value: float, unit: str) -> None:
        rows.append({"what": what, "value": f"{value:.5g}", "unit": unit})

    for other in ("pytorch", "keras"):
        for mode in ("layer", "fit", "layer and fit", "serve"):
            ratios = [times[other] / times["keras_seq"] for case, times in measured if case["mode"] in mode.split()]
            if ratios:
                add(f"time of {other} / ours, {mode}: geometric mean", _geometric_mean(ratios), "x")
                add(f"time of {other} / ours, {mode}: smallest", min(ratios), "x")
    if costs:
        add("our time with a right-padded mask / without, layer: geometric mean", _geometric_mean(costs), "x")
        add("our time with a right-padded mask / without, layer: largest", max(costs), "x")
    for case, times in measured:
        if case["mode"] == "ner":
            tokens = case["shape"][0] * case["shape"][1]
            for name, value in times.items():
                add(f"{_describe(case)}: {name}", tokens / value * 1e3, "tokens/s")
    return rows


def _line_of_summary(row: dict[str, str]) -> str:
    return f"{row['what']}: {float(row['value']):,.{2 if row['unit'] == 'x' else 0}f} {row['unit']}"


def _operations(case: dict) -> int:
    """Multiplications and additions of the matrix products of one step, forwards and backwards."""
    batch, steps, inputs, units = case["shape"]
    directions = 2 if case["cell"] == "bilstm" else 1
    return 3 * directions * 2 * batch * steps * GATES[case["cell"]] * units * (inputs + units)


def _geometric_mean(values: Sequence[float]) -> float:
    return math.exp(statistics.fmean(math.log(value) for value in values))


def _what(case: dict) -> str:
    return f"{'forward pass' if case['mode'] == 'serve' else 'training step'}, {_describe(case)}"


def _what_of_mask(cell: str, shape: Sequence[int]) -> str:
    return f"our time with a right-padded mask / without, layer {cell} [{', '.join(map(str, shape))}]"


def _describe(case: dict) -> str:
    shape = ", ".join(map(str, case["shape"]))
    mask = "no mask" if case["mask"] == "none" else "right-padded"
    if case["mode"] == "ner":
        return f"ner_model through fit [{shape}] {mask}"
    return f"{case['mode']} {case['cell']} [{shape}] {mask}"


def _line(times: dict[str, float]) -> str:
    ours = times["keras_seq"]
    others = (f"{name} {times[name]:.1f} ({times[name] / ours:.2f}x)" for name in FRAMEWORKS[1:])
    return f"ours {ours:.1f} ms  " + "  ".join(others)


def _shape(text: str) -> tuple[int, ...]:
    try:
        shape = tuple(int(part) for part in text.split(","))
    except ValueError:
        shape = ()
    if len(shape) != 4 or min(shape, default=0) < 1:
        raise argparse.ArgumentTypeError(f"a shape is four positive integers such as 64,128,64,64, not {text!r}")
    return shape


# What runs in the process of one framework.


def _serve(framework: str) -> int:
    setup = _setup_pytorch if framework == "pytorch" else _setup_keras
    # What frameworks print must not come between the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    run: Callable[[], Any] = lambda: None  # noqa: E731
    steps = 1
    for line in sys.stdin:
        request = json.loads(line)
        if "peak" in request:
            answer = _matrix_product_peak(request["peak"])
        elif "setup" in request:
            run, steps = setup(framework, request["setup"])
            for _ in range(2 if steps == 1 else 1):
                run()
            answer = None
        else:
            answer = _milliseconds(run, request["run"], 3 if steps == 1 else 1) / steps
        print(json.dumps(answer), file=answers, flush=True)
    return 0


def _milliseconds(run: Callable[[], Any], seconds: float, at_least: int = 3) -> float:
    """The median time of one call, over calls that fill the seconds."""
    times: list[float] = []
    while len(times) < at_least or sum(times) < seconds * 1e3:
        begin = time.perf_counter()
        run()
        times.append((time.perf_counter() - begin) * 1e3)
    return statistics.median(times)


def _matrix_product_peak(size: int) -> float:
    """Operations per second of one large float32 product."""
    import tensorflow as tf

    x = tf.random.normal((size, size))
    product = tf.function(lambda x: tf.matmul(x, x))
    product(x).numpy()
    return 2 * size**3 / (min(_milliseconds(lambda: product(x).numpy(), 0.5) for _ in range(3)) / 1e3)


def _lengths(case: dict) -> np.ndarray:
    batch, steps = case["shape"][:2]
    if case["mask"] == "none":
        return np.full(batch, steps)
    if batch == 1:
        return np.array([steps // 2])
    return np.linspace(1, steps - 1, batch).round().astype(int)


def _token_data(case: dict, batches: int) -> tuple[np.ndarray, np.ndarray]:
    """Token ids (0 is padding) and tags, `(batches * batch, steps)`."""
    batch, steps = case["shape"][:2]
    generator = np.random.default_rng(0)
    real = np.tile(np.arange(steps) < _lengths(case)[:, None], (batches, 1))
    ids = generator.integers(1, VOCABULARY, (batches * batch, steps)) * real
    return ids.astype("int32"), generator.integers(0, TAGS, (batches * batch, steps)).astype("int32")


def _batches_of_an_epoch(case: dict) -> int:
    """So many that what `fit` does around an epoch is little."""
    return int(np.clip(3e10 / _operations(case), 8, 60))


def _setup_keras(framework: str, case: dict) -> tuple[Callable[[], Any], int]:
    """One call of the training step, or one epoch of `fit`, and how many steps that is."""
    import keras
    import tensorflow as tf

    import keras_seq.layers
    import keras_seq.losses
    import keras_seq.zoo
    from keras_seq.ops.serving import serving_graph

    keras.utils.set_random_seed(0)
    batch, steps, inputs, units = case["shape"]
    layers = keras_seq.layers if framework == "keras_seq" else keras.layers
    cells = {"simple_rnn": layers.SimpleRNN, "gru": layers.GRU, "lstm": layers.LSTM, "bilstm": layers.LSTM}
    layer = cells[case["cell"]](units, return_sequences=True)
    if case["cell"] == "bilstm":
        layer = layers.Bidirectional(layer)

    if case["mode"] == "serve":
        layer.build((None, None, inputs))
        x = tf.random.normal((batch, steps, inputs))
        with serving_graph():
            spec = tf.TensorSpec((None, None, inputs))
            predict = tf.function(lambda x: layer(x, training=False), input_signature=[spec]).get_concrete_function()
        return lambda: predict(x).numpy(), 1

    if case["mode"] == "layer":
        x = tf.random.normal((batch, steps, inputs))
        mask = None if case["mask"] == "none" else tf.constant(np.arange(steps) < _lengths(case)[:, None])
        upstream = tf.random.normal(layer(x).shape)
        weights = [variable.value for variable in layer.trainable_variables]

        @tf.function
        def step(x: tf.Tensor, upstream: tf.Tensor) -> list[tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(x)
                outputs = layer(x, mask=mask, training=True)
            return tape.gradient(outputs, [x, *weights], upstream)

        return lambda: step(x, upstream)[0].numpy(), 1

    batches = _batches_of_an_epoch(case)
    ids, tags = _token_data(case, batches)
    masked = case["mask"] != "none"
    if case["mode"] == "ner" and framework == "keras_seq":
        model = keras_seq.zoo.ner_model(
            VOCABULARY, TAGS, embedding_dim=inputs, units=(units,), head="log_softmax", dropout=0.0
        )
        loss: Any = keras_seq.losses.MaskedCrossEntropy()
        tags = np.where(ids > 0, tags, -1).astype("int32")
    else:
        tokens = keras.Input((None,), dtype="int32", name="token_ids")
        x = keras.layers.Embedding(VOCABULARY, inputs, mask_zero=masked or case["mode"] == "ner")(tokens)
        model = keras.Model(tokens, keras.layers.Dense(TAGS)(layer(x)))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(LEARNING_RATE), loss=loss)
    if case["mode"] == "ner" and framework == "keras_seq":
        ids = {"token_ids": ids}
    data = tf.data.Dataset.from_tensor_slices((ids, tags)).batch(batch)
    # Else the end of an epoch now and then waits for the tuner of the input pipeline, up to as long as the epoch took.
    pipeline = tf.data.Options()
    pipeline.autotune.enabled = False
    data = data.with_options(pipeline)
    return lambda: model.fit(data, epochs=1, verbose=0), batches


def _setup_pytorch(framework: str, case: dict) -> tuple[Callable[[], Any], int]:
    """The same in PyTorch."""
    import torch
    from torch import nn
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    torch.manual_seed(0)
    batch, steps, inputs, units = case["shape"]
    directions = 2 if case["cell"] == "bilstm" else 1
    classes = {"simple_rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM, "bilstm": nn.LSTM}
    layer = classes[case["cell"]](inputs, units, batch_first=True, bidirectional=directions == 2)
    lengths = torch.from_numpy(_lengths(case))

    def run_layer(x: Any) -> Any:
        if case["mask"] == "none":
            return layer(x)[0]
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(layer(packed)[0], batch_first=True, total_length=steps)[0]

    if case["mode"] == "serve":
        layer.eval()
        x = torch.randn(batch, steps, inputs)

        def predict() -> None:
            with torch.inference_mode():
                layer(x)

        return predict, 1

    if case["mode"] == "layer":
        x = torch.randn(batch, steps, inputs, requires_grad=True)
        upstream = torch.randn(batch, steps, directions * units)

        def step() -> None:
            layer.zero_grad()
            x.grad = None
            run_layer(x).backward(upstream)

        return step, 1

    batches = _batches_of_an_epoch(case)
    ids, tags = _token_data(case, batches)
    data = [
        (torch.from_numpy(x).long(), torch.from_numpy(np.where(x > 0, y, -100)).long())
        for x, y in zip(np.split(ids, batches), np.split(tags, batches), strict=True)
    ]
    embedding = nn.Embedding(VOCABULARY, inputs, padding_idx=0)
    dense = nn.Linear(directions * units, TAGS)
    parameters = [*embedding.parameters(), *layer.parameters(), *dense.parameters()]
    optimizer = torch.optim.Adam(parameters, LEARNING_RATE)
    loss = nn.CrossEntropyLoss()

    def epoch() -> None:
        for x, y in data:
            optimizer.zero_grad()
            scores = dense(run_layer(embedding(x)))
            loss(scores.reshape(-1, TAGS), y.reshape(-1)).backward()
            optimizer.step()

    return epoch, batches


if __name__ == "__main__":
    sys.exit(main())
