"""Grouping transformer (paper, 3.4, Eqs. 3-9) and grouping layer (3.6, Eqs. 11-12)."""

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, gumbel_softmax, layer_norm, one_hot, scaled_dot_product_attention, softmax

from lcoins.color.lab import in_float32
from lcoins.models.text_encoders import Words


class _SelfAttention(nn.Module):
    """Queries, keys and values of all modalities by shared projections; bias on queries and values, none on keys."""

    def __init__(self, width: int, heads: int, concatenated: int):
        super().__init__()
        if width % heads:
            raise ValueError(f"the token width ({width}) must be a multiple of the number of heads ({heads})")
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.q_bias = nn.Parameter(torch.zeros(width))
        self.v_bias = nn.Parameter(torch.zeros(width))
        self.projection = nn.Linear(concatenated * width, width)

    def queries_keys_values(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        bias = torch.cat([self.q_bias, torch.zeros_like(self.q_bias), self.v_bias])
        qkv = nn.functional.linear(tokens, self.qkv.weight, bias)
        q, k, v = qkv.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return q, k, v

    def _project(self, heads: Tensor) -> Tensor:
        return self.projection(heads.transpose(1, 2).flatten(2))


class GroupingAttention(_SelfAttention):
    """Grouping attention, Eqs. 6-9: image and word tokens meet only through the groups.

    With ``A(x, y)`` for the attention of the tokens x to the tokens y, each with a softmax of its own, the two slots
    that Eq. 9 concatenates head by head are: image ``A(img, img), A(img, grp)``; words ``A(lag, lag), A(lag, grp)``;
    groups ``A(grp, img), A(grp, lag)``. The paper leaves the groups' inner slot open; this choice lets the one
    projection of Eq. 9 (2C to C) serve all three. Queries that share their keys are answered together.
    """

    def __init__(self, width: int, heads: int):
        super().__init__(width, heads, concatenated=2)

    def forward(self, tokens: Tensor, sizes: tuple[int, int, int], mask: Tensor) -> Tensor:
        """Tokens (B, N_I + N_L + N_G, C) in the order image, words, groups; mask (B, N_L) true for real words."""
        q, k, v = self.queries_keys_values(tokens)
        (q_img, q_lag, q_grp), (k_img, k_lag, k_grp), (v_img, v_lag, v_grp) = (x.split(sizes, dim=2) for x in (q, k, v))
        n_img, n_lag, n_grp = sizes
        word_mask = mask[:, None, None, :]
        to_img = scaled_dot_product_attention(torch.cat([q_img, q_grp], dim=2), k_img, v_img)
        to_lag = scaled_dot_product_attention(torch.cat([q_lag, q_grp], dim=2), k_lag, v_lag, attn_mask=word_mask)
        to_grp = scaled_dot_product_attention(torch.cat([q_img, q_lag], dim=2), k_grp, v_grp)
        img_inner, grp_from_img = to_img.split([n_img, n_grp], dim=2)
        lag_inner, grp_from_lag = to_lag.split([n_lag, n_grp], dim=2)
        first = torch.cat([img_inner, lag_inner, grp_from_img], dim=2)
        second = torch.cat([to_grp, grp_from_lag], dim=2)
        return self._project(torch.cat([first, second], dim=-1))


class JointAttention(_SelfAttention):
    """Standard attention over all tokens at once, as in ViT: the ablations "w/o GA" and "w/o GE" (paper, 5.3)."""

    def __init__(self, width: int, heads: int):
        super().__init__(width, heads, concatenated=1)

    def forward(self, tokens: Tensor, sizes: tuple[int, int, int], mask: Tensor) -> Tensor:
        """Tokens (B, N_I + N_L + N_G, C) in the order image, words, groups; mask (B, N_L) true for real words."""
        q, k, v = self.queries_keys_values(tokens)
        n_img, _, n_grp = sizes
        keys = torch.cat([mask.new_ones(mask.shape[0], n_img), mask, mask.new_ones(mask.shape[0], n_grp)], dim=1)
        return self._project(scaled_dot_product_attention(q, k, v, attn_mask=keys[:, None, None, :]))


class DecoupledAttention(_SelfAttention):
    """L-CoDer's: a patch looks for the object and takes the color that belongs to it (its release, "whole").

    Patches attend to patches and, by their likeness to object tokens, to the values of the color tokens; objects to
    patches and objects; colors to patches and colors. A forbidden path is left out rather than weighted by exp(-100).
    The keys have no bias, which shifts all scores of a query alike and so changes nothing.
    """

    def __init__(self, width: int, heads: int):
        super().__init__(width, heads, concatenated=1)

    def forward(self, tokens: Tensor, sizes: tuple[int, int, int], mask: Tensor) -> Tensor:
        """Tokens (B, N_I + 2 N_L, C) in the order image, objects, colors; mask (B, N_L) true for real words."""
        q, k, v = self.queries_keys_values(tokens)
        (q_img, q_obj, q_col), (k_img, k_obj, k_col), (v_img, v_obj, v_col) = (x.split(sizes, dim=2) for x in (q, k, v))
        seen = torch.cat([mask.new_ones(mask.shape[0], sizes[0]), mask], dim=1)[:, None, None, :]
        paths = ((q_img, k_obj, v_col), (q_obj, k_obj, v_obj), (q_col, k_col, v_col))
        heads = [
            scaled_dot_product_attention(
                query, torch.cat([k_img, key], dim=2), torch.cat([v_img, value], dim=2), attn_mask=seen
            )
            for query, key, value in paths
        ]
        return self._project(torch.cat(heads, dim=2))


ATTENTION = {"grouping": GroupingAttention, "joint": JointAttention, "decoupled": DecoupledAttention}


class Mlp(nn.Module):
    """Two linear maps with GELU between them; the hidden layer is four times as wide."""

    def __init__(self, width: int):
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.fc2(gelu(self.fc1(tokens)))


class DropPath(nn.Module):
    """Stochastic depth (Huang et al., 2016): in training, leaves out what a branch adds to a sample at this ``rate``.

    What is kept is divided by 1 - rate, so that its expectation stays.
    """

    def __init__(self, rate: float):
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f"drop path leaves out a share from 0 to below 1, not {rate}")
        self.rate = rate

    def forward(self, branch: Tensor) -> Tensor:
        """What a branch adds, (B, N, C)."""
        if not self.training or self.rate == 0:
            return branch
        return branch * branch.new_empty(len(branch), 1, 1).bernoulli_(1 - self.rate).div_(1 - self.rate)


