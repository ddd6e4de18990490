"""L-CoDer: decoupled attention to object and color words (Chang et al., ECCV 2022), in the skeleton of L-CoIns."""

import torch
from torch import Tensor, nn

from lcoins.models.colorizer import Colorizer
from lcoins.models.compared.correspondence import Biaffine
from lcoins.models.compared.lcode import CorrespondingColorization
from lcoins.models.grouping import stack
from lcoins.models.image_encoders import GridEncoder, PatchEncoder
from lcoins.models.lcoins import initialize
from lcoins.models.text_encoders import CaptionEncoder, PhraseEncoder, Words
from lcoins.models.upsampler import Upsampler


class LCoDer(Colorizer):
    """Image tokens, and each word twice: as an object token and as a color token.

    ``text_encoder.width`` is twice ``width``: its projection is the two of the paper side by side. Repaired where the
    release is broken: object and color tokens are taken from their own rows (it slices rows 0..19, image tokens, for
    both); rows of the correspondence are objects and columns colors (it has them exchanged); pairs of words become
    pairs of word pieces (it takes word positions for pieces); the second predictor, which is never used, is left out.
    The weight of the correspondence loss, 0 in the release by an oversight, is the objective's.
    """

    def __init__(
        self,
        image_encoder: PatchEncoder | GridEncoder,
        text_encoder: CaptionEncoder | PhraseEncoder,
        image_size: int,
        width: int,
        depth: int,
        heads: int,
        drop_path: float,
        upsampler_channels: tuple[int, ...],
    ):
        super().__init__()
        if text_encoder.projection.out_features != 2 * width:
            raise ValueError(
                f"model.text_encoder.width must be {2 * width}, twice the token width: one half is the "
                f"object tokens, the other the color tokens"
            )
        self.image_size = image_size
        self.image_encoder = image_encoder
        self.text_encoder = text_encoder
        self.type_embedding = nn.Parameter(nn.init.normal_(torch.empty(3, width), std=0.02))
        self.blocks = stack(width, depth, heads, "decoupled", drop_path)
        self.correspondence = Biaffine(width)
        self.upsampler = Upsampler(width, tuple(upsampler_channels), image_encoder.grid, image_size)
        for part in (image_encoder.projection, text_encoder.projection, self.blocks, self.upsampler):
            part.apply(initialize)

    def forward(self, lightness: Tensor, words: Words) -> CorrespondingColorization:
        """Network lightness (B, 1, S, S) and word pieces (B, N) to network ab and the correspondence scores."""
        patches = self.image_encoder(lightness)
        objects, colors = self.text_encoder(words).chunk(2, dim=-1)
        parts = [tokens + kind for tokens, kind in zip((patches, objects, colors), self.type_embedding, strict=True)]
        sizes = (patches.shape[1], objects.shape[1], colors.shape[1])
        tokens = torch.cat(parts, dim=1)
        for block in self.blocks:
            tokens = block(tokens, sizes, words.mask)
        patches, objects, colors = tokens.split(sizes, dim=1)
        scores = self.correspondence(objects, colors)
        return CorrespondingColorization(self.upsampler(patches), correspondence=scores, words=words)

    def parts(self) -> dict[str, list[nn.Module | nn.Parameter]]:
        """What `lcoins info` counts: every parameter belongs to exactly one part."""
        return {**super().parts(), "type embeddings": [self.type_embedding]}
