"""L-CoDer: decoupled attention to object and color words (Chang et al., ECCV 2022), in the skeleton of L-CoIns."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from lcoins.models.blocks import SelfAttention, Sizes, attend, initialize, transformer_blocks
from lcoins.models.colorizer import Colorizer, CorrespondingColorization, Parts
from lcoins.models.compared.correspondence import Biaffine
from lcoins.models.image_encoders import GridEncoder, PatchEncoder
from lcoins.models.text_encoders import CaptionEncoder, PhraseEncoder, Words
from lcoins.models.upsampler import Upsampler


class DecoupledAttention(SelfAttention):
    """A patch looks for the object and takes the color that belongs to it (the release's attention "whole").

    Patches attend to patches and, by their similarity to object tokens, to the values of the color tokens; objects
    attend to patches and objects; colors to patches and colors. Pairs of tokens that do not attend to each other are
    left out, where the release multiplies them by exp(-100). The keys have no bias, which would shift all scores of a
    query alike and so change nothing.
    """

    def forward(
        self, tokens: Float[Tensor, "b n c"], sizes: Sizes, mask: Bool[Tensor, "b n_lag"]
    ) -> Float[Tensor, "b n c"]:
        """Attends among image, object and color tokens, in this order; the mask is true for real words."""
        q, k, v = self.queries_keys_values(tokens)
        (q_img, q_obj, q_col), (k_img, k_obj, k_col), (v_img, v_obj, v_col) = (x.split(sizes, dim=2) for x in (q, k, v))
        real = torch.cat([mask.new_ones(mask.shape[0], sizes[0]), mask], dim=1)[:, None, None, :]
        paths = ((q_img, k_obj, v_col), (q_obj, k_obj, v_obj), (q_col, k_col, v_col))
        heads = [
            attend(query, torch.cat([k_img, key], dim=2), torch.cat([v_img, value], dim=2), real)
            for query, key, value in paths
        ]
        return self.join_heads(torch.cat(heads, dim=2))


class DecoupledTransformer(nn.Module):
    """Adds type embeddings to image, object and color tokens and runs blocks of decoupled attention."""

    def __init__(self, width: int, depth: int, heads: int, drop_path: float):
        super().__init__()
        self.width = width
        self.type_embedding = nn.Parameter(nn.init.normal_(torch.empty(3, width), std=0.02))
        self.blocks = transformer_blocks(DecoupledAttention, width, depth, heads, drop_path)

    def forward(
        self,
        patches: Float[Tensor, "b n_img c"],
        objects: Float[Tensor, "b n_lag c"],
        colors: Float[Tensor, "b n_lag c"],
        mask: Bool[Tensor, "b n_lag"],
    ) -> tuple[Float[Tensor, "b n_img c"], Float[Tensor, "b n_lag c"], Float[Tensor, "b n_lag c"]]:
        """Image, object and color tokens to tokens of the same kinds."""
        kinds = (patches, objects, colors)
        tokens = torch.cat([kind + its_type for kind, its_type in zip(kinds, self.type_embedding, strict=True)], dim=1)
        sizes = (patches.shape[1], objects.shape[1], colors.shape[1])
        for block in self.blocks:
            tokens = block(tokens, sizes, mask)
        patches, objects, colors = tokens.split(sizes, dim=1)
        return patches, objects, colors


class LCoDer(Colorizer):
    """Image tokens, and each word twice: as an object token and as a color token.

    ``text_encoder.width`` is twice that of the transformer: its projection is the two of the paper side by side.
    Repaired where the release is broken: object and color tokens are taken from their own rows (it slices rows 0..19,
    image tokens, for both); rows of the correspondence are objects and columns colors (it has them exchanged); pairs of
    words become pairs of word pieces (it takes word positions for pieces); the second predictor, which is never used,
    is left out. The weight of the correspondence loss, 0 in the release by an oversight, is the objective's.
    """

    def __init__(
        self,
        image_size: int,
        image_encoder: PatchEncoder | GridEncoder,
        text_encoder: CaptionEncoder | PhraseEncoder,
        transformer: DecoupledTransformer,
        upsampler: Upsampler,
    ):
        super().__init__()
        if text_encoder.projection.out_features != 2 * transformer.width:
            raise ValueError(
                f"model.text_encoder.width must be {2 * transformer.width}, twice the token width: one half is the "
                f"object tokens, the other the color tokens"
            )
        if image_encoder.detail_channels or upsampler.detail_channels:
            raise ValueError(
                "L-CoDer's upsampler sees the image tokens alone; leave model.image_encoder.details and "
                "model.upsampler.details empty, or take L-CoIns"
            )
        self.image_size = image_size
        self.image_encoder = image_encoder
        self.text_encoder = text_encoder
        self.transformer = transformer
        self.correspondence = Biaffine(transformer.width)
        self.upsampler = upsampler
        for part in (image_encoder.projection, text_encoder.projection, transformer, upsampler):
            part.apply(initialize)

    def forward(self, lightness: Float[Tensor, "b 1 s s"], words: Words) -> CorrespondingColorization:
        """Network lightness and word pieces to network ab and the correspondence scores."""
        patches = self.image_encoder(lightness)
        objects, colors = self.text_encoder(words).chunk(2, dim=-1)
        patches, objects, colors = self.transformer(patches, objects, colors, words.mask)
        scores = self.correspondence(objects, colors)
        return CorrespondingColorization(self.upsampler(patches), correspondence=scores, words=words)

    def parts(self) -> Parts:
        kinds, blocks = self.transformer.type_embedding, self.transformer.blocks
        return {**super().parts(), "transformer": [blocks], "type embeddings": [kinds]}
