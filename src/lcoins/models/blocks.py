"""Transformer blocks of L-CoIns and L-CoDer (Eqs. 4-5), which differ in their attention, and their initialization."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

Sizes = tuple[int, int, int]  # how many tokens of each of three kinds follow each other


class SeparateLinear(nn.Linear):
    """Maps of equal size from one input, one above the other in one weight, each initialized as a map of its own.

    Xavier on the whole weight takes them for one map with more outputs, which makes the entries of three maps smaller
    by sqrt(2), and so the scores of queries and keys by 2.
    """

    def __init__(self, width: int, maps: int):
        super().__init__(width, maps * width, bias=False)
        self.maps = maps


def attend(
    q: Float[Tensor, "b heads n d"],
    k: Float[Tensor, "b heads m d"],
    v: Float[Tensor, "b heads m d"],
    mask: Bool[Tensor, "b 1 1 m"] | None = None,
) -> Float[Tensor, "b heads n d"]:
    """Scaled dot-product attention of queries to keys; the mask is true for keys that may be attended to, at least one.

    PyTorch's own, but written out as products in bfloat16 on a processor. There the backward of the fused kernel is
    several times slower at up to a few hundred tokens, and the kernel without it spends a tenth of a small model's step
    on guarding queries that have no key, which do not occur here.
    """
    if q.device.type != "cpu" or q.dtype != torch.bfloat16:
        return scaled_dot_product_attention(q, k, v, attn_mask=mask)
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return torch.softmax(scores, dim=-1) @ v


class SelfAttention(nn.Module):
    """Queries, keys and values of all modalities by shared projections; bias on queries and values, none on keys.

    ``forward`` takes the tokens of three kinds one after the other, their sizes, and the mask of real words.
    ``separate`` initializes the three projections one by one, see :class:`SeparateLinear`; the authors' code does not.
    """

    def __init__(self, width: int, heads: int, concatenated: int = 1, separate: bool = False):
        super().__init__()
        if width % heads:
            raise ValueError(f"the token width ({width}) must be a multiple of the number of heads ({heads})")
        self.heads = heads
        self.qkv = SeparateLinear(width, 3) if separate else nn.Linear(width, 3 * width, bias=False)
        self.q_bias = nn.Parameter(torch.zeros(width))
        self.v_bias = nn.Parameter(torch.zeros(width))
        self.projection = nn.Linear(concatenated * width, width)

    def queries_keys_values(
        self, tokens: Float[Tensor, "b n c"]
    ) -> tuple[Float[Tensor, "b heads n d"], Float[Tensor, "b heads n d"], Float[Tensor, "b heads n d"]]:
        bias = torch.cat([self.q_bias, torch.zeros_like(self.q_bias), self.v_bias])
        qkv = nn.functional.linear(tokens, self.qkv.weight, bias)
        q, k, v = qkv.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return q, k, v

    def join_heads(self, heads: Float[Tensor, "b heads n d"]) -> Float[Tensor, "b n c"]:
        return self.projection(heads.transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    """Two linear maps with GELU between them; the hidden layer is four times as wide."""

    def __init__(self, width: int):
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, tokens: Float[Tensor, "b n c"]) -> Float[Tensor, "b n c"]:
        return self.fc2(gelu(self.fc1(tokens)))


class DropPath(nn.Module):
    """Stochastic depth (Huang et al., 2016): in training, drops a sample's branch with probability ``rate``.

    Branches that are kept are divided by 1 - rate, which preserves the expectation.
    """

    def __init__(self, rate: float):
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f"drop_path is a probability of at least 0 and below 1, not {rate}")
        self.rate = rate

    def forward(self, branch: Float[Tensor, "b n c"]) -> Float[Tensor, "b n c"]:
        if not self.training or self.rate == 0:
            return branch
        return branch * branch.new_empty(len(branch), 1, 1).bernoulli_(1 - self.rate).div_(1 - self.rate)


class TransformerBlock(nn.Module):
    """One pre-norm block (Eqs. 4-5): one LayerNorm pair and one MLP for all modalities."""

    def __init__(self, attention: SelfAttention, width: int, drop_path: float):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attention = attention
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width)
        self.drop_path = DropPath(drop_path)

    def forward(
        self, tokens: Float[Tensor, "b n c"], sizes: Sizes, mask: Bool[Tensor, "b n_lag"]
    ) -> Float[Tensor, "b n c"]:
        tokens = tokens + self.drop_path(self.attention(self.norm1(tokens), sizes, mask))
        return tokens + self.drop_path(self.mlp(self.norm2(tokens)))


def transformer_blocks(
    attention: Callable[[int, int], SelfAttention], width: int, depth: int, heads: int, drop_path: float
) -> nn.ModuleList:
    """``depth`` blocks with ``attention(width, heads)`` each; drop path rises linearly from 0 to ``drop_path``."""
    rates = torch.linspace(0, drop_path, depth, device="cpu").tolist()
    return nn.ModuleList(TransformerBlock(attention(width, heads), width, rate) for rate in rates)


def initialize(module: nn.Module) -> None:
    """As in the authors' code: linear layers Xavier-uniform, convolutions orthogonal.

    Transposed convolutions keep PyTorch's initialization.
    """
    if isinstance(module, nn.Linear):
        for weight in module.weight.chunk(module.maps if isinstance(module, SeparateLinear) else 1):
            nn.init.xavier_uniform_(weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Conv2d):
        nn.init.orthogonal_(module.weight)
