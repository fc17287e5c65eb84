"""Pieces of words, learned by the libraries that are used for it: sentencepiece (unigram, BPE), tokenizers (WordPiece).

They see what our own graph will split: words in NFC, as `keras_seq.text.word_splitting` finds them, each with the
number of times it comes. Their normalisation is switched off. What they learn becomes a `PieceVocabulary`, which needs
neither of them; they are the extra `pieces`.
"""

from __future__ import annotations

import collections
import importlib
import io
import itertools
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from keras_seq.core.checks import check_choice, check_positive_integer
from keras_seq.core.errors import DataError, InputError
from keras_seq.core.extras import extra_module
from keras_seq.text.encoding import nfc_words
from keras_seq.text.pieces import BYTE_PIECES, RULES, PieceVocabulary
from keras_seq.text.tokenizer import WORD_MARK
from keras_seq.text.vocabulary import NUM_SPECIAL, UNKNOWN_TOKEN, lines_of

LIBRARIES = {"unigram": "sentencepiece", "bpe": "sentencepiece", "longest": "tokenizers"}
CONTINUATION = "##"
# Longer words are addresses and the like: nothing is to be learned from them.
LONGEST_WORD = 64
# Characters of the longest piece, its mark among them.
LONGEST_PIECE = 16
# The share of all characters that pieces are made of; the rarest ones become bytes.
COVERAGE = 0.9999
# Words of a line that the trainer of WordPiece is given.
_WORDS_PER_LINE = 1000


def train_pieces(words: Mapping[str, int], rule: str, vocabulary_size: int) -> PieceVocabulary:
    """Learn pieces of words. The same words in the same order give the same pieces.

    Args:
        words: how often each comes.
        rule: `"unigram"`, `"bpe"` or `"longest"`.
        vocabulary_size: the number of ids, the two special ones and the 256 of bytes among them; it may become smaller
            where the words hold no more pieces.

    Returns:
        The pieces.

    Raises:
        InputError: if a library is not installed, or the words give no pieces.
        TypeError: if `vocabulary_size` is no integer.
        ValueError: if `rule` is unknown, or `vocabulary_size` too small.

    Example:

    >>> words = {"casa": 9, "casas": 5, "carro": 4, "carros": 3}
    >>> train_pieces(words, "longest", 300).lookup(["▁casa", "rros"]).tolist()  # doctest: +SKIP
    [274, 271]
    """
    return pieces_of(library_model(words, rule, vocabulary_size))


def library_model(words: Mapping[str, int], rule: str, vocabulary_size: int) -> Any:
    """As `train_pieces`, the model of the library: a `SentencePieceProcessor`, or a `Tokenizer` of tokenizers.

    Given words with one space between them, it splits them into the same pieces.
    """
    check_choice("rule", rule, RULES)
    check_positive_integer("vocabulary_size", vocabulary_size)
    reserved = NUM_SPECIAL + len(BYTE_PIECES)
    if vocabulary_size <= reserved:
        raise ValueError(
            f"`vocabulary_size` must be above {reserved}, the ids of bytes and special ones. "
            f"Received: vocabulary_size={vocabulary_size}. Pass 8000, for instance."
        )
    counts = _trained_on(words)
    if not counts:
        raise InputError("pieces cannot be learned: the training data holds no word")
    learn = _wordpiece if rule == "longest" else _sentencepiece
    return learn(counts, rule, vocabulary_size - reserved)


def pieces_of(model: Any) -> PieceVocabulary:
    """The pieces of a model of either library."""
    if hasattr(model, "get_vocab"):
        vocabulary = model.get_vocab()
        return PieceVocabulary(_of_wordpiece(sorted(vocabulary, key=vocabulary.__getitem__)))
    numbers = range(model.get_piece_size())
    kept = [n for n in numbers if not (model.is_unknown(n) or model.is_control(n) or model.is_byte(n))]
    return PieceVocabulary({model.id_to_piece(number): model.get_score(number) for number in kept})


def read_pieces(path: str | os.PathLike, rule: str) -> tuple[PieceVocabulary, str]:
    """Read the pieces of a file: ours, or by their names `*.model` (sentencepiece) or `vocab.txt` (WordPiece, `##`).

    Args:
        path: the file.
        rule: the rule of a file of ours.

    Returns:
        The pieces, and their rule.

    Raises:
        DataError: if the file is missing, damaged, or of a model that cannot be read.
        InputError: if a library is not installed.
    """
    path = Path(path)
    if path.suffix == ".model":
        return _read_sentencepiece(path)
    if path.name == "vocab.txt":
        return PieceVocabulary(_of_wordpiece(lines_of(path))), "longest"
    return PieceVocabulary.load(path), rule


