"""Whose a color is: guessed, certain and ordered pairs, and files whose positions count from 1."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcoins.color import object_pairs
from lcoins.color.object_pairs import (
    ObjectColors,
    certain_object_colors,
    guess_object_colors,
    ordered_object_colors,
    read_object_colors,
)
from lcoins.color.words import COLOR_CLASS, WORD, find_colors, split_words

CAPTIONS = {
    "1.jpg": ["a zebra in a green field", "two striped zebras", "a black and white zebra by a red car"],
    "2.jpg": ["a white dog"],
}
PUBLISHED = {"1.jpg": [[[6, 5]], [], [[5, 2], [5, 4], [9, 8]]], "2.jpg": [[[3, 2]]], "9.jpg": [[[1, 2]]]}


def written(folder: Path, content: Any) -> Path:
    path = folder / "pairs.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def named(caption: str, pairs: ObjectColors) -> list[tuple[str, str]]:
    words = split_words(caption)
    return [(words[thing], words[color]) for thing, color in pairs]


def test_published_positions_count_from_one_and_indexes_from_zero(tmp_path: Path) -> None:
    known, dropped = read_object_colors(written(tmp_path, PUBLISHED), CAPTIONS)
    assert known == {"1.jpg": [((5, 4),), (), ((4, 1), (4, 3), (8, 7))], "2.jpg": [((2, 1),)]}
    assert dropped == 0
    words = split_words(CAPTIONS["1.jpg"][2])
    assert [(words[thing], words[color]) for thing, color in known["1.jpg"][2]] == [
        ("zebra", "black"),
        ("zebra", "white"),
        ("car", "red"),
    ]


@pytest.mark.parametrize("given", [[[[6, 5]], []], [[[6, 5]], [], [], []], []])
def test_a_photo_with_another_number_of_captions_is_unknown(tmp_path: Path, given: Any) -> None:
    known, dropped = read_object_colors(written(tmp_path, PUBLISHED | {"1.jpg": given}), CAPTIONS)
    assert (set(known), dropped) == ({"2.jpg"}, 0)


def test_a_photo_that_the_file_lacks_is_unknown(tmp_path: Path) -> None:
    known, _ = read_object_colors(written(tmp_path, PUBLISHED), CAPTIONS | {"3.jpg": ["a red cup"]})
    assert set(known) == {"1.jpg", "2.jpg"}


@pytest.mark.parametrize(
    "pair", [[0, 2], [3, 0], [4, 2], [3, -1], [3], [3, 2, 1], [3, 2.0], [3, "2"], [True, 2], [[], 2]]
)
def test_a_pair_that_names_no_two_words_is_dropped_and_counted(tmp_path: Path, pair: Any) -> None:
    content = PUBLISHED | {"2.jpg": [[pair, [3, 2]]]}
    known, dropped = read_object_colors(written(tmp_path, content), CAPTIONS)
    assert known["2.jpg"] == [((2, 1),)]
    assert dropped == 1


def test_a_word_of_several_parts_is_its_first_or_its_color_and_a_dash_is_none(tmp_path: Path) -> None:
    caption = "The boy's t-shirt - it's red, bright-red cap."  # words: the boy s t shirt it s red bright red cap
    path = written(tmp_path, {"1.jpg": [[[3, 6], [8, 7], [4, 6]]]})
    known, dropped = read_object_colors(path, {"1.jpg": [caption]})
    words = split_words(caption)
    assert [(words[thing], words[color]) for thing, color in known["1.jpg"][0]] == [("t", "red"), ("cap", "red")]
    assert dropped == 1  # position 4 is the dash


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        "5",
        '{"1.jpg": 5}',
        '{"1.jpg": "ab"}',
        '{"1.jpg": [[3, 2]]}',
        '{"1.jpg": [{"3": 2}]}',
        '{"1.jpg": ' + "[" * 200_000,
        '{"1.jpg": [[[' + "9" * 5000 + ", 1]]]}",
    ],
)
def test_another_file_is_refused_in_one_sentence(tmp_path: Path, content: str) -> None:
    with pytest.raises(
        ValueError, match=r"pairs\.json: expected \{photo: \[\[\[object, color\].*, got .*; "
    ) as refused:
        read_object_colors(written(tmp_path, content), CAPTIONS)
    assert len(str(refused.value)) < 500


def test_a_missing_a_foreign_and_a_huge_file_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.json: no such file of object-color pairs"):
        read_object_colors(tmp_path / "none.json", CAPTIONS)
    path = written(tmp_path, PUBLISHED)
    with pytest.raises(ValueError, match=r"the 1 photos of the caption list \(7\.jpg \.\.\.\), got none"):
        read_object_colors(path, {"7.jpg": ["a red cup"]})
    monkeypatch.setattr(object_pairs, "MOST_BYTES", 50)
    with pytest.raises(ValueError, match="of at most 50 bytes, got"):
        read_object_colors(path, CAPTIONS)


@pytest.mark.parametrize(
    ("caption", "found"),
    [
        ("a white dog on a red table", [("dog", "white"), ("table", "red")]),
        ("Black and white cat", [("cat", "Black"), ("cat", "white")]),
        ("a red, white or blue flag", [("flag", "red"), ("flag", "white"), ("flag", "blue")]),
        ("the cat is black", []),
        ("the orange on a green", []),
        ("a man in black with a gray-haired dog", []),
        ("a woman in a dark-blue dress", [("dress", "blue")]),
        ("a blue-green or off-white cup", [("cup", "blue"), ("cup", "green"), ("cup", "white")]),
        ("a black-and-white cat", [("cat", "black"), ("cat", "white")]),
        ("red and light blue cars", [("cars", "red"), ("cars", "blue")]),
        ("a cream-colored sofa and a tan colored dog", [("sofa", "cream"), ("dog", "tan")]),
        ("orange-juice stands, blue-collar workers", []),
        ("a man in red, people walking", []),
        ("a man in red. White dogs", [("dogs", "White")]),
        ("a wall of gray - people", []),
        ("red and", []),
        ("", []),
    ],
)
def test_object_colors_take_the_word_after_the_color(caption: str, found: list[tuple[str, str]]) -> None:
    assert named(caption, guess_object_colors(caption)) == [(thing, color.lower()) for thing, color in found]


@given(st.lists(st.sampled_from([*COLOR_CLASS, "dog", "and", "or", "on", "cat"]), max_size=12))
def test_object_colors_are_a_color_and_a_later_word_that_is_none(words: list[str]) -> None:
    for thing, color in guess_object_colors(" ".join(words)):
        assert words[color] in COLOR_CLASS
        assert words[thing] in ("dog", "cat")
        assert all(word in COLOR_CLASS or word in ("and", "or") for word in words[color:thing])


@pytest.mark.parametrize(
    ("caption", "objects", "found"),
    [
        ("a red old bus", ["bus"], [("bus", "red")]),
        ("a bright-red double-decker bus", ["bus"], [("bus", "red")]),
        ("a red big old rusty city bus", ["bus"], []),  # too far
        ("a red shirt near a bus", ["bus"], []),
        ("a red, old bus", ["bus"], []),
        ("a red and white bus", ["bus"], []),
        ("a red and light-blue bus", ["bus"], []),
        ("a red-white bus", ["bus"], []),
        ("a red-haired bus driver", ["bus"], []),
        ("a bus in red", ["bus"], []),
        ("a red car with a blue bus", ["car", "bus"], [("car", "red"), ("bus", "blue")]),
        ("a red car with a blue bus", ["bus"], [("bus", "blue")]),
        ("a red car", [], []),
    ],
)
def test_certain_pairs_are_of_one_color_and_a_near_object(
    caption: str, objects: list[str], found: list[tuple[str, str]]
) -> None:
    indexes = [index for index, word in enumerate(split_words(caption)) if word in objects]
    assert named(caption, certain_object_colors(caption, indexes)) == found


def test_ordered_pairs_need_as_many_colors_as_objects() -> None:
    caption = "the cup on the left is red and a dark-blue car"
    assert named(caption, ordered_object_colors(caption, [1, 11])) == [("cup", "red"), ("car", "blue")]
    with pytest.raises(ValueError, match="argument 2 is longer"):
        ordered_object_colors(caption, [1])


PHRASES = st.lists(
    st.sampled_from([*COLOR_CLASS, "dark-blue", "red-haired", "İ", "bus", "and", "on", ",", ".", "-", "light"]),
    max_size=12,
).map(" ".join)


@given(st.one_of(st.text(max_size=40), PHRASES))
def test_all_rules_pair_the_colors_that_are_found(caption: str) -> None:
    starts = [match.start() for match in WORD.finditer(caption)]
    colors = {starts.index(word.start) for word in find_colors(caption)}
    guessed = guess_object_colors(caption)
    assert {color for _, color in guessed} <= colors
    assert not {thing for thing, _ in guessed} & colors
    others = [index for index in range(len(starts)) if index not in colors]
    assert set(certain_object_colors(caption, others)) <= set(guessed)  # the next object is the next word
    assert {color for _, color in ordered_object_colors(caption, sorted(colors))} == colors
