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

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import tensorflow as tf

from keras_seq.core.checks import check_choice, check_positive_integer
from keras_seq.core.errors import DataError
from keras_seq.core.files import atomic_write
from keras_seq.text.code_points import CodePointTable
from keras_seq.text.encoding import characters_of
from keras_seq.text.tokenizer import WORD_MARK, Tokenizer, WordParts, join_words
from keras_seq.text.vocabulary import NUM_SPECIAL, UNKNOWN_TOKEN, Vocabulary

RULES = ("longest", "unigram", "bpe")
PIECES_FILE = "pieces.txt"
BYTE_PIECES = tuple(f"<0x{byte:02X}>" for byte in range(256))
# A longer word is cut into runs of so many characters, each split by itself: time and memory stay bounded.
LONGEST_RUN = 256
# What a character that no piece has costs in the search, beside the rarest piece: as in sentencepiece.
_UNKNOWN_PENALTY = 10.0
# The symbols of the trie: 0 is a character of no piece, 1 the mark, then characters.
_MARK_SYMBOL = 1


