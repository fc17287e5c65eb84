"""The adding problem: how far back in time each recurrent cell can learn, with and without gradient clipping.

    python benchmarks/adding_problem.py                                  all cells and lengths
    python benchmarks/adding_problem.py --lengths 100 --cells lstm gru   some of them
    python benchmarks/adding_problem.py --seeds 5 --again                five seeds each, measured anew
    python benchmarks/adding_problem.py --quick                          proves that it works, measures nothing

A sequence has two features: numbers drawn from [0, 1), and markers that are 1 at two steps, one in each half, and 0
elsewhere. The target is the sum of the two marked numbers. Always answering 1 has a mean squared error of 1/6 = 0.167.

Every run has the same budget: 1000 steps of Adam on batches of 50 that are drawn anew each step, for 64 units. That is
little: what is not solved here may be solved by a longer training. There are three runs (seeds) of each kind up to 100
steps, and one from 200 steps on. The cells: `simple_rnn` (tanh), `relu_rnn` (ReLU, started as the identity: the IRNN
of Le, Jaitly and Hinton), `gru`, `lstm` (forget bias 1). Each is trained with `global_clipnorm=1` and without. The
learning rate is 0.01 with gates and 0.001 without: the best of the few that were tried (0.005 and 0.01; 0.0003 to
0.01), in short runs of seed 0 on another test set; seed 0 is not among the runs here. The test set is the same for all
runs of one length. `steps_to_solve` is when its mean squared error was first seen below 0.02, looked at every 50 steps.
The gradient ratio is the norm of dL/dh_1 over that of dL/dh_T, before and after the training; 0 where dL/dh_1 is
smaller than a float32 can be. The ratio of an LSTM is that of h at a given c: what flows along c does not count.

Each run is a row of benchmarks/adding_problem.csv, written when it ends: what was interrupted goes on where it stopped,
and runs whose row is there are left out (`--again` repeats them). docs/images/adding_problem.png shows all rows.

Reference:
    Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997;
    Le, Jaitly and Hinton, "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units",
    arXiv:1504.00941, 2015.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from results import constant_columns

from keras_seq.cli.startup import start_frameworks
from keras_seq.core.files import atomic_write

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "adding_problem.csv"
PICTURE = ROOT / "docs" / "images" / "adding_problem.png"

PACKAGES = ("keras-seq", "keras", "tensorflow")
CELLS = ("simple_rnn", "relu_rnn", "gru", "lstm")
LENGTHS = (50, 100, 200, 400)
# Runs with other seeds show how much is luck; the long ones take most of the time.
SEEDS_OF_SHORT, SEEDS_OF_LONG, LONG = 3, 1, 200
CLIP_NORM = 1.0
BASELINE = 1 / 6
SOLVED = 0.02

SETTINGS = {"units": 64, "batch_size": 50, "steps": 1000, "evaluate_every": 50}
LEARNING_RATES = {"simple_rnn": 1e-3, "relu_rnn": 1e-3, "gru": 1e-2, "lstm": 1e-2}
TEST_SEQUENCES = 1000
TEST_SEED = 54321
# Which run a row is of; and what it must have been made with to count as done.
KEY = ("cell", "clipping", "length", "seed")
COLUMNS = (
    *KEY,
    *SETTINGS,
    "learning_rate",
    "test_mse",
    "smallest_test_mse",
    "steps_to_solve",
    "diverged_at",
    "gradient_ratio_start",
    "gradient_ratio_end",
    "seconds",
    "date",
    "processor",
    "versions",
    "test_mse_by_step",
)

Row = dict[str, str]


def adding_problem(count: int, length: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw sequences: numbers and markers `(count, length, 2)`, and targets `(count, 1)`, float32."""
    inputs = np.zeros((count, length, 2), "float32")
    inputs[..., 0] = generator.random((count, length))
    half = length // 2
    places = np.stack([generator.integers(0, half, count), generator.integers(half, length, count)], axis=1)
    rows = np.arange(count)[:, None]
    inputs[rows, places, 1] = 1.0
    return inputs, inputs[rows, places, 0].sum(axis=1, keepdims=True)


def build_model(cell: str, length: int, units: int) -> Any:
    """An uncompiled model of one cell: the last hidden state, and one number from it."""
    import keras

    from keras_seq.layers import GRU, LSTM, SimpleRNN

    if cell == "simple_rnn":
        layer = SimpleRNN(units, name="recurrent")
    elif cell == "relu_rnn":
        # As in the paper: the identity between the steps, small weights from the input.
        small = keras.initializers.RandomNormal(stddev=1e-3)
        layer = SimpleRNN(
            units, activation="relu", recurrent_initializer="identity", kernel_initializer=small, name="recurrent"
        )
    elif cell == "gru":
        layer = GRU(units, name="recurrent")
    else:
        layer = LSTM(units, unit_forget_bias=True, name="recurrent")
    return keras.Sequential([keras.Input((length, 2)), layer, keras.layers.Dense(1, name="sum")], name=cell)


