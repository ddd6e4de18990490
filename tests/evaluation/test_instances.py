"""Measures of instances on hand-made pictures whose answers are known."""

import math

import pytest
import torch
from skimage.color import deltaE_ciede2000
from torch import Tensor

from lcoins.data.types import Instances
from lcoins.evaluation.instances import (
    InstanceEvaluator,
    background_error,
    bleeding,
    instance_response,
    mask_regions,
    named_delta_e,
)

SIZE = 40
PALETTE = {"red": (50.0, 60.0, 30.0), "blue": (40.0, 10.0, -50.0), "gray": (60.0, 0.0, 0.0)}


def two_squares() -> Tensor:
    """Squares of 10 pixels in the left and the right half; rings are 2 pixels wide."""
    masks = torch.zeros(2, SIZE, SIZE, dtype=torch.bool)
    masks[0, 15:25, 5:15] = masks[1, 15:25, 25:35] = True
    return masks


def painted(*colors: tuple[float, float], background: tuple[float, float] = (0.0, 0.0)) -> Tensor:
    ab = torch.tensor(background)[:, None, None].repeat(1, SIZE, SIZE)
    for mask, color in zip(two_squares(), colors, strict=True):
        ab[:, mask] = torch.tensor(color)[:, None]
    return ab


RED, BLUE, GRAY = (PALETTE[word][1:] for word in ("red", "blue", "gray"))
LIGHTNESS = torch.linspace(30, 70, SIZE).expand(1, SIZE, SIZE)


def test_rings_surround_each_mask_and_touch_none() -> None:
    around = mask_regions(two_squares()).rings
    assert around.sum(dim=(1, 2)).tolist() == [14 * 14 - 100] * 2
    assert not (around & two_squares().any(dim=0)).any()


def test_difference_to_the_named_color_is_at_the_photos_own_lightness() -> None:
    masks = two_squares()
    exact = named_delta_e(LIGHTNESS, painted(RED, BLUE), masks, ["red", "blue"], PALETTE)
    assert exact == pytest.approx([0, 0], abs=1e-5)
    swapped = named_delta_e(LIGHTNESS, painted(BLUE, RED), masks, ["red", "blue"], PALETTE)
    lightness = LIGHTNESS[0][masks[0]].double().numpy()
    expected = sum(deltaE_ciede2000((v, *BLUE), (v, *RED)) for v in lightness) / len(lightness)
    assert swapped[0] == pytest.approx(expected, rel=1e-5)


def test_bleeding_sees_the_ring_only_and_background_the_rest_only() -> None:
    regions, truth = mask_regions(two_squares()), painted(RED, BLUE)
    assert bleeding(truth, truth, regions) == background_error(truth, truth, regions) == 0
    wrong_inside = painted(BLUE, RED)
    assert bleeding(wrong_inside, truth, regions) == background_error(wrong_inside, truth, regions) == 0
    spread = truth.clone()
    spread[:, regions.rings[0]] = torch.tensor([3.0, 4.0])[:, None]
    assert bleeding(spread, truth, regions) == pytest.approx(5 / 2)  # one of the two rings is off by 5
    assert background_error(spread, truth, regions) == 0
    tinted = painted(RED, BLUE, background=(3.0, 4.0))
    assert background_error(tinted, truth, regions) == pytest.approx(5)


def test_no_ring_and_no_background_is_no_figure() -> None:
    everything = mask_regions(torch.ones(1, SIZE, SIZE, dtype=torch.bool))
    ab = torch.zeros(2, SIZE, SIZE)
    assert bleeding(ab, ab, everything) is None and background_error(ab, ab, everything) is None


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0, -0.5])
def test_response_is_the_share_of_the_way_to_the_new_word(share: float) -> None:
    before = painted(RED, BLUE)
    moved = tuple(a + share * (b - a) for a, b in zip(RED, GRAY, strict=True))
    answer = instance_response(
        before, painted(moved, BLUE), mask_regions(two_squares()), ["red", "blue"], ["gray", "blue"], PALETTE
    )
    assert answer.response == pytest.approx(share, abs=1e-6)
    assert answer.spill_instances == answer.spill_background == 0


