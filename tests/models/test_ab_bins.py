"""Color as classes: which bins there are, which one a color falls into, and how rare ones are weighted."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from skimage.color import rgb2lab
from torch import Tensor

from lcoins.models.compared.ab_bins import AbBins, boosted_weights, gamut_bins, square_bins

COUNTS = st.lists(st.integers(0, 1000), min_size=1, max_size=20).filter(any)


def as_set(bins: Tensor) -> set[tuple[int, int]]:
    return {(int(a), int(b)) for a, b in bins.tolist()}


def reachable() -> set[tuple[int, int]]:
    """The bins of 8-bit sRGB colors by scikit-image: a coarse lattice inside, a finer one on the cube's faces."""
    inside = np.stack(np.meshgrid(*[np.arange(0, 256, 15)] * 3), axis=-1).reshape(-1, 3)
    first, second = (values.ravel() for values in np.meshgrid(*[np.arange(0, 256, 3)] * 2))
    faces = [np.insert(np.stack([first, second], axis=-1), axis, end, axis=1) for axis in range(3) for end in (0, 255)]
    ab = rgb2lab(np.concatenate([inside, *faces])[:, None] / 255)[:, 0, 1:]
    return as_set(torch.from_numpy(np.unique(np.round(ab / 10) * 10, axis=0)))


def srgb_ab(seed: int, side: int = 24) -> Tensor:
    """ab (1, 2, side, side) of random sRGB colors."""
    rgb = np.random.default_rng(seed).random((side, side, 3))
    return torch.from_numpy(rgb2lab(rgb)[..., 1:]).permute(2, 0, 1)[None].float()


def one_color(a: float, b: float) -> Tensor:
    return torch.tensor([a, b]).view(1, 2, 1, 1)


def test_square_bins_stand_where_the_formula_says() -> None:
    bins = square_bins()
    assert bins.shape == (625, 2)
    for a in range(-120, 121, 10):
        for b in range(-120, 121, 10):
            assert bins[25 * (a + 120) // 10 + (b + 120) // 10].tolist() == [a, b]


def test_gamut_bins_are_313_by_a_and_then_b() -> None:
    """First, last and column sums of Zhang et al.'s list."""
    bins = gamut_bins().tolist()
    assert len(bins) == 313
    assert bins == sorted(bins)
    assert (bins[0], bins[-1]) == ([-90.0, 50.0], [100.0, 0.0])
    assert [sum(column) for column in zip(*bins, strict=True)] == [4910.0, 2090.0]


def test_gamut_bins_hold_every_bin_that_srgb_reaches() -> None:
    found = reachable()
    assert len(found) == 261  # as rounding all 2^24 colors gives
    assert found < as_set(gamut_bins()) < as_set(square_bins())


@pytest.mark.parametrize("kind", ["square", "gamut"])
@given(seed=st.integers(0, 2**32 - 1))
@example(seed=23380891)  # one color lies exactly between two bins
def test_nearest_bin_of_an_srgb_color_is_the_nearest_of_all(kind: str, seed: int) -> None:
    grid, ab = AbBins(kind), srgb_ab(seed, side=8)
    distances = torch.cdist(ab.double().flatten(2)[0].T, grid.bins.double())
    chosen = distances.gather(1, grid.nearest(ab).flatten()[:, None])[:, 0]
    torch.testing.assert_close(chosen, distances.amin(dim=1), rtol=0, atol=1e-4)  # a color may lie between two bins


def test_colors_beyond_the_grid_take_a_bin_at_its_border() -> None:
    square, gamut = AbBins("square"), AbBins("gamut")
    assert square.bins[square.nearest(one_color(300.0, -125.5)).item()].tolist() == [120.0, -120.0]
    assert gamut.bins[gamut.nearest(one_color(-300.0, 40.0)).item()].tolist() == [-90.0, 50.0]


@pytest.mark.parametrize("kind", ["square", "gamut"])
def test_soft_label_has_ten_neighbors_and_sums_to_one(kind: str) -> None:
    grid, ab = AbBins(kind), srgb_ab(0)
    shares = grid.soft(ab)
    assert shares.shape == (1, len(grid), 24, 24)
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(1, 24, 24))
    assert torch.equal((shares > 0).sum(dim=1), torch.full((1, 24, 24), 10))
    assert torch.equal(shares.argmax(dim=1), grid.nearest(ab))


