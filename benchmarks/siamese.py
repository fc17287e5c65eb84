"""The siamese network of texts: a training step beside PyTorch, and a query of an exported index.

    python benchmarks/siamese.py                       both parts: five minutes
    python benchmarks/siamese.py --parts training      pairs a second, in turn with PyTorch
    python benchmarks/siamese.py --parts index         milliseconds a query, 100,000 texts
    python benchmarks/siamese.py --gpu                 the training step on a GPU, ours by JAX
    python benchmarks/siamese.py --quick               proves that it works, measures nothing

`training`: embedding of 128, LSTM of 128 units, the mean of its states, unit length, the triplet loss with the mean and
the closest negative, 64 pairs of up to 20 tokens a side (10 to 20, the rest is padding), 20,000 words, Adam, gradients
clipped to a norm of 5 as recipes have it. Four ways:

- `keras_seq`: `siamese_model`, compiled and fed as `keras-seq train` does, through `fit`;
- `keras_seq, XLA`: the same with `fit.jit_compile = true`;
- `PyTorch`: the usual loop as it is quickest: both sides in one batch, a masked mean, fused Adam;
- `PyTorch, packed`: the same with packed sequences.

Before anything is timed all must find the same loss and the same gradients for the same weights and the same batch.
An epoch has 300 batches: `fit` takes a tenth of a second to begin and to end one.
Each way runs in a process of its own, with as many threads as there are cores. In each round all of them measure, one
after the other; the median of the rounds counts. The bar is 1.0: the quicker of ours against the quicker of PyTorch's.

`index`: a matcher with `with_index`, exported; how long the signature `index` takes for one query and ten texts, from
raw text. The answers must be those of NumPy, which compares the query with every text. The bar is 20 ms.

`--gpu`: `keras_seq, JAX` in the place of the first two, PyTorch with cuDNN, both in full float32 (no TF32).
TensorFlow need not be installed. The rows name the card.

The rows go to benchmarks/results.csv (not with --quick).
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
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

PARTS = ("training", "index")
OURS, OURS_ON_GPU, THEIRS = ("keras_seq", "keras_seq, XLA"), ("keras_seq, JAX",), ("PyTorch", "PyTorch, packed")
PACKAGES = ("keras-seq", "keras", "tensorflow", "jax", "torch", "numpy")
PAIRS, STEPS, SHORTEST, VOCABULARY, EMBEDDING, UNITS = 64, 20, 10, 20_000, 128, 128
MARGIN, LEARNING_RATE, CLIP_NORM = 0.25, 1e-3, 5.0
TEXTS, QUERIES, FOUND = 100_000, 200, 10
LEAST_RATIO, MOST_MILLISECONDS = 1.0, 20.0
# Losses and gradient norms may differ by such a share; scores of the index by so much.
TOLERANCE, SCORE_TOLERANCE = 1e-4, 1e-5
# What processes are told by `--gpu`: our backend, and that the card is shared; and PyTorch's device.
_DEVICE = "BENCHMARK_DEVICE"
_GPU_ENVIRONMENT = {
    "KERAS_BACKEND": "jax",
    "JAX_DEFAULT_MATMUL_PRECISION": "float32",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    _DEVICE: "cuda",
}
# An idle thread pool spins for a while before it sleeps; the next process waits for it.
PAUSE = 0.2
# A name for each gradient that is compared, and the end of the path of our variable.
WEIGHTS = {
    "embedding.weight": "embeddings",
    "lstm.weight_ih_l0": "/kernel",
    "lstm.weight_hh_l0": "/recurrent_kernel",
    "lstm.bias_ih_l0": "/bias",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for, print it and enter it into the table of results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--rounds", type=int, default=9, help="rounds; the median counts")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each way measures in a round")
    parser.add_argument("--batches", type=int, default=300, help="of an epoch of training")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="of a batch of training")
    parser.add_argument("--gpu", action="store_true", help="the training step on a GPU")
    parser.add_argument("--texts", type=int, default=TEXTS, help="of the index")
    parser.add_argument("--quick", action="store_true", help="a tiny model, a small index, two rounds, no rows")
    parser.add_argument("--worker", nargs=2, metavar=("WAY", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.worker:
        return _serve(*options.worker)
    sizes = {"pairs": options.pairs, "vocabulary": VOCABULARY, "embedding": EMBEDDING, "units": UNITS}
    if options.quick:
        sizes = {"pairs": 4, "vocabulary": 60, "embedding": 6, "units": 5}
        options.rounds, options.seconds, options.batches, options.texts = 2, 0.01, 3, 50
    if options.gpu:
        options.parts = ["training"]
        os.environ.update(_GPU_ENVIRONMENT)
    start_frameworks()
    constant = constant_columns(PACKAGES)
    if options.gpu:
        import torch

        from keras_seq.ops.recurrence import has_gpu

        if not (torch.cuda.is_available() and has_gpu()):
            parser.error("--gpu needs a card that both JAX and PyTorch see; install their builds for it")
        constant["processor"] = torch.cuda.get_device_name()
    rows: list[dict[str, Any]] = []
    if "training" in options.parts:
        with tempfile.TemporaryDirectory() as folder:
            write_training(Path(folder), batches=options.batches, **sizes)
            ways = (*(OURS_ON_GPU if options.gpu else OURS), *THEIRS)
            environment = _GPU_ENVIRONMENT if options.gpu else None
            workers = {way: Worker(way, __file__, way, folder, environment=environment) for way in ways}
            try:
                print(_compare({way: worker.ask({"check": None}) for way, worker in workers.items()}), flush=True)
                rates = _measure(workers, sizes["pairs"], options.rounds, options.seconds)
            finally:
                for worker in workers.values():
                    worker.close()
        rows += _training_rows(rates, sizes["pairs"])
        print(_training_line(rates, with_bar=not options.quick), flush=True)
    if "index" in options.parts:
        with tempfile.TemporaryDirectory() as folder:
            queries = write_index(Path(folder), options.texts, **sizes)
            worker = Worker("the index", __file__, "index", folder)
            try:
                answers = worker.ask({"find": queries})
                print(_check_index(Path(folder), answers), flush=True)
                times = []
                for _ in range(options.rounds):
                    time.sleep(PAUSE)
                    times.append(worker.ask({"time": queries}))
            finally:
                worker.close()
        milliseconds = statistics.median(times)
        rows.append(_index_row(milliseconds, options.texts))
        print(_index_line(milliseconds, options.texts, with_bar=not options.quick), flush=True)
    if not options.quick:
        write_rows({**constant, **row} for row in rows)
    return 0


# The training step.


def write_training(folder: Path, *, batches: int, pairs: int, vocabulary: int, embedding: int, units: int) -> None:
    """The model as `model.keras`, its weights by PyTorch's names, and the batches of an epoch."""
    import keras

    from keras_seq.zoo import siamese_model

    keras.utils.set_random_seed(0)
    model = siamese_model(vocabulary, embedding_dim=embedding, recurrent={"units": [units]}, dropout=0.0)
    model.save(folder / "model.keras")
    weights = {name: keras.ops.convert_to_numpy(_variable(model, end)) for name, end in WEIGHTS.items()}
    np.savez(folder / "weights.npz", **{name: weights[name] if "emb" in name else weights[name].T for name in weights})
    generator = np.random.default_rng(0)
    lengths = generator.integers(SHORTEST, STEPS + 1, (batches, 2, pairs))
    # Each batch has a text of the full length on both sides.
    lengths[:, :, 0] = STEPS
    ids = generator.integers(2, vocabulary, (*lengths.shape, STEPS)) * (np.arange(STEPS) < lengths[..., None])
    np.save(folder / "ids.npy", ids.astype("int32"))


