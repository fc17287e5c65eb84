"""The memory benchmark runs, and memory does not follow the size of the text."""

import corpus_memory
import pytest


@pytest.mark.thorough
def test_a_small_run(capsys, tmp_path):
    assert corpus_memory.main(["--megabytes", "30", "--batches", "4", "--unit", "character"]) == 0
    shown = capsys.readouterr().out
    assert "30 MB of text, characters" in shown and "MB resident at most" in shown
    largest = float(shown.split("characters: ")[1].split(" MB")[0].replace(",", ""))
    before = float(shown.split("at most, ")[1].split(" MB")[0].replace(",", ""))
    # The text alone would be 120 MB as ids of four bytes.
    assert 100 < before <= largest < 2000
