"""The protocol's figures against scikit-image and by their formulas."""

import math

import pytest
import torch
from skimage.metrics import structural_similarity
from typechecker import unchecked_shapes

from lcoins.evaluation.quality import colorfulness, psnr, ssim, to_uint8


def pictures(count: int, size: int = 40, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 256, (count, 3, size, size), generator=torch.Generator().manual_seed(seed)).byte()


def test_quantization_clips_and_truncates():
    values = torch.tensor([-0.2, 0.0, 0.9999 / 255, 1.0001 / 255, 0.5, 254.9 / 255, 1.0, 1.7])
    assert to_uint8(values).tolist() == [0, 0, 0, 1, 127, 254, 255, 255]


def test_psnr_of_a_constant_offset_of_one():
    reference = pictures(2).clamp(0, 254)
    assert psnr(reference + 1, reference).tolist() == pytest.approx([48.1308036, 48.1308036])


def test_psnr_is_per_picture_and_infinite_for_equal_ones():
    reference = pictures(2).clamp(0, 244)
    prediction = torch.stack([reference[0], reference[1] + 10])
    values = psnr(prediction, reference)
    assert math.isinf(values[0])
    assert float(values[1]) == pytest.approx(20 * math.log10(25.5))


def test_ssim_is_scikit_images():
    reference = pictures(3)
    prediction = (reference.float() * 0.8 + pictures(3, seed=1).float() * 0.2).byte()
    judge = [
        structural_similarity(*(p[i].permute(1, 2, 0).numpy() for p in (prediction, reference)), channel_axis=2)
        for i in range(3)
    ]
    assert ssim(prediction, reference).tolist() == judge
    assert ssim(reference, reference).tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("wrong", [torch.rand(1, 3, 8, 8), torch.zeros(3, 8, 8).byte(), torch.zeros(1, 3, 8, 9).byte()])
def test_pictures_of_another_kind_are_refused(wrong):
    """By the function itself, where nothing checks annotations."""
    with unchecked_shapes(), pytest.raises(ValueError, match=r"uint8 pictures|pictures of one shape"):
        psnr(wrong, torch.zeros(1, 3, 8, 8).byte())


def test_colorfulness_by_its_formula():
    two = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
    two[0, 0, :, 0] = 100  # one column red, rg = 100, yb = 50; the other cyan, rg = -60, yb = -30
    two[0, 1:, :, 1] = 60
    absolute = math.hypot(20, 10) + 0.3 * math.hypot(80, 40)
    assert float(colorfulness(two)) == pytest.approx(absolute)
    assert float(colorfulness(pictures(1)[:, :1].expand(-1, 3, -1, -1))) == 0
