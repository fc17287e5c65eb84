"""The formats of publishers of running text, names and music, on invented content."""

import io
import json
import zipfile

import numpy as np
import pytest
from scipy.io import savemat

from keras_seq.data.language_conversions import (
    compact_json,
    ibge_names,
    joined_works,
    names_of_languages,
    piano_rolls_mat,
    text_or_zip,
    unchanged,
)


def test_a_text_is_taken_as_it_is_or_out_of_an_archive():
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as file:
        file.writestr("wikitext-2/train.txt", " um \n")
        file.writestr("wikitext-2/valid.txt", " dois \n")
    member = r"(?:.*/)?(?:wiki\.)?train\.(?:txt|tokens)"
    assert text_or_zip(b" um \n", member) == unchanged(b" um \n") == b" um \n"
    assert text_or_zip(raw.getvalue(), member) == b" um \n"
    with pytest.raises(ValueError, match="0 files in the archive"):
        text_or_zip(raw.getvalue(), r"(?:.*/)?test\.txt")


def test_works_are_composed_and_parted_by_a_blank_line():
    decomposed = "\ufeffA\u0301gua\n\nI  \r\numa linha\n\n".encode()
    assert joined_works(decomposed, b"Outra\nFIM") == "Água\n\nI\numa linha\n\nOutra\nFIM\n".encode()
    with pytest.raises(ValueError, match="work 2 of 2 is empty"):
        joined_works(b"Uma", b" \n")


def test_names_of_the_census():
    female = b'"nome","regiao","freq","rank","sexo"\n"MARIA",0,117,1,"F"\n"ANA",0,30,2,"F"'
    male = b'"nome","regiao","freq","rank","sexo"\r\n"JOSE",0,57,1,"M"\r\n'
    expected = b"name\tsex\tfreq\trank\nMARIA\tF\t117\t1\nANA\tF\t30\t2\nJOSE\tM\t57\t1\n"
    assert ibge_names(female, male) == expected
    for broken in (b'h\n"MARIA",0,x,1,"F"\n', b'h\n"MARIA",117,1,"F"\n', b'h\n"MARIA",0,117,1,"X"\n'):
        with pytest.raises(ValueError, match="row 1 is not a name"):
            ibge_names(broken)


def test_names_of_languages():
    polish, russian = "Górka\n Nowak \n\n".encode(), b"Abaev\nTo The First Page\nZukerman"
    found = names_of_languages(polish, russian, languages=("Polish", "Russian"))
    assert found == "Górka\tPolish\nNowak\tPolish\nAbaev\tRussian\nZukerman\tRussian\n".encode()
    with pytest.raises(ValueError):
        names_of_languages(polish, languages=("Polish", "Russian"))


def test_json_loses_its_blanks_and_keeps_its_order():
    assert compact_json(b'{"test": [[[60, 64], []]],\n "train": [[[-1, 72]]]}') == (
        b'{"test":[[[60,64],[]]],"train":[[[-1,72]]]}'
    )
    for broken in (b"{", b"\xff", b"[" * 100_000):
        with pytest.raises(ValueError):
            compact_json(broken)


def rolls(*pieces):
    """A cell array of piano rolls from lists of steps of notes."""
    cells = np.empty((1, len(pieces)), object)
    for index, steps in enumerate(pieces):
        roll = np.zeros((len(steps), 88))
        for step, notes in enumerate(steps):
            roll[step, [note - 21 for note in notes]] = 1.0
        cells[0, index] = roll
    return cells


def mat(**arrays):
    raw = io.BytesIO()
    savemat(raw, arrays, do_compression=True)
    return raw.getvalue()


def test_piano_rolls_become_lists_of_notes():
    train, valid, test = [[[21, 108], [], [60]], [[64]]], [[[60], [60, 67]]], [[[]]]
    content = mat(testdata=rolls(*test), traindata=rolls(*train), validdata=rolls(*valid), other=np.ones(3))
    found = piano_rolls_mat(content)
    assert json.loads(found) == {"train": train, "valid": valid, "test": test}
    assert found.startswith(b'{"train":[[[21,108],[],[60]],[[64]]],"valid":')


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no such format", "not the expected MATLAB file|Unknown mat file type"),
        (b"", "not the expected MATLAB file|Unknown mat file type"),
        (mat(traindata=rolls([[60]]), validdata=rolls([[60]])), "KeyError"),
        (mat(traindata=np.zeros((1, 3)), validdata=rolls([[60]]), testdata=rolls([[60]])), "has the shape"),
    ],
)
def test_other_matlab_files_are_refused(content, message):
    with pytest.raises(ValueError, match=message):
        piano_rolls_mat(content)
