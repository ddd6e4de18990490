"""Which color word belongs to which object: the object-color correspondence matrix of L-CoDe and L-CoDer."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lcoins.color.object_pairs import ObjectColors
from lcoins.models.text_encoders import Words


class Biaffine(nn.Module):
    """Scores (B, N, N) of object i and color j: o_i^T U [c_j; 1]; U (C, C + 1) starts at zero."""

    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width, width + 1))

    def forward(self, objects: Tensor, colors: Tensor) -> Tensor:
        """Object and color tokens (B, N, C) each; rows of the result are objects, columns colors."""
        ones = colors.new_ones(*colors.shape[:2], 1)
        return objects @ self.weight @ torch.cat([colors, ones], dim=-1).transpose(1, 2)


def correspondence_target(pairs: Sequence[ObjectColors | None], words: Words) -> tuple[Tensor, Tensor]:
    """The matrices (B, N, N) that the predictor should give, 1 where a color belongs to an object, and what counts.

    The second value (B, N, N) is false where a row or column is padding, and for captions whose pairs nobody knows.
    Pairs count words; :attr:`Words.places` finds their tokens. A pair beyond the end of a cut caption is left out.
    """
    if words.places is None:
        raise ValueError("object-color pairs need words that know their places in the caption (Words.places)")
    target = torch.zeros(*words.mask.shape, words.mask.shape[1])
    counts = (words.mask[:, :, None] & words.mask[:, None, :]).cpu()
    for row, (own, places) in enumerate(zip(pairs, words.places.tolist(), strict=True)):
        if own is None:
            counts[row] = False
            continue
        token = {place: index for index, place in enumerate(places) if place >= 0}
        for thing, color in own:
            if thing in token and color in token:
                target[row, token[thing], token[color]] = 1.0
    return target.to(words.mask.device), counts.to(words.mask.device)
