"""Our color names beside people's: what is asked, and what counts as right, near, or rightly unnamed."""

import json
import math
from pathlib import Path

import pytest
from described_photos import write_photos

from lcoins.data.captioned_instances import Nouns
from lcoins.data.color_agreement import Agreement, is_held_out, measure_agreement, peoples_words

NOUNS = Nouns(["bus", "dog", "person", "orange"])


@pytest.mark.parametrize(
    ("captions", "words"),
    [
        (["a red bus and a dog"], {"bus": ["red"]}),
        (["a Red bus", "the grey bus", "a bus"], {"bus": ["red", "gray"]}),
        (["a black and white dog"], {"dog": [None]}),
        (["a red white dog"], {"dog": [None]}),
        (["a red old bus"], {}),  # not directly before it
        (["a red bus", "two buses"], {}),
        (["a tan dog"], {"dog": ["tan"]}),
        (["a person in red", "a red person"], {}),
        (["bus"], {}),
    ],
)
def test_peoples_words(captions: list[str], words: dict[str, list[str | None]]) -> None:
    assert peoples_words(captions, NOUNS) == words


def test_figures() -> None:
    agreement = Agreement()
    for said, ours in (
        (["red"], "red"),
        (["red", "brown", "red"], "brown"),
        (["red"], "blue"),
        (["red"], None),
        (["tan"], "brown"),
        ([None], None),
        ([None, "white"], "white"),
    ):
        agreement.add(said, ours)
    assert agreement.colors == ["red", "tan"]
    red = {"asked": 4, "named": 3, "right": 2, "near": 0, "coverage": 0.75, "precision": 2 / 3, "precision_near": 2 / 3}
    assert agreement.row("red") == red
    assert agreement.row()["precision"] == 0.5 and agreement.row()["precision_near"] == 0.75
    assert (agreement.two_colored, agreement.two_colored_unnamed) == (2, 1)
    unnamed = Agreement()
    unnamed.add(["red"], None)
    assert unnamed.row()["coverage"] == 0 and math.isnan(unnamed.row()["precision"])


def test_things_in_photos_are_compared_with_captions(tmp_path: Path) -> None:
    files, captions = write_photos(tmp_path), tmp_path / "captions.json"
    listed = {
        "0.png": ["a red bus", "green grass"],
        "1.png": ["a black dog"],  # there are two
        "2.png": ["a red cup"],
        "9.png": ["a red bus"],  # there is no such photo
    }
    captions.write_text(json.dumps(listed))
    found = measure_agreement(files.root, files.instances, captions)
    assert found.named == {("red", "red"): 1, ("green", "green"): 1} and found.row()["precision"] == 1
    held = [photo for photo in ("0.png", "1.png", "2.png") if is_held_out(photo)]
    assert ("0.png" in held) == bool(
        "0.png" in held and measure_agreement(files.root, files.instances, captions, held_out=True).named
    )
    captions.write_text(json.dumps({"0.png": ["a bus"]}))
    with pytest.raises(ValueError, match="nothing to compare"):
        measure_agreement(files.root, files.instances, captions)
