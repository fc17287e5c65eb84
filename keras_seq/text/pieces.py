"""Words -> pieces of a learned vocabulary, with offsets: three rules over one table of candidates.

The design, in short:

- The vocabulary (`PieceVocabulary`) is a list of pieces with scores. The mark `▁` stands at the beginning of a word, as
  in sentencepiece; WordPiece's `##` is the same said the other way round. 256 byte pieces, `<0x00>` to `<0xFF>`, stand
  before the others: a character that no piece has becomes its bytes in UTF-8, so nothing is unknown.
- A trie of the pieces gives the table of candidates: for each place in a word, and each length, the piece that stands
  there, or none. It is walked for all places at once; an edge is a number, looked up among the sorted numbers of all.
- A rule chooses among the candidates: `longest` the longest one from left to right (WordPiece), `unigram` the parts
  with the greatest sum of scores (Viterbi), `bpe` joins neighbours, the best score first, until no two make a piece.
- A text repeats words: each distinct word is split once, by the base class, which also finds the offsets.
- Training, with `sentencepiece` or `tokenizers`, is in `keras_seq.text.piece_training`; nothing here needs them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import tensorflow as tf

from keras_seq.core.checks import check_choice
from keras_seq.core.errors import DataError
from keras_seq.core.files import atomic_write
from keras_seq.text.code_points import CodePointTable
from keras_seq.text.encoding import characters_of
from keras_seq.text.tokenizer import WORD_MARK, Tokenizer, WordParts, join_words
from keras_seq.text.vocabulary import NUM_SPECIAL, Vocabulary, lines_of

PIECES_FILE = "pieces.txt"
BYTE_PIECES = tuple(f"<0x{byte:02X}>" for byte in range(256))
# A longer word is cut into runs of so many characters, each split by itself: time and memory stay bounded.
LONGEST_RUN = 256
# What a character that no piece has costs in the search, beside the rarest piece: as in sentencepiece.
UNKNOWN_PENALTY = 10.0
# The symbols of the trie: 0 is a character of no piece, 1 the mark, then characters.
_MARK_SYMBOL = 1
# From these code points on a character has one byte more.
_LONG = (0x80, 0x800, 0x10000)


class PieceVocabulary(Vocabulary):
    """An immutable list of pieces with scores; ids: 0 padding, 1 unknown, 2 to 257 bytes, then the pieces in order.

    The mark alone is always a piece. In a file a piece stands with its score behind a tab, as text.

    Args:
        scores: piece -> score, in the order of their ids; kept as float32. Logarithms of probabilities (`unigram`), the
            greater the earlier they are joined (`bpe`), not used (`longest`). Byte pieces are not among them.

    Raises:
        TypeError: if a piece is not a string.
        ValueError: if a piece is empty, `"[UNK]"` or a byte piece, holds a line break or a tab, has the mark elsewhere
            than at its beginning, or a score is not finite.

    Example:

    >>> vocabulary = PieceVocabulary({"▁le": -1.0, "i": -2.5})
    >>> vocabulary.lookup(["▁le", "i", "▁", "<0xFF>", "▁lei"]).tolist()
    [258, 259, 260, 257, 1]
    """

    argument = "pieces"

    def __init__(self, scores: Mapping[str, float]) -> None:
        given = {WORD_MARK: min(scores.values(), default=0.0)} if WORD_MARK not in scores else {}
        scores = {**scores, **given}
        for piece, score in scores.items():
            _check_piece(piece, score)
        super().__init__([*BYTE_PIECES, *scores])
        self.scores = np.array(list(scores.values()), np.float32)

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and np.array_equal(self.scores, other.scores)  # type: ignore[attr-defined]

    __hash__ = Vocabulary.__hash__

    @property
    def pieces(self) -> tuple[str, ...]:
        """The pieces that are no bytes."""
        return self.symbols[len(BYTE_PIECES) :]

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Read what `save` wrote.

        Raises:
            DataError: if the file is missing, not UTF-8, or a line is no piece with a score.
        """
        scores: dict[str, float] = {}
        for number, line in enumerate(lines_of(path), start=1):
            piece, _, score = line.partition("\t")
            try:
                if piece in scores:
                    raise ValueError(f"the piece {piece!r} comes twice")
                scores[piece] = float(score)
                cls._check(piece, f"Received: {piece!r}")
                _check_piece(piece, scores[piece])
            except ValueError as error:
                raise DataError(path, number, str(error), "write a piece, a tab and a number on each line") from None
        return cls(scores)

    def save(self, path: str | os.PathLike) -> None:
        """Write a piece and its score a line, UTF-8: line 1 has id 258."""
        with atomic_write(path, "w") as file:
            file.writelines(f"{piece}\t{score!s}\n" for piece, score in zip(self.pieces, self.scores, strict=True))


