"""L-CoIns: language-based colorization with instance awareness (Chang et al., CVPR 2023)."""

from dataclasses import dataclass

from torch import Tensor, nn

from lcoins.models.colorizer import Colorization, Colorizer
from lcoins.models.grouping import GroupingLayer, GroupingTransformer
from lcoins.models.image_encoders import GridEncoder, PatchEncoder
from lcoins.models.text_encoders import CaptionEncoder, PhraseEncoder, Words
from lcoins.models.upsampler import Upsampler


@dataclass
class Relevance:
    """What the counter-color loss compares: R_lag (B, N_L, C) with its mask (B, N_L), and R_grp (B, N_G, C)."""

    words: Tensor
    mask: Tensor
    groups: Tensor


@dataclass
class GroupedColorization(Colorization):
    """``relevance`` belongs to the caption and ``counter_relevance`` to the recolored one; None unless asked for."""

    relevance: Relevance | None = None
    counter_relevance: Relevance | None = None


class LCoIns(Colorizer):
    """The paper's model: image and text encoder, grouping transformer, upsampler, grouping layer, shared space.

    ``n_groups``, ``attention`` and ``counter_color`` make its ablations: 0 groups is "w/o GE", ``joint`` attention
    "w/o GA", ``counter_color=False`` "w/o CL" (no grouping layer, no projections to the shared space). Without groups
    the counter-color loss compares words with image tokens, as the paper says.
    """

    # The projections to the shared space; the grouping layer stays, for it draws the group map.
    training_parts = ("word_relevance", "group_relevance")

    def __init__(
        self,
        image_encoder: PatchEncoder | GridEncoder,
        text_encoder: CaptionEncoder | PhraseEncoder,
        image_size: int,
        width: int,
        depth: int,
        heads: int,
        n_groups: int,
        attention: str,
        drop_path: float,
        upsampler_channels: tuple[int, ...],
        counter_color: bool,
        group_token_std: float = 0.02,
    ):
        super().__init__()
        self.image_size = image_size
        self.image_encoder = image_encoder
        self.text_encoder = text_encoder
        self.transformer = GroupingTransformer(width, depth, heads, n_groups, attention, drop_path, group_token_std)
        self.upsampler = Upsampler(width, tuple(upsampler_channels), image_encoder.grid, image_size)
        self.grouping_layer = GroupingLayer(width) if counter_color and n_groups else None
        self.word_relevance = nn.Linear(width, width) if counter_color else None
        self.group_relevance = nn.Linear(width, width) if counter_color else None
        own = (
            self.image_encoder.projection,
            self.text_encoder.projection,
            self.transformer,
            self.upsampler,
            self.grouping_layer,
            self.word_relevance,
            self.group_relevance,
        )
        for part in own:
            if part is not None:
                part.apply(initialize)

    def forward(
        self, lightness: Tensor, words: Words, recolored: Words | None = None, assign: bool = False
    ) -> GroupedColorization:
        """Colors network lightness (B, 1, S, S) as the words say; ``assign`` asks for the group map as well.

        With ``recolored``, the same lightness runs through the transformer a second time with the recolored caption,
        for the counter-color loss (3.7); the image tokens are computed once and only the first pass is upsampled.
        """
        patches = self.image_encoder(lightness)
        count = patches.shape[0]
        if recolored is not None:
            words = words.followed_by(recolored)
            patches = patches.repeat(2, 1, 1)
        z_img, z_lag, z_grp = self.transformer(patches, self.text_encoder(words), words)
        result = GroupedColorization(ab=self.upsampler(z_img[:count]))
        if self.grouping_layer is not None and (assign or recolored is not None):
            z_grp, assignment = self.grouping_layer(z_grp, z_img)
            result.assignment = assignment[:count]
        if recolored is not None:
            first, second = self._relevance(words, z_img, z_lag, z_grp, count)
            result.relevance, result.counter_relevance = first, second
        return result

    def _relevance(self, words: Words, z_img: Tensor, z_lag: Tensor, z_grp: Tensor, count: int) -> list[Relevance]:
        if self.word_relevance is None or self.group_relevance is None:
            raise ValueError(
                "this model was built without the counter-color loss (model.counter_color=false); call "
                "it without recolored captions"
            )
        r_lag = self.word_relevance(z_lag)
        r_grp = self.group_relevance(z_grp if z_grp.shape[1] else z_img)
        halves = (slice(None, count), slice(count, None))
        return [Relevance(r_lag[half], words.mask[half], r_grp[half]) for half in halves]

    def parts(self) -> dict[str, list[nn.Module | nn.Parameter]]:
        image, text, groups = self.image_encoder, self.text_encoder, self.transformer
        parts: dict[str, list[nn.Module | nn.Parameter | None]] = {
            "image encoder": [m for name, m in image.named_children() if name != "projection"],
            "image projection": [image.projection, getattr(image, "position", None)],
            "text encoder": [m for name, m in text.named_children() if name != "projection"],
            "text projection": [text.projection],
            "grouping blocks": [groups.blocks],
            "group tokens": [getattr(groups, "group_tokens", None)],
            "modal-type embeddings": [groups.type_embedding],
            "norm and head": [self.upsampler.norm, self.upsampler.projection],
            "upsampler": [self.upsampler.layers],
            "grouping layer": [self.grouping_layer],
            "shared space": [self.word_relevance, self.group_relevance],
        }
        present = {name: [m for m in members if m is not None] for name, members in parts.items()}
        return {name: members for name, members in present.items() if members}

    def predict(self, lightness: Tensor, words: Words) -> GroupedColorization:
        """One answer with its group map."""
        return self(lightness, words, assign=True)


def initialize(module: nn.Module) -> None:
    """As in the authors' code: linear layers Xavier-uniform, convolutions orthogonal, transposed ones untouched."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Conv2d):
        nn.init.orthogonal_(module.weight)
