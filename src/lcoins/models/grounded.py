"""Colors put where a photo shows what they speak of. Ours, not the paper's; no part of its protocol.

The network colors the photo by the sentence without the color words whose things grounding has found; then each of
these things takes its color, as far as a pixel belongs to it.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from lcoins.color.lab import from_network_ab, from_network_lightness, to_network_ab
from lcoins.color.natural_colors import natural_ab
from lcoins.color.spoken_of import SIDES, noun_of
from lcoins.color.strength import shading, smooth_step
from lcoins.color.words import without_words
from lcoins.models.colorizer import Colorization, ColorizationSystem
from lcoins.models.focus import LARGEST, NOTHING_SAID, FocusedColorizer, LastAnswer
from lcoins.models.grounding import SaidColor, said_colors

LEAST, FULL = 0.3, 0.6  # of a thing's largest probability: up to which a pixel is not its own, and from which in full
RIVALRY = 4  # power of the probabilities by which several things share a pixel
# Of each word, the axis, 0 vertical and 1 horizontal, and the direction along it.
DIRECTIONS = {word: (int("left" in pair), at) for pair in SIDES for word, at in zip(pair, (-1, 1), strict=True)}
ON_ITS_SIDE = 0.7  # share of a place in a half of the photo from which a thing that is said to lie there lies there
SOFT = 4.0  # pixels over which one side goes over into the other
FOUND = 0.25  # the largest probability below which a thing was not found


def for_photos(system: Any) -> ColorizationSystem:
    """A trained system with what helps its color words in photos: grounding, if it has been trained, or else focus."""
    return FocusedColorizer(system) if getattr(system, "grounding", None) is None else GroundedColorizer(system)


class GroundedColorizer(nn.Module):
    """A system with grounding, whose colors go where their things are; it takes the place of the system that it holds.

    A color whose thing is not found, or that speaks of none, is left to the network, focused
    (:class:`~lcoins.models.focus.FocusedColorizer`). LEAST, FULL and FOUND were chosen on held-out photos by the
    benchmark of obedience; RIVALRY made no difference there.
    """

    def __init__(self, system: Any):
        super().__init__()
        self.system = system
        self.image_size: int = system.image_size
        self._rest = LastAnswer(FocusedColorizer(system).colorize)
        self._places = LastAnswer(self._ground)

    @torch.inference_mode()
    def colorize(self, lightness: Float[Tensor, "b 1 s s"], captions: list[str]) -> Colorization:
        """Colors network lightness as the captions say."""
        said = said_colors(captions)
        places = self.places(lightness, said)
        found = [index for index, most in enumerate(places.amax(dim=(1, 2)).tolist()) if most >= FOUND]
        said, places = [said[index] for index in found], places[found]
        left = [
            without_words(caption, [color.phrase for color in said if color.caption == number]) or NOTHING_SAID
            for number, caption in enumerate(captions)
        ]
        result = self._rest(lightness, left)
        ab = from_network_ab(result.ab.float()).clone()
        for number in {color.caption for color in said}:
            own = [index for index, color in enumerate(said) if color.caption == number]
            colors = [said[index] for index in own]
            level = from_network_lightness(lightness[number, 0].float())
            ab[number] = painted(level, ab[number], told_apart(places[own], colors), colors)
        return Colorization(to_network_ab(ab).clamp(-1, 1), result.assignment)

    def not_found(self, lightness: Float[Tensor, "1 1 s s"], caption: str) -> list[str]:
        """The things of a caption that no place of the photo shows, each once; their colors are the network's."""
        said = said_colors([caption])
        most = self.places(lightness, said).flatten(1).amax(dim=1).tolist() if said else []
        return list(dict.fromkeys(color.thing for color, sure in zip(said, most, strict=True) if sure < FOUND))

    @torch.inference_mode()
    def places(self, lightness: Float[Tensor, "b 1 s s"], said: Sequence[SaidColor]) -> Float[Tensor, "k s s"]:
        """The probability, 0..1, that a pixel belongs to what each color speaks of."""
        if not said:
            return lightness.new_zeros(0, *lightness.shape[-2:])
        return self._places(lightness, [(color.caption, color.thing) for color in said])

    def _ground(self, lightness: Float[Tensor, "b 1 s s"], asked: list[tuple[int, str]]) -> Float[Tensor, "k s s"]:
        """The places of names, each with the number of its photo."""
        self.system.eval()
        crop = torch.tensor([number for number, _ in asked], device=lightness.device)
        shares = self.system.ground(lightness, [thing for _, thing in asked], crop).logits.float().sigmoid()
        return interpolate(shares[:, None], size=lightness.shape[-2:], mode="bilinear", align_corners=False)[:, 0]


