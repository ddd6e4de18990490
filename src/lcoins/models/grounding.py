"""Grounding: where a photo shows what the colors of a sentence speak of. Ours, not the paper's.

In the paper a word finds its instance through the groups, and only by the colors that come out. From some thousand
photos that is not learned: the network paints what is likeliest to be painted, whatever the sentence calls it. Here
masks teach it: names and the cells of a photo come to lie in one space, as captions and photos do in CLIP (Radford et
al., ICML 2021). Which name a color belongs to is a rule's matter
(:mod:`lcoins.color.spoken_of`), so that a name means the same in every sentence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize

from lcoins.color.phrases import ColorPhrase
from lcoins.color.reading import read_sentence
from lcoins.color.sides import AND, ORDER, last_noun
from lcoins.models.backbones import pretrained

STAGES = (2, 3, 4)  # of the backbone: strides 8, 16 and 32
FOUND = 0.25  # the largest probability below which a thing was not found
RARE = -2.0  # the logit of a cell before training: most of a photo is not what a name means


@dataclass(frozen=True)
class SaidColor:
    """A color phrase of a caption, by the caption's number in a batch, and the ``thing`` that it speaks of."""

    caption: int
    phrase: ColorPhrase
    thing: str

    @property
    def order(self) -> int | None:
        """Which of several things of one name it is by the order of the sentence, from 0 on: 1 of "second cup"."""
        first = self.thing.partition(" ")[0]
        return ORDER.index(first) if first in ORDER else None

    @property
    def noun(self) -> str:
        """The last word of its name, without those of place, size and order: "jacket" of "left life jacket"."""
        return last_noun(self.name)

    @property
    def name(self) -> str:
        """The thing as grounding knows it, by no order."""
        return self.thing if self.order is None else self.thing.partition(" ")[2]


def said_colors(captions: Sequence[str]) -> list[SaidColor]:
    """The color phrases of captions that speak of something, in order, once for each thing that they speak of.

    Of a caption the first ``lcoins.color.spoken_of.MOST`` at most.

    >>> [(said.phrase.color, said.thing) for said in said_colors(["the left cup is red, on a blue table"])]
    [('red', 'left cup'), ('blue', 'table')]
    """
    found = []
    for number, caption in enumerate(captions):
        reading = read_sentence(caption)
        for phrase, things in zip(reading.colors, reading.things, strict=True):
            found += [SaidColor(number, phrase, thing) for thing in things.split(f" {AND} ") if thing]
    return found


@dataclass
class Grounded:
    """K grounded names: ``logits`` of the cells of the photo that each is about, and the space that they come from.

    ``names`` and ``cells`` are unit vectors, ``counts`` says how many of the names are about each photo, in order, and
    ``contrast`` how sharply names are told apart.
    """

    logits: Float[Tensor, "k g g"]
    names: Float[Tensor, "k c"]
    cells: Float[Tensor, "n g2 c"]
    counts: list[int]
    contrast: Float[Tensor, ""]


