"""Results are mappings, as JSON writes them, that show themselves; what a task can do is told by its methods."""

import json

import pytest

from keras_seq.cli.showing import highlighted
from keras_seq.core.errors import InputError
from keras_seq.families.images.results import MatchedImages
from keras_seq.families.music.results import ScoredPiece
from keras_seq.families.tagging.results import TaggedSentence, TaggedText
from keras_seq.tasks.capabilities import (
    Explains,
    Exports,
    Finds,
    Generates,
    Matches,
    Predicts,
    WritesFiles,
    check_able,
    families_that,
    has,
    reads,
)
from keras_seq.tasks.results import Heading, Result, ScoredText, Span

# Result -> its line, and what stands on a terminal.
SHOWN = [
    (Result(text="a\tb"), "a b", "a\tb"),
    (Result(other=1), "", ""),
    (
        ScoredText(text="a b", log_prob=-3.14159, perplexity=2.5, num_tokens=3),
        "2.50\t-3.14\t3\ta b",
        " 2.50  -3.14 3  a b",
    ),
    (
        ScoredPiece(text="tune.mid", log_prob=-3.14159, nll_per_step=1.5, num_steps=3),
        "1.5000\t-3.14\t3\ttune.mid",
        " 1.5000  -3.14 3  tune.mid",
    ),
    (
        MatchedImages(pair=2, similarity=0.25, duplicate=False),
        "different\t0.2500\tpair 2",
        " different  0.2500  pair 2",
    ),
    (MatchedImages(similarity=0.75, duplicate=True), "same\t0.7500", " same  0.7500  "),
    (TaggedText(text="Ana mora", entities=[]), "Ana mora", "Ana mora"),
    (
        TaggedSentence(tokens=["Ana", "mora"], tags=["B-PER", "O"], predicted=["O", "O"]),
        "Ana\tB-PER\tO\nmora\tO\tO",
        "Ana\tB-PER\tO\nmora\tO\tO",
    ),
]


@pytest.mark.parametrize(("result", "line", "shown"), SHOWN, ids=lambda value: type(value).__name__)
def test_lines_and_what_is_shown(result, line, shown):
    assert result.line() == line
    assert highlighted(result).plain == shown
    assert json.loads(json.dumps(result)) == result.as_dict() == dict(result)


class Graded(Result):
    """What another package may bring."""

    def heading(self):
        return Heading(f"{self['grade']:.1f}", ("0.3",), "number")

    def spans(self):
        return [Span(0, 1, weight=0.1), Span(2, 3, weight=1.0), Span(4, 5, "NUM")]

    def rows(self):
        return [("0.5", "because")]


def test_results_of_another_package_are_shown_as_well():
    result = Graded(text="a b 3", grade=2)
    assert result.line() == "2.0\t0.3\ta b 3"
    shown = highlighted(result, "before ")
    assert shown.plain == "before  2.0  0.3  a b  3 NUM \n  0.5 because"
    assert [shown.plain[span.start : span.end] for span in shown.spans if "bright_yellow" in str(span.style)] == ["b"]
    joined = result.joined({"more": 1})
    assert type(joined) is Graded and joined["more"] == 1 and "more" not in result


@pytest.mark.parametrize(
    ("capability", "able", "unable"),
    [
        (Generates, ["language_model", "music", "ngram_language_model"], ["tagger", "image_matcher"]),
        (WritesFiles, ["music"], ["language_model", "tagger"]),
        (Matches, ["image_matcher", "pair_matcher"], ["classifier", "music"]),
        (Explains, ["classifier"], ["tagger", "pair_matcher"]),
        (Finds, ["pair_matcher"], ["image_matcher", "classifier"]),
        (Predicts, ["classifier", "music", "ngram_language_model", "pair_matcher", "tagger"], ["image_matcher"]),
        (Exports, ["classifier", "image_matcher", "music", "tagger"], ["ngram_language_model"]),
    ],
)
def test_what_families_can_do(capability, able, unable):
    found = families_that(lambda task: has(task, capability))
    assert found == sorted(found)
    assert set(able) <= set(found) and not set(unable) & set(found)


@pytest.mark.parametrize(
    ("name", "owners"), [("a.conll.gz", ["tagger"]), ("a.mid", ["music"]), ("a.txt", []), ("-", [])]
)
def test_who_reads_a_file(name, owners):
    assert families_that(lambda task: reads(task, name)) == owners


def test_what_a_task_cannot_do_is_told_with_those_that_can():
    class Counter:
        task = "counter"

    with pytest.raises(InputError, match=r"^runs/a: a counter does not explain; --explain is for classifier"):
        check_able(Counter(), Explains, "runs/a", "--explain")
    check_able(type("Able", (), {"task": "able", "explain": lambda self, texts: []})(), Explains, "runs/a", "--explain")