def _check_piece(piece: str, score: float) -> None:
    if piece in BYTE_PIECES or "\t" in piece or WORD_MARK in piece[1:]:
        raise ValueError(
            f"`pieces` must hold no byte piece, no tab, and {WORD_MARK} at the beginning of a piece alone. "
            f"Received: {piece!r}. Leave it out."
        )
    if not abs(score) <= float(np.finfo(np.float32).max):
        raise ValueError(f"`pieces` must have finite scores. Received: {piece!r}: {score!r}. Correct it.")


class PieceTokenizer(Tokenizer):
    """Splits words into pieces of a learned vocabulary: WordPiece, unigram or BPE.

    The same code runs in eager mode, in `tf.data` and in a SavedModel. The mark `▁` stands at the beginning of a word;
    a character that no piece has becomes its bytes, `<0xE2>`, so that no text is unknown and every text is told apart.
    What stands in a text is text, also if it looks like a special token: `[UNK]`, `<0x41>`, `▁`.

    The offsets of a piece are those of its characters in the original text, without the mark; the mark alone has the
    empty span at the beginning of its word; each byte has that of its character.

    Args:
        vocabulary: the pieces and their scores.
        rule: `"unigram"` gives the parts with the greatest sum of scores, `"bpe"` joins neighbours into the piece with
            the greatest score until there is none, `"longest"` takes the longest piece from left to right. Words longer
            than 256 characters are cut after so many.

    Raises:
        TypeError: if `vocabulary` is no `PieceVocabulary`.
        ValueError: if `rule` is unknown.

    Example:

    >>> vocabulary = PieceVocabulary({"▁tra": -2.0, "▁t": -3.0, "balho": -3.0, "o": -4.0, "r": -4.0})
    >>> tokenizer = PieceTokenizer(vocabulary, rule="longest")
    >>> tokens, starts, ends = tokenizer.tokenize(tf.constant(["o trabalho, é"]))
    >>> [token.decode() for token in tokens.numpy()[0]]
    ['▁', 'o', '▁tra', 'balho', '▁', '<0x2C>', '▁', '<0xC3>', '<0xA9>']
    >>> starts.numpy()[0].tolist()
    [0, 0, 2, 5, 10, 10, 12, 12, 12]
    >>> tokenizer.join(tokens).numpy()[0].decode()
    'o trabalho , é'

    Reference:
        Kudo, "Subword Regularization", ACL 2018; Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words
        with Subword Units", ACL 2016; Wu et al., "Google's Neural Machine Translation System", arXiv:1609.08144, 2016.
    """

    name = "pieces"
    vocabulary: PieceVocabulary

    def __init__(self, vocabulary: PieceVocabulary, rule: str = "unigram") -> None:
        super().__init__()
        if not isinstance(vocabulary, PieceVocabulary):
            raise TypeError(f"`vocabulary` must be a PieceVocabulary. Received: {vocabulary!r}. Build one.")
        check_choice("rule", rule, RULES)
        self.vocabulary = vocabulary
        self.rule = rule
        self._trie = Trie(vocabulary.pieces, NUM_SPECIAL + len(BYTE_PIECES))
        lowest = vocabulary.scores.min()
        # By id; what has no id is never chosen, a byte only where a character has no piece.
        bytes_and_specials = np.full(NUM_SPECIAL + len(BYTE_PIECES), -np.inf, np.float32)
        self._scores = np.concatenate([bytes_and_specials, vocabulary.scores])
        self._unknown_score = np.float32(lowest) - np.float32(UNKNOWN_PENALTY)

    @classmethod
    def train(cls, words: Mapping[str, int], rule: str = "unigram", vocabulary_size: int = 8000) -> Self:
        """Learn pieces; see `keras_seq.text.piece_training.train_pieces`."""
        from keras_seq.text.piece_training import train_pieces

        return cls(train_pieces(words, rule, vocabulary_size), rule)

    @classmethod
    def read(cls, path: str | os.PathLike, rule: str = "unigram") -> Self:
        """Read a file of pieces: ours, a model of sentencepiece, or the vocabulary of a WordPiece model.

        Args:
            path: `*.model` and `vocab.txt` are those of others.
            rule: of the file; the two others say it themselves.
        """
        from keras_seq.text.piece_training import read_pieces

        return cls(*read_pieces(path, rule))

    def settings(self) -> dict[str, Any]:
        return {"rule": self.rule}

    def files(self) -> dict[str, Callable[[Path], None]]:
        return {PIECES_FILE: self.vocabulary.save}

    @classmethod
    def load(cls, folder: str | os.PathLike, rule: str = "unigram") -> Self:
        return cls(PieceVocabulary.load(Path(folder) / PIECES_FILE), rule)

    def split(self, words: tf.Tensor) -> WordParts:
        line = _line_of(words, self._trie)
        candidates = self._trie.candidates(line)
        starts, sizes = RULES[self.rule](self, line, candidates)
        ids = _at(candidates, sizes, starts)
        points, of_word = tf.gather(line.points, starts), tf.gather(line.words, starts)
        # A character without a piece becomes its bytes.
        num_bytes = 1 + tf.add_n([tf.cast(points >= first, tf.int32) for first in _LONG])
        counts = tf.where(ids > 0, 1, num_bytes)
        source = tf.repeat(tf.range(tf.size(ids)), counts)
        number = tf.range(tf.size(source)) - tf.gather(tf.cumsum(counts, exclusive=True), source)
        byte_ids = NUM_SPECIAL + _utf8_byte(tf.gather(points, source), tf.gather(num_bytes, source), number)
        ids = tf.where(tf.gather(ids, source) > 0, tf.gather(ids, source), byte_ids)
        splits = tf.searchsorted(tf.gather(of_word, source), tf.range(tf.size(words) + 1), out_type=tf.int64)
        tokens = tf.gather(tf.constant(self.vocabulary.names), ids)
        # The mark is no character of the word.
        begins = tf.gather(line.within, starts) - 1
        ends = tf.gather(begins + sizes, source)
        return WordParts(
            tf.RaggedTensor.from_row_splits(tokens, splits, validate=False),
            tf.maximum(tf.gather(begins, source), 0),
            ends,
        )

    def join(self, tokens: tf.Tensor) -> tf.Tensor:
        flat = tf.reshape(tokens, [-1])
        is_byte = tf.where(tf.strings.regex_full_match(flat, "<0x[0-9A-F]{2}>"))
        byte = tf.argmax(tf.equal(tf.gather_nd(flat, is_byte)[:, tf.newaxis], tf.constant(BYTE_PIECES)), axis=1)
        # The bytes in the place of their names, after the marks: among them may be those of the mark itself.
        spaced = tf.strings.regex_replace(flat, f"^{WORD_MARK}", " ")
        raw = tf.constant([bytes([value]) for value in range(256)])
        spaced = tf.tensor_scatter_nd_update(spaced, is_byte, tf.gather(raw, byte))
        text = join_words(tf.reshape(spaced, tf.shape(tokens)))
        return tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="replace")


