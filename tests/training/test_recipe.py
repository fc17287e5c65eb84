import keras
import pytest

from keras_seq.core.errors import RecipeError
from keras_seq.training import Recipe

TEXT = """\
task = "tagger"
name = "demo"
seed = 3

[data]
train = "lener-br/train.conll.gz"
validation = "lener-br/dev.conll.gz"
language = "pt"

[model]
builder = "ner_model"

[model.arguments]
units = 128
dropout = 0.5

[batching]
batch_size = 16
bucket_boundaries = [8, 16, 32]

[optimizer]
name = "adamw"
learning_rate = 1
betas = [0.9, 0.99]

[fit]
epochs = 12
patience = 4

[expected.scores]
entity_f1 = 0.87
"""


def load(tmp_path, text=TEXT):
    path = tmp_path / "demo.toml"
    path.write_text(text)
    return Recipe.load(path)


def refused(tmp_path, text):
    with pytest.raises(RecipeError) as caught:
        load(tmp_path, text)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{tmp_path}/demo.toml")
    return message.removeprefix(f"{tmp_path}/demo.toml")


def test_load_gives_typed_values_and_defaults(tmp_path):
    recipe = load(tmp_path)
    assert recipe.optimizer.learning_rate == 1.0
    assert recipe.batching.bucket_boundaries == (8, 16, 32)
    assert recipe.optimizer.clip_norm == 5.0
    assert not recipe.tensorboard.gradient_norms
    assert recipe.fit.monitor == "entity_f1"
    assert recipe.data.test is None
    assert recipe.expected.scores == {"entity_f1": 0.87}
    assert recipe.model.arguments == {"units": 128, "dropout": 0.5}


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path):
    path = tmp_path / "demo.toml"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    assert Recipe.load(path) == load(tmp_path)


def test_a_saved_recipe_holds_every_value_and_loads_equal(tmp_path):
    recipe = load(tmp_path).override(["fit.jit_compile=true", 'description="quotes \\" and ação\\n"'])
    recipe.save(tmp_path / "resolved.toml")
    assert Recipe.load(tmp_path / "resolved.toml") == recipe
    assert "min_count = 1" in (tmp_path / "resolved.toml").read_text()


def test_a_recipe_cannot_be_changed(tmp_path):
    with pytest.raises(ValueError, match="frozen"):
        load(tmp_path).seed = 5


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("epochs = 12", "epoch = 12", ":27: unknown key `fit.epoch`; did you mean `epochs`?"),
        ("[fit]", "[fitt]", ":26: unknown key `fitt`; did you mean `fit`?"),
        ("epochs = 12", "miss_costs = 12", ":27: unknown key `fit.miss_costs`; did you mean `miss_cost`?"),
        ('task = "tagger"\n', "", ": key `task` is missing; add it, with one of classifier, image_matcher, lang"),
        ('task = "tagger"', "task = 3", ":1: key `task` must be a string. Received: 3; correct it"),
        ('task = "tagger"', 'task = "taggr"', ":1: key `task`: task 'taggr' is unknown; this version of keras_seq"),
        (
            "epochs = 12",
            "epochs = 12\n[images]\nways = 5",
            ":29: key `images.ways` belongs to recipes of image_matcher, not of tagger; take it out",
        ),
        (
            'language = "pt"',
            "max_tokens = 80",
            ":8: key `data.max_tokens` belongs to recipes of classifier, pair_matcher and regressor, not of tagger; "
            "take it out, or did you mean `max_length`?",
        ),
        ('train = "lener-br/train.conll.gz"\n', "", ":5: key `data.train` is missing; add it"),
        ("epochs = 12", 'epochs = "12"', ":27: key `fit.epochs` must be a whole number. Received: '12'"),
        ("epochs = 12", "epochs = 1.5", ":27: key `fit.epochs` must be a whole number. Received: 1.5"),
        ("epochs = 12", "epochs = true", ":27: key `fit.epochs` must be a whole number. Received: True"),
        ("epochs = 12", "epochs = 0", ":27: key `fit.epochs` must be greater than or equal to 1. Received: 0"),
        (
            "learning_rate = 1",
            "learning_rate = -1",
            ":23: key `optimizer.learning_rate` must be greater than 0. Received",
        ),
        ("learning_rate = 1", "learning_rate = nan", ":23: key `optimizer.learning_rate` must be"),
        ("learning_rate = 1", "learning_rate = inf", ":23: key `optimizer.learning_rate` must be a finite number"),
        ("seed = 3", "seed = 2147483648", ":3: key `seed` must be less than 2147483648. Received: 2147483648"),
        ("seed = 3", "seed = -1", ":3: key `seed` must be greater than or equal to 0. Received: -1"),
        (
            'name = "adamw"',
            'name = "adamx"',
            ":22: key `optimizer.name` must be 'adam', 'adamw', 'nadam' or 'sgd'. Rec",
        ),
        ("betas = [0.9, 0.99]", "betas = [0.9, 1.99]", ":24: key `optimizer.betas` must be two rates"),
        ("betas = [0.9, 0.99]", "betas = [0.9]", ":24: key `optimizer.betas` has too few values. Received: [0.9]"),
        ("[8, 16, 32]", "[8, 16, 16]", ":19: key `batching.bucket_boundaries` must be lengths of at least 1"),
        ("[8, 16, 32]", "[8, 'a', 32]", ":19: key `batching.bucket_boundaries[1]` must be a whole number"),
        ("[8, 16, 32]", "16", ":19: key `batching.bucket_boundaries` must be a list. Received: 16"),
        (
            "patience = 4",
            'jit_compile = "yes"',
            ':28: key `fit.jit_compile` must be true, false or "auto". Received: \'y',
        ),
        ("patience = 4", "jit_compile = 1", ':28: key `fit.jit_compile` must be true, false or "auto". Received: 1'),
        ("entity_f1 = 0.87", "entity_f1 = 'x'", ":31: key `expected.scores.entity_f1` must be a number. Received: 'x'"),
        ('name = "demo"', 'name = "../demo"', ":2: key `name` must be made of letters"),
        ('name = "demo"', "name = '''a\nb'''", ":2: key `name` must be made of letters"),
        ('[model]\nbuilder = "ner_model"', "[model]\nbuilder = 3", ":11: key `model.builder` must be a string"),
        ("seed = 3", "batching = 3", "must be a section of keys and values. Received: 3"),
        (
            "betas = [0.9, 0.99]",
            "warmup_steps = 3\nwarmup_fraction = 0.1",
            ":21: [optimizer]: `warmup_steps` and `warmup_f",
        ),
    ],
)
def test_what_is_wrong_is_named_in_one_line(tmp_path, old, new, message):
    assert old in TEXT
    text = TEXT.replace(old, new, 1)
    if new == "batching = 3":
        text = text.replace("[batching]\nbatch_size = 16\nbucket_boundaries = [8, 16, 32]\n", "")
    assert message in refused(tmp_path, text)