def _variable(model: Any, end: str) -> Any:
    (found,) = (variable for variable in model.trainable_variables if variable.path.endswith(end))
    return found


def _compare(found: dict[str, list[float]]) -> str:
    """Raise unless all ways find the loss and the norms of the gradients that the first one finds."""
    first, *others = found
    for way in others:
        if not np.allclose(found[way], found[first], rtol=TOLERANCE, atol=0):
            raise RuntimeError(f"the losses or gradients differ: {first} {found[first]}, {way} {found[way]}")
    return f"the same model: loss {found[first][0]:.6f}, and the same norms of {len(WEIGHTS)} gradients"


def _measure(workers: dict[str, Worker], pairs: int, rounds: int, seconds: float) -> dict[str, float]:
    """Pairs a second for each way."""
    for worker in workers.values():
        worker.ask({"run": 0})
    rates: dict[str, list[float]] = {way: [] for way in workers}
    for turn in range(rounds):
        # Each goes first as often as the others.
        ways = list(workers)[turn % len(workers) :] + list(workers)[: turn % len(workers)]
        for way in ways:
            time.sleep(PAUSE)
            rates[way].append(pairs / workers[way].ask({"run": seconds}))
    return {way: statistics.median(values) for way, values in rates.items()}


def _training_rows(rates: dict[str, float], pairs: int = PAIRS) -> list[dict[str, str]]:
    what = f"siamese training step, {pairs} pairs of {STEPS} tokens, LSTM of {UNITS} units"
    rows = [
        {
            "what": f"{what}: {way}",
            "value": f"{rate:.6g}",
            "unit": "pairs/s",
            "ratio": f"{next(iter(rates.values())) / rate:.3f}",
        }
        for way, rate in rates.items()
    ]
    return [*rows, {"what": f"{what}: the quicker of ours / PyTorch's", "value": f"{_ratio(rates):.4g}", "unit": "x"}]