def test_what_should_not_move_is_counted_apart() -> None:
    after = painted(GRAY, (BLUE[0] + 6, BLUE[1] + 8), background=(0.0, -2.0))
    answer = instance_response(
        painted(RED, BLUE), after, mask_regions(two_squares()), ["red", "blue"], ["gray", "blue"], PALETTE
    )
    assert answer.response == pytest.approx(1, abs=1e-6)
    assert answer.spill_instances == pytest.approx(10)
    assert answer.spill_background == pytest.approx(2)
    regions = mask_regions(two_squares())
    all_changed = instance_response(
        painted(RED, BLUE), painted(BLUE, RED), regions, ["red", "blue"], ["blue", "red"], PALETTE
    )
    assert all_changed.spill_instances is None and all_changed.response == pytest.approx(1, abs=1e-6)
    palette = PALETTE | {"white": (95.0, 0.0, 0.0)}
    no_way = instance_response(after, after, mask_regions(two_squares()), ["gray", "blue"], ["white", "blue"], palette)
    assert no_way.response is None and no_way.spill_instances == 0
    with pytest.raises(ValueError, match="expected at least one exchanged color word"):
        instance_response(after, after, mask_regions(two_squares()), ["red", "blue"], ["red", "blue"], PALETTE)


def test_the_evaluator_gives_one_row_and_counts_over_all() -> None:
    evaluator = InstanceEvaluator(PALETTE)
    instances, truth = Instances(two_squares(), ("red", "blue")), painted(RED, BLUE)
    groups = torch.zeros(64, dtype=torch.long)
    first = evaluator.evaluate(instances, LIGHTNESS, truth, truth, groups)
    assert first["instances"] == first["instances_correct"] == 2
    assert first["named_delta_e"] == first["named_delta_e_truth"] == pytest.approx(0, abs=1e-5)
    assert first["bleeding"] == first["background_error"] == 0 == first["gray_bleeding"]
    assert first["groups_used"] == 1 and first["groups_ari"] == pytest.approx(0, abs=1e-6)
    second = evaluator.evaluate(instances, LIGHTNESS, painted(BLUE, BLUE), truth, None)
    assert second["instances_correct"] == 1 and "groups_ari" not in second
    by_size = Instances(two_squares(), ("red", "blue"), "size")
    third = evaluator.evaluate(by_size, LIGHTNESS, painted(RED, RED), truth, None)
    assert third["instances_by_size"] == 2 and third["instances_correct_by_size"] == 1
    assert not any("_by_" in name for name in first)
    figures = evaluator.figures()
    assert figures["color_word_accuracy_by_size"] == 1 / 2 and "color_word_accuracy_by_place" not in figures
    assert figures["color_word_accuracy"] == 4 / 6 and figures["color_word_swapped"] == 2 / 6
    assert figures["chance"] == pytest.approx(1 / 3)
    assert (
        evaluator.evaluate(Instances(torch.zeros(0, SIZE, SIZE, dtype=torch.bool), ()), LIGHTNESS, truth, truth, None)
        == {}
    )


def test_the_evaluator_reads_which_instance_got_which_new_word() -> None:
    evaluator = InstanceEvaluator(PALETTE)
    instances, before = Instances(two_squares(), ("blue", "red")), painted(BLUE, RED)
    after = painted(BLUE, GRAY)
    caption, recolored = "a red cup and a blue cup", "a gray cup and a blue cup"
    row = evaluator.evaluate_recolored(instances, caption, recolored, before, after)
    assert row["recolored_correct"] == row["recolored_instances"] == 2
    assert row["response"] == pytest.approx(1, abs=1e-6) and row["spill_instances"] == 0
    assert evaluator.evaluate_recolored(instances, caption, caption, before, after) == {}
    twice = "a red cup, a red pen and a blue cup"
    assert evaluator.evaluate_recolored(instances, twice, twice.replace("red", "gray"), before, after) == {}
    unmatched = "a red cup, a blue cup and a gray wall"
    row = evaluator.evaluate_recolored(instances, unmatched, unmatched.replace("gray", "red"), before, before)
    assert row == {}  # no word of an instance changed
    exchanged = "a gray cup, a blue cup and a blue wall"
    row = evaluator.evaluate_recolored(instances, unmatched, exchanged, before, before)
    assert row["response"] == 0 and "spill_background" not in row  # the wall should move, and nobody knows where it is
    evaluator = InstanceEvaluator(PALETTE)
    evaluator.evaluate_recolored(instances, caption, recolored, before, after)
    assert math.isclose(evaluator.figures()["recolored_word_accuracy"], 1)