class GroupingBlock(nn.Module):
    """One pre-norm block (Eqs. 4-5): one LayerNorm pair and one MLP for all modalities."""

    def __init__(self, width: int, heads: int, attention: str, drop_path: float):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attention = ATTENTION[attention](width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width)
        self.drop_path = DropPath(drop_path)

    def forward(self, tokens: Tensor, sizes: tuple[int, int, int], mask: Tensor) -> Tensor:
        tokens = tokens + self.drop_path(self.attention(self.norm1(tokens), sizes, mask))
        return tokens + self.drop_path(self.mlp(self.norm2(tokens)))


def stack(width: int, depth: int, heads: int, attention: str, drop_path: float) -> nn.ModuleList:
    """``depth`` blocks whose drop path rises linearly from 0 to ``drop_path``."""
    rates = torch.linspace(0, drop_path, depth, device="cpu").tolist()
    return nn.ModuleList(GroupingBlock(width, heads, attention, rate) for rate in rates)


class GroupingTransformer(nn.Module):
    """Adds modal-type embeddings to image, word and group tokens (Eq. 3) and runs the grouping blocks.

    ``n_groups = 0`` leaves groups out altogether (ablation "w/o GE"); grouping attention cannot exist without them,
    since they are the only path between image and words. Drop path rises linearly from 0 to ``drop_path``. Group tokens
    start at ``group_token_std``: the authors' code has 0.02; at 1 they are as large as the tokens that they attend to,
    so that what the first block adds does not make all groups the same.
    """

    def __init__(
        self,
        width: int,
        depth: int,
        heads: int,
        n_groups: int,
        attention: str,
        drop_path: float,
        group_token_std: float = 0.02,
    ):
        super().__init__()
        if attention not in ("grouping", "joint"):
            raise ValueError(f"attention must be grouping or joint, not {attention!r}")
        if attention == "grouping" and n_groups == 0:
            raise ValueError(
                "grouping attention needs groups: they are the only path between image and words. Use "
                "ablation=no_ge (joint attention, no groups), or set model.n_groups above 0."
            )
        self.n_groups = n_groups
        if n_groups:
            std = group_token_std
            tokens = nn.init.trunc_normal_(torch.empty(1, n_groups, width), std=std, a=-2 * std, b=2 * std)
            self.group_tokens = nn.Parameter(tokens)
        self.type_embedding = nn.Parameter(nn.init.normal_(torch.empty(3 if n_groups else 2, width), std=0.02))
        self.blocks = stack(width, depth, heads, attention, drop_path)

    def forward(self, patches: Tensor, word_tokens: Tensor, words: Words) -> tuple[Tensor, Tensor, Tensor]:
        """Image tokens (B, N_I, C) and word tokens (B, N_L, C) to Z_img, Z_lag and Z_grp (B, N_G, C)."""
        parts = [patches + self.type_embedding[0], word_tokens + self.type_embedding[1]]
        if self.n_groups:
            parts.append((self.group_tokens + self.type_embedding[2]).expand(patches.shape[0], -1, -1))
        sizes = (patches.shape[1], word_tokens.shape[1], self.n_groups)
        tokens = torch.cat(parts, dim=1)
        for block in self.blocks:
            tokens = block(tokens, sizes, words.mask)
        z_img, z_lag, z_grp = tokens.split(sizes, dim=1)
        return z_img, z_lag, z_grp


class GroupingLayer(nn.Module):
    """Hard assignment of image tokens to groups and their mean added to each group (Eqs. 11-12).

    The similarity is a scaled dot product of normalized tokens, made a distribution over the groups. In training the
    assignment is drawn with Gumbel noise, as in GroupViT, to which the paper refers; in evaluation it is the argmax.
    Gradients pass straight through. Deviations from Eq. 12: the kept entry becomes 1 rather than keeping its value,
    and the denominator is at least 1, which only concerns empty groups (theirs would be 0/0).
    """

    def __init__(self, width: int):
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)

    def forward(self, groups: Tensor, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Z_grp (B, N_G, C) and Z_img (B, N_I, C) to the updated groups and the hard assignment (B, N_G, N_I)."""
        with in_float32(groups):
            groups, patches = groups.float(), patches.float()
            width = groups.shape[-1]
            normal_groups, normal_patches = layer_norm(groups, (width,)), layer_norm(patches, (width,))
            similarity = self.query(normal_groups) @ self.key(normal_patches).transpose(1, 2) / width**0.5
            if self.training:
                assignment = gumbel_softmax(similarity, tau=1.0, hard=True, dim=1)
            else:
                soft = softmax(similarity, dim=1)
                hard = one_hot(soft.argmax(dim=1), groups.shape[1]).transpose(1, 2).to(soft)
                assignment = hard - soft.detach() + soft
            total = assignment.sum(dim=-1, keepdim=True).clamp(min=1.0)
            return groups + assignment @ self.value(normal_patches) / total, assignment.detach().round()
