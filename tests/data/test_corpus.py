"""Ids on disk, and the windows that states are carried through."""

import numpy as np
import pytest

from keras_seq.core.errors import DataError, InputError
from keras_seq.core.lines import PIECE_BYTES, read_pieces
from keras_seq.data import Corpus, StreamBatches


@pytest.mark.parametrize(("num_ids", "itemsize"), [(256, 1), (257, 2), (65_537, 4)])
def test_ids_come_back(num_ids, itemsize):
    ids = np.random.default_rng(0).integers(0, num_ids, 1000)
    corpus = Corpus(np.split(ids, [1, 500]), num_ids)
    assert len(corpus) == 1000
    assert corpus.read(0, 1000).dtype == np.int32
    np.testing.assert_array_equal(corpus.read(3, 700), ids[3:700])
    np.testing.assert_array_equal(np.concatenate(list(corpus.pieces(64))), ids)
    assert corpus._dtype.itemsize == itemsize


def stream(length=103, rows=3, window=10, **options):
    return StreamBatches(
        Corpus([np.arange(4, 4 + length)], 1000), start_id=3, batch_size=rows, window=window, **options
    )


def test_rows_go_on_where_the_last_window_ended():
    batches = stream()
    windows = list(batches.epoch(0))
    assert len(windows) == len(batches) == 3
    for (inputs, targets), (after, _) in zip(windows[:-1], windows[1:], strict=True):
        assert inputs["token_ids"].shape == targets.shape == (3, 10)
        np.testing.assert_array_equal(inputs["token_ids"][:, 1:], targets[:, :-1])
        np.testing.assert_array_equal(after["token_ids"][:, 0], targets[:, -1])
        np.testing.assert_array_equal(inputs["target_ids"], targets)
    assert [inputs["continues"].tolist() for inputs, _ in windows] == [[0, 0, 0], [1, 1, 1], [1, 1, 1]]


def test_order_is_a_function_of_seed_and_epoch():
    batches = stream(seed=5)
    whole = [targets for _, targets in batches.epoch(2)]
    np.testing.assert_array_equal([targets for _, targets in stream(seed=5).epoch(2, skip=1)], whole[1:])
    begins = {int(next(iter(batches.epoch(epoch)))[1][0, 0]) for epoch in range(20)}
    assert len(begins) > 1, "all epochs cut the text at the same places"


def test_some_rows_begin_anew():
    batches = stream(length=4003, rows=20, window=4, restart=0.25, seed=1)
    found = np.array([inputs["continues"] for inputs, _ in batches.epoch(0)])
    assert not found[0].any() and 0.65 < found[1:].mean() < 0.85
    assert set(np.unique(found)) == {0, 1} and np.ptp(found[1:].sum(axis=1)) > 2
    again = np.array([inputs["continues"] for inputs, _ in batches.epoch(0, skip=5)])
    np.testing.assert_array_equal(again, found[5:])
    assert all(inputs["continues"].all() for inputs, _ in list(stream(seed=1).epoch(0))[1:])


def test_a_short_text_makes_short_windows():
    batches = stream(length=13, rows=2, window=100)
    ((inputs, targets),) = batches.epoch(0)
    assert inputs["token_ids"].tolist() == [[3, 4, 5, 6, 7, 8], [9, 10, 11, 12, 13, 14]] and len(batches) == 1
    with pytest.raises(InputError, match=r"3 symbols, too few for 2 rows .* batching\.batch_size"):
        stream(length=3, rows=2)


def test_pieces_of_a_file(tmp_path):
    path = tmp_path / "text.txt"
    # A line of more than a million bytes, with a character and a line break across the border of a block.
    text = "x" * (PIECE_BYTES - 1) + "é" + "y" * (PIECE_BYTES - 3) + "\r\n" + "z\r"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert "".join(read_pieces(path, "text")) == text.replace("\r\n", "\n")
    path.write_bytes(b"\xef\xbb\xbf" + b"a" * (PIECE_BYTES - 4) + b"\r\nb")
    assert "".join(read_pieces(path, "text")) == "a" * (PIECE_BYTES - 4) + "\nb"


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "empty file; write text"), (b"ab\xff", r"not UTF-8 \(byte 0xff near byte 3\)"), (b"\x1f\x8bxx", "damaged")],
)
def test_broken_files(tmp_path, content, message):
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(read_pieces(path, "write text"))
