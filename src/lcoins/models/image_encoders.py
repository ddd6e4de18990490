"""Image encoders: from network lightness to image tokens (paper, 3.3)."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from lcoins.models.backbones import pretrained


class PatchEncoder(nn.Module):
    """Vision transformer without a class token, and the projection to the common token width (no bias).

    The paper says "standard ViT"; the authors' code points to MAE, which the ``paper`` size takes. The lightness is
    repeated to three channels; no ImageNet mean is subtracted and nothing is divided by its deviation.

    Args:
        image_size: side of the lightness.
        patch_size: side of a patch.
        dim: channels inside the vision transformer.
        depth: number of its blocks.
        heads: attention heads of a block.
        width: channels of an image token.
        drop_path: stochastic depth of the last block.
        init: ``none``, ``mae`` or ``supervised`` (timm's weights from the hub or its cache), or a local file in MAE's
            or timm's layout.
    """

    detail_channels: tuple[int, ...] = ()  # it has no maps that are finer than its tokens

    def __init__(
        self,
        image_size: int,
        patch_size: int,
        dim: int,
        depth: int,
        heads: int,
        width: int,
        drop_path: float,
        init: str,
    ):
        from timm.models import VisionTransformer  # with torchvision, this import takes seconds

        super().__init__()
        self.grid = grid_side(image_size, patch_size)
        self.vit = VisionTransformer(
            img_size=image_size,
            patch_size=patch_size,
            embed_dim=dim,
            depth=depth,
            num_heads=heads,
            class_token=False,
            global_pool="avg",
            fc_norm=False,
            num_classes=0,
            drop_path_rate=drop_path,
        )
        self.projection = nn.Linear(dim, width, bias=False)
        if init != "none":
            pretrained.load_vit(self.vit, init)

    def forward(self, lightness: Float[Tensor, "b 1 s s"]) -> Float[Tensor, "b n_img c"]:
        """Network lightness to image tokens, row by row."""
        return self.projection(self.vit.forward_features(lightness.expand(-1, 3, -1, -1)))


class GridEncoder(nn.Module):
    """Any timm backbone that gives a grid of features, for CPU-sized work. Not in the paper.

    The features of several stages are brought to the finest grid, concatenated, normalized and projected. A learned
    position table, which starts as sines, adds the position that a convolutional net does not know.

    Args:
        backbone: timm's name.
        image_size: side of the lightness.
        stages: indices of the feature maps.
        width: channels of an image token.
        freeze: whether the backbone stays as it is.
        init: ``none``, ``package`` (weights that an installed package carries), ``timm`` (hub or its cache) or a local
            file.
        standardize: gives every picture the same mean and contrast first, so that a frozen backbone still recognizes
            shapes in a picture that a strong gamma has left almost black or white.
        details: indices of feature maps, each finer than those of ``stages``, the finest last, that an
            :class:`~lcoins.models.upsampler.Upsampler` takes beside the tokens.
    """

    def __init__(
        self,
        backbone: str,
        image_size: int,
        stages: Sequence[int],
        width: int,
        freeze: bool,
        init: str,
        standardize: bool = False,
        details: Sequence[int] = (),
    ):
        super().__init__()
        _expect_finer(details, stages)
        self.standardize, self.trained = standardize, not freeze
        self.keep_statistics = freeze or init != "none"
        finer_first = (*sorted(details), *stages)
        self.backbone, strides, channels = pretrained.build_backbone(backbone, finer_first, init)
        self.backbone.requires_grad_(not freeze).to(memory_format=torch.channels_last)  # 1.5 times as fast on a CPU
        self.detail_channels = tuple(reversed(channels[: len(details)]))
        strides, channels = strides[len(details) :], channels[len(details) :]
        self.grid = grid_side(image_size, min(strides))
        self.norm = nn.LayerNorm(sum(channels))
        self.projection = nn.Linear(sum(channels), width, bias=False)
        self.position = nn.Parameter(_sine_positions(self.grid, width))
        self.train()  # Lightning keeps the modes that it finds

    def train(self, mode: bool = True) -> "GridEncoder":
        """A pretrained backbone keeps its batch statistics, frozen or not: small batches estimate them badly."""
        super().train(mode)
        if self.keep_statistics:
            self.backbone.eval()
        return self

    def forward(self, lightness: Float[Tensor, "b 1 s s"]) -> Float[Tensor, "b n_img c"]:
        """Network lightness to image tokens, row by row."""
        return self.with_details(lightness)[0]

    def with_details(self, lightness: Float[Tensor, "b 1 s s"]) -> tuple[Float[Tensor, "b n_img c"], list[Tensor]]:
        """Network lightness to image tokens, and the feature maps of ``details``, from coarse to fine."""
        if self.standardize:
            deviation, mean = torch.std_mean(lightness, dim=(2, 3), keepdim=True)
            lightness = 0.5 * (lightness - mean) / deviation.clamp(min=0.02)
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.trained):
            maps = self.backbone(lightness.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last))
        details, maps = maps[: len(self.detail_channels)], maps[len(self.detail_channels) :]
        size = maps[0].shape[-2:]
        maps = [maps[0]] + [interpolate(m, size=size, mode="bilinear", align_corners=False) for m in maps[1:]]
        tokens = torch.cat(maps, dim=1).flatten(2).transpose(1, 2)
        return self.projection(self.norm(tokens)) + self.position, details[::-1]


def grid_side(image_size: int, stride: int) -> int:
    """Cells in a row of a grid over the picture; raises ValueError where they would leave a part of it out."""
    if image_size % stride:
        fitting = max(image_size - image_size % stride, stride), image_size + -image_size % stride
        raise ValueError(
            f"model.image_size={image_size}: expected a multiple of {stride}, the pixels of a side of a cell of the "
            f"network's grid; take {' or '.join(map(str, sorted(set(fitting))))}"
        )
    return image_size // stride


def _expect_finer(details: Sequence[int], stages: Sequence[int]) -> None:
    """Refuses maps for the upsampler that are not each twice as fine as the one before, from the tokens' on."""
    expected = [min(stages) - step for step in range(1, len(details) + 1)]
    if list(details) != expected or min(expected, default=0) < 0:
        raise ValueError(
            f"image_encoder.details: expected {expected or '[]'}, each stage one finer than the one before, the first "
            f"one finer than stages={list(stages)}; got {list(details)}"
        )


def _sine_positions(grid: int, width: int) -> Float[Tensor, "1 n_img c"]:
    """Sines and cosines of row and column, as large as the features, so that position counts from the first step."""
    if width % 4:
        raise ValueError(f"the token width must be a multiple of 4 for a position table, not {width}")
    table = torch.empty(1, grid * grid, width)  # first, so that a model which fits no memory is refused by its size
    rates = 10000.0 ** -torch.linspace(0, 1, width // 4)
    angles = torch.arange(grid).unsqueeze(1) * rates
    waves = torch.cat([angles.sin(), angles.cos()], dim=1)
    rows, columns = waves.repeat_interleave(grid, dim=0), waves.repeat(grid, 1)
    return torch.cat([rows, columns], dim=1, out=table[0]).unsqueeze(0)
