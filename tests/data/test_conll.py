import gzip
import random
import tracemalloc

import pytest

from keras_seq.core.errors import DataError, InputError
from keras_seq.data import detect_scheme, read_conll, write_conll
from keras_seq.data.tag_schemes import SCHEMES, convert
from keras_seq.ops.spans import entities

PLAIN = "Paulo B-PER\nmora O\n\nem O\nSanta B-LOC\nRita I-LOC\n"
EXPECTED = [(("Paulo", "mora"), ("B-PER", "O"), 1), (("em", "Santa", "Rita"), ("O", "B-LOC", "I-LOC"), 4)]


def write(tmp_path, content, name="a.conll"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.replace("\n", "\r\n"),
        "\ufeff" + PLAIN,
        PLAIN.replace(" ", "\t"),
        PLAIN.replace(" ", "  NN  X "),
        PLAIN.replace(" ", "\tNN\t"),
        PLAIN.rstrip("\n"),
        PLAIN.replace("\n\n", "\n \t \n"),
        gzip.compress(PLAIN.encode(), mtime=0),
        gzip.compress(("\ufeff" + PLAIN).replace("\n", "\r\n").encode(), mtime=0),
    ],
)
def test_formats(tmp_path, content):
    assert [tuple(sentence) for sentence in read_conll(write(tmp_path, content))] == EXPECTED


def test_blank_lines_comments_and_document_marks(tmp_path):
    content = "\n\n-DOCSTART- -X- O O\n\n# id = 1\na O\n# text = b\nb O\n\n\n# only a comment\n\n# O\n#tag O\n"
    sentences = [(sentence.tokens, sentence.line) for sentence in read_conll(write(tmp_path, content))]
    assert sentences == [(("a", "b"), 6), (("#", "#tag"), 13)]


def test_tokens_with_spaces_in_tab_columns(tmp_path):
    (sentence,) = read_conll(write(tmp_path, "New York\tNNP\tB-LOC\n"))
    assert sentence.tokens == ("New York",)


@pytest.mark.parametrize("target", SCHEMES)
def test_converts_on_request(tmp_path, target):
    for sentence, original in zip(
        read_conll(write(tmp_path, PLAIN), scheme=target), read_conll(write(tmp_path, PLAIN)), strict=True
    ):
        assert list(sentence.tags) == convert(original.tags, target)


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ("", None, "empty file"),
        ("\n\n \n", None, "holds no sentence"),
        ("# just\n", None, "holds no sentence"),
        ("a O\nb\n", 2, "one column"),
        ("a\tO\nb\t\n", 2, "one column"),
        ("a O\nb B\n", 2, "malformed tag 'B'"),
        ("a O\nb X-PER\n", 2, "malformed tag 'X-PER'"),
        ("a O\nb B-\n", 2, "malformed tag"),
        ("this is a sentence\n", 1, "malformed tag 'sentence'"),
        (b"a O\n\xe1gua O\n", 2, "not UTF-8"),
        (gzip.compress(PLAIN.encode(), mtime=0)[:-12], None, "damaged gzip"),
        (b"\x1f\x8bnot gzip at all", None, "damaged gzip"),
        (b"a O\n" + b"x" * 2_000_000, 2, "line of more than"),
    ],
)
@pytest.mark.parametrize("read", [lambda path: list(read_conll(path)), detect_scheme])
def test_bad_files_name_file_line_reason_remedy(tmp_path, content, line, reason, read):
    path = write(tmp_path, content)
    with pytest.raises(DataError) as caught:
        read(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: " if line is None else f"{path}:{line}: ")
    assert reason in text and "; " in text and "\n" not in text
    assert caught.value.line == line


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        list(read_conll(tmp_path / "no.conll"))
    with pytest.raises(DataError, match="is a folder"):
        list(read_conll(tmp_path))


def test_long_sentence(tmp_path):
    path = write(tmp_path, "ok O\n\n" + "a O\n" * 50_000)
    (_, long) = read_conll(path)
    assert len(long.tokens) == 50_000
    with pytest.raises(DataError, match=r"a\.conll:3: sentence of more than 512 tokens; put a blank line"):
        list(read_conll(path, max_length=512))


def test_memory_does_not_grow_with_the_file(tmp_path):
    def peak(copies):
        path = write(tmp_path, gzip.compress((PLAIN + "\n").encode() * copies))
        tracemalloc.start()
        count = sum(1 for _ in read_conll(path))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert count == 2 * copies
        return most

    peak(10)
    assert peak(8_000) < peak(800) + 200_000


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        ("B-A I-A O B-A | B-B", "BIO"),
        ("O O", "BIO"),
        ("B-A B-A I-A", "BIO"),
        ("O I-A I-A B-A", "IOB1"),
        ("I-A I-B | O", "IOB1"),
        ("O B-A E-A S-A S-B O", "BIOES"),
        ("B-A I-A E-A | S-A", "BIOES"),
        ("O S-A", "BIOES"),
    ],
)
def test_detects_the_scheme(tmp_path, tags, scheme):
    content = "".join("\n" if tag == "|" else f"w {tag}\n" for tag in tags.split())
    assert detect_scheme(write(tmp_path, content)) == scheme