def _ratio(rates: dict[str, float]) -> float:
    theirs = max(rates[way] for way in THEIRS)
    return max(rate for way, rate in rates.items() if way not in THEIRS) / theirs


def _training_line(rates: dict[str, float], with_bar: bool = True) -> str:
    ways = "  ".join(f"{way} {rate:,.0f} pairs/s" for way, rate in rates.items())
    ratio = _ratio(rates)
    bar = _bar(ratio >= LEAST_RATIO, f"at least {LEAST_RATIO}") if with_bar else ""
    return f"training: {ways}\n{ratio:.2f} times PyTorch's rate{bar}"


def _bar(is_reached: bool, bar: str) -> str:
    return f"; the bar, {bar}, is {'reached' if is_reached else 'MISSED'}"


# The index.


def write_index(
    folder: Path, texts: int, *, pairs: int, vocabulary: int, embedding: int, units: int, queries: int = QUERIES
) -> list[str]:
    """An exported matcher with an index in `saved`, and what NumPy finds for queries, which are given."""
    import keras

    from keras_seq.families import PairMatcher
    from keras_seq.families.pairs.served import MatchingFunctions
    from keras_seq.text import TokenEncoder, WordTokenizer
    from keras_seq.zoo import siamese_model

    words = np.array([f"word{number}" for number in range(vocabulary - 2)])
    # Each word once: all are known, and as many ids as in training.
    encoder = TokenEncoder.build([words.tolist()])
    keras.utils.set_random_seed(0)
    recurrent = {"units": [units]}
    model = siamese_model(len(encoder.vocabulary), embedding_dim=embedding, recurrent=recurrent, dropout=0.0)
    # With the first weights all vectors are nearly the same.
    model.set_weights([4 * weight for weight in model.get_weights()])
    generator = np.random.default_rng(0)
    made = [" ".join(generator.choice(words, length)) for length in generator.integers(3, 13, texts + queries)]
    indexed, asked = made[:texts], made[texts:]
    matcher = PairMatcher(MatchingFunctions(model, WordTokenizer(), encoder)).with_index(indexed)
    matcher.export(folder / "saved")
    scores = matcher.embed(asked).astype("float64") @ matcher.embed(indexed).astype("float64").T
    np.save(folder / "scores.npy", scores)
    (folder / "texts.json").write_text(json.dumps(indexed), encoding="utf-8")
    return asked


def _check_index(folder: Path, answers: list[dict[str, Any]]) -> str:
    """Raise unless the answers are the most similar texts of all, by NumPy: the same scores, of the texts named."""
    all_scores = np.load(folder / "scores.npy")
    places = {text: place for place, text in enumerate(json.loads((folder / "texts.json").read_text("utf-8")))}
    for scores, answer in zip(all_scores, answers, strict=True):
        count = len(answer["texts"])
        best = np.sort(scores)[::-1][:count]
        named = scores[[places[text] for text in answer["texts"]]]
        is_right = len(set(answer["texts"])) == count and all(
            np.allclose(found, best, rtol=0, atol=SCORE_TOLERANCE) for found in (named, answer["scores"])
        )
        if not is_right:
            raise RuntimeError(f"the index is not exact: {answer}, NumPy finds {best}")
    return f"the index is exact: {len(answers)} queries have the {count} nearest that NumPy finds"


