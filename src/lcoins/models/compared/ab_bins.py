"""Color as classes: grids of ab, labels, class weights and decoding (Zhang et al., ECCV 2016; ML2018, Xie2018)."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import interpolate

from lcoins.color.lab import in_float32

STEP = 10.0  # CIELAB units between neighboring bins
SIDE = 25  # lattice points from -120 to 120 in a and b

# The 313 bins of Zhang et al.: for each a / 10 the first and last b / 10.
_ROWS = {
    -9: (5, 9),
    -8: (2, 9),
    -7: (0, 9),
    -6: (-2, 9),
    -5: (-3, 10),
    -4: (-4, 10),
    -3: (-5, 10),
    -2: (-5, 10),
    -1: (-6, 10),
    0: (-7, 10),
    1: (-8, 9),
    2: (-8, 9),
    3: (-9, 9),
    4: (-10, 9),
    5: (-10, 8),
    6: (-11, 8),
    7: (-11, 8),
    8: (-11, 7),
    9: (-11, 7),
    10: (-9, 0),
}


def square_bins() -> Float[Tensor, "625 2"]:
    """The bins of ML2018 in CIELAB: a and b from -120 to 120 in steps of 10, by a and then b.

    Only 261 of them hold a color of sRGB.
    """
    axis = torch.arange(SIDE) * STEP - STEP * (SIDE // 2)
    return torch.cartesian_prod(axis, axis)


def gamut_bins() -> Float[Tensor, "313 2"]:
    """The bins of Zhang et al. that Xie2018 takes, in CIELAB, by a and then b."""
    return torch.tensor([(STEP * a, STEP * b) for a, (low, high) in _ROWS.items() for b in range(low, high + 1)])


BINS = {"square": square_bins, "gamut": gamut_bins}


class AbBins:
    """K bins of ab in CIELAB, ``square`` (625) or ``gamut`` (313): colors to classes, and logits to colors."""

    def __init__(self, kind: str):
        if kind not in BINS:
            raise ValueError(f"the grid of ab must be one of {', '.join(BINS)}, not {kind!r}")
        with torch.device("cpu"):  # also where a model is built on the meta device
            self.bins = BINS[kind]()
            self._of_lattice = torch.cdist(square_bins(), self.bins).argmin(dim=1)

    def __len__(self) -> int:
        return len(self.bins)

    def nearest(self, ab: Float[Tensor, "b 2 h w"]) -> Int[Tensor, "b h w"]:
        """The index of the bin nearest to ab in CIELAB; colors outside the grid take a bin at its border."""
        cell = (ab / STEP).round().long().clamp(-(SIDE // 2), SIDE // 2) + SIDE // 2
        return self._of_lattice.to(ab.device)[cell[:, 0] * SIDE + cell[:, 1]]

    def soft(self, ab: Float[Tensor, "b 2 h w"], neighbors: int = 10, sigma: float = 5.0) -> Float[Tensor, "b k h w"]:
        """Shares of the ``neighbors`` nearest bins, which sum to 1: a Gaussian of ``sigma`` CIELAB units."""
        colors = ab.permute(0, 2, 3, 1)
        distances, indices = torch.cdist(colors.flatten(0, 2), self.bins.to(ab)).topk(neighbors, largest=False)
        shares = torch.softmax(-distances.square() / (2 * sigma**2), dim=1)
        full = shares.new_zeros(len(shares), len(self)).scatter_(1, indices, shares)
        return full.view(*colors.shape[:3], len(self)).permute(0, 3, 1, 2)

    def decode(
        self, logits: Float[Tensor, "b k h w"], sharpness: float, size: int
    ) -> Float[Tensor, "b 2 {size} {size}"]:
        """Expected ab in CIELAB by softmax(sharpness * logits), then enlarged by bicubic interpolation.

        Sharpness 1 is the plain mean (ML2018); Xie2018's 2.63 is the "annealed mean", nearer to the most likely color.
        """
        with in_float32(logits):
            shares = torch.softmax(sharpness * logits.float(), dim=1)
            ab = torch.einsum("bkhw,kc->bchw", shares, self.bins.to(shares))
            return interpolate(ab, size=(size, size), mode="bicubic", align_corners=False)


def boosted_weights(counts: Tensor | Sequence[float], uniform: float = 0.5, power: float = 1.0) -> Float[Tensor, " k"]:
    """Class weights from how often each class occurs in training: rare ones count more.

    With p the shares, m = (1 - uniform) p + uniform u for u even over the classes that occur; weights are m ** -power,
    0 for classes that never occur, scaled so that sum p w = 1 (Zhang et al., 2.2; ML2018 and Xie2018).

    >>> [round(weight, 3) for weight in boosted_weights([3.0, 1.0, 0.0]).tolist()]
    [0.857, 1.429, 0.0]
    """
    share = torch.as_tensor(counts, dtype=torch.float64)
    if share.ndim != 1 or not bool(share.sum() > 0) or bool((share < 0).any()):
        raise ValueError(
            "class counts must be a list of numbers from 0 up, not all 0; count the training set again "
            "with lcoins prior"
        )
    share = share / share.sum()
    present = share > 0
    mixed = (1 - uniform) * share + uniform * present / present.sum()
    weights = torch.where(present, mixed.clamp(min=1e-12) ** -power, 0.0)
    return (weights / (share * weights).sum()).float()
