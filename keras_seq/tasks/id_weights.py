"""The weights of the ids that the wide part of a model reads: rare ones count for more."""

from __future__ import annotations

from collections.abc import Iterable

import keras
import numpy as np
from keras import ops

from keras_seq.layers import WideScores
from keras_seq.tasks.labelled_batches import LabelledBatches
from keras_seq.text.vocabulary import UNKNOWN_ID
from keras_seq.zoo.parts import ids_read_by, wide_tables_of


def set_id_weights(model: keras.Model, parts: Iterable[LabelledBatches]) -> None:
    """Give each id its inverse document frequency, log((1 + texts) / (1 + texts with it)) + 1; the unknown word none.

    Args:
        model: one of the zoo; without a wide part nothing is done.
        parts: the texts to count in, of several files as they may be; their batches have the model's inputs.
    """
    tables = wide_tables_of(model)
    counts = {name: np.zeros(table.num_ids, np.int64) for name, table in tables.items()}
    texts = 0
    for batches in parts if tables else ():
        texts += len(batches.indices)
        for batch in batches.order.epoch(0):
            inputs, _ = batches.arrays(batch)
            for name, table in tables.items():
                counts[name] += _texts_with(ids_of(model, table, inputs), table.num_ids)
    for name, table in tables.items():
        weights = np.log((1 + texts) / (1 + counts[name])) + 1
        if ids_read_by(model, table) == "token_ids":
            weights[UNKNOWN_ID] = 0
        table.id_weights.assign(weights)


def ids_of(model: keras.Model, table: WideScores, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """The ids that a layer of the wide part is called on."""
    source = ids_read_by(model, table)
    return inputs[source] if isinstance(source, str) else ops.convert_to_numpy(source(inputs["token_ids"]))


def _texts_with(ids: np.ndarray, num_ids: int) -> np.ndarray:
    """In how many rows each id stands; id 0 in none."""
    rows = ids.reshape(len(ids), -1).astype(np.int64)
    pairs = np.unique(rows + np.arange(len(rows))[:, None] * num_ids)
    counts = np.bincount(pairs % num_ids, minlength=num_ids)
    counts[0] = 0
    return counts
