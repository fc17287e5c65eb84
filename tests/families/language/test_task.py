"""Language models as tasks: training that can be resumed, scores, generation, exports, one step at a time."""

import json
import math
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_seq.core.errors import DataError, InputError, RecipeError
from keras_seq.export.served import initial_states
from keras_seq.export.windows import STEPS_PER_WINDOW
from keras_seq.families.language.data import score_text, scoring_windows
from keras_seq.families.language.served import LanguageFunctions, LanguageSettings
from keras_seq.families.language.task import LanguageModel
from keras_seq.tasks import load, train
from keras_seq.tasks.language_text import LanguageText, language_scores, read_text
from keras_seq.text import LanguageEncoder
from keras_seq.training import Recipe
from keras_seq.training.checkpoints import CheckpointStore
from keras_seq.zoo import language_model

WORDS = ["um", "dois", "três", "casa", "mar", "sol", "lua", "rio"]


def write_text(path, seed, lines=160):
    """Lines in which each word follows from the one before, with some noise."""
    generator = np.random.default_rng(seed)
    rows = []
    for _ in range(lines):
        place, row = int(generator.integers(len(WORDS))), []
        for _ in range(int(generator.integers(3, 9))):
            row.append(WORDS[place])
            place = (place * 3 + 1) % len(WORDS) if generator.random() < 0.9 else int(generator.integers(len(WORDS)))
        rows.append(" ".join(row))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def recipe_of(folder, **changes):
    values = {
        "task": "language_model",
        "name": "small",
        "seed": 2,
        "data": {"train": str(folder / "train.txt"), "test": str(folder / "test.txt")},
        "language": {"unit": "character", "window": 16, "sample_length": 12},
        "model": {
            "builder": "language_model",
            "arguments": {"units": 24, "embedding_dim": 8, "num_layers": 1, "weight_dropout": 0.1, "dropout": 0.1},
        },
        "batching": {"batch_size": 8},
        "optimizer": {"learning_rate": 1e-2},
        "fit": {"epochs": 3},
    }
    return Recipe.from_dict({**values, **changes})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("language")
    write_text(path / "train.txt", 1)
    write_text(path / "validation.txt", 2, 40)
    write_text(path / "test.txt", 3, 40)
    return path


@pytest.fixture(scope="module")
def run(folder, shared_folder):
    return shared_folder.trained("language", recipe_of(folder))


@pytest.fixture(scope="module")
def exported(folder, run):
    load(run[0]).export(folder / "saved" / "small")
    return folder / "saved" / "small"


@pytest.fixture(scope="module")
def words(folder):
    recipe = recipe_of(
        folder,
        language={"unit": "word", "window": 8},
        model={
            "builder": "language_model",
            "arguments": {"units": 16, "embedding_dim": 16, "tie_weights": True, "adaptive_cutoffs": [8]},
        },
    )
    train(recipe, folder / "words", quiet=True)
    return load(folder / "words")


def test_it_learns(run):
    _, metrics = run
    history = [record["perplexity"] for record in metrics["history"]]
    assert history[-1] < history[0] / 1.5 and metrics["best_epoch"] == 3
    assert metrics["test"]["bits_per_character"] < 3 < math.log2(15)


def test_scores_are_those_of_the_text_read_step_by_step(folder, run, exported):
    """The evaluation reads rows side by side; a single pass, symbol by symbol, is the definition."""
    model = load(run[0])
    text = (folder / "test.txt").read_text(encoding="utf-8")
    ids = model.encoder.ids(text)
    states, before, nats = initial_states(model.served, 1), model.encoder.start_id, 0.0
    for token_id in ids.tolist():
        outputs = model.served.call("step", token_ids=[before], **states)
        nats -= float(outputs.pop("log_probs")[0, token_id])
        states, before = outputs, token_id
    scores = model.evaluate(folder / "test.txt")
    assert scores["num_tokens"] == scores["examples"] == len(ids) == len(text)
    assert scores["nll"] == pytest.approx(nats / len(ids), abs=2e-4)
    assert scores["bits_per_character"] == pytest.approx(scores["nll"] / math.log(2))
    assert load(exported).evaluate(folder / "test.txt")["nll"] == pytest.approx(scores["nll"], abs=1e-4)


