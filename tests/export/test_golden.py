import numpy as np
import pytest

from keras_seq.core.errors import DataError
from keras_seq.export import GOLDEN_TEXTS, ExportError, check_golden, write_golden, write_saved_model


def test_golden_outputs_hold_and_need_no_pickle(model_folder):
    assert check_golden(model_folder, model_folder / "golden.npz") < 1e-5
    with np.load(model_folder / "golden.npz", allow_pickle=False) as file:
        assert all(file[name].dtype.kind in "iuf" for name in file.files)


def test_golden_outputs_of_a_saved_model_and_a_changed_answer(lookup, tmp_path):
    write_saved_model(tmp_path / "m", lookup)
    write_golden(tmp_path / "served.npz", tmp_path / "m", GOLDEN_TEXTS)
    write_golden(tmp_path / "made.npz", lookup, GOLDEN_TEXTS)
    assert (tmp_path / "served.npz").read_bytes() == (tmp_path / "made.npz").read_bytes()
    lookup.scale.assign_add(0.001)
    write_golden(tmp_path / "made.npz", lookup, GOLDEN_TEXTS)
    with pytest.raises(ExportError, match=r"on golden sample 0 \(serving_default\) the output scores differs in"):
        check_golden(tmp_path / "m", tmp_path / "made.npz")


def test_missing_or_damaged(model_folder, tmp_path):
    path = tmp_path / "golden.npz"
    with pytest.raises(DataError, match=r"golden.npz: cannot be read \(No such file"):
        check_golden(model_folder, path)
    good = (model_folder / "golden.npz").read_bytes()
    for content in (b"", b"not an archive", good[: len(good) // 2]):
        path.write_bytes(content)
        with pytest.raises(DataError, match="golden.npz: damaged"):
            check_golden(model_folder, path)
    np.savez(path, **{"0/serving_default/inputs/text": np.zeros(3)})
    with pytest.raises(DataError, match="golden.npz: damaged"):
        check_golden(model_folder, path)
    np.savez(path, other=np.array([None]))
    with pytest.raises(DataError, match="golden.npz: damaged"):
        check_golden(model_folder, path)


@pytest.mark.data
@pytest.mark.parametrize("name", ["lener-br", "wnut17"])
def test_golden_texts_are_in_no_data_set(data_dir, name):
    files = sorted((data_dir / name).glob("*.conll"))
    assert files
    letters = "".join(line.split()[0] for file in files for line in file.read_text().splitlines() if line.strip())
    assert not [text for text in GOLDEN_TEXTS if text and text.replace(" ", "") in letters]
