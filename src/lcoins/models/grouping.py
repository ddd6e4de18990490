"""Grouping transformer (paper, 3.4, Eqs. 3-9) and grouping layer (3.6, Eqs. 11-12)."""

from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import gumbel_softmax, layer_norm, one_hot, softmax

from lcoins.color.lab import in_float32
from lcoins.models.blocks import SelfAttention, Sizes, attend, transformer_blocks

Heads = Float[Tensor, "b heads _ d"]


class GroupingAttention(SelfAttention):
    """Grouping attention, Eqs. 6-9: image and word tokens meet only through the groups.

    With ``A(x, y)`` for the attention of the tokens x to the tokens y, each with a softmax of its own, the two slots
    that Eq. 9 concatenates head by head are: image ``A(img, img), A(img, grp)``; words ``A(lag, lag), A(lag, grp)``;
    groups ``A(grp, img), A(grp, lag)``. The paper leaves the groups' inner slot open; this choice lets the one
    projection of Eq. 9 (2C to C) serve all three, but groups then never attend to each other within a block. Queries
    that share their keys are answered together.
    """

    def __init__(self, width: int, heads: int, separate: bool = False):
        super().__init__(width, heads, concatenated=2, separate=separate)

    def forward(
        self, tokens: Float[Tensor, "b n c"], sizes: Sizes, mask: Bool[Tensor, "b n_lag"]
    ) -> Float[Tensor, "b n c"]:
        """Attends among image, word and group tokens, in this order; the mask is true for real words."""
        q, k, v = self.queries_keys_values(tokens)
        (q_img, q_lag, q_grp), (k_img, k_lag, k_grp), (v_img, v_lag, v_grp) = (x.split(sizes, dim=2) for x in (q, k, v))
        n_img, n_lag, n_grp = sizes
        word_mask = mask[:, None, None, :]
        to_img = attend(torch.cat([q_img, q_grp], dim=2), k_img, v_img)
        to_lag = attend(torch.cat([q_lag, q_grp], dim=2), k_lag, v_lag, mask=word_mask)
        to_grp = attend(torch.cat([q_img, q_lag], dim=2), k_grp, v_grp)
        img_inner, grp_from_img = to_img.split([n_img, n_grp], dim=2)
        lag_inner, grp_from_lag = to_lag.split([n_lag, n_grp], dim=2)
        grp_first, grp_second = self.group_slots(grp_from_img, grp_from_lag, (q_grp, k_grp, v_grp), (k_img, v_img))
        first = torch.cat([img_inner, lag_inner, grp_first], dim=2)
        second = torch.cat([to_grp, grp_second], dim=2)
        return self.join_heads(torch.cat([first, second], dim=-1))

    def group_slots(
        self, from_img: Heads, from_lag: Heads, of_grp: tuple[Heads, Heads, Heads], of_img: tuple[Heads, Heads]
    ) -> tuple[Heads, Heads]:
        """What groups put into the two slots: A(grp, img) and A(grp, lag) as they come.

        Variants also take the queries, keys and values of the groups, and the keys and values of the image.
        """
        return from_img, from_lag


class InnerGroupingAttention(GroupingAttention):
    """Grouping attention in which groups attend to each other too, the nearest to Eq. 9: it writes Z^in for them.

    The inner slot of the groups is ``A(grp, grp)``, as that of image and words is attention to themselves; the outer
    one is ``A(grp, img) + A(grp, lag)``, for Eq. 7 leaves open how its two i are joined.
    """

    def group_slots(
        self, from_img: Heads, from_lag: Heads, of_grp: tuple[Heads, Heads, Heads], of_img: tuple[Heads, Heads]
    ) -> tuple[Heads, Heads]:
        return attend(*of_grp), from_img + from_lag


class CompetingGroupingAttention(GroupingAttention):
    """Grouping attention in which groups compete for image tokens, ours: slot attention (Locatello et al., 2020).

    ``A(grp, img)`` has its softmax over the groups, so that each image token shares itself out among them; a group
    then takes the mean of its image tokens, weighted by their shares.
    """

    def group_slots(
        self, from_img: Heads, from_lag: Heads, of_grp: tuple[Heads, Heads, Heads], of_img: tuple[Heads, Heads]
    ) -> tuple[Heads, Heads]:
        (q_grp, _, _), (k_img, v_img) = of_grp, of_img
        shares = softmax(q_grp @ k_img.transpose(2, 3) / q_grp.shape[-1] ** 0.5, dim=2) + 1e-6  # never 0 / 0
        return (shares / shares.sum(dim=3, keepdim=True)).to(v_img) @ v_img, from_lag


class JointAttention(SelfAttention):
    """Standard attention over all tokens at once, as in ViT: the ablations "w/o GA" and "w/o GE" (paper, 5.3)."""

    def forward(
        self, tokens: Float[Tensor, "b n c"], sizes: Sizes, mask: Bool[Tensor, "b n_lag"]
    ) -> Float[Tensor, "b n c"]:
        """Attends among image, word and group tokens, in this order; the mask is true for real words."""
        q, k, v = self.queries_keys_values(tokens)
        n_img, _, n_grp = sizes
        keys = torch.cat([mask.new_ones(mask.shape[0], n_img), mask, mask.new_ones(mask.shape[0], n_grp)], dim=1)
        return self.join_heads(attend(q, k, v, mask=keys[:, None, None, :]))


