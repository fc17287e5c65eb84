"""The statistics of generated names: temperatures reach the model, rows replace older ones, the picture is drawn."""

import csv

import pytest


@pytest.fixture(scope="module")
def script(zoo_script):
    return zoo_script("names_statistics")


@pytest.fixture(scope="module")
def scores(script):
    def generate(prefix, *, count, temperature, seed):
        asked.append((prefix, temperature, seed))
        return ["Ana" if temperature < 0.6 else f"Ana{'b' * index}" for index in range(count)]

    asked = []
    found = script.measure(generate, ["Ana", "Rita"], count=4, seed=7)
    assert asked == [("", 0.5, 7), ("", 0.8, 7), ("", 1.0, 7)]
    return found


def test_each_temperature_is_measured(scores):
    assert [scores[temperature]["share_distinct"] for temperature in (0.5, 0.8, 1.0)] == [0.25, 1.0, 1.0]
    assert [scores[temperature]["share_new"] for temperature in (0.5, 0.8, 1.0)] == [0.0, 0.75, 0.75]
    assert scores[0.5]["real_lengths"] == {3: 0.5, 4: 0.5}


def test_rows_replace_those_of_the_same_model_and_temperature(script, tmp_path):
    row = dict.fromkeys(script.COLUMNS, "1") | {"model": "a", "temperature": "0.5", "share_new": "0.1"}
    table = tmp_path / "table.csv"
    script.write_table([row, {**row, "temperature": "0.8"}], table)
    script.write_table([{**row, "share_new": "0.2"}, {**row, "model": "b"}], table)
    with table.open(newline="") as file:
        rows = [(found["model"], found["temperature"], found["share_new"]) for found in csv.DictReader(file)]
    assert rows == [("a", "0.5", "0.2"), ("a", "0.8", "0.1"), ("b", "0.5", "0.1")]


def test_the_picture_is_drawn(script, scores, tmp_path):
    script.draw_lengths(scores, "invented", tmp_path / "lengths.png")
    assert (tmp_path / "lengths.png").read_bytes()[:4] == b"\x89PNG"


def test_the_committed_table_has_every_temperature(script):
    with script.TABLE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["model"], float(row["temperature"])) for row in rows] == [
        ("names_pt", temperature) for temperature in script.TEMPERATURES
    ]
    # The higher the temperature, the more is new and the less is said twice.
    for name in ("share_new", "share_distinct"):
        assert [row[name] for row in rows] == sorted(row[name] for row in rows)
    assert script.PICTURE.is_file()