def test_syntax_errors_name_the_line(tmp_path):
    assert refused(tmp_path, TEXT.replace("seed = 3", "seed = = 3")).startswith(":3: is not valid TOML: ")
    assert refused(tmp_path, 'task = "a"\nname = "').startswith(":2: is not valid TOML: ")
    assert refused(tmp_path, TEXT + "[fit]\n").startswith(":32: is not valid TOML: ")


def test_unreadable_files_are_named(tmp_path):
    with pytest.raises(RecipeError, match=r"missing.toml: cannot be read \(No such file or directory\)"):
        Recipe.load(tmp_path / "missing.toml")
    with pytest.raises(RecipeError, match="Is a directory"):
        Recipe.load(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"description = '\xe7\xe3o'")
    with pytest.raises(RecipeError, match=r"is not UTF-8 text \(byte 15\)"):
        Recipe.load(tmp_path / "latin.toml")


def test_override_reads_toml_values_and_plain_words(tmp_path):
    recipe = load(tmp_path).override(
        [
            "fit.epochs=3",
            "data.train=my file.conll",
            "data.test = 'b.conll'",
            "model.arguments.dropout=0.25",
            "batching.bucket_boundaries=[4, 8]",
            "fit.jit_compile=false",
            "seed=5",
        ]
    )
    assert recipe.fit.epochs == 3
    assert (recipe.data.train, recipe.data.test) == ("my file.conll", "b.conll")
    assert recipe.model.arguments == {"units": 128, "dropout": 0.25}
    assert recipe.batching.bucket_boundaries == (4, 8)
    assert recipe.fit.jit_compile is False
    assert recipe.seed == 5
    assert recipe.override(["data.test=none", "fit.patience=none"]).to_dict()["fit"]["patience"] == 0


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("fit.epochs", "expected key=value. Received: 'fit.epochs'"),
        ("=3", "expected key=value. Received: '=3'"),
        ("fit.epoch=3", "unknown key `fit.epoch`; did you mean `epochs`?"),
        ("fit.epochs=three", "key `fit.epochs` must be a whole number. Received: 'three'"),
        ("fit.epochs.x=3", "`fit.epochs` is a value, not a section"),
        ("fit=3", "key `fit` must be a section of keys and values. Received: 3"),
        ("optimizer.ema=1.0", "key `optimizer.ema` must be less than 1. Received: 1.0"),
        ("seed=\n4\n5", "key `seed` must be a whole number"),
    ],
)
def test_wrong_overrides_are_named_in_one_line(tmp_path, assignment, message):
    with pytest.raises(RecipeError) as caught:
        load(tmp_path).override([assignment])
    assert message in str(caught.value)
    assert str(caught.value).startswith("--set")
    assert "\n" not in str(caught.value)


