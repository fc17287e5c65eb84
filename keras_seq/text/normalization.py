"""Unicode normalisation form C (NFC) in a TensorFlow graph, with offsets into the text before it."""

import functools
import unicodedata
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_seq.text.code_points import NUM_CODE_POINTS, CodePointTable, assigned_code_points, values_of

_HANGUL_SYLLABLES, _HANGUL_L, _HANGUL_V, _HANGUL_T = 0xAC00, 0x1100, 0x1161, 0x11A7
_NUM_HANGUL_L, _NUM_HANGUL_V, _NUM_HANGUL_T = 19, 21, 28


class CharacterRun(NamedTuple):
    """The characters of many texts one after the other: four int32 tensors of one length.

    Args:
        code_points: The characters.
        rows: The text each belongs to, ascending.
        starts: Where its source begins in its text before normalisation, in characters.
        ends: Where its source ends, exclusive.
    """

    code_points: tf.Tensor
    rows: tf.Tensor
    starts: tf.Tensor
    ends: tf.Tensor


def normalize(run: CharacterRun) -> CharacterRun:
    """Normalise to NFC: decompose, order the marks, compose. Texts without a character of `may_change` are in it.

    The result is that of `unicodedata.normalize("NFC", text)`, with these exceptions: two neighbouring starters
    (characters that are no marks) are composed before marks are, in two rounds, and at most three marks join one
    starter. Latin, Greek, Cyrillic, Vietnamese, Hangul and the Indic scripts need no more; a difference takes three or
    more starters in a row that compose with one another, or a starter that composes with the next one only after it
    has taken a mark. Code points assigned after the Unicode version of the Python that builds the graph stay as they
    are.

    A composed character covers the source of all its parts; the parts of a decomposed one (a few signs that NFC never
    composes) each cover the whole source.

    Args:
        run: Decoded texts.

    Returns:
        A `CharacterRun` of the same or another length.
    """
    run = _reorder(_decompose(run))
    for _ in range(2):
        run = _compose_starters(run)
    skipped = tf.zeros_like(run.code_points, tf.bool)
    for _ in range(3):
        run, skipped = _compose_marks(run, skipped)
    return run


def _decompose(run: CharacterRun) -> CharacterRun:
    table, parts, lengths = _decompositions()
    index = table(run.code_points)
    counts = tf.gather(tf.constant(lengths), index)
    source = tf.repeat(tf.range(tf.size(counts)), counts)
    run = _take(run, source)
    part = tf.range(tf.size(source)) - tf.gather(tf.cumsum(counts, exclusive=True), source)
    index = tf.gather(index, source)
    decomposed = tf.gather_nd(tf.constant(parts), tf.stack([index, part], axis=-1))
    return run._replace(code_points=tf.where(index > 0, decomposed, run.code_points))


def _reorder(run: CharacterRun) -> CharacterRun:
    classes = _combining_class_table()(run.code_points)
    order = tf.argsort(_clusters(classes, run.rows) * 256 + classes, stable=True)
    return _take(run, order)


def _compose_starters(run: CharacterRun) -> CharacterRun:
    classes = _combining_class_table()(run.code_points)
    composites = tf.where(
        _same_row_as_previous(run.rows) & tf.equal(classes, 0) & tf.equal(_previous(classes, 1), 0),
        _composite(_previous(run.code_points, 0), run.code_points),
        0,
    )
    # One character is not part of two compositions in one round: the first has it.
    composites = tf.where(_previous(composites, 0) > 0, 0, composites)
    following = _next(composites, 0)
    return _take(
        run._replace(
            code_points=tf.where(following > 0, following, run.code_points),
            ends=tf.where(following > 0, _next(run.ends, 0), run.ends),
        ),
        tf.where(tf.equal(composites, 0))[:, 0],
    )


def _compose_marks(run: CharacterRun, skipped: tf.Tensor) -> tuple[CharacterRun, tf.Tensor]:
    """Each starter takes its first mark that it composes with; marks passed over are not asked again."""
    classes = _combining_class_table()(run.code_points)
    clusters = _clusters(classes, run.rows)
    size = tf.size(clusters)
    positions = tf.range(size)
    starters = tf.gather(tf.math.segment_min(positions, clusters), clusters)
    unblocked = tf.equal(starters, positions - 1) | (_previous(classes, 0) < classes)
    composites = tf.where(
        (classes > 0) & unblocked & ~skipped & tf.equal(tf.gather(classes, starters), 0),
        _composite(tf.gather(run.code_points, starters), run.code_points),
        0,
    )
    chosen = tf.gather(tf.math.segment_min(tf.where(composites > 0, positions, size), clusters), clusters)
    is_chosen = tf.equal(positions, chosen)
    composed = tf.gather(tf.math.segment_max(tf.where(is_chosen, composites, 0), clusters), clusters)
    is_base = tf.equal(positions, starters) & (composed > 0)
    cluster_starts = tf.gather(tf.math.segment_min(tf.where(is_chosen, run.starts, _NO_OFFSET), clusters), clusters)
    cluster_ends = tf.gather(tf.math.segment_max(tf.where(is_chosen, run.ends, 0), clusters), clusters)
    run = run._replace(
        code_points=tf.where(is_base, composed, run.code_points),
        starts=tf.where(is_base, tf.minimum(run.starts, cluster_starts), run.starts),
        ends=tf.where(is_base, tf.maximum(run.ends, cluster_ends), run.ends),
    )
    skipped |= (positions < chosen) & (composed > 0) & (classes > 0)
    kept = tf.where(~is_chosen)[:, 0]
    return _take(run, kept), tf.gather(skipped, kept)


