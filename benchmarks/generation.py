"""Generation of text by a character model: this package beside PyTorch, with the same weights, in turn.

    python benchmarks/generation.py                        an LSTM of 512 units, 1 and 64 streams: three minutes
    python benchmarks/generation.py --streams 1 16 256     other numbers of texts at a time
    python benchmarks/generation.py --quick                proves that it works, measures nothing

Every character is drawn from what the model expects after those before it, at a temperature of 0.8. Three ways:

- `SavedModel`: the signature `generate` of an exported model, as any TensorFlow runtime answers;
- `XLA`: the same loop in Python, compiled by XLA for one length and number of streams;
- `PyTorch`: the usual loop, a call of `nn.Embedding`, `nn.LSTM`, `nn.Linear` and `torch.multinomial` for each step.

Each runs in a process of its own. In each round all of them measure, one after the other; the median of the rounds
counts. The rows go to benchmarks/results.csv (not with --quick): characters a second, over all streams, and the ratio
of the time to that of the SavedModel. The weights are random: that changes what is drawn, not how long it takes.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import string
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from results import constant_columns, write_rows
from workers import Worker

from keras_seq.cli.startup import held_back_stderr, start_frameworks

WAYS = ("SavedModel", "XLA", "PyTorch")
PACKAGES = ("keras-seq", "keras", "tensorflow", "torch", "numpy")
# With padding, unknown and the two marks: 67 ids, about what English text needs.
CHARACTERS = string.ascii_letters + string.digits + " "
UNITS, EMBEDDING = 512, 64
TEMPERATURE = 0.8
PREFIX, SEED = "The ", 1
# Log-probabilities of a text, for each character of it, may differ so much.
TOLERANCE = 1e-4
# An idle thread pool spins for a while before it sleeps; the next process waits for it.
PAUSE = 0.2


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for, print it and enter it into the table of results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", nargs="+", type=int, default=(1, 64), help="how many texts at a time")
    parser.add_argument("--length", type=int, default=500, help="characters of a text")
    parser.add_argument("--rounds", type=int, default=9, help="rounds; the median counts")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each way measures in a round")
    parser.add_argument("--quick", action="store_true", help="a tiny model, two rounds, no rows")
    parser.add_argument("--worker", nargs=2, metavar=("WAY", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.worker:
        return _serve(*options.worker)
    units, embedding = UNITS, EMBEDDING
    if options.quick:
        options.length, options.rounds, options.seconds, units, embedding = 20, 2, 0.01, 8, 4
    start_frameworks()
    constant = constant_columns(PACKAGES)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        write_models(Path(folder), units, embedding)
        workers = {way: Worker(way, __file__, way, folder) for way in WAYS}
        try:
            print(_compare(workers, options.length), flush=True)
            for streams in options.streams:
                rates = _measure(workers, streams, options.length, options.rounds, options.seconds)
                rows += [{**constant, **row} for row in _rows(units, streams, rates)]
                print(_line(streams, rates), flush=True)
        finally:
            for worker in workers.values():
                worker.close()
    if not options.quick:
        write_rows(rows)
    return 0


def write_models(folder: Path, units: int, embedding: int) -> None:
    """One model, three times: `saved/1`, `model.keras` and `weights.npz`, under PyTorch's names."""
    import keras

    from keras_seq.export import write_saved_model
    from keras_seq.families.language.served import LanguageFunctions, LanguageSettings
    from keras_seq.layers import torch_weights
    from keras_seq.text import LanguageEncoder
    from keras_seq.zoo import language_model

    keras.utils.set_random_seed(0)
    encoder = LanguageEncoder("character", "stream", list(CHARACTERS))
    model = language_model(len(encoder), cell="lstm", units=units, num_layers=1, embedding_dim=embedding)
    # With the first weights all characters are about equally probable, whatever came before.
    model.set_weights([2 * weight for weight in model.get_weights()])
    write_saved_model(folder / "saved", LanguageFunctions(model, LanguageSettings.of(encoder)))
    model.save(folder / "model.keras")
    output = model.get_layer("log_probs")
    weights = {f"lstm.{name}": array for name, array in torch_weights(model.get_layer("recurrent")).items()}
    others = {
        "embedding.weight": model.get_layer("token_embedding").embeddings,
        "dense.weight": output.kernel,
        "dense.bias": output.bias,
    }
    weights |= {name: keras.ops.convert_to_numpy(variable) for name, variable in others.items()}
    np.savez(folder / "weights.npz", **weights)
    settings = {"start_id": encoder.start_id, "banned_ids": encoder.banned_ids, "first_id": len(encoder.banned_ids)}
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")