def test_what_follows_from_other_keys_follows_what_is_overridden(tmp_path):
    recipe = load(tmp_path)
    assert (recipe.fit.monitor, recipe.fit.direction) == ("entity_f1", "max")
    values = {"task": "classifier", "name": "demo", "data": {"train": "a"}, "model": {"builder": "b"}}
    recipe = Recipe.from_dict(values)
    assert (recipe.fit.monitor, recipe.fit.direction) == ("accuracy", "max")
    changed = recipe.override(["fit.monitor=nll"])
    assert (changed.fit.monitor, changed.fit.direction) == ("nll", "min")
    assert changed.override(["fit.direction=max"]).fit.direction == "max"
    assert changed.override(["fit.monitor=none"]) == recipe
    # What was resolved and kept stays.
    kept = Recipe.from_dict(recipe.to_dict())
    assert kept == recipe and kept.override(["fit.monitor=nll"]).fit.direction == "max"


def test_what_a_run_keeps_may_have_keys_that_nobody_read(tmp_path):
    path = tmp_path / "demo.toml"
    path.write_text(TEXT + "[images]\nways = 5\n[language]\nunit = 'word'\n")
    with pytest.raises(RecipeError, match=r"`images.ways` belongs .*\(unknown are also `language`\)"):
        Recipe.load(path)
    assert Recipe.load(path, stored=True) == load(tmp_path)
    path.write_text(TEXT.replace("epochs = 12", "epochs = 0"))
    with pytest.raises(RecipeError, match=r":27: key `fit.epochs` must be"):
        Recipe.load(path, stored=True)


def test_files_are_told_by_the_recipe(tmp_path):
    values = {
        "task": "classifier",
        "name": "demo",
        "data": {"train": "a/a.tsv", "out_of_scope_test": "a/o.tsv"},
        "pretraining": {"files": ["b/b.txt", "b/c.txt"]},
        "transfer": {"file": "d/d.tsv"},
        "model": {"builder": "b"},
    }
    recipe = Recipe.from_dict(values)
    assert recipe.files() == {
        "data.train": "a/a.tsv",
        "data.out_of_scope_test": "a/o.tsv",
        "pretraining.files[0]": "b/b.txt",
        "pretraining.files[1]": "b/c.txt",
        "transfer.file": "d/d.tsv",
    }
    assert {"data.test", "pretraining.files", "pretraining.vectors"} <= set(recipe.file_keys())
    moved = recipe.with_files(lambda reference: reference[2:])
    assert list(moved.files().values()) == ["a.tsv", "o.tsv", "b.txt", "c.txt", "d.tsv"]
    assert moved.first_difference(recipe, recipe.file_keys()) is None


def test_first_difference_names_the_key(tmp_path):
    recipe = load(tmp_path)
    assert recipe.first_difference(recipe.override(["seed=3"])) is None
    other = recipe.override(["model.arguments.units=64", "fit.epochs=1"])
    assert recipe.first_difference(other) == ("model.arguments.units", 128, 64)
    assert recipe.first_difference(recipe.override(["data.test=t.conll"])) == ("data.test", None, "t.conll")


def build(num_tags, *, units=64, dropout=0.0):
    if dropout >= 1:
        raise ValueError(f"`dropout` must be below 1. Received: dropout={dropout}")
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(units), keras.layers.Dense(num_tags)])


def test_build_model_joins_recipe_and_data(tmp_path):
    model = load(tmp_path).build_model(build, num_tags=3)
    assert model.layers[0].units == 128
    assert model.output_shape == (None, 3)


@pytest.mark.parametrize(
    ("assignment", "from_data", "message"),
    [
        (
            "model.arguments.unit=3",
            {"num_tags": 3},
            "`model.arguments.unit` is unknown to ner_model; did you mean `units`?",
        ),
        ("model.arguments.num_tags=3", {"num_tags": 3}, "`model.arguments.num_tags` follows from the data (here 3)"),
        ("model.arguments.dropout=1.5", {"num_tags": 3}, "refused by ner_model: `dropout` must be below 1. Received"),
        ("seed=1", {}, "`model.arguments.num_tags` is missing; ner_model needs it"),
    ],
)
def test_wrong_model_arguments_are_named(tmp_path, assignment, from_data, message):
    with pytest.raises(RecipeError) as caught:
        load(tmp_path).override([assignment]).build_model(build, source="demo.toml", **from_data)
    assert message in str(caught.value)
    assert str(caught.value).startswith("demo.toml: ")