ENCODERS = {
    "convolutional": {"kind": "convolutional", "units": [24, 24], "dilated": True, "causal": True},
    "transformer": {"kind": "transformer", "num_blocks": 1, "units": 24, "num_heads": 2, "causal": True, "window": 20},
}


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("layout", "kind"), [("stream", "transformer"), ("stream", "convolutional"), ("lines", "transformer")]
)
def test_another_encoder_learns_scores_generates_and_steps(folder, tmp_path, layout, kind):
    """From the recipe to a SavedModel in a fresh process: read symbol by symbol, a text has the probability of the
    whole, and a row that begins later is not changed by the others."""
    arguments = {"encoder": ENCODERS[kind], "embedding_dim": 16, "dropout": 0.1}
    recipe = recipe_of(
        folder,
        data={name: str(folder / f"{name}.txt") for name in ("train", "validation", "test")},
        language={"unit": "character", "layout": layout, "window": 16, "sample_length": 12},
        model={"builder": "language_model", "arguments": arguments},
        fit={"epochs": 2},
    )
    metrics = train(recipe, tmp_path / "run", quiet=True)
    history = [record["perplexity"] for record in metrics["history"]]
    assert history[-1] < history[0] / 1.1
    model = load(tmp_path / "run")
    model.export(tmp_path / "saved")
    saved = load(tmp_path / "saved")
    options = {"count": 3, "max_length": 30, "temperature": 0.8, "seed": 3}
    assert saved.generate("um", **options) == model.generate("um", **options)
    assert model.generate("um", **options)[1:2] == model.generate("um", **{**options, "count": 2})[1:]
    texts = ["casa mar sol", "um"]
    ids = [[model.encoder.start_id, *model.encoder.ids(text).tolist()] for text in texts]
    ends = [model.encoder.stop_id] if layout == "lines" else []
    states, log_prob = initial_states(saved.served, 2), np.zeros(2)
    for step in range(len(ids[0]) - 1 + len(ends)):
        # The second begins when the first is half read.
        now = [step, step - 5]
        read = [row[place] if 0 <= place < len(row) - 1 + len(ends) else 0 for row, place in zip(ids, now, strict=True)]
        outputs = saved.served.call("step", token_ids=read, **states)
        of_next = outputs.pop("log_probs").numpy()
        for row, place in enumerate(now):
            if read[row]:
                log_prob[row] += of_next[row, [*ids[row], *ends][place + 1]]
        states = outputs
    np.testing.assert_allclose(log_prob, [row["log_prob"] for row in saved.predict(texts)], atol=1e-3)


def test_every_token_is_scored_once():
    encoder = LanguageEncoder("word", "stream", [str(number) for number in range(60_000)])

    class Ids:
        def __len__(self):
            return 50_003

        def read(self, begin, end):
            return np.arange(begin + 4, end + 4, dtype="int32")

    seen = []
    for arrays in scoring_windows(Ids(), encoder.start_id):
        targets = arrays["target_ids"]
        first = targets == 4
        assert (arrays["token_ids"][(targets > 0) & ~first] == targets[(targets > 0) & ~first] - 1).all()
        assert (arrays["token_ids"][first] == encoder.start_id).all()
        seen.append(targets[targets > 0])
    np.testing.assert_array_equal(np.sort(np.concatenate(seen)), np.arange(4, 50_007))


def test_perplexity_of_texts(run, exported):
    model, served = load(run[0]), load(exported)
    texts = ["", "casa mar sol", "xyz", "um " * 400]
    for first, second in zip(model.predict(texts), served.predict(texts), strict=True):
        assert first == pytest.approx(second, rel=1e-4) if isinstance(first, float) else first.keys() == second.keys()
    empty, likely, unlikely, long = model.predict(texts)
    assert (empty["log_prob"], empty["perplexity"], empty["num_tokens"]) == (0, 1, 0)
    assert likely["perplexity"] < unlikely["perplexity"] and long["num_tokens"] == 1200
    assert likely["perplexity"] == pytest.approx(math.exp(-likely["log_prob"] / 12), rel=1e-3)