class _Line(NamedTuple):
    """The characters of words one after the other, a mark before each word: int32, of one length but for runs."""

    points: tf.Tensor  # code points; of a mark 0
    symbols: tf.Tensor  # those of the trie
    words: tf.Tensor  # number of the word
    within: tf.Tensor  # place in the word, 0 for the mark
    runs: tf.Tensor  # number of the run: a word, or a part of a long one
    run_starts: tf.Tensor  # (runs,)
    run_ends: tf.Tensor  # (runs,)

    @property
    def size(self) -> tf.Tensor:
        """How many characters and marks there are."""
        return tf.size(self.points)


def _line_of(words: tf.Tensor, trie: Trie) -> _Line:
    found = characters_of(words)
    splits = found.splits + tf.range(tf.size(found.splits))
    of_word = tf.repeat(tf.range(tf.size(words)), splits[1:] - splits[:-1])
    places = tf.range(splits[-1])
    within = places - tf.gather(splits, of_word)
    # One character back for each mark so far; a mark takes whatever stands there.
    source = tf.maximum(places - of_word - 1, 0)
    is_mark = tf.equal(within, 0)
    symbols = tf.where(is_mark, _MARK_SYMBOL, tf.gather(trie.symbols(found.points), source))
    is_first = tf.equal(within % LONGEST_RUN, 0)
    run_starts = tf.cast(tf.where(is_first)[:, 0], tf.int32)
    return _Line(
        points=tf.where(is_mark, 0, tf.gather(found.points, source)),
        symbols=symbols,
        words=of_word,
        within=within,
        runs=tf.cumsum(tf.cast(is_first, tf.int32)) - 1,
        run_starts=run_starts,
        run_ends=tf.concat([run_starts[1:], splits[-1:]], axis=0),
    )


