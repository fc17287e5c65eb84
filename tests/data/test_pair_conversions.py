"""The formats of publishers of pairs, on invented content."""

import hashlib

import pytest

from keras_seq.data.pair_conversions import (
    assin_xml,
    parallel_lines,
    question_pairs_csv,
    scored_csv,
    sick_lines,
)


def test_scored_csv():
    content = '\ufeffUm gato.,"Um ""gato"", sim",5.0\r\n"Dois\ngatos", Um cão ,0.25'.encode()
    assert scored_csv(content) == '5.0\tUm gato.\tUm "gato", sim\n0.25\tDois gatos\tUm cão\n'.encode()
    for broken in (b"a,b\n", b"a,b,c,1\n", b'a,"b,1\n', b"a,,1\n", b"a,b,1\n\n"):
        with pytest.raises(ValueError, match="row|CSV"):
            scored_csv(broken)


def test_sick_lines():
    names = "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment"
    content = f'{names}\n7\tA "cat"\tA dog\t2.8\tNEUTRAL\r\n9\tOne\tTwo\t1\tCONTRADICTION'.encode()
    expected = b'7\t2.8\tNEUTRAL\tA "cat"\tA dog\n9\t1\tCONTRADICTION\tOne\tTwo\n'
    assert sick_lines(content) == sick_lines(content + b"\n") == expected
    with pytest.raises(ValueError, match="row 2 has 4 cells, not 5"):
        sick_lines(content.replace(b"\tTwo", b""))


def test_assin_xml():
    content = """<?xml version='1.0' encoding='utf-8'?>
    <entailment-corpus>
      <pair entailment="None" id="3" similarity="3.5"><t>É &amp; foi</t>
        <h>
          Será </h></pair>
      <pair id="4" similarity="5" entailment="Paraphrase"><h>dois</h><t>um</t></pair>
    </entailment-corpus>""".encode()
    assert assin_xml(content) == "3\t3.5\tNone\tÉ & foi\tSerá\n4\t5\tParaphrase\tum\tdois\n".encode()
    for broken, message in (
        (content[:-5], "not the expected XML"),
        (content.replace(b'similarity="5"', b""), "KeyError"),
        (content.replace(b"<t>um</t>", b""), "row 2 has no label or no text"),
        (content.replace(b"<entailment-corpus>", b'<!DOCTYPE x [<!ENTITY a "b">]><entailment-corpus>'), "declares"),
    ):
        with pytest.raises(ValueError, match=message):
            assin_xml(broken)


def test_question_pairs_are_split_by_the_first_question():
    questions = [f"Is {number} a Number?" for number in range(200)]
    content = "".join(f'1,"{question}\n",same {question},1\n2,{question},other,0\n' for question in questions).encode()
    found = {split: question_pairs_csv(content, split).decode().splitlines() for split in ("train", "dev", "test")}
    lines = [line for question in questions for line in (f"1\t{question}\tsame {question}", f"0\t{question}\tother")]
    assert sorted(sum(found.values(), [])) == sorted(lines)
    # Both pairs of a question stay together, in the order of the publisher.
    places = {split: [lines.index(line) for line in part] for split, part in found.items()}
    assert all(part == sorted(part) for part in places.values())
    for split, digits in (("test", "0"), ("dev", "1"), ("train", "23456789")):
        expected = [
            place
            for place in range(400)
            if str(int(hashlib.sha1(questions[place // 2].lower().encode()).hexdigest(), 16))[-1] in digits
        ]
        assert len(expected) > 10 and places[split] == expected
    with pytest.raises(ValueError, match="row 1 has 3 cells, not 4"):
        question_pairs_csv(b"1,a,b\n", "train")


def test_parallel_lines():
    assert parallel_lines(b"um\ndois\n", b"one \ntwo", b"1\n0\n") == b"1\tum\tone\n0\tdois\ttwo\n"
    with pytest.raises(ValueError, match="2 and 1 texts, 2 labels"):
        parallel_lines(b"um\ndois\n", b"one\n", b"1\n0\n")