def test_soft_label_by_hand() -> None:
    """Of (3, 0): the bins around it and their squared distances, each weighing exp(-d^2 / 50)."""
    squares = {
        (0, 0): 9,
        (10, 0): 49,
        (0, 10): 109,
        (0, -10): 109,
        (10, 10): 149,
        (10, -10): 149,
        (-10, 0): 169,
        (-10, 10): 269,
        (-10, -10): 269,
        (20, 0): 289,
    }
    grid = AbBins("square")
    shares = grid.soft(one_color(3.0, 0.0))[0, :, 0, 0]
    total = sum(math.exp(-square / 50) for square in squares.values())
    found = {tuple(grid.bins[place].int().tolist()): shares[place].item() for place in shares.nonzero().flatten()}
    assert found == pytest.approx(
        {place: math.exp(-square / 50) / total for place, square in squares.items()}, rel=1e-3
    )


@pytest.mark.parametrize("kind", ["square", "gamut"])
def test_decoding_gives_the_bin_that_the_logits_are_sure_of(kind: str) -> None:
    grid = AbBins(kind)
    places = torch.tensor([0, 150, len(grid) - 1])
    logits = torch.zeros(3, len(grid), 2, 2)
    logits[torch.arange(3), places] = 1000.0
    ab = grid.decode(logits, 1.0, size=8)
    torch.testing.assert_close(ab, grid.bins[places][:, :, None, None].expand(3, 2, 8, 8), rtol=0, atol=1e-3)


def test_sharper_decoding_moves_towards_the_likeliest_bin() -> None:
    """Shares of 1/4 and 3/4 become 1/10 and 9/10 with sharpness 2."""
    grid = AbBins("square")
    logits = torch.full((1, 625, 1, 1), -1e4)
    red, blue = (grid.nearest(one_color(*ab)).item() for ab in ((60.0, 40.0), (20.0, -60.0)))
    logits[0, red], logits[0, blue] = 0.0, math.log(3)
    plain, sharp = (grid.decode(logits, sharpness, size=4)[0, :, 0, 0].tolist() for sharpness in (1.0, 2.0))
    assert plain == pytest.approx([0.25 * 60 + 0.75 * 20, 0.25 * 40 - 0.75 * 60], abs=1e-4)
    assert sharp == pytest.approx([0.1 * 60 + 0.9 * 20, 0.1 * 40 - 0.9 * 60], abs=1e-4)


def test_decoding_is_in_full_precision() -> None:
    """In bfloat16 a shade could be 0.8 CIELAB units off, for nothing."""
    grid, logits = AbBins("gamut"), 3 * torch.randn(2, 313, 4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = grid.decode(logits, 2.63, size=16)
    assert torch.equal(mixed, grid.decode(logits, 2.63, size=16))


def test_a_grid_keeps_its_bins_where_a_model_is_built_without_memory() -> None:
    with torch.device("meta"):
        grid = AbBins("gamut")
    assert torch.equal(grid.bins, gamut_bins())
    assert grid.nearest(one_color(0.0, 0.0)).item() == grid.bins.tolist().index([0.0, 0.0])


def test_unknown_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="one of square, gamut, not 'round'"):
        AbBins("round")


def test_boosted_weights_by_hand() -> None:
    """p = (3/4, 1/4), u = 1/2: m = (5/8, 3/8), 1/m = (8/5, 8/3); sum p/m = 28/15."""
    weights = boosted_weights([30, 0, 10])
    assert weights.tolist() == pytest.approx([8 / 5 / (28 / 15), 0.0, 8 / 3 / (28 / 15)])


@given(COUNTS, st.floats(0, 1), st.floats(0, 2))
def test_boosted_weights_are_one_on_average(counts: list[int], uniform: float, power: float) -> None:
    weights, share = boosted_weights(counts, uniform, power).double(), torch.tensor(counts) / sum(counts)
    assert (weights * share).sum().item() == pytest.approx(1.0, abs=1e-5)
    assert torch.equal(weights > 0, share > 0)  # classes that never occur cost nothing


@given(COUNTS)
def test_rarer_classes_weigh_more(counts: list[int]) -> None:
    pairs = sorted(
        (count, weight) for count, weight in zip(counts, boosted_weights(counts).tolist(), strict=True) if count
    )
    for (count, weight), (more, lighter) in pairwise(pairs):
        assert weight > lighter if count < more else weight == lighter


def test_even_classes_and_power_zero_change_nothing() -> None:
    for weights in (boosted_weights([7, 7, 0]), boosted_weights([1, 9, 0], power=0.0), boosted_weights([1, 9, 0], 1.0)):
        assert weights.tolist() == pytest.approx([1.0, 1.0, 0.0])


@pytest.mark.parametrize("counts", [[], [0, 0], [3, -1], [float("nan")], torch.tensor([[1, 2]])])
def test_counts_that_are_none_are_refused(counts: list | Tensor) -> None:
    with pytest.raises(ValueError, match="not all 0; count the training set again"):
        boosted_weights(counts)
