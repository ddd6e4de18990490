"""Hints: where their colors go, and where the network's stay."""

import pytest
import torch
from torch import Tensor

from lcoins.color.hints import Hint, place, stroke, with_hints

RED, BLUE = (50.0, 60.0, 40.0), (50.0, 10.0, -54.0)
SIDE = 40


def halves() -> Tensor:
    """A dark left half and a bright right half."""
    lightness = torch.full((1, 1, SIDE, SIDE), 30.0)
    lightness[..., SIDE // 2 :] = 80.0
    return lightness


def at(row: int, column: int) -> Tensor:
    region = torch.zeros(SIDE, SIDE)
    region[row - 1 : row + 2, column - 1 : column + 2] = 1
    return region


def test_without_hints_nothing_changes() -> None:
    ab = torch.randn(1, 2, SIDE, SIDE)
    assert torch.equal(with_hints(halves(), ab, []), ab)


def test_a_hint_colors_what_looks_alike_and_stops_at_an_edge() -> None:
    ab = torch.full((1, 2, SIDE, SIDE), 5.0)
    colored = with_hints(halves(), ab, [Hint(RED, at(20, 10), spreads=True)])
    left, right = colored[0, :, 5:35, 2:18], colored[0, :, :, SIDE // 2 + 1 :]
    assert torch.allclose(left.mean(dim=(1, 2)), torch.tensor(RED[1:]), atol=6)
    assert torch.allclose(right, torch.tensor(5.0), atol=0.5)


def test_two_hints_in_one_region_each_have_their_side() -> None:
    flat, ab = torch.full((1, 1, SIDE, SIDE), 50.0), torch.zeros(1, 2, SIDE, SIDE)
    colored = with_hints(flat, ab, [Hint(RED, at(20, 8), spreads=True), Hint(BLUE, at(20, 32), spreads=True)])
    assert colored[0, 1, 20, 10] > 30 and colored[0, 1, 20, 30] < -40
    assert torch.allclose(colored[0, :, 20, 8], torch.tensor(RED[1:]), atol=1)


def test_a_mask_colors_its_region_alone() -> None:
    ab, region = torch.full((1, 2, SIDE, SIDE), 5.0), torch.zeros(SIDE, SIDE)
    region[:10] = 1
    region[10] = 0.5
    colored = with_hints(torch.full((1, 1, SIDE, SIDE), 50.0), ab, [Hint(BLUE, region, spreads=False)])
    assert torch.allclose(colored[0, :, :10], torch.tensor(BLUE[1:])[:, None, None].expand(2, 10, SIDE))
    assert torch.allclose(colored[0, 1, 10], torch.tensor((BLUE[2] + 5) / 2))
    assert torch.equal(colored[0, :, 11:], ab[0, :, 11:])


def test_gray_takes_the_color_away() -> None:
    colored = with_hints(halves(), torch.full((1, 2, SIDE, SIDE), 30.0), [Hint((55.0, 0.0, 0.0), at(20, 10), True)])
    assert colored[0, :, 20, 10].abs().max() < 1e-3


@pytest.mark.parametrize("seed", range(5))
def test_colors_stay_between_the_hints_and_the_networks(seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    lightness = 100 * torch.rand(1, 1, SIDE, SIDE, generator=random)
    ab = 40 * torch.rand(1, 2, SIDE, SIDE, generator=random) - 20
    colored = with_hints(lightness, ab, [Hint(RED, at(9, 9), True), Hint(BLUE, at(30, 22), True)])
    assert colored[0, 0].max() <= 60.01 and colored[0, 1].min() >= -54.01
    assert colored.isfinite().all()


def test_the_spreading_is_the_minimum_it_is_said_to_be() -> None:
    """Against a dense solution of the same equations."""
    from lcoins.color import hints

    random = torch.Generator().manual_seed(0)
    lightness, ab = 20 * torch.rand(1, 1, 6, 6, generator=random), torch.zeros(1, 2, 6, 6)
    region = torch.zeros(6, 6)
    region[2, 2] = 1
    system = torch.zeros(36, 36, dtype=torch.float64)
    for r in range(36):
        system[r, r] += hints.HOLD
        for s in (r + 1, r + 6):
            if s < 36 and not (s == r + 1 and s % 6 == 0):
                apart = float(lightness.flatten()[r] - lightness.flatten()[s]) / hints.EDGE
                w = torch.exp(torch.tensor(-(apart**2))).item() + hints.FAINT
                for one, other, value in ((r, r, w), (s, s, w), (r, s, -w), (s, r, -w)):
                    system[one, other] += value
    free = [index for index in range(36) if index != 14]
    say = torch.ones(36, dtype=torch.float64)
    say[free] = torch.linalg.solve(system[free][:, free], -system[free, 14])
    found = hints._spread(lightness, ab, region[None])
    assert torch.allclose(found.flatten().double(), say, atol=2e-3)


def test_a_stroke_covers_its_places_and_the_way_between() -> None:
    size = (400, 300)
    line = stroke([(40, 60), (360, 60), (360, 240)], size, SIDE)
    for x, y in ((40, 60), (200, 60), (360, 60), (360, 150), (360, 240)):
        assert (line >= place(x, y, size, SIDE)).all()
    assert line[20:, :30].sum() == 0
    assert torch.equal(stroke([(40, 60)], size, SIDE), place(40, 60, size, SIDE))


def test_a_hint_of_dark_blue_on_something_lighter_is_no_violet() -> None:
    region = torch.ones(SIDE, SIDE)
    a, b = with_hints(
        torch.full((1, 1, SIDE, SIDE), 50.0),
        torch.zeros(1, 2, SIDE, SIDE),
        [Hint((7.4, 35.3, -49.7), region, spreads=False)],
    )[0].mean(dim=(1, 2))
    assert a < 20 and b < -45
