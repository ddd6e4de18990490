"""The figures of the paper's evaluation protocol: PSNR, SSIM and colorfulness of 8-bit pictures.

Prediction and reference both go from (original lightness, ab) to sRGB, are clipped, multiplied by 255 and truncated
(:func:`to_uint8`), so that a perfect ab gives a perfect picture. Each figure belongs to one picture; the caller
averages.
"""

import torch
from jaxtyping import Float, Float64, UInt8
from torch import Tensor

# What a perfect picture, whose PSNR is infinite, counts in validation: hardly more than one of 224 x 224 pixels that
# differs in a single value. An infinite mean would be the same after every epoch, and the first would stay the best.
MOST_DECIBELS = 100.0


def to_uint8(rgb: Float[Tensor, "*shape"]) -> UInt8[Tensor, "*shape"]:
    """Quantizes sRGB in [0, 1] as the authors do: clip, multiply by 255, truncate (not round).

    >>> to_uint8(torch.tensor([-0.1, 0.5, 0.999, 1.2]))
    tensor([  0, 127, 254, 255], dtype=torch.uint8)
    """
    return (rgb.clamp(0, 1) * 255).to(torch.uint8)


def psnr(prediction: UInt8[Tensor, "b 3 h w"], reference: UInt8[Tensor, "b 3 h w"]) -> Float64[Tensor, " b"]:
    """PSNR in dB of each picture; infinite if the two are equal.

    Peak 255; the mean squared error is over all pixels and the three channels of one picture, never over several.
    """
    _expect_pictures(prediction, reference)
    error = (prediction.double() - reference.double()).square().mean(dim=(1, 2, 3))
    return 10 * torch.log10(255.0**2 / error)


def ssim(prediction: UInt8[Tensor, "b 3 h w"], reference: UInt8[Tensor, "b 3 h w"]) -> Float64[Tensor, " b"]:
    """SSIM of each picture by scikit-image, at most 1.

    The paper's settings: uniform 7x7 window, sample covariance, range 255, mean of the three RGB channels.
    """
    from skimage.metrics import structural_similarity  # slow to import, and `lcoins colorize` does not need it

    _expect_pictures(prediction, reference)
    pairs = zip(*(pictures.permute(0, 2, 3, 1).cpu().numpy() for pictures in (prediction, reference)), strict=True)
    return torch.tensor([structural_similarity(p, r, channel_axis=-1, data_range=255) for p, r in pairs]).double()


def colorfulness(pictures: UInt8[Tensor, "b 3 h w"]) -> Float64[Tensor, " b"]:
    """Hasler-Suesstrunk colorfulness of each picture; 0 for gray.

    ``sqrt(var rg + var yb) + 0.3 sqrt(mean(rg)^2 + mean(yb)^2)`` on the opponents rg = |R - G|,
    yb = |(R + G) / 2 - B|. The paper of 2003 takes the opponents with their signs; the published colorization code
    takes absolute values, and so does this function.
    """
    red, green, blue = pictures.double().unbind(dim=1)
    opponents = torch.stack([red - green, (red + green) / 2 - blue], dim=1).abs()
    spread = opponents.var(dim=(2, 3), correction=0).sum(dim=1).sqrt()
    return spread + 0.3 * opponents.mean(dim=(2, 3)).norm(dim=1)


def _expect_pictures(prediction: Tensor, reference: Tensor) -> None:
    for name, pictures in (("prediction", prediction), ("reference", reference)):
        if pictures.dtype != torch.uint8 or pictures.ndim != 4 or pictures.shape[1] != 3:
            raise ValueError(
                f"{name}: expected uint8 pictures (B, 3, H, W), got {pictures.dtype} {tuple(pictures.shape)}; "
                "quantize sRGB with to_uint8 first"
            )
    if prediction.shape != reference.shape:
        raise ValueError(
            f"expected two pictures of one shape, got prediction {tuple(prediction.shape)} and reference "
            f"{tuple(reference.shape)}; resize ab to the size of the reference first"
        )