_NO_OFFSET = 2**31 - 1


def _composite(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """The character that two compose to, or 0."""
    keys, values = _compositions()
    key = tf.cast(first, tf.int64) * NUM_CODE_POINTS + tf.cast(second, tf.int64)
    found = tf.searchsorted(tf.constant(keys), key)
    composite = tf.where(tf.equal(tf.gather(tf.constant(keys), found), key), tf.gather(tf.constant(values), found), 0)
    consonant, vowel, syllable = first - _HANGUL_L, second - _HANGUL_V, first - _HANGUL_SYLLABLES
    final = second - _HANGUL_T
    is_pair = (consonant >= 0) & (consonant < _NUM_HANGUL_L) & (vowel >= 0) & (vowel < _NUM_HANGUL_V)
    pair = _HANGUL_SYLLABLES + (consonant * _NUM_HANGUL_V + vowel) * _NUM_HANGUL_T
    num_syllables = _NUM_HANGUL_L * _NUM_HANGUL_V * _NUM_HANGUL_T
    is_open = (syllable >= 0) & (syllable < num_syllables) & tf.equal(syllable % _NUM_HANGUL_T, 0)
    composite = tf.where(is_pair, pair, composite)
    return tf.where(is_open & (final > 0) & (final < _NUM_HANGUL_T), first + final, composite)


def _take(run: CharacterRun, indices: tf.Tensor) -> CharacterRun:
    return CharacterRun(*(tf.gather(column, indices) for column in run))


def _previous(values: tf.Tensor, fill: int) -> tf.Tensor:
    return tf.concat([tf.fill([tf.minimum(tf.size(values), 1)], tf.cast(fill, values.dtype)), values[:-1]], axis=0)


def _next(values: tf.Tensor, fill: int) -> tf.Tensor:
    return tf.concat([values[1:], tf.fill([tf.minimum(tf.size(values), 1)], tf.cast(fill, values.dtype))], axis=0)


def _same_row_as_previous(rows: tf.Tensor) -> tf.Tensor:
    return tf.equal(_previous(rows, -1), rows)


def _clusters(classes: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
    """Number of the cluster (a starter and its marks) of each character, from 0."""
    begins = tf.equal(classes, 0) | ~_same_row_as_previous(rows)
    return tf.cumsum(tf.cast(begins, tf.int32)) - 1


@functools.cache
def _combining_class_table() -> CodePointTable:
    return CodePointTable(values_of(unicodedata.combining, 0))


@functools.cache
def may_change() -> np.ndarray:
    """For each code point whether a text in NFC does not hold it, or holds it only where it does not compose."""

    def is_suspicious(character: str) -> int:
        return int(unicodedata.combining(character) > 0 or not unicodedata.is_normalized("NFC", character))

    result = values_of(is_suspicious, 0) > 0
    _, composites = _compositions()
    result[[ord(unicodedata.normalize("NFD", chr(composite))[-1]) for composite in composites[:-1]]] = True
    result[_HANGUL_V : _HANGUL_V + _NUM_HANGUL_V] = True
    result[_HANGUL_T + 1 : _HANGUL_T + _NUM_HANGUL_T] = True
    return result


@functools.cache
def _compositions() -> tuple[np.ndarray, np.ndarray]:
    """Sorted keys `first * 0x110000 + second` and composites; Unicode's exclusions are left out, a sentinel ends it."""
    pairs = {}
    for code_point in assigned_code_points():
        parts = unicodedata.decomposition(chr(code_point)).split()
        if len(parts) == 2 and not parts[0].startswith("<") and unicodedata.is_normalized("NFC", chr(code_point)):
            pairs[int(parts[0], 16) * NUM_CODE_POINTS + int(parts[1], 16)] = code_point
    keys = sorted(pairs)
    sentinel = np.iinfo("int64").max
    return np.array([*keys, sentinel], dtype="int64"), np.array([*(pairs[key] for key in keys), 0], dtype="int32")


@functools.cache
def _decompositions() -> tuple[CodePointTable, np.ndarray, np.ndarray]:
    """Index of each code point's full canonical decomposition (0: none), the decompositions, their lengths."""
    full: list[list[int]] = [[0]]
    index = {}
    for code_point in assigned_code_points():
        character = chr(code_point)
        if _HANGUL_SYLLABLES <= code_point < _HANGUL_SYLLABLES + _NUM_HANGUL_L * _NUM_HANGUL_V * _NUM_HANGUL_T:
            continue
        decomposed = unicodedata.normalize("NFD", character)
        if decomposed != character:
            index[code_point] = len(full)
            full.append([ord(part) for part in decomposed])
    parts = np.zeros((len(full), max(map(len, full))), dtype="int32")
    for row, decomposition in zip(parts, full, strict=True):
        row[: len(decomposition)] = decomposition
    return CodePointTable(index), parts, np.array([len(decomposition) for decomposition in full], dtype="int32")
