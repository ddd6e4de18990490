"""EfficientNet-Lite0 (Tan and Le, 2019; Lite: without squeeze-and-excitation, ReLU6 for swish) as a source of features.

It is not timm's, whose import takes longer than PyTorch's; its tensors have timm's names, so that weights fit either,
and tests/models/test_efficientnet_lite.py holds it to timm's bit for bit.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pad, relu6

from lcoins.models.backbones.skip_init import SkipInit

STEM = 32  # channels


class Stage(NamedTuple):
    """``blocks`` inverted residual blocks to ``channels``, the first of them with ``stride``."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
LAST = (0, 1, 2, 4, 6)  # the last stage of each resolution, strides 2, 4, 8, 16 and 32


class SameConv2d(nn.Conv2d):
    """A convolution without bias and with TensorFlow's padding: ceil(size / stride) outputs, an odd row at the end."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1):
        padding = kernel // 2 if stride == 1 else 0  # forward() pads for other strides
        super().__init__(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)

    def reset_parameters(self) -> None:
        """As published: normal, with a variance of 2 over the fan-out."""
        kernel, _ = self.kernel_size
        nn.init.normal_(self.weight, std=math.sqrt(2 * self.groups / (kernel**2 * self.out_channels)))

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        if stride > 1:  # plain arithmetic, for an exporter that leaves sizes open
            down, right = (kernel - stride + -size % stride for size in x.shape[-2:])
            x = pad(x, (right // 2, right - right // 2, down // 2, down - down // 2))
        return super().forward(x)


def batch_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class DepthwiseSeparable(nn.Module):
    """A filter for each channel, then a mixture of channels: the block of the first stage, without expansion."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int):
        super().__init__()
        self.conv_dw = SameConv2d(inputs, inputs, kernel, stride, groups=inputs)
        self.bn1 = batch_norm(inputs)
        self.conv_pw = SameConv2d(inputs, outputs, 1)
        self.bn2 = batch_norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn2(self.conv_pw(relu6(self.bn1(self.conv_dw(x)), inplace=True)))


class InvertedResidual(nn.Module):
    """A map to more channels, a filter for each, and a map back, added to the input if both have the same shape."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        wide = expansion * inputs
        self.residual = stride == 1 and inputs == outputs
        self.conv_pw = SameConv2d(inputs, wide, 1)
        self.bn1 = batch_norm(wide)
        self.conv_dw = SameConv2d(wide, wide, kernel, stride, groups=wide)
        self.bn2 = batch_norm(wide)
        self.conv_pwl = SameConv2d(wide, outputs, 1)
        self.bn3 = batch_norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        y = relu6(self.bn1(self.conv_pw(x)), inplace=True)
        y = relu6(self.bn2(self.conv_dw(y)), inplace=True)
        y = self.bn3(self.conv_pwl(y))
        return y + x if self.residual else y


class EfficientNetLite0(nn.Module):
    """The layers up to the last of the feature maps ``maps``, which are 0 to 4 for the strides 2 to 32.

    ``strides`` and ``channels`` list those of each map, finest first. Raises ValueError for other maps.
    """

    def __init__(self, maps: Iterable[int]):
        super().__init__()
        taken = sorted(set(maps))
        if not taken or not set(taken) <= set(range(len(LAST))):
            raise ValueError(f"EfficientNet-Lite0 has the feature maps 0 to {len(LAST) - 1}, got {taken}")
        self.ends = [LAST[index] for index in taken]
        self.strides = [2 ** (index + 1) for index in taken]
        self.channels = [STAGES[end].channels for end in self.ends]
        self.conv_stem = SameConv2d(3, STEM, 3, stride=2)
        self.bn1 = batch_norm(STEM)
        widths = [STEM, *(stage.channels for stage in STAGES)]
        self.blocks = nn.Sequential(
            *(_blocks(inputs, stage) for inputs, stage in zip(widths, STAGES[: self.ends[-1] + 1], strict=False))
        )

    def forward(self, x: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """Pictures to the maps, finest first, of ceil(h / stride) by ceil(w / stride)."""
        x = relu6(self.bn1(self.conv_stem(x)), inplace=True)
        found = []
        for index, stage in enumerate(self.blocks):
            x = stage(x)
            if index in self.ends:
                found.append(x)
        return found


def _blocks(inputs: int, stage: Stage) -> nn.Sequential:
    count, kernel, stride, expansion, outputs = stage
    if expansion == 1:
        return nn.Sequential(DepthwiseSeparable(inputs, outputs, kernel, stride))
    first = InvertedResidual(inputs, outputs, kernel, stride, expansion)
    others = (InvertedResidual(outputs, outputs, kernel, 1, expansion) for _ in range(count - 1))
    return nn.Sequential(first, *others)


def published_classifier() -> nn.Module:
    """The classifier of the published weights, without storage: names, order and shapes of its tensors."""
    with torch.device("meta"), SkipInit():
        net: nn.Module = EfficientNetLite0((len(LAST) - 1,))
        net.conv_head, net.bn2 = SameConv2d(STAGES[-1].channels, 1280, 1), batch_norm(1280)
        net.classifier = nn.Linear(1280, 1000)
    return net