def test_a_killed_run_ends_with_the_same_numbers(folder, run, monkeypatch):
    """States between windows are part of a checkpoint."""
    from keras_seq.data import StreamBatches

    recipe = recipe_of(folder).override(["fit.checkpoint_batches=1"])
    whole = StreamBatches.epoch

    def stops(self, epoch, skip=0):
        for index, batch in enumerate(whole(self, epoch, skip)):
            if epoch == 1 and index == 3:
                raise KeyboardInterrupt
            yield batch

    monkeypatch.setattr(StreamBatches, "epoch", stops)
    with pytest.raises(BaseException):  # noqa: B017 - whatever becomes of it on its way through the framework
        train(recipe, folder / "stopped", quiet=True)
    monkeypatch.undo()
    stopped = CheckpointStore(folder / "stopped" / "checkpoints").latest().metadata["progress"]
    assert stopped["epoch"] == 1 and stopped["batch"] > 0, "it did not stop in the middle of a text"
    resumed = train(recipe, folder / "stopped", resume=True, quiet=True)
    assert resumed["test"] == run[1]["test"]
    assert [record["train_loss"] for record in resumed["history"]] == [
        record["train_loss"] for record in run[1]["history"]
    ]


@pytest.mark.thorough
def test_words_with_a_tied_adaptive_softmax(words, folder):
    scores = words.evaluate(folder / "test.txt")
    text = (folder / "test.txt").read_text(encoding="utf-8")
    assert scores["num_tokens"] == len(text.split()) + 40
    assert scores["nats_per_character"] == pytest.approx(scores["nll"] * scores["num_tokens"] / len(text))
    assert scores["perplexity"] < len(WORDS) + 1
    generated = words.generate("casa", count=3, max_length=12, temperature=0.7, seed=4)
    assert all(text.startswith("casa ") and set(text.split()) <= set(WORDS) for text in generated)


@pytest.mark.thorough
def test_lines_are_split_by_themselves(folder, tmp_path):
    table = tmp_path / "names.tsv"
    names = sorted({f"{a}{b}{c}" for a in "BCDLMR" for b in ("a", "e", "ia") for c in ("na", "ra", "lo", "s")})
    table.write_text("name\tsex\n" + "".join(f"{name.upper()}\tF\n" for name in names), encoding="utf-8")
    recipe = recipe_of(
        folder,
        data={"train": str(table)},
        language={"layout": "lines", "column": "name", "letter_case": "title", "sample_length": 8},
        model={"builder": "name_generator_model", "arguments": {"units": 16, "embedding_dim": 8}},
        optimizer={"learning_rate": 3e-2},
        fit={"epochs": 6},
    )
    metrics = train(recipe, tmp_path / "run", quiet=True)
    model = load(tmp_path / "run")
    evaluation = LanguageModel.evaluation_of(recipe)
    assert model.evaluate(**evaluation.arguments())["nll"] == pytest.approx(metrics["test"]["nll"])
    parts = [
        {line for piece in read_text(table, "character", "lines", selection) for line in piece.split()}
        for selection in (evaluation.options["selection"], LanguageModel.evaluation_of(recipe).options["selection"])
    ]
    assert parts[0] == parts[1] and 0 < len(parts[0]) < len(names) / 4
    made = model.generate("L", count=30, max_length=12, seed=1)
    assert all(name.startswith("L") and "\n" not in name for name in made) and len(set(made)) > 5
    assert min(map(len, made)) < 12, "no name has ended"
    predicted = model.predict(["Lana", "Lkxz"])
    assert predicted[0]["num_tokens"] == 5 and predicted[0]["log_prob"] > predicted[1]["log_prob"]


