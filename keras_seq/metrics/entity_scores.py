"""Entity scores of tag sequences in plain Python."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from keras_seq.metrics.formulas import scores_of_classes
from keras_seq.ops.spans import OUTSIDE, entities, split_tag


def entity_scores(
    true_sequences: Iterable[Sequence[str]], predicted_sequences: Iterable[Sequence[str]]
) -> dict[str, Any]:
    """Precision, recall and F1 of entities, overall and for each type.

    An entity counts as found only if type, first and last token all agree; the overall numbers are micro averages. The
    rules are those of `conlleval` and of `seqeval`'s default mode (see `keras_seq.ops.spans`).
    `keras_seq.metrics.EntityF1` gives the same numbers inside `fit` and `evaluate`.

    Args:
        true_sequences: For each sentence, its tags (BIO, IOB1 or BIOES).
        predicted_sequences: The same, predicted. `""`, the padding of tagger outputs, is a missing prediction: it
            counts as `"O"`.

    Returns:
        A dictionary with `"entity_f1"`, `"entity_precision"`, `"entity_recall"`, `"support"` (how many entities there
        are to find) and `"types"`: for each type, in sorted order, a dictionary of `"precision"`, `"recall"`, `"f1"`
        and `"support"`. A ratio over nothing is 0.

    Raises:
        ValueError: if numbers of sentences or of their tags differ, or a tag is of another scheme.

    Example:

    >>> true = [["B-PERSON", "I-PERSON", "O", "B-PLACE"]]
    >>> predicted = [["B-PERSON", "I-PERSON", "O", "O"]]
    >>> scores = entity_scores(true, predicted)
    >>> scores["entity_precision"], scores["entity_recall"], scores["types"]["PLACE"]["support"]
    (1.0, 0.5, 1)

    Reference: Tjong Kim Sang and Buchholz, "Introduction to the CoNLL-2000 Shared Task: Chunking", 2000.
    """
    correct: Counter[str] = Counter()
    predicted: Counter[str] = Counter()
    true: Counter[str] = Counter()
    for true_tags, predicted_tags in _aligned(true_sequences, predicted_sequences):
        true_entities = set(entities(true_tags))
        predicted_entities = set(entities(predicted_tags))
        true.update(entity.type for entity in true_entities)
        predicted.update(entity.type for entity in predicted_entities)
        correct.update(entity.type for entity in true_entities & predicted_entities)
    types = sorted(true.keys() | predicted.keys())
    return scores_from_counts(
        types, [correct[name] for name in types], [predicted[name] for name in types], [true[name] for name in types]
    )


def scores_from_counts(
    types: Sequence[str], correct: Sequence[int], predicted: Sequence[int], true: Sequence[int]
) -> dict[str, Any]:
    """What `entity_scores` returns, from the number of correct, predicted and true entities of each type."""
    overall = scores_of_classes([""], *([sum(counts)] for counts in (correct, predicted, true)))[""]
    return {
        "entity_f1": overall["f1"],
        "entity_precision": overall["precision"],
        "entity_recall": overall["recall"],
        "support": overall["support"],
        "types": scores_of_classes(types, correct, predicted, true),
    }


def confusion_matrix(
    true_sequences: Iterable[Sequence[str]], predicted_sequences: Iterable[Sequence[str]], most: int = 1_000
) -> tuple[list[str], np.ndarray]:
    """Confusion matrix of entity types: how often tokens of one are tagged as another, prefixes left aside.

    Args:
        true_sequences: For each sentence, its tags.
        predicted_sequences: The same, predicted. `""` counts as `"O"`.
        most: Of more types those with most mistakes are counted; memory grows with the square of it.

    Returns:
        The labels, `"O"` first and then the entity types in sorted order, and an int64 array
        `(len(labels), len(labels))` of token counts: rows are true, columns predicted.

    Raises:
        ValueError: if `entity_scores` would raise it.

    Example:

    >>> labels, counts = confusion_matrix([["B-PERSON", "I-PERSON", "O"]], [["B-PERSON", "B-PLACE", "O"]])
    >>> labels, counts.tolist()
    (['O', 'PERSON', 'PLACE'], [[1, 0, 0], [0, 1, 1], [0, 0, 0]])
    """
    pairs: Counter[tuple[str, str]] = Counter()
    for true_tags, predicted_tags in _aligned(true_sequences, predicted_sequences):
        pairs.update(zip(map(_type_of, true_tags), map(_type_of, predicted_tags), strict=True))
    mistakes: Counter[str] = Counter()
    for pair, count in pairs.items():
        mistakes.update({label: count if len(set(pair)) > 1 else 0 for label in pair})
    types = sorted(set(mistakes) - {OUTSIDE}, key=lambda label: (-mistakes[label], label))
    labels = [OUTSIDE, *sorted(types[: max(most - 1, 0)])]
    places = {label: place for place, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), "int64")
    for (true_type, predicted_type), count in pairs.items():
        if true_type in places and predicted_type in places:
            counts[places[true_type], places[predicted_type]] = count
    return labels, counts


def _type_of(tag: str) -> str:
    return split_tag(tag)[1] or OUTSIDE


def _aligned(
    true_sequences: Iterable[Sequence[str]], predicted_sequences: Iterable[Sequence[str]]
) -> Iterator[tuple[Sequence[str], list[str]]]:
    pairs = itertools.zip_longest(true_sequences, predicted_sequences)
    for number, (true_tags, predicted_tags) in enumerate(pairs, start=1):
        if true_tags is None or predicted_tags is None:
            missing = "true_sequences" if true_tags is None else "predicted_sequences"
            raise ValueError(
                "`true_sequences` and `predicted_sequences` must have the same number of sentences. "
                f"Received: no sentence {number} in `{missing}`. Give both whole and in the same order."
            )
        if len(predicted_tags) != len(true_tags):
            raise ValueError(
                "`predicted_sequences` must have one tag for each true tag. "
                f"Received: {len(predicted_tags)} tags for the {len(true_tags)} of sentence {number}. "
                "Predict every token and cut the padding off."
            )
        yield true_tags, [tag or OUTSIDE for tag in predicted_tags]