def _index_row(milliseconds: float, texts: int) -> dict[str, str]:
    what = f"siamese index, one query of {texts:,} texts, vectors of {UNITS}, {FOUND} nearest: SavedModel"
    return {"what": what, "value": f"{milliseconds:.4g}", "unit": "ms"}


def _index_line(milliseconds: float, texts: int, with_bar: bool = True) -> str:
    bar = _bar(milliseconds < MOST_MILLISECONDS, f"less than {MOST_MILLISECONDS:g} ms") if with_bar else ""
    return f"index of {texts:,} texts: {milliseconds:.2f} ms a query{bar}"


# What runs in the process of one way.


def _serve(way: str, folder: str) -> int:
    # What frameworks print must not come between the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    program: Any = {
        "keras_seq": _Ours,
        "keras_seq, JAX": _Ours,
        "keras_seq, XLA": lambda path: _Ours(path, jit_compile=True),
        "PyTorch": _PyTorch,
        "PyTorch, packed": lambda path: _PyTorch(path, is_packed=True),
        "index": _Index,
    }[way](Path(folder))
    for line in sys.stdin:
        ((request, value),) = json.loads(line).items()
        print(json.dumps(getattr(program, request)(value)), file=answers, flush=True)
    return 0


def _seconds_a_step(epoch: Callable[[], Any], steps: int, seconds: float) -> float:
    count, begin = 0, time.perf_counter()
    while not count or time.perf_counter() - begin < seconds:
        epoch()
        count += 1
    return (time.perf_counter() - begin) / (count * steps)


class _Ours:
    """The model of the zoo, compiled and fed as a recipe says."""

    def __init__(self, folder: Path, jit_compile: bool = False) -> None:
        start_frameworks()
        import keras

        from keras_seq.losses import TripletLoss
        from keras_seq.training import Recipe, compile_model
        from keras_seq.zoo import stacked_twins

        recipe = Recipe.from_dict(
            {
                "task": "pair_matcher",
                "name": "siamese",
                "data": {"train": "none"},
                "pairs": {"objective": "triplet", "margin": MARGIN},
                "model": {"builder": "siamese_model"},
                "optimizer": {"name": "adam", "learning_rate": LEARNING_RATE, "clip_norm": CLIP_NORM},
                "fit": {"jit_compile": jit_compile},
            }
        )
        self.loss = TripletLoss(MARGIN)
        self.model = stacked_twins(keras.models.load_model(folder / "model.keras"))
        ids = np.load(folder / "ids.npy")
        groups = np.arange(ids.shape[2], dtype="int32")
        self.batches = [({"token_ids_a": a, "token_ids_b": b}, groups) for a, b in ids]
        compile_model(self.model, recipe, steps_per_epoch=len(ids), loss=self.loss)

    def check(self, _: None) -> list[float]:
        import keras

        inputs, groups = self.batches[0]
        variables = [_variable(self.model, end) for end in WEIGHTS.values()]
        if keras.backend.backend() == "jax":
            loss, gradients = self._differentiated(inputs, groups, variables)
        else:
            import tensorflow as tf

            with tf.GradientTape() as tape:
                loss = self.loss(groups, self.model(inputs, training=True))
            gradients = tape.gradient(loss, [variable.value for variable in variables])
            gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
        return [float(loss), *(float(np.linalg.norm(keras.ops.convert_to_numpy(array))) for array in gradients)]

    def _differentiated(self, inputs: Any, groups: Any, variables: list) -> Any:
        import jax

        own = self.model.trainable_variables
        others = [variable.value for variable in self.model.non_trainable_variables]

        def cost(values: list) -> Any:
            vectors, _ = self.model.stateless_call(values, others, inputs, training=True)
            return self.loss(groups, vectors)

        loss, gradients = jax.value_and_grad(cost)([variable.value for variable in own])
        return loss, [gradients[[variable is one for one in own].index(True)] for variable in variables]

    def run(self, seconds: float) -> float:
        from keras_seq.training.feeding import as_dataset

        def epoch() -> None:
            data = as_dataset(self.model, (batch for batch in self.batches))
            self.model.fit(data, epochs=1, steps_per_epoch=len(self.batches), shuffle=False, verbose=0)

        return _seconds_a_step(epoch, len(self.batches), seconds)