class Grounding(nn.Module):
    """Names and the cells of a photo in one space, where a cell is near to the names of what it shows.

    BERT reads a name alone. A backbone sees the photo; cells of stride 16, which attend to each other, and the
    finer features of stride 8 make the cells that names are compared with.

    Args:
        seen_at: side to which the lightness is enlarged: the backbone knows small things better so.
        backbone: timm's name of the backbone, which is its own.
        init: the backbone's weights, as for :class:`~lcoins.models.image_encoders.GridEncoder`.
        text_width: channels of a hidden state of BERT.
        width: channels of the space.
        heads: of attention.
        depth: layers in which cells attend to each other; those of the pieces of a name are one.
        dropout: of features and hidden states, in training.
        freeze: whether the backbone stays as it is, as it did when packages did not say so. Its batch statistics always
            stay.
    """

    def __init__(
        self,
        seen_at: int,
        backbone: str,
        init: str,
        text_width: int,
        width: int,
        heads: int,
        depth: int,
        dropout: float,
        freeze: bool = True,
    ):
        super().__init__()
        self.seen_at = seen_at
        self.backbone, strides, (fine, *coarse) = pretrained.build_backbone(backbone, STAGES, init)
        self.backbone.requires_grad_(not freeze).to(memory_format=torch.channels_last)
        self.grid, cells = seen_at // strides[0], (seen_at // strides[1]) ** 2
        self.norm, self.projection = nn.BatchNorm1d(sum(coarse)), nn.Linear(sum(coarse), width)
        self.fine_norm, self.fine_projection = nn.BatchNorm1d(fine), nn.Linear(fine, width)
        self.position = nn.Parameter(torch.randn(1, cells, width) * 0.02)
        self.text_norm, self.text_projection = nn.LayerNorm(text_width), nn.Linear(text_width, width)
        self.dropout = nn.Dropout(dropout)

        def layer() -> nn.Module:
            options: dict[str, Any] = {"activation": "gelu", "batch_first": True, "norm_first": True}
            return nn.TransformerEncoderLayer(width, heads, 2 * width, dropout=0.0, **options)

        self.cell_layers = nn.ModuleList(layer() for _ in range(depth))
        self.name_layer = layer()
        self.to_name = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width))
        self.to_cell = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.sharpness = nn.Parameter(torch.tensor(2.5))  # of maps, as a logarithm
        self.contrast = nn.Parameter(torch.tensor(2.5))  # between names, as a logarithm
        self.bias = nn.Parameter(torch.tensor(RARE))
        self.train()  # Lightning keeps the modes that it finds

    def train(self, mode: bool = True) -> "Grounding":
        """The backbone keeps its batch statistics."""
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(
        self,
        lightness: Float[Tensor, "n 1 s s"],
        hidden: Float[Tensor, "k n_lag t"],
        mask: Bool[Tensor, "k n_lag"],
        crop: Int[Tensor, " k"],
    ) -> Grounded:
        """Grounds K names; name i is about ``lightness[crop[i]]``, and ``crop`` ascends.

        ``hidden`` are BERT's states of the names' pieces, ``mask`` is true for real pieces.
        """
        cells, names = self._cells(lightness), self._names(hidden, mask)
        counts = torch.bincount(crop, minlength=len(lightness)).tolist()
        each = zip(names.split(counts), cells, strict=True)  # an indexed copy of the cells has a slow backward
        likeness = torch.cat([name @ of_photo.T for name, of_photo in each])
        logits = (self.sharpness.exp() * likeness + self.bias).unflatten(1, (self.grid, self.grid))
        return Grounded(logits, names, cells, counts, self.contrast.exp())

    def _names(self, hidden: Float[Tensor, "k n_lag t"], mask: Bool[Tensor, "k n_lag"]) -> Float[Tensor, "k c"]:
        """Names as unit vectors."""
        pieces = self.text_projection(self.dropout(self.text_norm(hidden)))
        pieces = self.name_layer(pieces, src_key_padding_mask=~mask)
        weights = mask[:, :, None].to(pieces)
        return normalize(self.to_name((pieces * weights).sum(dim=1) / weights.sum(dim=1)), dim=1)

    def _cells(self, lightness: Float[Tensor, "n 1 s s"]) -> Float[Tensor, "n g2 c"]:
        """The cells of stride 8 as unit vectors, row by row."""
        side = (self.seen_at, self.seen_at)
        larger = interpolate(lightness, size=side, mode="bilinear", align_corners=False, antialias=True)
        pixels = larger.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        fine, middle, coarse = self.backbone(pixels)
        size = middle.shape[-2:]
        coarse = interpolate(coarse, size=size, mode="bilinear", align_corners=False)
        cells = self.norm(torch.cat([middle, coarse], dim=1).flatten(2)).transpose(1, 2)
        cells = self.projection(self.dropout(cells)) + self.position
        for layer in self.cell_layers:
            cells = layer(cells)
        cells = cells.transpose(1, 2).unflatten(2, size)
        cells = interpolate(cells, size=fine.shape[-2:], mode="bilinear", align_corners=False)
        details = self.fine_projection(self.fine_norm(fine.flatten(2)).transpose(1, 2))
        return normalize(self.to_cell(cells.flatten(2).transpose(1, 2) + details), dim=2)