def measure(cell: str, clipping: str, length: int, seed: int, settings: dict, tell: Callable[[str], None]) -> Row:
    """Train one model; give what was measured as a row."""
    import keras

    from keras_seq.training import GradientNorms
    from keras_seq.training.gradient_norms import first_to_last

    begin = time.perf_counter()
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    test_inputs, test_targets = adding_problem(TEST_SEQUENCES, length, np.random.default_rng([TEST_SEED, length]))
    generator = np.random.default_rng([seed, length])
    model = build_model(cell, length, settings["units"])
    clip_norm = None if clipping == "none" else float(clipping)
    optimizer = keras.optimizers.Adam(settings["learning_rate"], global_clipnorm=clip_norm)
    model.compile(optimizer=optimizer, loss="mse")
    norms = GradientNorms(model)

    def gradient_ratio() -> float:
        batch = slice(settings["batch_size"])
        return first_to_last("recurrent", norms(test_inputs[batch], test_targets[batch])["recurrent"])

    ratio_start = gradient_ratio()
    curve: dict[int, float] = {}
    diverged_at = ""
    step = 0
    while step < settings["steps"] and not diverged_at:
        chunk = min(settings["evaluate_every"], settings["steps"] - step)
        size = settings["batch_size"]
        inputs, targets = adding_problem(chunk * size, length, generator)
        model.fit(inputs, targets, batch_size=size, shuffle=False, verbose=0)
        step += chunk
        outputs = model.predict(test_inputs, batch_size=TEST_SEQUENCES // 2, verbose=0)
        with np.errstate(over="ignore", invalid="ignore"):
            curve[step] = float(np.mean(np.square(outputs.astype("float64") - test_targets)))
        if not math.isfinite(curve[step]):
            diverged_at = str(step)
        tell(f"step {step}/{settings['steps']}, test MSE {curve[step]:.4g}")
    solved = [at for at, value in curve.items() if value < SOLVED]
    finite = [value for value in curve.values() if math.isfinite(value)]
    values: dict[str, Any] = {
        **dict(zip(KEY, (cell, clipping, length, seed), strict=True)),
        **settings,
        "test_mse": f"{curve[step]:.5g}",
        "smallest_test_mse": f"{min(finite, default=math.nan):.5g}",
        "steps_to_solve": min(solved, default="never"),
        "diverged_at": diverged_at or "never",
        "gradient_ratio_start": f"{ratio_start:.3g}",
        "gradient_ratio_end": f"{gradient_ratio():.3g}",
        "seconds": f"{time.perf_counter() - begin:.1f}",
        **constant_columns(PACKAGES),
        "test_mse_by_step": " ".join(f"{at}:{value:.4g}" for at, value in curve.items()),
    }
    return {name: str(value) for name, value in values.items()}


def read_rows(path: Path) -> list[Row]:
    """The rows of an earlier run; none where there is no file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write all rows, sorted; the file appears whole or not at all."""
    order = sorted(
        rows, key=lambda row: (int(row["length"]), CELLS.index(row["cell"]), row["clipping"], int(row["seed"]))
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path, "w") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(order)


def is_done(rows: Sequence[Row], run: tuple, settings: dict) -> bool:
    """Whether there is a row of this run, made with these settings."""
    wanted = {**dict(zip(KEY, run, strict=True)), **settings}
    return any(all(row.get(name) == str(value) for name, value in wanted.items()) for row in rows)


def draw(path: Path, rows: Sequence[Row]) -> None:
    """Draw curves of the test error, without clipping and with it, and the gradient ratios, one line per length."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lengths = sorted({int(row["length"]) for row in rows})
    clippings = ("none", str(CLIP_NORM))
    colours = dict(zip(CELLS, ("tab:gray", "tab:orange", "tab:green", "tab:blue"), strict=True))
    figure = Figure(figsize=(12, 2.8 * len(lengths) + 0.5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(lengths), 3, squeeze=False)
    for line, length in enumerate(lengths):
        of_length = [row for row in rows if int(row["length"]) == length]
        for column, clipping in enumerate(clippings):
            panel = axes[line][column]
            for row in of_length:
                if row["clipping"] == clipping:
                    points = [point.split(":") for point in row["test_mse_by_step"].split()]
                    steps, values = np.array(points, "float64").T
                    colour = colours[row["cell"]]
                    panel.semilogy(steps, np.clip(values, 1e-5, 2.0), color=colour, linewidth=1)
                    if row["diverged_at"] != "never":
                        panel.plot(steps[-1:], [0.97], "x", color=colour, transform=panel.get_xaxis_transform())
            panel.axhline(BASELINE, color="black", linestyle="--", linewidth=0.8)
            panel.axhline(SOLVED, color="black", linestyle=":", linewidth=0.8)
            panel.set_ylim(1e-5, 2)
            panel.set_title(f"{length} steps, {'no clipping' if clipping == 'none' else f'clipped to {clipping}'}")
            panel.set_xlabel("steps of training")
            panel.set_ylabel("test MSE")
        _draw_ratios(axes[line][2], of_length, colours)
        axes[line][2].set_title(f"{length} steps: |dL/dh_1| / |dL/dh_{length}|")
    handles = [axes[0][0].plot([], [], color=colour)[0] for colour in colours.values()]
    axes[0][0].legend(handles, colours, fontsize=8, loc="lower left")
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        figure.savefig(file, format="png")


def _draw_ratios(panel: Any, rows: Sequence[Row], colours: dict[str, str]) -> None:
    """Two bars for each cell: before the training, and after it with clipping (hatched); the median over seeds."""
    panel.set_yscale("log")
    panel.set_ylim(1e-12, 1e3)
    panel.axhline(1.0, color="black", linewidth=0.8)
    for place, cell in enumerate(CELLS):
        for offset, name, clippings in (
            (-0.2, "gradient_ratio_start", ("none", str(CLIP_NORM))),
            (0.2, "gradient_ratio_end", (str(CLIP_NORM),)),
        ):
            values = [float(row[name]) for row in rows if row["cell"] == cell and row["clipping"] in clippings]
            values = [value for value in values if not math.isnan(value)]
            if values:
                height = float(np.clip(np.median(values), 1e-12, 1e3))
                hatch = "//" if offset > 0 else None
                panel.bar(place + offset, height, 0.38, color=colours[cell], hatch=hatch, edgecolor="white")
    panel.set_xticks(range(len(CELLS)), CELLS)
    panel.set_ylabel("before | after training")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for and is not there yet; the exit code is 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", nargs="+", type=_length, metavar="T", help="steps of a sequence (50 100 200 400)")
    parser.add_argument("--cells", nargs="+", choices=CELLS, help="all by default")
    parser.add_argument("--steps", type=_positive, help=f"steps of training of every run ({SETTINGS['steps']})")
    seeds = f"runs of each kind ({SEEDS_OF_SHORT}; {SEEDS_OF_LONG} from {LONG} steps on)"
    parser.add_argument("--seeds", type=_positive, metavar="N", help=seeds)
    parser.add_argument("--quick", action="store_true", help="tiny runs, written into build/adding_problem")
    parser.add_argument("--again", action="store_true", help="repeat runs whose row is there")
    parser.add_argument("--results", type=Path, help="the CSV file (benchmarks/adding_problem.csv)")
    parser.add_argument("--picture", type=Path, help="the PNG file (docs/images/adding_problem.png)")
    options = parser.parse_args(arguments)
    settings = dict(SETTINGS)
    results, picture, lengths, default_seeds = RESULTS, PICTURE, LENGTHS, None
    if options.quick:
        folder = ROOT / "build" / "adding_problem"
        results, picture, lengths, default_seeds = folder / RESULTS.name, folder / PICTURE.name, (10,), 1
        settings |= {"units": 8, "steps": 20, "evaluate_every": 10}
    results, picture = options.results or results, options.picture or picture
    settings["steps"] = options.steps or settings["steps"]

    def settings_of(cell: str) -> dict:
        return {**settings, "learning_rate": LEARNING_RATES[cell]}

    def seeds_of(length: int) -> int:
        return options.seeds or default_seeds or (SEEDS_OF_LONG if length >= LONG else SEEDS_OF_SHORT)

    wanted = [
        (cell, clipping, length, seed)
        for length in options.lengths or lengths
        for seed, cell, clipping in itertools.product(
            range(1, seeds_of(length) + 1), options.cells or CELLS, ("none", str(CLIP_NORM))
        )
    ]
    rows = read_rows(results)
    runs = [run for run in wanted if options.again or not is_done(rows, run, settings_of(run[0]))]
    if len(runs) < len(wanted):
        print(f"{len(wanted) - len(runs)} of {len(wanted)} runs are in {results}; --again repeats them", flush=True)
    if runs:
        start_frameworks()
    begin = time.perf_counter()
    try:
        for number, run in enumerate(runs, start=1):
            name = "{}, clipping {}, {} steps, seed {}".format(*run)
            row = measure(*run, settings_of(run[0]), _teller(f"[{number}/{len(runs)}] {name}"))
            rows = [other for other in rows if any(other[part] != row[part] for part in KEY)] + [row]
            write_rows(results, rows)
            minutes = (time.perf_counter() - begin) / 60
            told = (
                f"test MSE {row['test_mse']}, solved: {row['steps_to_solve']}, diverged: {row['diverged_at']}",
                f"gradient ratio {row['gradient_ratio_start']} -> {row['gradient_ratio_end']}",
                f"{row['seconds']} s ({minutes:.1f} min so far)",
            )
            print(f"[{number}/{len(runs)}] {name}: {', '.join(told)}", flush=True)
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return 130
    finally:
        if rows:
            draw(picture, rows)
    print(f"{results}, {picture}")
    return 0


def _teller(begin: str) -> Callable[[str], None]:
    """Shows how far a run is, on one line of a terminal."""

    def tell(text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K{begin}: {text}", end="\r", file=sys.stderr, flush=True)

    return tell


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, not {value}")
    return value


def _length(text: str) -> int:
    value = int(text)
    if value < 2:
        raise argparse.ArgumentTypeError(f"two markers need a length of at least 2, not {value}")
    return value


if __name__ == "__main__":
    sys.exit(main())
