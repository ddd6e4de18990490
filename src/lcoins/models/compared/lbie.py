"""LBIE: language-based image editing with recurrent attentive models (Chen et al., CVPR 2018), for colorization."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, softmax

from lcoins.models.colorizer import Colorizer, SteppedColorization
from lcoins.models.compared.bilstm import BiLSTMEncoder
from lcoins.models.image_encoders import grid_side
from lcoins.models.text_encoders import Words


class AttentiveFusion(nn.Module):
    """Each region attends to the words, and a gated cell decides how much of the result it takes (LBIE's section 3).

    With ``recurrent`` the reset gate is on the words, as in the paper's recurrent model, else on the region.
    """

    def __init__(self, width: int, attention: int, recurrent: bool):
        super().__init__()
        self.recurrent = recurrent
        self.region, self.word = nn.Linear(width, attention), nn.Linear(width, attention, bias=False)
        self.score = nn.Linear(attention, 1, bias=False)
        self.gates = nn.Linear(2 * width, 2 * width)
        self.candidate = nn.Linear(2 * width, width)

    def forward(
        self, regions: Float[Tensor, "b c h w"], tokens: Float[Tensor, "b n c"], mask: Bool[Tensor, "b n"]
    ) -> Float[Tensor, "b c h w"]:
        v = regions.flatten(2).transpose(1, 2)
        scores = self.score(torch.tanh(self.region(v)[:, :, None] + self.word(tokens)[:, None])).squeeze(-1)
        u = softmax(scores.masked_fill(~mask[:, None], -torch.inf), dim=-1) @ tokens
        reset, keep = torch.sigmoid(self.gates(torch.cat([v, u], dim=-1)) + 1).chunk(2, dim=-1)
        pair = (v, reset * u) if self.recurrent else (reset * v, u)
        fused = keep * v + (1 - keep) * torch.relu(self.candidate(torch.cat(pair, dim=-1)))
        return fused.transpose(1, 2).unflatten(2, regions.shape[2:])


class LBIE(Colorizer):
    """The generator: convolutions, up to ``steps`` fusions with the words, a decoder with a termination gate.

    The recurrent path of the release cannot run (its cell returns a tuple that is used as a tensor, the decoder gets no
    width, the discriminator no text, tanh is applied twice, the picture is always that of step 4). This is the paper's:
    one gate per picture, the last step takes the remaining share, and the picture is that of the step with the largest
    share. ``steps = 1`` is the released one-step model. Deviations: batch norm keeps running statistics (the release
    takes the batch's at test time as well), and the BiLSTM is trained with the rest (its pretraining is not released).
    """

    def __init__(self, text_encoder: BiLSTMEncoder, image_size: int, width: int, attention: int, steps: int):
        super().__init__()
        if text_encoder.width != 4 * width:
            raise ValueError(
                f"LBIE's words must be as wide as its regions: model.text_encoder.hidden must be "
                f"{2 * width}, twice model.width, not {text_encoder.width // 2}"
            )
        if steps < 1:
            raise ValueError(f"model.steps counts the fusions and must be at least 1, not {steps}")
        grid_side(image_size, 4)
        self.image_size, self.steps = image_size, steps
        self.text_encoder = text_encoder
        n = width
        self.encoder = nn.Sequential(
            *_convolutions(1, n, n, strides=(1, 2)),
            nn.BatchNorm2d(n),
            *_convolutions(n, 2 * n, 2 * n, strides=(1, 2)),
            nn.BatchNorm2d(2 * n),
            *_convolutions(2 * n, *[4 * n] * 3),
            nn.BatchNorm2d(4 * n),
            *_convolutions(4 * n, *[4 * n] * 3, dilation=2),
            nn.BatchNorm2d(4 * n),
            *_convolutions(4 * n, *[4 * n] * 3, dilation=2),
            nn.BatchNorm2d(4 * n),
            *_convolutions(4 * n, 4 * n, 4 * n),
            nn.Conv2d(4 * n, 4 * n, 3, padding=1),
        )
        self.fusion = AttentiveFusion(4 * n, attention, recurrent=steps > 1)
        self.decoder = nn.Sequential(
            nn.ReLU(),
            nn.BatchNorm2d(4 * n),
            nn.ConvTranspose2d(4 * n, 2 * n, 4, 2, 1),
            nn.ReLU(),
            *_convolutions(*[2 * n] * 3),
            nn.BatchNorm2d(2 * n),
            nn.ConvTranspose2d(2 * n, n, 4, 2, 1),
            nn.ReLU(),
            *_convolutions(n, n, n),
            nn.BatchNorm2d(n),
            nn.Conv2d(n, 2 + (steps > 1), 3, padding=1),
        )

    def forward(self, lightness: Float[Tensor, "b 1 s s"], words: Words) -> SteppedColorization:
        """Network lightness and words to network ab of the step with the largest share, and all steps."""
        tokens, _ = self.text_encoder(words)
        regions = self.encoder(lightness)
        colors, stops = [], []
        for _ in range(self.steps):
            regions = self.fusion(regions, tokens, words.mask)
            answer = self.decoder(regions)
            colors.append(torch.tanh(answer[:, :2]))
            stops.append(
                torch.sigmoid(answer[:, 2:]).mean(dim=(1, 2, 3)) if self.steps > 1 else answer.new_ones(answer.shape[0])
            )
        steps, shares = torch.stack(colors, dim=1), termination_shares(torch.stack(stops, dim=1))
        most = steps[torch.arange(steps.shape[0], device=steps.device), shares.argmax(dim=1)]
        return SteppedColorization(
            most.float(), steps=steps, shares=shares, lightness=lightness, tokens=tokens, mask=words.mask
        )


def termination_shares(stops: Float[Tensor, "b t"]) -> Float[Tensor, "b t"]:
    """The share of each step: p_k = tau_k prod_{j<k} (1 - tau_j); the last one takes what remains.

    >>> termination_shares(torch.tensor([[0.5, 0.5, 0.1]]))
    tensor([[0.5000, 0.2500, 0.2500]])
    """
    shares, left = [], torch.ones_like(stops[:, 0])
    for stop in stops[:, :-1].unbind(dim=1):
        shares.append(stop * left)
        left = left * (1 - stop)
    return torch.stack([*shares, left], dim=1)


class Discriminator(nn.Module):
    """PatchGAN on lightness, ab and the words, which fit only if it is twice as wide as the generator.

    The release's default widths of 64 and 64 do not fit; 32 for the generator and 64 here do.
    """

    def __init__(self, generator_width: int, attention: int):
        super().__init__()
        n = 2 * generator_width
        self.convolutions = nn.ModuleList(
            [_patches(3, n, 2), _patches(n, 2 * n, 2), _patches(2 * n, 4 * n, 2), _patches(4 * n, 8 * n, 1)]
        )
        self.norms = nn.ModuleList([nn.Identity(), *(nn.BatchNorm2d(k * n) for k in (2, 4, 8))])
        self.narrow = _patches(8 * n, 2 * n, 1)
        self.fusion = AttentiveFusion(2 * n, attention, recurrent=False)
        self.judge = _patches(2 * n, 1, 1)

    def forward(
        self,
        lightness: Float[Tensor, "b 1 s s"],
        ab: Float[Tensor, "b 2 s s"],
        tokens: Float[Tensor, "b n c"],
        mask: Bool[Tensor, "b n"],
    ) -> Float[Tensor, "b 1 h w"]:
        """Network lightness, network ab and words to logits of "real" for each patch."""
        x = torch.cat([lightness, ab], dim=1)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = leaky_relu(norm(convolution(x)), 0.2)
        return self.judge(self.fusion(self.narrow(x), tokens, mask))


def _patches(wide: int, narrow: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(wide, narrow, 4, stride, 1, bias=False)


def _convolutions(
    first: int, *widths: int, strides: tuple[int, ...] | None = None, dilation: int = 1
) -> list[nn.Module]:
    """3x3 convolutions from ``first`` channels to each of ``widths`` in turn, each with ReLU."""
    layers: list[nn.Module] = []
    for wide, narrow, stride in zip((first, *widths), widths, strides or [1] * len(widths), strict=False):
        layers += [nn.Conv2d(wide, narrow, 3, stride, dilation, dilation), nn.ReLU()]
    return layers
