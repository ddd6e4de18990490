"""Which words do the groups listen to, and which image tokens listen to the groups? Read from grouping attention.

The pictures of Fig. 5 of the paper and what it says of them in 3.4; nothing here takes part in training.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, softmax

from lcoins.models.colorizer import Colorization
from lcoins.models.grouping import GroupingAttention
from lcoins.models.lcoins import LCoIns
from lcoins.models.text_encoders import Words


@dataclass(frozen=True)
class BlockAttention:
    """Attention of one block for one caption, mean over the heads; every row sums to 1.

    ``img_grp`` (N_I, N_G): from each image token to the groups; ``grp_lag`` (N_G, N_L): from each group to the words.
    """

    img_grp: Tensor
    grp_lag: Tensor

    def listening(self, words: list[int]) -> Tensor:
        """How much each image token hears of the word pieces ``words`` through the groups, (N_I,) in 0..1.

        The weight of the groups for an image token times their weight for the words, summed over the groups.
        """
        return self.img_grp @ self.grp_lag[:, words].sum(dim=1)


@torch.inference_mode()
def attention_maps(model: LCoIns, lightness: Tensor, caption: str) -> tuple[list[BlockAttention], Words, Colorization]:
    """The attention of every block for network lightness (1, 1, S, S) and one caption, its word pieces, its colors.

    Raises ValueError for a model without grouping attention, where image and words do not meet in groups alone.
    """
    attentions = [module for module in model.transformer.modules() if isinstance(module, GroupingAttention)]
    if not attentions:
        raise ValueError(
            "this model has joint attention, so its words reach the image without groups; take a run with "
            "grouping attention (ablation=full, no_la or no_cl)"
        )
    seen: list[BlockAttention] = []

    def read(attention: GroupingAttention, inputs: tuple[Tensor, tuple[int, int, int], Tensor], output: Tensor) -> None:
        tokens, sizes, mask = inputs
        q, k, _ = attention.queries_keys_values(tokens)
        (q_img, _, q_grp), (_, k_lag, k_grp) = (x.split(sizes, dim=2) for x in (q, k))
        scale = q.shape[-1] ** -0.5
        img_grp = softmax(q_img @ k_grp.transpose(2, 3) * scale, dim=-1)
        scores = (q_grp @ k_lag.transpose(2, 3) * scale).masked_fill(~mask[:, None, None, :], -torch.inf)
        seen.append(BlockAttention(img_grp.mean(dim=1)[0].cpu(), softmax(scores, dim=-1).mean(dim=1)[0].cpu()))

    hooks = [attention.register_forward_hook(read) for attention in attentions]
    was_training = model.training
    try:
        words = model.tokenize([caption]).to(lightness.device)
        result = model.eval()(lightness, words, assign=True)
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return seen, words, result
