"""The folders of trained models, and the cards in them."""

import os
from pathlib import Path

from keras_seq.core.errors import InputError
from keras_seq.core.notices import notify
from keras_seq.core.reading import expanded
from keras_seq.zoo.cards import CARD_FILE, ModelCard


def model_folders() -> list[Path]:
    """Where trained models are looked for, the first first.

    Raises:
        InputError: if `KERAS_SEQ_MODELS` begins with the home folder of a user who has none.
    """
    folders = [Path("saved_models"), Path(__file__).resolve().parents[2] / "saved_models"]
    if os.environ.get("KERAS_SEQ_MODELS"):
        folders.insert(0, expanded(os.environ["KERAS_SEQ_MODELS"]))
    return [folder for folder in folders if folder.is_dir()]


def trained_cards() -> list[ModelCard]:
    """The cards of all trained models at hand, by name; a broken card is told and passed over."""
    cards: dict[str, ModelCard] = {}
    for folder in reversed(model_folders()):
        for path in sorted(folder.glob(f"*/{CARD_FILE}")):
            try:
                cards[path.parent.name] = ModelCard.load(path)
            except InputError as error:
                notify(str(error))
    return [cards[name] for name in sorted(cards)]
