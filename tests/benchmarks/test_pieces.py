import pieces
import pytest


@pytest.mark.thorough
def test_a_quick_run_prints_both_ways(tmp_path, capsys, monkeypatch):
    pytest.importorskip("sentencepiece")
    pytest.importorskip("tokenizers")
    monkeypatch.setattr("tensorflow.config.threading.set_intra_op_parallelism_threads", lambda number: None)
    monkeypatch.setattr("tensorflow.config.threading.set_inter_op_parallelism_threads", lambda number: None)
    words = ["casa", "casas", "carro", "carros", "morada", "mora"]
    (tmp_path / "lines.txt").write_text("".join(f"{words[n % 6]} {words[n % 5]} {n % 7}\n" for n in range(90)))
    assert pieces.main(["--quick", str(tmp_path / "lines.txt")]) == 0
    printed = capsys.readouterr().out
    assert printed.count("ms a sentence") == 6 and "longest" in printed and "sentencepiece" in printed