class Trie:
    """The pieces as a tree of their characters, in a few arrays that a graph can hold.

    Args:
        pieces: the pieces.
        first_id: the id of the first one.
    """

    def __init__(self, pieces: tuple[str, ...], first_id: int) -> None:
        characters = sorted({character for piece in pieces for character in piece} - {WORD_MARK})
        symbol_of = {character: number for number, character in enumerate(characters, _MARK_SYMBOL + 1)}
        self.symbols = CodePointTable({ord(character): symbol for character, symbol in symbol_of.items()})
        symbol_of[WORD_MARK] = _MARK_SYMBOL
        self._num_symbols = len(symbol_of) + 1
        self.depth = max(map(len, pieces))
        children: dict[int, int] = {}
        ids = [0]
        for piece_id, piece in enumerate(pieces, first_id):
            node = 0
            for character in piece:
                edge = node * self._num_symbols + symbol_of[character]
                node = children.setdefault(edge, len(ids))
                if node == len(ids):
                    ids.append(0)
            ids[node] = piece_id
        edges = sorted(children)
        # A last edge that no look-up asks for, so that each finds one.
        self._edges = np.array([*edges, np.iinfo("int64").max], "int64")
        self._children = np.array([*(children[edge] for edge in edges), 0], "int32")
        self._ids = np.array(ids, "int32")

    def candidates(self, line: _Line) -> tf.Tensor:
        """The pieces that stand in a line.

        Args:
            line: the characters of words.

        Returns:
            int32 `(lengths, characters)`: the id of the piece of length `1 + row` that begins at the character, or 0.
        """
        edges, children, ids = tf.constant(self._edges), tf.constant(self._children), tf.constant(self._ids)
        room = tf.gather(line.run_ends, line.runs) - tf.range(line.size)

        def body(depth: tf.Tensor, places: tf.Tensor, nodes: tf.Tensor, rows: tf.TensorArray) -> tuple:
            inside = tf.gather(room, places) > depth
            places, nodes = tf.boolean_mask(places, inside), tf.boolean_mask(nodes, inside)
            symbols = tf.gather(line.symbols, places + depth)
            wanted = tf.cast(nodes, tf.int64) * self._num_symbols + tf.cast(symbols, tf.int64)
            found = tf.searchsorted(edges, wanted)
            is_edge = tf.equal(tf.gather(edges, found), wanted)
            places, nodes = tf.boolean_mask(places, is_edge), tf.gather(children, tf.boolean_mask(found, is_edge))
            row = tf.scatter_nd(places[:, tf.newaxis], tf.gather(ids, nodes), [line.size])
            return depth + 1, places, nodes, rows.write(depth, row)

        rows = tf.TensorArray(tf.int32, self.depth, dynamic_size=False, infer_shape=False, element_shape=[None])
        everywhere = tf.range(line.size)
        depth, _, _, rows = tf.while_loop(
            lambda depth, places, nodes, rows: (depth < self.depth) & ((depth < 1) | (tf.size(places) > 0)),
            body,
            (0, everywhere, tf.zeros_like(everywhere), rows),
            shape_invariants=(tf.TensorShape([]), tf.TensorShape([None]), tf.TensorShape([None]), None),
        )
        return rows.gather(tf.range(depth))