class _PyTorch:
    """The same in PyTorch."""

    def __init__(self, folder: Path, is_packed: bool = False) -> None:
        import torch
        from torch import nn

        self.device = os.environ.get(_DEVICE, "cpu")
        torch.set_num_threads(len(os.sched_getaffinity(0)))
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        self.torch, self.is_packed = torch, is_packed
        weights = {name: torch.from_numpy(array.copy()) for name, array in np.load(folder / "weights.npz").items()}
        # Keras has the sum of both biases.
        weights["lstm.bias_hh_l0"] = torch.zeros_like(weights["lstm.bias_ih_l0"])
        vocabulary, embedding = weights["embedding.weight"].shape
        units = weights["lstm.weight_hh_l0"].shape[1]
        self.model = nn.ModuleDict(
            {
                "embedding": nn.Embedding(vocabulary, embedding, padding_idx=0),
                "lstm": nn.LSTM(embedding, units, batch_first=True),
            }
        )
        self.model.load_state_dict(weights)
        self.model.to(self.device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), LEARNING_RATE, fused=True)
        ids = torch.from_numpy(np.load(folder / "ids.npy")).long()
        # Both sides are one batch: the first halves of the pairs, then the second ones.
        self.batches = [(batch, (batch != 0).sum(-1)) for batch in ids.reshape(len(ids), -1, STEPS)]
        self.own = torch.eye(ids.shape[2], dtype=torch.bool, device=self.device)

    def loss(self, ids: Any, lengths: Any) -> Any:
        torch, rnn, functional = self.torch, self.torch.nn.utils.rnn, self.torch.nn.functional
        ids = ids.to(self.device)
        x = self.model["embedding"](ids)
        if self.is_packed:
            packed = rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            states, _ = rnn.pad_packed_sequence(self.model["lstm"](packed)[0], batch_first=True)
        else:
            # Padding on the right changes no state before it.
            states, _ = self.model["lstm"](x)
            states = states * (ids != 0).unsqueeze(-1)
        vectors = functional.normalize(states.sum(1) / lengths.to(self.device).unsqueeze(-1), dim=-1)
        first, second = vectors.chunk(2)
        scores = first @ second.T
        similarity = scores.diagonal()
        mean = scores.masked_fill(self.own, 0).sum(1) / (len(scores) - 1)
        is_close = ~self.own & (scores < similarity[:, None])
        closest = scores.masked_fill(~is_close, -torch.inf).amax(1)
        terms = (torch.relu(MARGIN - similarity + negative) for negative in (mean, closest))
        return sum(terms).mean()

    def check(self, _: None) -> list[float]:
        self.optimizer.zero_grad()
        loss = self.loss(*self.batches[0])
        loss.backward()
        parameters = dict(self.model.named_parameters())
        return [loss.item(), *(parameters[name].grad.norm().item() for name in WEIGHTS)]

    def run(self, seconds: float) -> float:
        def epoch() -> None:
            for ids, lengths in self.batches:
                self.optimizer.zero_grad()
                self.loss(ids, lengths).backward()
                self.torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP_NORM)
                self.optimizer.step()
            if self.device != "cpu":
                self.torch.cuda.synchronize()

        return _seconds_a_step(epoch, len(self.batches), seconds)


class _Index:
    """What is served, in the runtime alone."""

    def __init__(self, folder: Path) -> None:
        with held_back_stderr():
            import tensorflow as tf
        tf.get_logger().setLevel("ERROR")
        logging.getLogger("absl").setLevel(logging.ERROR)
        self.tf = tf
        self.loaded = tf.saved_model.load(str(folder / "saved" / "1"))
        task = json.loads((folder / "saved" / "1" / "assets" / "task.json").read_text("utf-8"))
        self.k = tf.constant([min(FOUND, task["settings"]["index_size"])])

    def query(self, text: str) -> dict[str, Any]:
        found = self.loaded.signatures["index"](text=self.tf.constant([text]), k=self.k)
        return {name: values.numpy()[0] for name, values in found.items()}

    def find(self, texts: list[str]) -> list[dict[str, Any]]:
        answers = [self.query(text) for text in texts]
        return [
            {"texts": [text.decode() for text in answer["texts"]], "scores": answer["scores"].tolist()}
            for answer in answers
        ]

    def time(self, texts: list[str]) -> float:
        """The median time of a query, in milliseconds."""
        times = []
        for text in texts:
            begin = time.perf_counter()
            self.query(text)
            times.append((time.perf_counter() - begin) * 1e3)
        return statistics.median(times)


if __name__ == "__main__":
    sys.exit(main())
