"""Feature-wise linear modulation by a sentence (Perez et al., AAAI 2018), as ML2018 and Xie2018 use it."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class FiLM(nn.Module):
    """gamma * x + beta, channel by channel, both linear in the sentence; it starts near the identity.

    Xie2018's release starts the bias at gamma 1, beta 0; ML2018's keeps PyTorch's default, with which half of the
    features would change sign. Here both start as Xie2018's.
    """

    def __init__(self, condition: int, channels: int):
        super().__init__()
        self.heads = nn.Linear(condition, 2 * channels)
        with torch.no_grad():
            self.heads.bias.copy_(torch.cat([torch.ones(channels), torch.zeros(channels)]))

    def forward(self, x: Float[Tensor, "b c h w"], sentence: Float[Tensor, "b d"]) -> Float[Tensor, "b c h w"]:
        gamma, beta = self.heads(sentence)[:, :, None, None].chunk(2, dim=1)
        return gamma * x + beta
