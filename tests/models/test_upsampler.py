"""Upsampler: sizes, range, the layout of patches, and ab below the image size."""

import pytest
import torch
from torch import nn

from lcoins.models.upsampler import Upsampler


@pytest.mark.parametrize(
    ("channels", "grid", "image_size"),
    [((16, 8, 4), 4, 16), ((16, 8), 4, 32), ((16,), 4, 16), ((16, 8, 4), 4, 8)],
    ids=["full size", "quarter size", "no doubling", "beyond the image"],
)
def test_size_and_range(channels: tuple[int, ...], grid: int, image_size: int) -> None:
    upsampler = Upsampler(12, channels, image_size)
    ab = upsampler(100 * torch.randn(2, grid * grid, 12))
    assert ab.shape == (2, 2, image_size, image_size)
    assert ab.dtype == torch.float32
    assert ab.abs().max() <= 1.0
    assert ab.std() > 0.01
    assert sum(isinstance(layer, nn.ConvTranspose2d) for layer in upsampler.layers) == len(channels) - 1


def test_patches_are_laid_out_row_by_row() -> None:
    """Without doublings and with an identity for the maps, each patch gives its own pixel."""
    upsampler = Upsampler(4, (4,), image_size=3)
    upsampler.norm = nn.Identity()
    upsampler.projection = nn.Identity()
    upsampler.layers = nn.Sequential(nn.Conv2d(4, 2, 1, bias=False))
    nn.init.zeros_(upsampler.layers[0].weight)
    upsampler.layers[0].weight.data[0, 0] = 1.0
    patches = torch.zeros(1, 9, 4)
    patches[0, :, 0] = torch.arange(9.0)
    assert torch.equal(upsampler(patches)[0, 0], torch.arange(9.0).view(3, 3))


def test_ab_below_the_image_size_is_smooth() -> None:
    """Bilinear: every pixel lies between the coarse ones, so four-pixel steps never exceed the coarse steps."""
    upsampler = Upsampler(12, (16, 8), image_size=32)
    coarse = []
    upsampler.layers[-1].register_forward_hook(lambda _, __, output: coarse.append(output))
    fine = upsampler(torch.randn(1, 16, 12))
    assert coarse[0].shape == (1, 2, 8, 8)
    assert coarse[0].min() <= fine.min()
    assert fine.max() <= coarse[0].max()
    largest = max(coarse[0].diff(dim=d).abs().max().item() for d in (2, 3))
    assert max(fine.diff(dim=d).abs().max().item() for d in (2, 3)) <= largest / 4 + 1e-6


def test_photos_of_a_batch_do_not_mix() -> None:
    upsampler = Upsampler(12, (16, 8, 4), 16)
    patches = torch.randn(3, 16, 12)
    torch.testing.assert_close(upsampler(patches)[1:2], upsampler(patches[1:2]), rtol=1e-4, atol=1e-5)


def test_detail_says_where_in_a_cell_a_color_goes() -> None:
    """The picture follows an edge of the finer map that runs inside the cells of equal tokens."""
    torch.manual_seed(0)
    upsampler = Upsampler(8, (8, 8), image_size=32, details=[3]).eval()
    patches, flat = torch.zeros(1, 256, 8), torch.zeros(1, 3, 32, 32)
    edge = flat.clone()
    edge[..., 17:] = 1.0
    with_edge, without = upsampler(patches, [edge]), upsampler(patches, [flat])
    step = (with_edge - without)[0, :, 10:22].diff(dim=2).abs().amax(dim=(0, 1))  # from each column to the next
    assert step[16] > 1e-4
    assert step[16] > 3 * max(step[8:12].max(), step[22:26].max())
    with pytest.raises(ValueError):
        upsampler(patches)


def test_fusions_start_as_nothing() -> None:
    """So that weights which were trained without them go on from the picture that they gave."""
    torch.manual_seed(0)
    upsampler = Upsampler(12, (16, 8, 4), 16, details=[5, 6])
    upsampler.start_as_nothing()
    plain = Upsampler(12, (16, 8, 4), 16)
    plain.load_state_dict({k: v for k, v in upsampler.state_dict().items() if not k.startswith("fusions")})
    patches, details = torch.randn(2, 16, 12), [torch.randn(2, 5, 8, 8), torch.randn(2, 6, 16, 16)]
    torch.testing.assert_close(upsampler(patches, details), plain(patches))
    upsampler(patches, details).square().sum().backward()
    assert all(fusion.residual.weight.grad.abs().sum() > 0 for fusion in upsampler.fusions)


def test_more_details_than_doublings_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 1 maps"):
        Upsampler(8, (8, 8), image_size=8, details=[3, 3])
