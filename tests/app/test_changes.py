"""What the page sends beside texts: read, or refused, whatever it is."""

import json
from typing import Any

import pytest

from lcoins.app.changes import NOT_UNDERSTOOD, Change, read_change, reworded
from lcoins.app.studio import InputError


def hint(**other: Any) -> dict[str, Any]:
    return {"points": [[0.25, 0.5]], "color": "Dark  red", **other}


def test_a_change_says_what_is_to_be_different_only() -> None:
    assert read_change("{}") == Change()
    change = read_change(json.dumps({"hints": [hint()], "text": "a red car", "strength": 0.5}))
    assert change.hints is not None and change.word is None
    assert (change.text, change.strength) == ("a red car", 0.5)
    (only,) = change.hints
    assert (only.points, only.name, only.color) == (((0.25, 0.5),), "dark red", (26.5, 49.1, 39.3))


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "[]",
        "no JSON",
        '{"strength": NaN}',
        '{"strength": 9}',
        json.dumps({"text": "a" * 10_000}),
        json.dumps({"hints": [hint(points=[])]}),
        json.dumps({"hints": [hint(points=[[0.2, 1.5]])]}),
        json.dumps({"hints": [hint(points=[[0.2, "a"]])]}),
        json.dumps({"hints": [hint(points=[[0.2, 0.2]] * 201)]}),
        json.dumps({"hints": [hint()] * 101}),
        json.dumps({"hints": [hint(color="red " * 30)]}),
        json.dumps({"word": {"sentence": "a red car", "index": -1, "color": "red"}}),
        "[" * 100_000,
    ],
)
def test_what_is_no_change_is_refused(sent: str) -> None:
    with pytest.raises(InputError, match=NOT_UNDERSTOOD):
        read_change(sent)


def test_a_color_that_is_none_is_named() -> None:
    for sent in ({"hints": [hint(color="yelow")]}, {"word": {"sentence": "a red car", "index": 0, "color": "yelow"}}):
        with pytest.raises(InputError, match="'yelow' is not known as a color: did you mean yellow"):
            read_change(json.dumps(sent))


@pytest.mark.parametrize(
    ("sentence", "index", "color", "said"),
    [
        ("a red car beside a blue one", 1, "orange", "a red car beside an orange one"),
        ("A navy-blue coat", 0, "olive", "An olive coat"),
        ("a red bowl of food", 0, "olive", "an olive-colored bowl of food"),
        ("a blue-and-white striped shirt", 1, "light blue", "a blue-and-light-blue striped shirt"),
        ("Mr Brown has a red car", 0, "light blue", "Mr Brown has a light blue car"),
    ],
)
def test_a_color_word_is_exchanged_as_it_is_understood(sentence: str, index: int, color: str, said: str) -> None:
    assert reworded(sentence, index, color) == said


def test_a_color_that_would_speak_of_something_else_is_refused() -> None:
    assert reworded("a blonde girl", 0, "blond") == "a blond girl"
    with pytest.raises(InputError, match="With “olive” there, the sentence would speak of something else"):
        reworded("a blonde girl with blue eyes", 0, "olive")


def test_a_word_that_is_not_there_cannot_be_exchanged() -> None:
    with pytest.raises(InputError, match=NOT_UNDERSTOOD):
        reworded("a red car", 1, "blue")