def _compare(workers: dict[str, Worker], length: int) -> str:
    """Raise unless PyTorch's model is the one that was exported: it finds a text as probable."""
    text = workers["SavedModel"].ask({"generate": length})
    found = {way: workers[way].ask({"score": text}) for way in ("SavedModel", "PyTorch")}
    if abs(found["PyTorch"] - found["SavedModel"]) > TOLERANCE * len(text):
        raise RuntimeError(f"the models differ: the log-probability of one text is {found}")
    return f"the same model: log-probability of {len(text)} characters {found['SavedModel']:.3f}"


def _measure(workers: dict[str, Worker], streams: int, length: int, rounds: int, seconds: float) -> dict[str, float]:
    """Characters a second, over all streams, for each way."""
    for worker in workers.values():
        worker.ask({"setup": [streams, length]})
    rates: dict[str, list[float]] = {way: [] for way in workers}
    for turn in range(rounds):
        # Each goes first as often as the others.
        ways = list(workers)[turn % len(workers) :] + list(workers)[: turn % len(workers)]
        for way in ways:
            time.sleep(PAUSE)
            rates[way].append(streams * length / workers[way].ask({"run": seconds}))
    return {way: statistics.median(values) for way, values in rates.items()}


def _rows(units: int, streams: int, rates: dict[str, float]) -> list[dict[str, str]]:
    return [
        {
            "what": f"generation, LSTM of {units} units, {streams} stream{'s' * (streams > 1)}: {way}",
            "value": f"{rate:.6g}",
            "unit": "characters/s",
            "ratio": f"{rates['SavedModel'] / rate:.3f}",
        }
        for way, rate in rates.items()
    ]


def _line(streams: int, rates: dict[str, float]) -> str:
    ways = "  ".join(f"{way} {rate:,.0f} ({rate / rates['PyTorch']:.2f}x)" for way, rate in rates.items())
    return f"{streams} stream{'s' * (streams > 1)}, characters/s and ratio to PyTorch: {ways}"


# What runs in the process of one way.


def _serve(way: str, folder: str) -> int:
    model = {"SavedModel": _SavedModel, "XLA": _Compiled, "PyTorch": _PyTorch}[way](Path(folder))
    run: Callable[[], Any] = lambda: None  # noqa: E731
    for line in sys.stdin:
        ((request, value),) = json.loads(line).items()
        answer: Any = None
        if request == "setup":
            run = model.setup(*value)
            run()
        elif request == "run":
            count, begin = 0, time.perf_counter()
            while not count or time.perf_counter() - begin < value:
                run()
                count += 1
            answer = (time.perf_counter() - begin) / count
        else:
            answer = getattr(model, request)(value)
        print(json.dumps(answer), flush=True)
    return 0


