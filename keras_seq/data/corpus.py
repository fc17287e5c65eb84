"""The ids of a whole text, kept on disk, so that a corpus may be larger than the memory."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterable, Iterator

import numpy as np

from keras_seq.core.checks import check_positive_integer, check_rate
from keras_seq.core.errors import InputError


class Corpus:
    """Token ids in a temporary file that goes with the object; one, two or four bytes each.

    It is read piece by piece and not mapped into memory: what is resident does not grow with the text.

    Args:
        parts: arrays of ids, in order.
        num_ids: the ids are below this number.

    Example:
        >>> import numpy as np
        >>> corpus = Corpus([np.array([4, 5]), np.array([6])], num_ids=10)
        >>> len(corpus), corpus.read(1, 3).tolist()
        (3, [5, 6])
    """

    def __init__(self, parts: Iterable[np.ndarray], num_ids: int) -> None:
        check_positive_integer("num_ids", num_ids)
        self._dtype = np.dtype("uint8" if num_ids <= 1 << 8 else "uint16" if num_ids <= 1 << 16 else "int32")
        self._file = tempfile.TemporaryFile(prefix="keras_seq_")  # noqa: SIM115 - it lives as long as the object
        weakref.finalize(self, self._file.close)
        self._length = 0
        for part in parts:
            self._file.write(np.ascontiguousarray(part, self._dtype).tobytes())
            self._length += len(part)
        self._file.flush()

    def __len__(self) -> int:
        """Number of ids."""
        return self._length

    def read(self, begin: int, end: int) -> np.ndarray:
        """The ids of some places, int32."""
        size = self._dtype.itemsize
        self._file.seek(begin * size)
        return np.frombuffer(self._file.read((end - begin) * size), self._dtype).astype("int32")

    def pieces(self, size: int = 1 << 20) -> Iterator[np.ndarray]:
        """All ids in order, `size` at a time."""
        for begin in range(0, len(self), size):
            yield self.read(begin, min(begin + size, len(self)))


class StreamBatches:
    """Windows of a running text for truncated back-propagation through time.

    The text is cut into `batch_size` rows of equal length that are read side by side: row r of a batch goes on where
    row r of the batch before ended, so that states can be carried from window to window. Where the windows of an epoch
    begin is drawn anew, within one window, from `(seed, epoch)` alone: a run that was killed goes on where it was. What
    does not fill a window is left out in that epoch.

    Args:
        corpus: the text.
        start_id: what stands before its first token.
        batch_size: rows.
        window: steps of a window; shorter where the text is.
        restart: share of the rows of a window whose state begins anew, drawn for each. Without any, a network may come
            to rely on states that only a very long text leads to, and read a new text badly.
        seed: decides where windows begin.

    Raises:
        InputError: if the text is too short for so many rows.

    Example:
        >>> import numpy as np
        >>> batches = StreamBatches(Corpus([np.arange(4, 24)], 30), start_id=3, batch_size=2, window=10)
        >>> inputs, targets = next(iter(batches.epoch(0)))
        >>> inputs["token_ids"].tolist()
        [[3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [13, 14, 15, 16, 17, 18, 19, 20, 21, 22]]
        >>> targets[:, -1].tolist(), inputs["continues"].tolist()
        ([13, 23], [0.0, 0.0])
    """

    def __init__(
        self, corpus: Corpus, *, start_id: int, batch_size: int, window: int, restart: float = 0.0, seed: int = 0
    ) -> None:
        check_positive_integer("batch_size", batch_size)
        check_positive_integer("window", window)
        check_rate("restart", restart)
        self.corpus = corpus
        self.start_id = start_id
        self.batch_size = batch_size
        self.row_length = len(corpus) // batch_size
        if self.row_length < 2:
            raise InputError(
                f"the training text has {len(corpus)} symbols, too few for {batch_size} rows side by side; "
                "give a longer text, or lower batching.batch_size"
            )
        self.window = min(window, self.row_length)
        self.restart = restart
        self.seed = seed

    def __len__(self) -> int:
        """Windows of one epoch."""
        return max(1, (self.row_length - 1) // self.window)

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
        """The windows of an epoch without the first `skip`.

        Returns:
            An iterator over inputs and targets. Inputs: `token_ids` and `target_ids` int32 `(batch, window)`, of each
            step the token and the one after it; `continues` float32 `(batch,)`, 0 where the state begins anew, else 1.
            The targets are the target ids once more.
        """
        rest = self.row_length - len(self) * self.window
        offset = int(np.random.default_rng([self.seed, epoch]).integers(0, rest + 1))
        for index in range(skip, len(self)):
            begin = offset + index * self.window
            rows = [self._row(row * self.row_length + begin) for row in range(self.batch_size)]
            token_ids = np.stack([row[:-1] for row in rows])
            target_ids = np.stack([row[1:] for row in rows])
            drawn = np.random.default_rng([self.seed, epoch, index]).random(self.batch_size)
            continues = ((drawn >= self.restart) & (index > 0)).astype("float32")
            yield {"token_ids": token_ids, "target_ids": target_ids, "continues": continues}, target_ids

    def _row(self, begin: int) -> np.ndarray:
        """The ids of a window and the one before it."""
        if begin:
            return self.corpus.read(begin - 1, begin + self.window)
        return np.concatenate([[self.start_id], self.corpus.read(0, self.window)]).astype("int32")