@pytest.mark.parametrize(
    ("tags", "line"),
    [
        ("S-A | I-A", 3),
        ("B-A I-A O S-A", 3),
        ("B-A | S-A", 2),
        ("S-A B-A", 2),
        ("B-A E-B", 2),
        ("S-A I-A", 2),
        ("E-A S-A", 1),
    ],
)
def test_mixed_schemes_name_the_line(tmp_path, tags, line):
    path = write(tmp_path, "".join("\n" if tag == "|" else f"w {tag}\n" for tag in tags.split()))
    with pytest.raises(DataError, match=r"mixed tag schemes: .*; write the whole file in one of") as caught:
        detect_scheme(path)
    assert caught.value.line == line


def test_detection_on_random_files(tmp_path):
    draw = random.Random(0)
    names = ["O", "B-A", "I-A", "B-B", "I-B"]
    for _ in range(30):
        sentences = [[draw.choice(names) for _ in range(draw.randint(1, 9))] for _ in range(30)]
        for scheme in SCHEMES:
            rows = [[("w", tag) for tag in convert(tags, scheme)] for tags in sentences]
            write_conll(tmp_path / "a.conll", rows)
            assert detect_scheme(tmp_path / "a.conll") == scheme
            read = [entities(sentence.tags) for sentence in read_conll(tmp_path / "a.conll")]
            assert read == [entities(tags) for tags in sentences]


@pytest.mark.parametrize("name", ["out.conll", "out.conll.gz"])
def test_write_then_read(tmp_path, name):
    rows = [[("Paulo", "B-PER", "O"), ("mora", "O", "O")], [("#", "O", "B-LOC")]]
    write_conll(tmp_path / name, rows)
    first = (tmp_path / name).read_bytes()
    assert [sentence.tags for sentence in read_conll(tmp_path / name)] == [("O", "O"), ("B-LOC",)]
    write_conll(tmp_path / name, iter(rows))
    assert (tmp_path / name).read_bytes() == first


def test_failed_write_leaves_the_old_file(tmp_path):
    path = write(tmp_path, "old O\n")
    for row in (("", "O"), ("a\tb", "O"), ("a\n", "O")):
        with pytest.raises(ValueError, match="`sentences`"):
            write_conll(path, [[("new", "O")], [row]])
    with pytest.raises(InputError, match="does not exist"):
        write_conll(tmp_path / "no" / "a.conll", [])
    assert path.read_text() == "old O\n"
    assert [file.name for file in tmp_path.iterdir()] == ["a.conll"]


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "sentences", "tokens", "num_entities"),
    [
        ("lener-br/train.conll.gz", 7827, 229277, 8894),
        ("lener-br/dev.conll", 1176, 41166, 1818),
        ("wnut17/test.conll", 1287, 23394, 1079),
        ("wikiann/pt.test.conll", 10000, 63647, None),
    ],
)
def test_published_counts(data_dir, name, sentences, tokens, num_entities):
    read = list(read_conll(data_dir / name))
    assert detect_scheme(data_dir / name) == "BIO"
    assert len(read) == sentences
    assert sum(len(sentence.tokens) for sentence in read) == tokens
    if num_entities is not None:
        assert sum(len(entities(sentence.tags)) for sentence in read) == num_entities