FRESH = """
import json
import sys
import numpy as np
import tensorflow as tf

signatures = tf.saved_model.load(sys.argv[1]).signatures
ids = np.load(sys.argv[2])
states = {name: tf.zeros([len(ids), *spec.shape[1:]]) for name, spec in
          signatures["step"].structured_input_signature[1].items() if name != "token_ids"}
found = []
for column in ids.T:
    outputs = signatures["step"](token_ids=tf.constant(column), **states)
    found.append(outputs.pop("log_probs").numpy())
    states = outputs
served = np.stack(found, axis=1)
text = signatures["generate"](prefix=tf.constant(["casa", ""]), max_length=tf.constant([40, 40]),
    temperature=tf.constant([0.8, 0.8]), top_k=tf.constant([0, 0]), top_p=tf.constant([1.0, 1.0]),
    seed=tf.constant([7, 7]), sample=tf.constant([0, 1]))["text"].numpy()
print(json.dumps([line.decode() for line in text]))
assert "keras_seq" not in sys.modules

import keras
from keras_seq.zoo import streaming_model

streaming = streaming_model(keras.saving.load_model(sys.argv[4]))
step = tf.function(lambda token_ids, states: streaming({"token_ids": token_ids, **states}))
states = {tensor.name: tf.zeros([len(ids), *tensor.shape[1:]]) for tensor in streaming.inputs if "state" in tensor.name}
found = []
for column in ids.T:
    outputs = dict(step(tf.constant(column[:, None]), states))
    found.append(outputs.pop("log_probs")[:, 0].numpy())
    states = outputs
np.savez(sys.argv[3], served=served, loaded=np.stack(found, axis=1))
"""


@pytest.mark.thorough
def test_steps_equal_the_whole_sequence_in_a_fresh_process(folder, run, exported, tmp_path):
    """Over 200 steps, through `.keras` and SavedModel; and the same seed gives the same text."""
    ids = np.random.default_rng(1).integers(1, 15, (3, 200)).astype("int32")
    np.save(tmp_path / "ids.npy", ids)
    files = exported / "1", tmp_path / "ids.npy", tmp_path / "found.npz", run[0] / "model.keras"
    command = [sys.executable, "-c", FRESH, *files]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    model = load(run[0])
    whole = model.model({"token_ids": ids}).numpy()
    with np.load(tmp_path / "found.npz") as found:
        for name in ("served", "loaded"):
            # Padding has no probability: its logit is -1e9.
            np.testing.assert_allclose(found[name][..., 1:], whole[..., 1:], atol=1e-5, err_msg=name)
    again = [model.generate(prefix, count=2, max_length=40, temperature=0.8, seed=7) for prefix in ("casa", "")]
    assert json.loads(result.stdout) == [again[0][0], again[1][1]]
    assert load(exported).generate("casa", count=2, max_length=40, temperature=0.8, seed=7) == again[0]


def test_generation(run):
    model = load(run[0])
    options = {"max_length": 30, "temperature": 0.8, "seed": 3}
    first = model.generate("um", count=3, **options)
    assert first == model.generate("um", count=3, **options) == model.generate("um", count=5, **options)[:3]
    assert len(set(first)) == 3 and all(len(text) == 32 and text.startswith("um") for text in first)
    assert model.generate("um", count=2, **{**options, "seed": 4}) != first[:2]
    greedy = model.generate("um", count=2, max_length=30, top_k=1, seed=9)
    assert greedy[0] == greedy[1]
    stopped = model.generate("um", count=3, stop=" ", **options)
    assert stopped == ["um" + text[2:].split(" ")[0] for text in first]


def test_a_long_prefix_is_read_in_windows(run):
    model = load(run[0])
    prefix = " ".join(np.random.default_rng(4).choice(WORDS, 130))
    assert len(prefix) > 2 * STEPS_PER_WINDOW
    streaming, encoder = model.served.streaming, model.encoder
    read, expected = [encoder.start_id, *encoder.ids(prefix)], ""
    outputs = dict(streaming({"token_ids": tf.constant([read], tf.int32), **streaming.initial_state(1)}))
    for _ in range(12):
        log_probs = outputs.pop("log_probs").numpy()[0, -1]
        log_probs[list(encoder.banned_ids)] = -np.inf
        expected += encoder.symbol(int(log_probs.argmax()))
        outputs = dict(streaming({"token_ids": tf.constant([[log_probs.argmax()]], tf.int32), **outputs}))
    assert model.generate(prefix, top_k=1, max_length=12) == [prefix + expected]