def told_apart(places: Float[Tensor, "k s s"], said: Sequence[SaidColor]) -> Float[Tensor, "k s s"]:
    """The places of one caption, where a name says on which side its thing is: "left cup".

    Grounding sees all cups in it. Their place is cut where its two parts lie farthest apart (Otsu, 1979), and the name
    keeps its side. Of two names that differ by their sides alone, "left cup" and "right cup", the common place is cut.
    A name without its opposite may speak of one thing only, which must not be cut: it stays whole where it mostly lies
    in the half of the photo that the name says. Of 204 training photos with one thing in that half 78 % stay whole, and
    of 144 with two side by side 75 % of the names are cut.
    """
    places, sides = places.clone(), [_side(color.thing) for color in said]
    for one, (noun, axis, direction) in enumerate(sides):
        other = next((n for n, side in enumerate(sides) if side == (noun, axis, -direction)), one)
        if not direction or other < one:
            continue
        common = torch.maximum(places[one], places[other])
        weights = smooth_step(common / common.amax().clamp(min=1e-6), LEAST, FULL).sum(dim=1 - axis)
        if other == one and _share_on_side(weights, direction) >= ON_ITS_SIDE:
            continue
        beyond = torch.sigmoid((torch.arange(len(weights), device=weights.device) - _cut(weights)) / SOFT)
        beyond = beyond[:, None] if axis == 0 else beyond[None, :]
        for name, way in {other: -direction, one: direction}.items():
            places[name] = common * (beyond if way > 0 else 1 - beyond)
    return places


def _share_on_side(weights: Float[Tensor, " s"], direction: int) -> float:
    """The share of weights along an axis that lies in its first half, for -1, or its second, for 1."""
    half = len(weights) // 2
    return float((weights[half:] if direction > 0 else weights[:half]).sum() / weights.sum().clamp(min=1e-6))


def _side(thing: str) -> tuple[str, int, int]:
    """A name without words of place, the axis (0: down, 1: right) and the direction of its side, or 0 without one."""
    words = thing.split()
    axis, direction = next((DIRECTIONS[word] for word in words if word in DIRECTIONS), (0, 0))
    return noun_of(thing), axis, direction


def _cut(weights: Float[Tensor, " s"]) -> int:
    """The position that parts weights into two with the largest variance between them."""
    at = torch.arange(len(weights), device=weights.device).to(weights)
    share = weights / weights.sum().clamp(min=1e-6)
    before, mean_before = share.cumsum(0), (share * at).cumsum(0)
    between = (mean_before[-1] * before - mean_before).square() / (before * (1 - before)).clamp(min=1e-6)
    return int(between.argmax())


def painted(
    lightness: Float[Tensor, "s s"],
    ab: Float[Tensor, "2 s s"],
    places: Float[Tensor, "k s s"],
    said: Sequence[SaidColor],
) -> Float[Tensor, "2 s s"]:
    """ab in CIELAB units with each color at its place, beside L*; where places overlap, the surer one has more say.

    Black, white and gray take the color away: a photo keeps its lightness.
    """
    largest = torch.quantile(places.flatten(1), LARGEST, dim=1)[:, None, None].clamp(min=1e-6)
    surer = places.pow(RIVALRY) / places.pow(RIVALRY).sum(dim=0).clamp(min=1e-9)
    shares = smooth_step(places / largest, LEAST, FULL) * surer
    result = ab * (1 - shares.sum(dim=0))
    for share, color in zip(shares, said, strict=True):
        mean = (share * lightness).sum() / share.sum().clamp(min=1e-6)
        named = natural_ab(color.phrase.color, color.thing) or color.phrase.lab[1:]
        result += share * ab.new_tensor(named)[:, None, None] * shading(lightness, mean)
    return result
