"""The margin of a print is found, left out and given back without color; what has none is left whole."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad
from torchvision.transforms.functional import rotate

from lcoins.color.margins import Margins, find_margins

SIDE = 112


def print_of(*margins: int, paper: float = 95, darkest: float = 20, lightest: float = 80, seed: int = 0) -> Tensor:
    """L* (1, 1, SIDE, SIDE) of a picture with margins of so many pixels above, on the left, below and on the right."""
    top, left, bottom, right = margins
    coarse = torch.rand(1, 1, 12, 12, generator=torch.Generator().manual_seed(seed))
    size = (SIDE - top - bottom, SIDE - left - right)
    picture = interpolate(coarse, size, mode="bilinear")
    return pad(darkest + (lightest - darkest) * picture, (left, right, top, bottom), value=paper)


def box_of(photo: Tensor) -> tuple[int, ...] | None:
    (box,) = find_margins(photo).boxes
    return box


@pytest.mark.parametrize("paper", [95.0, 5.0])
@pytest.mark.parametrize("margins", [(10, 10, 10, 10), (4, 4, 4, 4), (8, 6, 24, 6), (20, 20, 20, 20)])
def test_a_margin_is_found_to_a_pixel_or_two(margins: tuple[int, int, int, int], paper: float) -> None:
    top, left, bottom, right = margins
    photo = print_of(*margins, paper=paper, darkest=30, lightest=70)
    assert box_of(photo) == pytest.approx((top, left, SIDE - bottom, SIDE - right), abs=2)


@pytest.mark.parametrize("blur", [1, 3])
@pytest.mark.parametrize("mount", [1, 6])  # a dark line of a scanner, or a mount
def test_paper_on_a_mount_is_left_out_with_it(mount: int, blur: int) -> None:
    paper = print_of(12, 12, 12, 12, lightest=70)[..., mount:-mount, mount:-mount]
    photo = avg_pool2d(pad(paper, (mount, mount, mount, mount), value=4), blur, 1, blur // 2, count_include_pad=False)
    assert box_of(photo) == pytest.approx((12, 12, SIDE - 12, SIDE - 12), abs=3)


def test_a_print_that_lies_askew_and_is_grainy_is_found() -> None:
    photo = rotate(print_of(14, 14, 14, 14, darkest=30, lightest=70), 1.2, fill=[95.0])
    photo += 4 * torch.randn(photo.shape, generator=torch.Generator().manual_seed(0))
    assert box_of(photo.clamp(0, 100)) == pytest.approx((14, 14, SIDE - 14, SIDE - 14), abs=3)


def disc(radius: float) -> Tensor:
    away = torch.arange(SIDE) - SIDE / 2
    return torch.where((away[:, None] ** 2 + away[None] ** 2).sqrt() < radius, 30.0, 95.0)[None, None]


def test_a_white_sky_is_no_part_of_the_paper() -> None:
    photo = print_of(10, 10, 10, 10, lightest=70)
    photo[..., 10:40, 10:-10] = 89  # 6 units darker than the paper
    assert box_of(photo) == pytest.approx((10, 10, SIDE - 10, SIDE - 10), abs=2)
    photo[..., 10:40, 10:-10] = 95
    assert box_of(photo) is None


@pytest.mark.parametrize(
    "photo",
    [
        print_of(0, 0, 0, 0),
        print_of(20, 0, 0, 0),  # a white sky
        print_of(12, 0, 12, 0),  # a film's bars
        print_of(30, 30, 30, 30),  # a window in a wall
        disc(48),
        torch.full((1, 1, SIDE, SIDE), 50.0),
        torch.full((1, 1, 1, 1), 50.0),
    ],
    ids=["none", "sky", "bars", "window", "plate", "even", "pixel"],
)
def test_what_is_no_margin_stays(photo: Tensor) -> None:
    margins = find_margins(photo)
    assert margins.boxes == [None]
    assert margins.without(photo) is photo


@given(st.tuples(*[st.integers(6, 12)] * 4), st.sampled_from([95.0, 4.0]), st.integers(0, 9))
def test_a_picture_without_its_margin_has_none(margins: tuple[int, int, int, int], paper: float, seed: int) -> None:
    photo = print_of(*margins, paper=paper, darkest=30, lightest=70, seed=seed)
    assert box_of(photo) is not None
    assert find_margins(find_margins(photo).without(photo)).boxes == [None]


def test_each_photo_of_a_batch_is_taken_by_itself() -> None:
    photos = torch.cat([print_of(10, 10, 10, 10), print_of(0, 0, 0, 0), print_of(6, 9, 12, 15)])
    alone = [find_margins(photo[None]) for photo in photos]
    together = find_margins(photos)
    assert list(together.boxes) == [margins.boxes[0] for margins in alone]
    parts = [margins.without(photo[None]) for margins, photo in zip(alone, photos, strict=True)]
    torch.testing.assert_close(together.without(photos), torch.cat(parts))


def test_a_clip_has_the_margin_that_a_third_of_its_frames_have_or_none() -> None:
    found = Margins([(4, 4, 100, 100), None, (6, 4, 98, 100), (5, 5, 99, 101), *[None] * 5])
    assert found.common().boxes == [(5, 4, 99, 100)]
    assert Margins([(4, 4, 100, 100), *[None] * 3]).common().boxes == [None]
    assert Margins([]).common().boxes == [None]


def test_values_come_back_to_their_places_and_the_margin_has_none() -> None:
    margins = Margins([(20, 10, 100, 90)])
    picture = torch.linspace(1, 2, SIDE).expand(1, 2, SIDE, SIDE)
    around = margins.around(picture)
    assert around.shape == picture.shape
    for outside in (around[..., :20, :], around[..., 100:, :], around[..., :10], around[..., 90:]):
        assert not outside.any()
    torch.testing.assert_close(around[0, 0, 20:100, 10:90], torch.linspace(1, 2, 80).expand(80, 80), atol=0.01, rtol=0)
    torch.testing.assert_close(margins.without(around)[..., 2:-2], picture[..., 2:-2], atol=0.02, rtol=0)


def test_maps_of_tokens_stay_maps_of_one_group_a_token() -> None:
    """The picture fills the middle half of the photo; its halves belong to two groups."""
    groups = torch.zeros(1, 2, 8, 8)
    groups[:, 0, :, :4], groups[:, 1, :, 4:] = 1, 1
    maps = Margins([(28, 28, 84, 84)]).tokens_around(groups.flatten(2), SIDE)
    assert (maps.sum(dim=1) == 1).all()
    torch.testing.assert_close(maps.unflatten(2, (8, 8)), groups)
    upper = torch.zeros(1, 2, 8, 8)
    upper[:, 0, :2], upper[:, 1, 2:] = 1, 1
    moved = Margins([(28, 28, 84, 84)]).tokens_around(upper.flatten(2), SIDE).unflatten(2, (8, 8))
    assert moved[0, 0, :3].all() and moved[0, 1, 3:].all()
