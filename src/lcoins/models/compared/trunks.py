"""Convolutional trunks of the compared systems: network lightness to feature maps at strides 4 and 8."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from lcoins.color.lab import from_network_lightness, join_lab
from lcoins.models.backbones import pretrained

STRIDE = 8  # of the coarser map, which all systems enlarge: a side of their pictures is a multiple of it
IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def gray_picture(lightness: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 3 h w"]:
    """Network lightness as the gray sRGB picture of (L*, 0, 0), normalized as for ImageNet.

    ML2018's release weights the channels of RGB pictures as if they were BGR; this is the gray of the other systems.
    """
    level = from_network_lightness(lightness)
    rgb = join_lab(level, level.new_zeros(level.shape[0], 2, *level.shape[2:]))
    mean, deviation = (rgb.new_tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_DEVIATION))
    return (rgb - mean) / deviation


class _Frozen(nn.Module):
    """Keeps a frozen trunk in evaluation mode, since its batch statistics would change otherwise."""

    freeze: bool

    def train(self, mode: bool = True) -> "_Frozen":
        super().train(mode and not self.freeze)
        return self


class VggTrunk(_Frozen):
    """VGG16-BN to conv3_3 (stride 4, 256 channels) and on to conv4_3 (stride 8, 512 channels).

    With ``picture`` its input is the gray sRGB picture in ImageNet's normalization (Xie2018), else the network
    lightness three times (L-CoDe). ``init`` is ``imagenet`` (torchvision's cache), a local file, or ``none``.
    """

    channels = (256, 512)

    def __init__(self, init: str, picture: bool, freeze: bool = False):
        super().__init__()
        features = pretrained.torchvision_net("vgg16_bn", init).features
        self.low, self.high = features[:23], features[23:33]
        self.picture, self.freeze = picture, freeze
        self.requires_grad_(not freeze).train()  # Lightning keeps the modes that it finds

    def forward(
        self, lightness: Float[Tensor, "b 1 s s"]
    ) -> tuple[Float[Tensor, "b c1 h w"], Float[Tensor, "b c2 h//2 w//2"]]:
        """Network lightness to maps at strides 4 and 8."""
        low = self.low(gray_picture(lightness) if self.picture else lightness.expand(-1, 3, -1, -1))
        return low, self.high(low)


class ResnetTrunk(_Frozen):
    """ResNet-101 through its second stage, frozen (ML2018); ``init`` as in :class:`VggTrunk`."""

    channels = (256, 512)
    freeze = True

    def __init__(self, init: str):
        super().__init__()
        net = pretrained.torchvision_net("resnet101", init)
        self.low = nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool, net.layer1)
        self.high = net.layer2
        self.requires_grad_(False).train()

    @torch.no_grad()
    def forward(
        self, lightness: Float[Tensor, "b 1 s s"]
    ) -> tuple[Float[Tensor, "b c1 h w"], Float[Tensor, "b c2 h//2 w//2"]]:
        """Network lightness to maps at strides 4 and 8."""
        low = self.low(gray_picture(lightness))
        return low, self.high(low)


class GridTrunk(_Frozen):
    """A timm backbone for CPU-sized work: the stage ``low`` at stride 4, and those of ``high`` at stride 8.

    Coarser stages of ``high`` are enlarged and concatenated. Not in the papers: it gives every system the encoder of
    L-CoIns' small sizes. ``init`` is that of :class:`lcoins.models.image_encoders.GridEncoder`.
    """

    def __init__(self, backbone: str, low: int, high: Sequence[int], init: str, freeze: bool):
        super().__init__()
        self.backbone, strides, widths = pretrained.build_backbone(backbone, (low, *high), init)
        self.freeze = freeze
        self.requires_grad_(not freeze).to(memory_format=torch.channels_last).train()
        if strides[:2] != [4, 8]:
            raise ValueError(
                f"the trunk's stages must have strides 4 and 8, not {strides[0]} and {strides[1]}; choose "
                f"other stages of {backbone}"
            )
        self.channels = (widths[0], sum(widths[1:]))

    def forward(
        self, lightness: Float[Tensor, "b 1 s s"]
    ) -> tuple[Float[Tensor, "b c1 h w"], Float[Tensor, "b c2 h//2 w//2"]]:
        """Network lightness to maps at strides 4 and 8."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.freeze):
            low, *high = self.backbone(lightness.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last))
        size = high[0].shape[-2:]
        return low, torch.cat([high[0], *(interpolate(m, size=size, mode="bilinear") for m in high[1:])], dim=1)
