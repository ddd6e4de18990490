"""Which color word belongs to which object: the object-color correspondence matrix of L-CoDe and L-CoDer."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from lcoins.color.object_pairs import ObjectColors
from lcoins.models.text_encoders import Words


class Biaffine(nn.Module):
    """Scores of object i and color j: o_i^T U [c_j; 1], where U starts at zero."""

    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width, width + 1))

    def forward(self, objects: Float[Tensor, "b n c"], colors: Float[Tensor, "b n c"]) -> Float[Tensor, "b n n"]:
        """Object and color tokens to scores; rows of the result are objects, columns colors."""
        ones = colors.new_ones(*colors.shape[:2], 1)
        return objects @ self.weight @ torch.cat([colors, ones], dim=-1).transpose(1, 2)


def correspondence_target(
    pairs: Sequence[ObjectColors | None], words: Words
) -> tuple[Float[Tensor, "b n n"], Bool[Tensor, "b n n"]]:
    """The matrices that the predictor should give, 1 where a color belongs to an object, and which elements count.

    An element does not count where its row or column is padding, or where the caption's pairs are unknown. Pairs count
    words; :attr:`Words.word_indices` finds their tokens. A pair beyond the end of a cut caption is left out.
    """
    if words.word_indices is None:
        raise ValueError(
            "object-color pairs need the word that each token begins (Words.word_indices); take the words that "
            "tokenize() gives"
        )
    target = torch.zeros(*words.mask.shape, words.mask.shape[1])
    counts = (words.mask[:, :, None] & words.mask[:, None, :]).cpu()
    for row, (caption_pairs, indices) in enumerate(zip(pairs, words.word_indices.tolist(), strict=True)):
        if caption_pairs is None:
            counts[row] = False
            continue
        token_of = {word: token for token, word in enumerate(indices) if word >= 0}
        for thing, color in caption_pairs:
            if thing in token_of and color in token_of:
                target[row, token_of[thing], token_of[color]] = 1.0
    return target.to(words.mask.device), counts.to(words.mask.device)
