"""Files of each kind, changed at random: whatever a reader raises is one line of ours."""

import gzip
import io
import json
import random

import numpy as np
import pytest

from keras_seq.core.errors import InputError
from keras_seq.core.manifests import read_manifest
from keras_seq.core.reading import read_json_object, read_names
from keras_seq.data.images import has_runs, read_image_pairs, read_images, read_one_shot_runs
from keras_seq.data.midi import read_midi, write_midi
from keras_seq.data.plain_texts import plain_texts
from keras_seq.data.readers import READERS, reader_named, reader_of
from keras_seq.export.golden import _read_golden
from keras_seq.export.task_file import TaskFile
from keras_seq.tasks.tagged_text import TAGGED_TEXT
from keras_seq.text import Vocabulary
from keras_seq.text.vector_files import load_word_vectors
from keras_seq.training import Recipe
from keras_seq.zoo.cards import ModelCard

TABLES = {
    "iob.conll": b"Ana B-PER\nLima I-PER\nem O\nRecife B-LOC\n\nO O\njuiz O\n",
    "numbered.conll": b"# text = x\n1\tAna\tB-PER\n2\tLima\tI-PER\n\n1\tem\tO\n",
    "labelled.tsv": b"positive\tgood film\nnegative\tbad film\n",
    "labelled.csv": b'id,text,label\n1,"good, film",positive\n2,"bad ""film""",negative\n',
    "pairs.tsv": b"how\thow are\t1\nwho\twhat\t0\n",
    "quora.csv": b'"id","qid1","qid2","question1","question2","is_duplicate"\n"0","1","2","a b","c d","0"\n',
    "swapped.tsv": b'id\ttext\tlabel\n1\tgood film\tpositive\n2\t"bad ""film"""\tnegative\n',
    "doccano.jsonl": b'{"text": "Ana Lima", "label": [[0, 3, "PER"]]}\n{"text": "em Recife", "label": []}\n',
    "prodigy.jsonl": b'{"text": "Ana", "tokens": [{"text": "Ana", "start": 0, "end": 3}], "spans": '
    b'[{"start": 0, "end": 3, "label": "PER"}], "answer": "accept"}\n',
    "tokens.jsonl": b'{"tokens": ["Ana", "mora"], "ner_tags": ["B-PER", "O"]}\n{"tokens": ["em"], "ner_tags": ["O"]}\n',
    "studio.json": b'[{"data": {"text": "Ana"}, "annotations": [{"result": [{"value": {"start": 0, "end": 3, '
    b'"text": "Ana", "labels": ["PER"]}}]}]}]',
    "fast.text": b"__label__good a film\n__label__bad a film\n",
    "brat.ann": b"T1\tPER 0 3\tAna\nR1\tin Arg1:T1 Arg2:T1\n",
    "lines.txt": "Ana\nJoão\nZé\n".encode(),
}
TOML = b"""task = "tagger"
name = "a"
[data]
train = "a.conll"
[model]
builder = "ner_model"
arguments = {units = 4}
"""
CARD = {
    "name": "a", "task": "tagger", "builder": "", "description": "", "language": "en", "recipe": "seed = 1",
    "data": {"name": "a", "split": "", "licence": ""}, "seeds": [1], "command": "train", "metrics": {"f1": 0.5},
    "parameters": 1, "training_seconds": 1.0, "cpu": "", "versions": {}, "date": "2026-01-31",
}  # fmt: skip
PIECES = [
    b"\0", b"\xff\xfe", b"9" * 5_000, b"[" * 3_000, b'{"a":' * 3_000, b"\x1b[2J", b"\n", b"\r", b"\t", b" ", b",", b'"',
    b"nan", b"inf", b"-1", b"1e999", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\x85", b"18446744073709551616", b"#", b"\n\n",
    b"-DOCSTART-", b"B-", b"O", b"\x1f\x8b", b"PK\x03\x04", b"null", b"[]", b"{}", b"a" * 2_000, b"=", b"\\",
    b"\\ud800",
]  # fmt: skip


