"""Which words do the groups attend to, and which groups do the image tokens? Read from grouping attention.

These are the pictures of Fig. 5 of the paper and what it says of them in 3.4; nothing here takes part in training.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, softmax

from lcoins.models.blocks import Sizes
from lcoins.models.colorizer import Colorization
from lcoins.models.grouping import GroupingAttention
from lcoins.models.lcoins import LCoIns
from lcoins.models.text_encoders import Words


@dataclass(frozen=True)
class BlockAttention:
    """Attention of one block for one caption, mean over the heads; every row sums to 1.

    ``img_grp`` is the attention of each image token to the groups, ``grp_lag`` that of each group to the words.
    """

    img_grp: Float[Tensor, "n_img n_grp"]
    grp_lag: Float[Tensor, "n_grp n_lag"]

    def to_words(self, word_pieces: list[int]) -> Float[Tensor, " n_img"]:
        """The attention, in 0..1, that reaches some word pieces (by index) from each image token through the groups.

        An image token's attention to a group times the group's attention to the pieces, summed over the groups.
        """
        return self.img_grp @ self.grp_lag[:, word_pieces].sum(dim=1)


@torch.inference_mode()
def attention_maps(
    model: LCoIns, lightness: Float[Tensor, "1 1 s s"], caption: str
) -> tuple[list[BlockAttention], Words, Colorization]:
    """The attention of every block for network lightness and one caption, the caption's word pieces, and the colors.

    Raises ValueError for a model without grouping attention, in which words reach the image without groups.
    """
    attentions = [module for module in model.transformer.modules() if isinstance(module, GroupingAttention)]
    if not attentions:
        raise ValueError(
            "this model has joint attention, so its words reach the image without groups; take a run with "
            "grouping attention (ablation=full, no_la or no_cl)"
        )
    maps: list[BlockAttention] = []

    def read(attention: GroupingAttention, inputs: tuple[Tensor, Sizes, Tensor], output: Tensor) -> None:
        tokens, sizes, mask = inputs
        q, k, _ = attention.queries_keys_values(tokens)
        (q_img, _, q_grp), (_, k_lag, k_grp) = (x.split(sizes, dim=2) for x in (q, k))
        scale = q.shape[-1] ** -0.5
        img_grp = softmax(q_img @ k_grp.transpose(2, 3) * scale, dim=-1)
        scores = (q_grp @ k_lag.transpose(2, 3) * scale).masked_fill(~mask[:, None, None, :], -torch.inf)
        maps.append(BlockAttention(img_grp.mean(dim=1)[0].cpu(), softmax(scores, dim=-1).mean(dim=1)[0].cpu()))

    hooks = [attention.register_forward_hook(read) for attention in attentions]
    was_training = model.training
    try:
        words = model.tokenize([caption]).to(lightness.device)
        result = model.eval()(lightness, words, assign=True)
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return maps, words, result