def _trained_on(words: Mapping[str, int]) -> dict[str, int]:
    """The words in NFC that something is to be learned from."""
    counts: dict[str, int] = {}
    for word, count in zip(nfc_words(list(words)), words.values(), strict=True):
        if len(word) <= LONGEST_WORD and WORD_MARK not in word and not any(character.isspace() for character in word):
            counts[word] = counts.get(word, 0) + count
    return counts


def _sentencepiece(counts: Mapping[str, int], rule: str, size: int) -> Any:
    library: Any = _imported(rule)
    written = io.BytesIO()
    try:
        library.SentencePieceTrainer.train(
            sentence_iterator=iter(f"{word}\t{count}" for word, count in counts.items()),
            input_format="tsv",
            model_writer=written,
            model_type=rule,
            # Its unknown piece, and its bytes, are not ours.
            vocab_size=size + 1 + len(BYTE_PIECES),
            hard_vocab_limit=False,
            byte_fallback=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            split_by_unicode_script=False,
            split_by_number=False,
            max_sentencepiece_length=LONGEST_PIECE,
            character_coverage=COVERAGE,
            bos_id=-1,
            eos_id=-1,
            pad_id=-1,
            num_threads=1,
            minloglevel=2,
        )
    except (RuntimeError, OSError) as error:
        reason = " ".join(str(error).split())[-200:]
        raise InputError(f"pieces cannot be learned of {len(counts)} words ({reason}); lower vocabulary_size") from None
    return library.SentencePieceProcessor(model_proto=written.getvalue())


def _read_sentencepiece(path: Path) -> tuple[PieceVocabulary, str]:
    library: Any = _imported("unigram")
    remedy = "name a unigram or BPE model whose pieces begin with the mark of words"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(path, None, f"cannot be read ({error.strerror})", "name a model of sentencepiece") from error
    try:
        pieces = pieces_of(library.SentencePieceProcessor(model_proto=content))
    except (RuntimeError, ValueError, TypeError) as error:
        raise DataError(path, None, " ".join(str(error).split())[:200], remedy) from None
    # The order of merges is told by whole numbers.
    is_bpe = all(float(score).is_integer() for score in pieces.scores)
    return pieces, "bpe" if is_bpe else "unigram"


def _wordpiece(counts: Mapping[str, int], rule: str, size: int) -> Any:
    library: Any = _imported(rule)
    covered = _covered_characters(counts, size // 3)
    # Its own mark at the beginning of a word would be taken for it.
    taken = {
        word: count for word, count in counts.items() if covered >= set(word) and not word.startswith(CONTINUATION)
    }
    # It meets the characters within words in an order that changes from run to run: told before, they have their ids.
    inner = sorted({CONTINUATION + character for word in taken for character in word[1:]})
    model = library.Tokenizer(library.models.WordPiece(unk_token=UNKNOWN_TOKEN))
    model.pre_tokenizer = library.pre_tokenizers.WhitespaceSplit()
    trainer = library.trainers.WordPieceTrainer(
        vocab_size=size,
        special_tokens=[UNKNOWN_TOKEN, *inner],
        continuing_subword_prefix=CONTINUATION,
        show_progress=False,
    )
    model.train_from_iterator(_lines(taken), trainer)
    return model


def _covered_characters(counts: Mapping[str, int], most: int) -> set[str]:
    """The frequent characters that make up nearly all of the words; the others become bytes."""
    found: collections.Counter[str] = collections.Counter()
    for word, count in counts.items():
        for character in word:
            found[character] += count
    ordered = sorted(found, key=lambda character: (-found[character], character))[:most]
    total = itertools.accumulate(found[character] for character in ordered)
    return {
        character
        for character, reached in zip(ordered, total, strict=True)
        if reached - found[character] < COVERAGE * found.total()
    }


def _lines(counts: Mapping[str, int]) -> Iterable[str]:
    words = itertools.chain.from_iterable(itertools.repeat(word, count) for word, count in counts.items())
    while line := list(itertools.islice(words, _WORDS_PER_LINE)):
        yield " ".join(line)


def _of_wordpiece(names: Iterable[str]) -> dict[str, float]:
    """Our names of WordPiece's pieces; those in brackets are special tokens, those with our mark are no text to us."""
    pieces = [
        name for name in names if WORD_MARK not in name and not (len(name) > 2 and name[0] == "[" and name[-1] == "]")
    ]
    is_inner = [name.startswith(CONTINUATION) and name != CONTINUATION for name in pieces]
    return {
        name.removeprefix(CONTINUATION) if inner else WORD_MARK + name: 0.0
        for name, inner in zip(pieces, is_inner, strict=True)
    }


def _imported(rule: str) -> Any:
    name = LIBRARIES[rule]
    module = extra_module(name, f'learning pieces by the rule "{rule}"')
    if name == "tokenizers":
        for part in ("models", "pre_tokenizers", "trainers"):
            importlib.import_module(f"{name}.{part}")
    return module
