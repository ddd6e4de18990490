"""L-CoIns: language-based colorization with instance awareness (Chang et al., CVPR 2023)."""

from functools import cached_property

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from lcoins.models.blocks import initialize
from lcoins.models.colorizer import Colorization, Colorizer, CounterColorization, Parts, Relevance
from lcoins.models.grounding import Grounded, Grounding
from lcoins.models.grouping import GroupingLayer, GroupingTransformer
from lcoins.models.image_encoders import GridEncoder, PatchEncoder
from lcoins.models.text_encoders import CaptionEncoder, PhraseEncoder, WordPieces, Words
from lcoins.models.upsampler import Upsampler


class SharedSpace(nn.Module):
    """Projects words and groups to the space where the counter-color loss compares them (paper, 3.7)."""

    def __init__(self, width: int):
        super().__init__()
        self.width = width
        self.words = nn.Linear(width, width)
        self.groups = nn.Linear(width, width)

    def forward(
        self, words: Float[Tensor, "b n_lag c"], mask: Bool[Tensor, "b n_lag"], groups: Float[Tensor, "b n_grp c"]
    ) -> Relevance:
        """Z_lag, the mask of real words, and Z_grp to R_lag and R_grp."""
        return Relevance(self.words(words), mask, self.groups(groups))


class LCoIns(Colorizer):
    """The paper's model. Its ablations leave parts out, or give the transformer joint attention.

    Args:
        image_size: S, the side of the square lightness that the model takes and of the ab that it gives.
        image_encoder: lightness to image tokens.
        text_encoder: captions to word tokens.
        transformer: lets image, words and groups attend to each other; without groups this is "w/o GE".
        upsampler: image tokens to ab.
        grouping_layer: assigns image tokens to groups; None without groups and without the counter-color loss.
        shared_space: None is "w/o CL". Without groups it compares words with image tokens, as the paper says.
        grounding: finds what colors speak of; it takes no part in ``forward``. The paper has none.
    """

    # The grouping layer, which learns by the same loss, is kept for use: it draws the group map.
    training_parts = ("shared_space",)
    shares_crops = True

    def __init__(
        self,
        image_size: int,
        image_encoder: PatchEncoder | GridEncoder,
        text_encoder: CaptionEncoder | PhraseEncoder,
        transformer: GroupingTransformer,
        upsampler: Upsampler,
        grouping_layer: GroupingLayer | None = None,
        shared_space: SharedSpace | None = None,
        grounding: Grounding | None = None,
    ):
        super().__init__()
        self.image_size = image_size
        self.image_encoder = image_encoder
        self.text_encoder = text_encoder
        self.transformer = transformer
        self.upsampler = upsampler
        self.grouping_layer = grouping_layer
        self.shared_space = shared_space
        self.grounding = grounding
        _refuse_impossible_groups(transformer.n_groups, grouping_layer, shared_space)
        self._expect_one_width()
        self._expect_fitting_details()
        for part in (
            image_encoder.projection,
            text_encoder.projection,
            transformer,
            upsampler,
            grouping_layer,
            shared_space,
        ):
            if part is not None:
                part.apply(initialize)
        upsampler.start_as_nothing()

    def _expect_one_width(self) -> None:
        """Refuses parts whose tokens differ in width."""
        widths = {
            "image_encoder": self.image_encoder.projection.out_features,
            "text_encoder": self.text_encoder.projection.out_features,
            **{name: part.width for name, part in self.named_children() if isinstance(part, TOKEN_PARTS)},
        }
        if len(set(widths.values())) > 1:
            raise ValueError(
                f"all parts of L-CoIns need tokens of one width, but have {widths}; set model.transformer.width, which "
                f"the other parts follow in the configs of lcoins"
            )

    def _expect_fitting_details(self) -> None:
        """Refuses an image encoder and an upsampler that do not agree on finer maps."""
        given = self.image_encoder.detail_channels
        if given != self.upsampler.detail_channels:
            raise ValueError(
                f"model.image_encoder.details gives maps of {list(given)} channels, but model.upsampler.details "
                f"expects {list(self.upsampler.detail_channels)}; set both, or neither"
            )

    def forward(
        self,
        lightness: Float[Tensor, "n 1 s s"],
        words: Words,
        recolored: Words | None = None,
        assign: bool = False,
        crop: Int[Tensor, " b"] | None = None,
    ) -> Colorization:
        """Colors network lightness as the words say; ``assign`` asks for the group map as well.

        With ``recolored``, the same lightness runs through the transformer a second time with the recolored caption,
        for the counter-color loss (3.7), and the result is a :class:`CounterColorization`; the image tokens are
        computed once and only the first pass is upsampled. With ``crop``, caption i is about ``lightness[crop[i]]``, so
        that several captions share one pass of the image encoder; without it each has its own lightness.
        """
        patches, details = self._encode(lightness)
        if crop is not None:
            patches, details = patches[crop], [detail[crop] for detail in details]
        if recolored is not None:
            return self._color_twice(patches, details, words, recolored)
        z_img, _, z_grp = self.transformer(patches, self.text_encoder(words), words.mask)
        result = Colorization(self.upsampler(z_img, details))
        if self.grouping_layer is not None and assign:
            _, result.assignment = self.grouping_layer(z_grp, z_img)
        return result

    def _encode(self, lightness: Float[Tensor, "n 1 s s"]) -> tuple[Float[Tensor, "n n_img c"], list[Tensor]]:
        """Image tokens, and the finer maps that the upsampler takes beside them, which most models do without."""
        if isinstance(self.image_encoder, GridEncoder) and self.upsampler.detail_channels:
            return self.image_encoder.with_details(lightness)
        return self.image_encoder(lightness), []

    def _color_twice(
        self, patches: Float[Tensor, "b n_img c"], details: list[Tensor], words: Words, recolored: Words
    ) -> CounterColorization:
        """Both captions as one batch of twice the size."""
        if self.shared_space is None:
            raise ValueError(
                "this model has no shared space for the counter-color loss (model.shared_space=null); call it without "
                "recolored captions"
            )
        count, both = patches.shape[0], words.followed_by(recolored)
        z_img, z_lag, z_grp = self.transformer(patches.repeat(2, 1, 1), self.text_encoder(both), both.mask)
        ab, assignment = self.upsampler(z_img[:count], details), None
        if self.grouping_layer is not None:
            z_grp, assignment = self.grouping_layer(z_grp, z_img)
            assignment = assignment[:count]
        relevance = self.shared_space(z_lag, both.mask, z_grp if self.transformer.n_groups else z_img)
        first, second = (
            Relevance(relevance.words[half], relevance.mask[half], relevance.groups[half])
            for half in (slice(None, count), slice(count, None))
        )
        return CounterColorization(ab, assignment, relevance=first, counter_relevance=second)

    def parts(self) -> Parts:
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
            "upsampler": [self.upsampler.layers, self.upsampler.fusions],
            "grouping layer": [self.grouping_layer],
            "shared space": [self.shared_space],
            "grounding": [self.grounding],
        }
        present = {name: [m for m in members if m is not None] for name, members in parts.items()}
        return {name: members for name, members in present.items() if members}

    def ground(self, lightness: Float[Tensor, "n 1 s s"], things: list[str], crop: Int[Tensor, " k"]) -> Grounded:
        """Where ``lightness[crop[i]]`` shows what ``things[i]`` names; ``crop`` ascends.

        Names are read between [CLS] and [SEP]: BERT's state of a single piece without them hardly depends on the piece.
        Raises ValueError for a model without grounding.
        """
        if self.grounding is None:
            raise ValueError("this model has no grounding; train it with experiment=grounding, or take other weights")
        names = self._name_pieces(things).to(lightness.device)
        return self.grounding(lightness, self.text_encoder.hidden(names), names.mask, crop)

    @cached_property
    def _name_pieces(self) -> WordPieces:
        pieces = self.text_encoder.tokenize
        return WordPieces(pieces.source, pieces.max_length, special_tokens=True)

    def predict(self, lightness: Float[Tensor, "b 1 s s"], words: Words) -> Colorization:
        """Colors with the group map."""
        return self(lightness, words, assign=True)


TOKEN_PARTS = (GroupingTransformer, Upsampler, GroupingLayer, SharedSpace)


def _refuse_impossible_groups(
    n_groups: int, grouping_layer: GroupingLayer | None, shared_space: SharedSpace | None
) -> None:
    """The grouping layer needs groups, and learns only by the loss that the shared space is for."""
    if grouping_layer is not None and not n_groups:
        raise ValueError(
            "the grouping layer needs groups; set model.grouping_layer=null (ablation=no_ge does), or "
            "model.transformer.n_groups above 0"
        )
    if grouping_layer is not None and shared_space is None:
        raise ValueError(
            "the grouping layer learns only by the counter-color loss, which needs the shared space; set both "
            "model.grouping_layer and model.shared_space to null (ablation=no_cl does), or neither"
        )
    if shared_space is not None and n_groups and grouping_layer is None:
        raise ValueError(
            "with groups, the counter-color loss compares words with the groups of the grouping layer; set both "
            "model.grouping_layer and model.shared_space to null (ablation=no_cl does), or neither"
        )