ATTENTION = {
    "grouping": GroupingAttention,
    "grouping_inner": InnerGroupingAttention,
    "grouping_competing": CompetingGroupingAttention,
    "joint": JointAttention,
}


class GroupingTransformer(nn.Module):
    """Adds modal-type embeddings to image, word and group tokens (Eq. 3) and runs the grouping blocks.

    Args:
        width: channels of every token.
        depth: number of blocks.
        heads: attention heads of a block.
        n_groups: group tokens; 0 leaves them out (ablation "w/o GE"), which only joint attention allows.
        attention: ``grouping``, or ``joint`` for the ablations "w/o GA" and "w/o GE". Variants of grouping attention:
            ``grouping_inner``, in which groups hear each other, and ``grouping_competing``, in which they compete.
        drop_path: stochastic depth of the last block; it rises linearly from 0.
        group_token_std: scale of the initial group tokens, 0.02 in the authors' code. At 1 they are as large as the
            tokens that they attend to, so the first block's output does not make all groups alike, and the type
            embedding that they share, whose scale is 0.02, does not either.
        separate_qkv: whether the maps to queries, keys and values are initialized one by one, as PyTorch's
            MultiheadAttention does not and the authors' code neither.
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
        separate_qkv: bool = False,
    ):
        super().__init__()
        if attention not in ATTENTION:
            raise ValueError(f"model.transformer.attention must be one of {', '.join(ATTENTION)}, not {attention!r}")
        if attention != "joint" and n_groups == 0:
            raise ValueError(
                "grouping attention needs groups, which are the only path between image and words; use "
                "ablation=no_ge (joint attention, no groups), or set model.transformer.n_groups above 0"
            )
        self.width, self.n_groups = width, n_groups
        if n_groups:
            std = group_token_std
            tokens = nn.init.trunc_normal_(torch.empty(1, n_groups, width), std=std, a=-2 * std, b=2 * std)
            self.group_tokens = nn.Parameter(tokens)
        self.type_embedding = nn.Parameter(nn.init.normal_(torch.empty(3 if n_groups else 2, width), std=0.02))
        self.blocks = transformer_blocks(
            partial(ATTENTION[attention], separate=separate_qkv), width, depth, heads, drop_path
        )

    def forward(
        self, patches: Float[Tensor, "b n_img c"], words: Float[Tensor, "b n_lag c"], mask: Bool[Tensor, "b n_lag"]
    ) -> tuple[Float[Tensor, "b n_img c"], Float[Tensor, "b n_lag c"], Float[Tensor, "b n_grp c"]]:
        """Image tokens and word tokens to Z_img, Z_lag and Z_grp."""
        parts = [patches + self.type_embedding[0], words + self.type_embedding[1]]
        if self.n_groups:
            parts.append((self.group_tokens + self.type_embedding[2]).expand(patches.shape[0], -1, -1))
        sizes = (patches.shape[1], words.shape[1], self.n_groups)
        tokens = torch.cat(parts, dim=1)
        for block in self.blocks:
            tokens = block(tokens, sizes, mask)
        z_img, z_lag, z_grp = tokens.split(sizes, dim=1)
        return z_img, z_lag, z_grp


class GroupingLayer(nn.Module):
    """Assigns each image token to one group and adds the mean of a group's tokens to it (Eqs. 11-12).

    The similarity is a scaled dot product of normalized tokens, made a distribution over the groups. In training the
    assignment is drawn with Gumbel noise, as in GroupViT, to which the paper refers; in evaluation it is the argmax.
    Gradients pass straight through. Deviations from Eq. 12: W_v is applied to LayerNorm(Z_img) rather than to Z_img;
    the kept entry becomes 1 rather than keeping its value; and the denominator is at least 1, which only concerns
    empty groups (theirs would be 0/0).
    """

    def __init__(self, width: int):
        super().__init__()
        self.width = width
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)

    def forward(
        self, groups: Float[Tensor, "b n_grp c"], patches: Float[Tensor, "b n_img c"]
    ) -> tuple[Float[Tensor, "b n_grp c"], Float[Tensor, "b n_grp n_img"]]:
        """Z_grp and Z_img to the updated groups and the hard assignment of 0s and 1s."""
        with in_float32(groups):
            groups, patches = groups.float(), patches.float()
            normal_groups, normal_patches = layer_norm(groups, (self.width,)), layer_norm(patches, (self.width,))
            similarity = self.query(normal_groups) @ self.key(normal_patches).transpose(1, 2) / self.width**0.5
            if self.training:
                assignment = gumbel_softmax(similarity, tau=1.0, hard=True, dim=1)
            else:
                soft = softmax(similarity, dim=1)
                hard = one_hot(soft.argmax(dim=1), groups.shape[1]).transpose(1, 2).to(soft)
                assignment = hard - soft.detach() + soft
            total = assignment.sum(dim=-1, keepdim=True).clamp(min=1.0)
            return groups + assignment @ self.value(normal_patches) / total, assignment.detach().round()
