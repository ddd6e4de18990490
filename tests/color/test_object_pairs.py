"""Files of object-color pairs: positions from 1 become places from 0, and what fits no caption is not believed."""

import json
from pathlib import Path
from typing import Any

import pytest

from lcoins.color import object_pairs as object_colors
from lcoins.color.object_pairs import read_object_colors
from lcoins.color.words import split_words

CAPTIONS = {
    "1.jpg": ["a zebra in a green field", "two striped zebras", "a black and white zebra by a red car"],
    "2.jpg": ["a white dog"],
}
PUBLISHED = {"1.jpg": [[[6, 5]], [], [[5, 2], [5, 4], [9, 8]]], "2.jpg": [[[3, 2]]], "9.jpg": [[[1, 2]]]}


def written(folder: Path, content: Any) -> Path:
    path = folder / "pairs.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_published_positions_count_from_one_and_ours_from_zero(tmp_path: Path) -> None:
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


def test_a_word_of_several_parts_is_its_first_and_a_dash_is_none(tmp_path: Path) -> None:
    caption = "The boy's t-shirt - it's red, bright-red cap."  # words: the boy s t shirt it s red bright red cap
    path = written(tmp_path, {"1.jpg": [[[3, 6], [8, 7], [4, 6]]]})
    known, dropped = read_object_colors(path, {"1.jpg": [caption]})
    words = split_words(caption)
    assert [(words[thing], words[color]) for thing, color in known["1.jpg"][0]] == [("t", "red"), ("cap", "bright")]
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
    monkeypatch.setattr(object_colors, "MOST_BYTES", 50)
    with pytest.raises(ValueError, match="of at most 50 bytes, got"):
        read_object_colors(path, CAPTIONS)