def mutated(generator, content):
    """Bits flipped, parts removed, repeated, exchanged, put in, or the file cut."""
    content = bytearray(content)
    for _ in range(generator.choice([1, 1, 1, 2, 3, 8])):
        begin = generator.randrange(len(content) + 1)
        end = min(len(content), begin + generator.randrange(1, 20))
        kind = generator.choice(["flip", "insert", "remove", "cut", "replace", "repeat", "turn"])
        if kind == "flip" and begin < len(content):
            content[begin] ^= 1 << generator.randrange(8)
        elif kind in ("insert", "replace"):
            content[begin : begin if kind == "insert" else end] = generator.choice(PIECES)
        elif kind == "remove":
            del content[begin:end]
        elif kind == "cut":
            del content[begin:]
        elif kind == "repeat":
            content[begin:begin] = content[begin:end] * generator.choice([1, 3, 50])
        elif kind == "turn":
            content = content[begin:] + content[:begin]
    return bytes(content)


def npz(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def midi(folder):
    roll = np.zeros((6, 88), bool)
    roll[range(6), [39, 40, 43, 39, 40, 43]] = True
    write_midi(folder / "tune.mid", roll)
    return (folder / "tune.mid").read_bytes()


def by_readers(path):
    for name in READERS.names():
        reader = reader_named(name)
        yield lambda reader=reader: reader.sniff(path).full()
        yield lambda reader=reader: list(reader.examples(path))
    yield lambda: reader_of(path).sniff(path)
    yield lambda: list(plain_texts(path) or ())
    yield lambda: list(TAGGED_TEXT.examples(path, gold=False))


def calls(path):
    """What reads files of this kind, and the readers of data, which are given any."""
    vocabulary = Vocabulary(["ana", "em"])
    of_kind = {
        ".npz": (read_images, read_image_pairs, read_one_shot_runs, has_runs, _read_golden),
        ".mid": (read_midi,),
        ".toml": (Recipe.load, lambda path: Recipe.load(path, stored=True)),
        ".json": (ModelCard.load, TaskFile.read, read_manifest, lambda path: read_json_object(path, "put it back")),
        ".vec": (lambda path: load_word_vectors(path, vocabulary), lambda path: load_word_vectors(path, vocabulary, 2)),
        ".txt": (Vocabulary.load, lambda path: read_names(path, "put it back")),
    }
    yield from (lambda read=read: read(path) for read in of_kind.get(path.suffix, ()))
    yield from by_readers(path)


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(4))
def test_readers_raise_nothing_foreign(seed, tmp_path):
    generator, numbers = random.Random(seed), np.random.default_rng(seed)
    files = {
        **TABLES,
        "recipe.toml": TOML,
        "card.json": json.dumps(CARD).encode(),
        "rolls.json": json.dumps({"train": [[[60], [62, 64]], [[60]]], "valid": [[[60]]], "test": [[[61]]]}).encode(),
        "words.vec": b"3 2\nana 0.5 1\nem 0 2\nrui 1e-3 -4\n",
        "tune.mid": midi(tmp_path),
        "labelled.npz": npz(images=numbers.random((4, 5, 5)), labels=["a", "a", "b", "b"]),
        "pairs.npz": npz(a=numbers.random((2, 4, 4)), b=numbers.random((2, 4, 4))),
        "runs.npz": npz(train=numbers.random((1, 2, 4, 4)), test=numbers.random((1, 1, 4, 4)), test_class=[[1]]),
        "golden.npz": npz(**{"0/serving_default/inputs/x": np.ones(2), "0/serving_default/outputs/y": np.ones(2)}),
    }
    (tmp_path / "brat.txt").write_text("Ana mora")
    for _ in range(250):
        name = generator.choice(list(files))
        content = mutated(generator, files[name])
        path = tmp_path / name
        path.write_bytes(gzip.compress(content) if generator.random() < 0.1 else content)
        for call in calls(path):
            try:
                call()
            except InputError as error:
                assert "\n" not in str(error)
            except Exception as error:
                raise AssertionError(f"{name}, {content[:200]!r}") from error
