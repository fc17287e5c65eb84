import dataclasses
import json

import pytest

from keras_seq.core.errors import InputError
from keras_seq.zoo import DatasetCard, ModelCard

CARD = ModelCard(
    name="ner_toy",
    task="tagger",
    builder="ner_model",
    description="Finds persons in Portuguese text.",
    language="pt",
    data=DatasetCard(
        name="toy", split="train: a, test: b", licence="CC0-1.0", citation="Silva, 2020", url="https://example.org/toy"
    ),
    recipe='seed = 1\nname = "São"\n',
    seeds=(3, 4),
    command="keras-seq train zoo/ner_toy.toml",
    metrics={"entity_f1": 0.87654, "token_accuracy": 0.99},
    parameters=1234567,
    training_seconds=61.5,
    cpu="2 cores | of some processor",
    versions={"tensorflow": "2.21.0", "keras": "3.15.1"},
    date="2026-01-31",
    limitations=("Knows one sentence.",),
)


def test_json_round_trip(tmp_path):
    CARD.save(tmp_path / "card.json")
    assert ModelCard.load(tmp_path / "card.json") == CARD
    assert "São" in (tmp_path / "card.json").read_text(encoding="utf-8")
    assert ModelCard.from_json(CARD.to_json()).seeds == (3, 4)


def test_rendered_card_states_what_a_reader_needs():
    text = CARD.render()
    for expected in ("# ner_toy", "1,234,567", "CC0-1.0", "3, 4", "0.8765", "seed = 1", "Knows one sentence.", "Silva"):
        assert expected in text
    assert "keras 3.15.1, tensorflow 2.21.0" in text
    assert "2 cores \\| of some processor" in text
    assert "Limitations" not in dataclasses.replace(CARD, limitations=()).render()


def test_a_card_needs_its_facts():
    with pytest.raises(ValueError, match="`command` must not be empty"):
        dataclasses.replace(CARD, command="")
    with pytest.raises(ValueError, match="`seeds`"):
        dataclasses.replace(CARD, seeds=())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a model card"),
        ("[]", "object"),
        ("{}", "`name`: Field required"),
        (json.dumps({**json.loads(CARD.to_json()), "colour": 1}), "`colour`: "),
    ],
)
def test_a_broken_file_is_one_line_that_names_it(tmp_path, text, message):
    path = tmp_path / "card.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        ModelCard.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="none.json"):
        ModelCard.load(tmp_path / "none.json")