class _SavedModel:
    """What is served, in the runtime alone."""

    def __init__(self, folder: Path) -> None:
        with held_back_stderr():
            import tensorflow as tf
        tf.get_logger().setLevel("ERROR")
        logging.getLogger("absl").setLevel(logging.ERROR)
        self.tf = tf
        self.loaded = tf.saved_model.load(str(folder / "saved" / "1"))

    def setup(self, streams: int, length: int, prefix: str = "") -> Callable[[], Any]:
        tf, generate = self.tf, self.loaded.signatures["generate"]
        inputs = {
            "prefix": tf.constant([prefix] * streams),
            "max_length": tf.fill([streams], length),
            "temperature": tf.fill([streams], TEMPERATURE),
            "top_k": tf.zeros([streams], tf.int32),
            "top_p": tf.ones([streams]),
            "seed": tf.fill([streams], SEED),
            "sample": tf.range(streams),
        }
        return lambda: generate(**inputs)["text"].numpy()

    def generate(self, length: int) -> str:
        return self.setup(1, length, PREFIX)()[0].decode()

    def score(self, text: str) -> float:
        return float(self.loaded.signatures["serving_default"](text=self.tf.constant([text]))["log_prob"][0])


class _Compiled:
    """The loop of the package in Python, under XLA."""

    def __init__(self, folder: Path) -> None:
        import keras

        # Its layers must be known before a file that holds them is read.
        import keras_seq.layers  # noqa: F401

        self.model = keras.models.load_model(folder / "model.keras")
        self.settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))

    def setup(self, streams: int, length: int) -> Callable[[], Any]:
        import tensorflow as tf

        from keras_seq.ops.decoding import sample_ids
        from keras_seq.zoo.streaming import IdStep, streaming_model

        step = IdStep(self.model, self.model.output_shape[-1])
        first_states = streaming_model(self.model).initial_state(streams)

        @tf.function(jit_compile=True, autograph=False)
        def generate() -> Any:
            return sample_ids(
                step.prepared(),
                tf.fill([streams], self.settings["start_id"]),
                first_states,
                max_length=length,
                temperature=TEMPERATURE,
                seed=SEED,
                banned_ids=self.settings["banned_ids"],
            )

        return lambda: generate()[0].numpy()


class _PyTorch:
    """The usual loop in PyTorch."""

    def __init__(self, folder: Path) -> None:
        import torch
        from torch import nn

        self.torch = torch
        weights = {name: torch.from_numpy(array) for name, array in np.load(folder / "weights.npz").items()}
        self.settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
        vocabulary, embedding = weights["embedding.weight"].shape
        self.model = nn.ModuleDict(
            {
                "embedding": nn.Embedding(vocabulary, embedding),
                "lstm": nn.LSTM(embedding, weights["dense.weight"].shape[1], batch_first=True),
                "dense": nn.Linear(weights["dense.weight"].shape[1], vocabulary),
            }
        )
        self.model.load_state_dict(weights)
        self.model.eval()

    def setup(self, streams: int, length: int) -> Callable[[], Any]:
        torch, model = self.torch, self.model
        penalties = torch.zeros(model["dense"].out_features)
        penalties[self.settings["banned_ids"]] = -torch.inf

        def run() -> Any:
            drawn = torch.zeros(streams, length, dtype=torch.long)
            with torch.no_grad():
                ids, states = torch.full((streams, 1), self.settings["start_id"]), None
                for step in range(length):
                    outputs, states = model["lstm"](model["embedding"](ids), states)
                    scores = (model["dense"](outputs[:, 0]) + penalties) / TEMPERATURE
                    ids = torch.multinomial(torch.softmax(scores, -1), 1)
                    drawn[:, step] = ids[:, 0]
            return drawn.numpy()

        return run

    def score(self, text: str) -> float:
        torch, model = self.torch, self.model
        ids = [CHARACTERS.index(character) + self.settings["first_id"] for character in text]
        with torch.no_grad():
            outputs, _ = model["lstm"](model["embedding"](torch.tensor([[self.settings["start_id"], *ids[:-1]]])))
            logits = model["dense"](outputs[0])
            logits[:, 0] = -1e9  # padding is never expected
            return float(torch.log_softmax(logits, -1)[torch.arange(len(ids)), torch.tensor(ids)].sum())


if __name__ == "__main__":
    sys.exit(main())