@pytest.mark.parametrize("token_id", [-1, 10**6, -(2**31)])
def test_a_step_refuses_what_is_no_id(run, token_id):
    served = load(run[0]).served
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"token_ids must be from 0 to \d+; received"):
        served.call("step", token_ids=[1, token_id], **initial_states(served, 2))


@pytest.mark.parametrize("odd", [math.nan, math.inf])
def test_a_step_refuses_states_that_are_no_numbers(run, odd):
    served = load(run[0]).served
    name, *_ = states = initial_states(served, 2)
    states[name] = np.full(states[name].shape, odd, "float32")
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"{name} must be finite; received"):
        served.call("step", token_ids=[1, 1], **states)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prefix": "Zoé"}, r"small: the prefix has characters that it does not know: 'Z'"),
        ({"temperature": 0.0}, "`temperature` must be a finite number above 0.*top_k=1"),
        ({"temperature": -1.0}, "`temperature`"),
        ({"top_k": 1000}, "`top_k` must be at most"),
        ({"top_k": -1}, "`top_k`"),
        ({"top_p": 0.0}, "`top_p`"),
        ({"max_length": 0}, "`max_length`"),
        ({"count": 0}, "`count`"),
        ({"count": 10**9}, "`count` must be at most 100000"),
        ({"count": 10**30}, "`count` must be at most 100000"),
        ({"max_length": 10**30}, "`max_length` must be at most 2147483647"),
        ({"top_p": 1e-300}, "`top_p` must not be nearer to 0"),
        ({"temperature": 1e-300}, "`temperature`"),
        ({"temperature": 1e300}, "`temperature`"),
        ({"seed": -1}, "`seed`"),
        ({"stop": ""}, "`stop` must not be empty"),
    ],
)
def test_bad_requests(run, options, message):
    with pytest.raises(ValueError, match=message):
        load(run[0]).generate(**{"max_length": 5, **options})


# Requests as servers take them in rows: each with options of its own.
INSTANCES = [
    {"prefix": "casa ", "max_length": 30, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "seed": 3, "sample": 0},
    {"prefix": "", "max_length": 5, "temperature": 0.5, "top_k": 4, "top_p": 1.0, "seed": 3, "sample": 1},
    {"prefix": "mar", "max_length": 1, "temperature": 1.0, "top_k": 1, "top_p": 1.0, "seed": 0, "sample": 0},
    {"prefix": "casa ", "max_length": 30, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "seed": 3, "sample": 7},
    {
        "prefix": "sol lua",
        "max_length": 12,
        "temperature": 1.5,
        "top_k": 3,
        "top_p": 0.6,
        "seed": 2**31 - 1,
        "sample": 2,
    },
    {"prefix": "r", "max_length": 25, "temperature": 2.0, "top_k": 0, "top_p": 0.9, "seed": 8, "sample": 2**31 - 1},
    {"prefix": "casa ", "max_length": 30, "temperature": 0.7, "top_k": 1, "top_p": 0.5, "seed": 1, "sample": 0},
    {"prefix": "casa ", "max_length": 30, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "seed": 4, "sample": 0},
]


def answers(served, instances):
    """What one call gives that takes several requests as its rows."""
    rows = {name: [instance[name] for instance in instances] for name in instances[0]}
    return [text.decode() for text in served.call("generate", **rows)["text"].numpy()]


@pytest.fixture(scope="module")
def saved(exported):
    return load(exported)


def test_requests_of_several_callers_are_one_batch(run, saved):
    """A row is what it is alone: in any company, at any place, in Python and exported."""
    model = load(run[0])
    together = answers(model.served, INSTANCES)
    order = np.random.default_rng(2).permutation(len(INSTANCES))
    for served in (model.served, saved.served):
        assert answers(served, INSTANCES) == together
        assert answers(served, [INSTANCES[row] for row in order]) == [together[row] for row in order]
        for instance, text in zip(INSTANCES, together, strict=True):
            assert answers(served, [instance]) == [text]
    assert [len(text) - len(row["prefix"]) for text, row in zip(together, INSTANCES, strict=True)] == [
        row["max_length"] for row in INSTANCES
    ]
    assert len({together[0], together[3], together[6], together[7]}) == 4
    # Those of `generate`: the sample is the place in the list.
    options = {"max_length": 30, "seed": 3}
    texts = saved.generate("casa ", count=8, **options)
    assert (texts[0], texts[7]) == (together[0], together[3])
    assert saved.generate("casa ", top_k=1, max_length=30) == [together[6]]


