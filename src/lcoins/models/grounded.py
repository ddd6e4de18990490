"""Colors put where a photo shows what they speak of. Ours, not the paper's; no part of its protocol.

The network colors the photo by the sentence without those color words whose things grounding has found; each thing then
takes its color, as far as each pixel belongs to it.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from lcoins.color.lab import from_network_ab, from_network_lightness, to_network_ab
from lcoins.color.strength import shading, smooth_step
from lcoins.color.words import without_words
from lcoins.models.colorizer import Colorization
from lcoins.models.focus import NOTHING_SAID, FocusedColorizer
from lcoins.models.grounding import SaidColor, said_colors
from lcoins.models.lcoins import LCoIns

LEAST, FULL = 0.2, 0.6  # probability up to which a cell is not a thing's, and from which it is in full
FOUND = 0.4  # probability that a thing reaches somewhere in the photo, or else it was not found


class GroundedColorizer(nn.Module):
    """A system with grounding, whose color words color what they speak of; it takes the place of the system it holds.

    A color whose thing is not found, or that speaks of none, is left to the network, focused
    (:class:`~lcoins.models.focus.FocusedColorizer`). LEAST, FULL and FOUND were chosen on validation photos by the
    benchmark of obedience.
    """

    def __init__(self, system: LCoIns):
        super().__init__()
        self.system = system
        self.image_size = system.image_size
        self.focused = FocusedColorizer(system)

    @torch.inference_mode()
    def colorize(self, lightness: Float[Tensor, "b 1 s s"], captions: list[str]) -> Colorization:
        """Colors network lightness as the captions say; the maps of the system, if it gives any, stay."""
        said = said_colors(captions)
        places = self.places(lightness, said)
        found = [bool(place.max() >= FOUND) for place in places]
        said = [color for color, there in zip(said, found, strict=True) if there]
        places = places[torch.tensor(found, dtype=torch.bool)]
        left = [
            without_words(caption, [color.phrase for color in said if color.caption == number]) or NOTHING_SAID
            for number, caption in enumerate(captions)
        ]
        result = self.focused.colorize(lightness, left)
        ab = from_network_ab(result.ab.float()).clone()
        for number in {color.caption for color in said}:
            own = [index for index, color in enumerate(said) if color.caption == number]
            level = from_network_lightness(lightness[number].float())
            ab[number] = painted(level, ab[number], places[own], [said[index] for index in own])
        return replace(result, ab=to_network_ab(ab).clamp(-1, 1))

    def places(self, lightness: Float[Tensor, "b 1 s s"], said: Sequence[SaidColor]) -> Float[Tensor, "k s s"]:
        """The probability, 0..1, that a pixel belongs to what each color speaks of."""
        if not said:
            return lightness.new_zeros(0, self.image_size, self.image_size)
        things = self.system.tokenize([color.thing for color in said]).to(lightness.device)
        crop = torch.tensor([color.caption for color in said], device=lightness.device)
        shares = self.system.eval().ground(lightness, things, crop).logits.float().sigmoid()
        return interpolate(shares[:, None], size=lightness.shape[-2:], mode="bilinear", align_corners=False)[:, 0]


def painted(
    lightness: Float[Tensor, "1 s s"],
    ab: Float[Tensor, "2 s s"],
    places: Float[Tensor, "k s s"],
    said: Sequence[SaidColor],
) -> Float[Tensor, "2 s s"]:
    """ab in CIELAB units with each color at its place; where places overlap, the surer one has more of a say."""
    says = smooth_step(places, LEAST, FULL)
    shares = says * (places.square() / places.square().sum(dim=0).clamp(min=1e-6)).where(says > 0, says)
    colors = [ab.new_tensor(color.phrase.lab[1:])[:, None, None] for color in said]
    levels = [(say * lightness[0]).sum() / say.sum().clamp(min=1e-6) for say in says]
    given = [color * shading(lightness, level) for color, level in zip(colors, levels, strict=True)]
    return ab + sum(share * (color - ab) for share, color in zip(shares, given, strict=True))