def _at(candidates: tf.Tensor, sizes: tf.Tensor, starts: tf.Tensor) -> tf.Tensor:
    """The pieces of these sizes that begin at these characters; 0 where there is none."""
    lengths, size = tf.unstack(tf.shape(candidates))
    found = tf.gather(tf.reshape(candidates, [-1]), (tf.minimum(sizes, lengths) - 1) * size + starts)
    return tf.where(sizes <= lengths, found, 0)


def _longest(tokenizer: PieceTokenizer, line: _Line, candidates: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """From left to right the longest piece that begins there."""
    lengths = tf.range(1, tf.shape(candidates)[0] + 1)[:, tf.newaxis]
    sizes = tf.maximum(tf.reduce_max(tf.where(candidates > 0, lengths, 0), axis=0), 1)
    places = tf.range(line.size)
    following = places + sizes
    following = tf.where(following < tf.gather(line.run_ends, line.runs), following, places)
    starts = _reached(line.run_starts, following)
    return starts, tf.gather(sizes, starts)


def _unigram(tokenizer: PieceTokenizer, line: _Line, candidates: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The parts with the greatest sum of scores; of equal ones those whose last piece is the longest."""
    scores = tf.gather(tf.constant(tokenizer._scores), candidates)
    single = tf.where(candidates[:1] > 0, scores[:1], tokenizer._unknown_score)
    scores = tf.reshape(tf.concat([single, scores[1:]], axis=0), [-1])
    depth = tf.shape(candidates)[0]
    # All runs go on together, the longest first, so that those which have ended stand at the end.
    order = tf.argsort(line.run_ends - line.run_starts, direction="DESCENDING", stable=True)
    starts = tf.gather(line.run_starts, order)
    room = tf.gather(line.run_ends, order) - starts
    lengths = tf.range(depth, 0, -1)[:, tf.newaxis]
    rows = (lengths - 1) * line.size - lengths

    def body(end: tf.Tensor, best: tf.Tensor, lasts: tf.TensorArray, sizes: tf.TensorArray) -> tuple:
        # `best[d, r]`: of run r the best sum up to `depth - d` characters before `end`.
        active = tf.reduce_sum(tf.cast(room >= end, tf.int32))
        best, ends = best[:, :active], starts[:active] + end
        sums = best + tf.gather(scores, tf.maximum(rows + ends, 0))
        chosen = tf.argmax(sums, axis=0, output_type=tf.int32)
        best = tf.concat([best[1:], tf.reduce_max(sums, axis=0, keepdims=True)], axis=0)
        return end + 1, best, lasts.write(end - 1, ends - 1), sizes.write(end - 1, depth - chosen)

    best = tf.concat([tf.fill([depth - 1, tf.size(starts)], -np.inf), tf.zeros([1, tf.size(starts)])], axis=0)
    longest = room[0]
    arrays = [tf.TensorArray(tf.int32, longest, infer_shape=False, element_shape=[None]) for _ in range(2)]
    _, _, lasts, sizes = tf.while_loop(
        lambda end, *_: end <= longest,
        body,
        (1, best, *arrays),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, None]), None, None),
    )
    size_of = tf.scatter_nd(lasts.concat()[:, tf.newaxis], sizes.concat(), [line.size])
    places = tf.range(line.size)
    before = places - size_of
    before = tf.where(before >= tf.gather(line.run_starts, line.runs), before, places)
    ends = _reached(line.run_ends - 1, before)
    chosen = tf.gather(size_of, ends)
    return ends - chosen + 1, chosen


def _bpe(tokenizer: PieceTokenizer, line: _Line, candidates: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Joins two neighbours at a time in each run, those that make the best piece, the first ones of equal ones."""
    scores = tf.constant(tokenizer._scores)
    num_runs = tf.size(line.run_starts)

    def body(starts: tf.Tensor, runs: tf.Tensor, is_start: tf.Tensor) -> tuple:
        size = tf.size(starts)
        run_ends = tf.gather(line.run_ends, runs)
        # Where the next part begins, and the one after it; beyond the run no part does.
        second = tf.concat([starts[1:], [line.size]], axis=0)
        end = tf.minimum(tf.concat([second[1:], [line.size]], axis=0), run_ends)
        ids = tf.where(second < run_ends, _at(candidates, end - starts, starts), 0)
        score = tf.gather(scores, ids)
        best = tf.math.unsorted_segment_max(score, runs, num_runs)
        is_best = (ids > 0) & tf.equal(score, tf.gather(best, runs))
        numbers = tf.range(size)
        first = tf.math.unsorted_segment_min(tf.where(is_best, numbers, size), runs, num_runs)
        joined = tf.boolean_mask(first, first < size)
        is_start = tf.tensor_scatter_nd_update(
            is_start, tf.gather(second, joined)[:, tf.newaxis], tf.zeros_like(joined, tf.bool)
        )
        # Where nothing was joined, nothing will be.
        kept = tf.gather(is_start, starts) & (tf.gather(first, runs) < size)
        return tf.boolean_mask(starts, kept), tf.boolean_mask(runs, kept), is_start

    vector = tf.TensorShape([None])
    everywhere = tf.range(line.size)
    _, _, is_start = tf.while_loop(
        lambda starts, *_: tf.size(starts) > 0,
        body,
        (everywhere, line.runs, tf.ones_like(everywhere, tf.bool)),
        shape_invariants=(vector, vector, vector),
    )
    starts = tf.cast(tf.where(is_start)[:, 0], tf.int32)
    return starts, tf.concat([starts[1:], [line.size]], axis=0) - starts


RULES: dict[str, Callable[[PieceTokenizer, _Line, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]] = {
    "longest": _longest,
    "unigram": _unigram,
    "bpe": _bpe,
}
"""Name -> the rule: the starts and the sizes of the pieces that are chosen, in order, among the candidates."""


def _reached(sources: tf.Tensor, following: tf.Tensor) -> tf.Tensor:
    """The places that one comes to from some places, these among them, in ascending order.

    Args:
        sources: int32 `(sources,)`.
        following: int32 `(places,)`: where each place leads; itself where a way ends.
    """
    size = tf.size(following)

    def body(is_reached: tf.Tensor, following: tf.Tensor, go_on: tf.Tensor) -> tuple:
        # Twice as many steps each time.
        new = tf.math.unsorted_segment_max(tf.cast(is_reached, tf.int32), following, size) > 0
        new |= is_reached
        return new, tf.gather(following, following), tf.reduce_any(new & ~is_reached)

    is_source = tf.scatter_nd(sources[:, tf.newaxis], tf.ones_like(sources), [size]) > 0
    is_reached, _, _ = tf.while_loop(lambda is_reached, following, go_on: go_on, body, (is_source, following, True))
    return tf.cast(tf.where(is_reached)[:, 0], tf.int32)


def _utf8_byte(points: tf.Tensor, num_bytes: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
    """One byte of each character in UTF-8: which of its `num_bytes` is said by `number`."""
    rest = tf.bitwise.right_shift(points, 6 * (num_bytes - 1 - number))
    lead = tf.gather(tf.constant([0, 0, 0xC0, 0xE0, 0xF0]), num_bytes) + rest
    return tf.where(tf.equal(number, 0), lead, 0x80 + tf.bitwise.bitwise_and(rest, 0x3F))


TOKENIZER = PieceTokenizer