def test_names_of_several_callers_end_each_by_itself():
    """Where lines are texts, a row ends at its end mark or at its length."""
    encoder = LanguageEncoder.build(["ana\nbea\neva\n"], unit="character", layout="lines")
    keras.utils.set_random_seed(4)
    served = LanguageFunctions(language_model(len(encoder), units=6, embedding_dim=4), LanguageSettings.of(encoder))
    instances = [
        {**INSTANCES[row % 8], "prefix": "ab"[: row % 3], "max_length": 1 + 5 * row % 17, "top_k": row % 4, "seed": row}
        for row in range(24)
    ]
    together = answers(served, instances)
    assert together == [answers(served, [instance])[0] for instance in instances]
    added = [len(text) - len(instance["prefix"]) for text, instance in zip(together, instances, strict=True)]
    ends = [count < instance["max_length"] for count, instance in zip(added, instances, strict=True)]
    assert any(ends) and not all(ends)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("temperature", 0.0, r"temperature must be a finite number above 0. Received: 0 in row 1"),
        ("temperature", -1.5, "Received: -1.5 in row 1"),
        ("temperature", np.nan, "Received: nan in row 1"),
        ("temperature", np.inf, "Received: inf in row 1"),
        ("top_k", 1000, r"top_k must be from 0 to \d+. Received: 1000 in row 1"),
        ("top_k", -1, "Received: -1 in row 1"),
        ("top_p", 1.5, "top_p must be above 0 and at most 1. Received: 1.5 in row 1"),
        ("max_length", 0, "max_length must be from 1 to 100000. Received: 0 in row 1"),
        ("max_length", 10**9, "Received: 1000000000 in row 1"),
        ("seed", -1, "seed must be at least 0. Received: -1 in row 1"),
        ("sample", -7, "sample must be at least 0. Received: -7 in row 1"),
    ],
)
def test_bad_requests_to_a_served_model(saved, name, value, message):
    """One row is wrong: the message says which."""
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        answers(saved.served, [INSTANCES[0], {**INSTANCES[1], name: value}, *INSTANCES[2:]])


@pytest.mark.parametrize("name", [name for name in INSTANCES[0] if name != "prefix"])
def test_one_value_does_not_stand_for_all_rows(saved, name):
    rows = {key: [instance[key] for instance in INSTANCES] for key in INSTANCES[0]}
    message = f"{name} must have one value a row. Received: 1 for 8 rows; send one for each"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        saved.served.call("generate", **{**rows, name: rows[name][:1]})


def test_broken_texts(folder, tmp_path):
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(DataError, match=r"empty\.txt: empty file"):
        train(recipe_of(folder, data={"train": str(tmp_path / "empty.txt")}), tmp_path / "run", quiet=True)
    (tmp_path / "short.txt").write_text("ab")
    with pytest.raises(InputError, match=r"too few for 8 rows|holds no"):
        train(recipe_of(folder, data={"train": str(tmp_path / "short.txt")}), tmp_path / "run", quiet=True)
    with pytest.raises(RecipeError, match="`column` and `letter_case` are for layout"):
        recipe_of(folder, language={"column": "name"})
    assert not (tmp_path / "run").exists()


def test_a_text_of_one_endless_line(folder, tmp_path):
    """text8 is one line of a hundred million characters."""
    path = tmp_path / "line.txt"
    path.write_text("um dois três " * 200_000, encoding="utf-8")
    encoder = LanguageEncoder.build(read_text(path, "word", "stream"), unit="word", layout="stream")
    text = LanguageText(path, encoder)
    assert len(text.corpus) == 600_001 and text.num_characters == 2_600_001
    uniform = score_text(text, lambda arrays, states: (-np.log(3) * (arrays["target_ids"] > 0), {}))
    assert uniform["perplexity"] == pytest.approx(3)


def test_scores_without_a_token():
    assert language_scores(0.0, 0, 0)["perplexity"] == 1
