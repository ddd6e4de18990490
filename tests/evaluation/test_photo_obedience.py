"""The obedience benchmark with systems whose answers are known: painters of masks and of whole photos."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from lcoins.color.lab import to_network_ab
from lcoins.color.words import COLOR_LAB, find_colors
from lcoins.evaluation.asked_colors import Question
from lcoins.evaluation.photo_obedience import PhotoThings, answers, breakdown, figures, sentence_colors, summary
from lcoins.models.colorizer import Colorization

SIDE = 40


@dataclass
class Painter:
    """Gives the pixels of ``where`` the last color of each sentence, times ``strength``; the rest stays gray."""

    where: Tensor
    strength: float = 1.0
    image_size: int = SIDE

    def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization:
        ab = torch.zeros(len(captions), 2, SIDE, SIDE)
        for index, caption in enumerate(captions):
            color = torch.tensor(COLOR_LAB[find_colors(caption)[-1].color][1:])
            ab[index] = self.strength * color[:, None, None] * self.where
        return Colorization(ab=to_network_ab(ab))


def photo(*questions: Question) -> PhotoThings:
    masks = np.zeros((2, SIDE, SIDE), bool)
    masks[0, 10:30, 2:17] = masks[1, 10:30, 23:38] = True
    level = torch.full((1, 1, SIDE, SIDE), 50.0)
    return PhotoThings("a.jpg", level, torch.zeros(1, 2, SIDE, SIDE), masks, questions)


def about(color: str, task: str = "named") -> Question:
    return Question(task, "bus", f"a {color} bus", "a gray bus", ((0, color),))


def asked_of(painter: Painter, asked: PhotoThings) -> list[dict[str, object]]:
    return answers(asked, sentence_colors(painter, asked))


def of(who: str, rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return [row for row in rows if row["system"] == who]


@pytest.mark.parametrize("color", ["red", "orange", "green", "blue", "purple"])
def test_painting_the_mask_is_a_hit_without_spill(color: str) -> None:
    asked = photo(about(color))
    (row,) = of("system", asked_of(Painter(torch.from_numpy(asked.masks[0])), asked))
    assert row["hit"] and row["hit_nbs"]
    assert row["outside"] == pytest.approx(0, abs=1e-6)
    (oracle,) = of("oracle", asked_of(Painter(torch.ones(SIDE, SIDE)), asked))
    assert row["way"] == pytest.approx(oracle["way"], abs=1e-5)


def test_a_painter_that_reads_no_nouns_strays_to_other_things() -> None:
    """It paints the first thing whatever is named; what no question asks for counts as no other thing."""
    other = Question("named", "dog", "a red dog", "a gray dog", ((1, "red"),))
    asked = photo(about("red"), other)
    first, both = torch.from_numpy(asked.masks[0]), torch.from_numpy(asked.masks[0] | asked.masks[1])
    strays = {
        "both": figures(of("system", asked_of(Painter(both), asked)))["stray"][0],
        "first": figures(of("system", asked_of(Painter(first), asked)))["stray"][0],
        "named": figures(of("system", asked_of(Painter(first), asked))[:1])["stray"][0],
    }
    assert strays == {"both": pytest.approx(1, abs=1e-4), "first": pytest.approx(1, abs=1e-4), "named": 0}
    assert "stray" not in figures(of("system", asked_of(Painter(both), photo(about("red")))))


def test_tinting_everything_spills_everywhere() -> None:
    rows = asked_of(Painter(torch.ones(SIDE, SIDE)), photo(about("red")))
    found = figures(of("system", rows))
    assert found["hit"][0] == 1
    assert found["spill"][0] == pytest.approx(1, abs=1e-4)
    assert found["bleeding"][0] == pytest.approx(1, abs=1e-4)


def test_pale_answers_are_no_hit_but_show_the_way() -> None:
    asked = photo(about("red"))
    (row,) = of("system", asked_of(Painter(torch.from_numpy(asked.masks[0]), strength=0.1), asked))
    typical = float(np.hypot(*COLOR_LAB["red"][1:]))
    assert not row["hit"]
    assert row["way"] == pytest.approx(0.1 * typical / 45, abs=1e-4)


def test_gray_and_truth_do_not_move() -> None:
    rows = asked_of(Painter(torch.ones(SIDE, SIDE)), photo(about("red")))
    for who in ("gray", "truth"):
        (row,) = of(who, rows)
        assert row["way"] == row["outside"] == 0
        assert "spill" not in figures([row])


def test_two_of_a_kind_need_both() -> None:
    question = Question(
        "instances",
        "cup",
        "the left cup is red and the right cup is blue",
        "the left cup is gray and the right cup is gray",
        ((0, "red"), (1, "blue")),
    )
    found = summary(asked_of(Painter(torch.ones(SIDE, SIDE)), photo(question)))
    assert found["system"]["instances"]["both"][0] == 0  # all is blue
    assert found["system"]["instances"]["hit"][0] == 0.5
    assert found["oracle"]["instances"]["both"][0] == 1
    assert "both" not in summary(asked_of(Painter(torch.ones(SIDE, SIDE)), photo(about("red"))))["system"]["named"]


def test_breakdown_holds_every_row_once_by_color_and_size() -> None:
    rows = of("system", asked_of(Painter(torch.ones(SIDE, SIDE)), photo(about("red"), about("blue", "counter"))))
    found = breakdown(rows)
    assert sum(one["things"] for one in found["color"].values()) == len(rows) == 2
    assert list(found["size"]) == ["12-100 %"]
    assert found["kind"] == {}


def test_sizes_stand_in_their_order() -> None:
    (row,) = of("gray", asked_of(Painter(torch.ones(SIDE, SIDE)), photo(about("red"))))
    rows = [{**row, "share": share} for share in (0.3, 0.06, 0.02)]
    assert list(breakdown(rows)["size"]) == ["0-5 %", "5-12 %", "12-100 %"]


def test_intervals_hold_the_value_and_come_from_photos() -> None:
    rows = []
    for number in range(20):
        asked = photo(about("red"))
        asked = PhotoThings(f"{number}.jpg", asked.lightness, asked.ab, asked.masks, asked.questions)
        strength = 1.0 if number % 2 else 0.05
        rows += of("system", asked_of(Painter(torch.from_numpy(asked.masks[0]), strength), asked))
    value, low, high = figures(rows)["hit"]
    assert low < value == 0.5 < high


def answer(number: int, sentence: int, hit: bool) -> dict[str, object]:
    told = {"photo": f"{number}.jpg", "task": "named", "caption": f"a red bus {sentence}", "hit": hit, "hit_nbs": hit}
    return told | {"way": 0.5, "outside": 0.1, "ring": 0.1, "others": None}


def test_intervals_come_from_photos_and_not_from_their_sentences() -> None:
    """The answers about one photo are alike, so that four sentences about each make nothing surer."""
    rows = [answer(number, sentence, hit=number % 2 == 0) for number in range(40) for sentence in range(4)]
    value, low, high = figures(rows)["hit"]
    spread = 1.96 * 0.5 / 40**0.5  # of a mean of 40 coin throws
    assert (value, low, high) == (0.5, pytest.approx(0.5 - spread, abs=0.04), pytest.approx(0.5 + spread, abs=0.04))


def test_a_handful_of_photos_gives_no_interval() -> None:
    few, enough = ([answer(number, 0, hit=number > 0) for number in range(count)] for count in (5, 6))
    assert figures(few)["hit"] == [0.8, None, None]
    assert None not in figures(enough)["hit"]
