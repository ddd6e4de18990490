"""Colors put where a photo shows what they speak of. Ours, not the paper's; no part of its protocol.

The network colors the photo by the sentence without the color words whose things grounding has found; then each of
these things takes its color, as far as a pixel belongs to it. Both see a print without its margin
(:mod:`lcoins.color.margins`), which gets no color, and a faded photo in full contrast (:mod:`lcoins.color.contrast`);
its picture keeps its own.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from lcoins.color.contrast import full_contrast, full_contrast_for_network
from lcoins.color.edges import settled
from lcoins.color.lab import from_network_ab, from_network_lightness, to_network_ab
from lcoins.color.natural_colors import ab_on
from lcoins.color.reading import read_sentence
from lcoins.color.sides import is_worn, noun_of
from lcoins.color.strength import mean_under, shading, smooth_step
from lcoins.color.word_kinds import NATURE, SURFACES, word_set
from lcoins.models.colorizer import Colorization, ColorizationSystem
from lcoins.models.focus import LARGEST, FocusedColorizer, LastAnswer, margins_of, within_margins
from lcoins.models.grounding import FOUND, SaidColor, said_colors
from lcoins.models.other_names import places_by_names
from lcoins.models.parts import FULL, LEAST
from lcoins.models.told_apart import by_lightness, told_apart

RIVALRY = 4  # power of the probabilities by which several things share a pixel
SETTLED = 0.5, 0.7  # shares that agree with their neighbors': up to which a pixel is none of a thing, and from which
TOLD = 0.3, 0.4  # share of a place that is left: up to which lightness does not tell it from what is around it
WIDE = 0.2, 0.45  # in place of LEAST and FULL for what is wide: a lake with holes is no lake
# Parts that cells do not show: grounding takes the face for the eyes, and the dog for its collar.
TOO_SMALL = word_set(
    """eyes eye eyebrow eyebrows eyelashes nose noses lip lips tongue tongues teeth nail nails freckles beak beaks
    mohawk collar collars leash leashes harness harnesses headband headbands goggles ribbon ribbons button buttons
    earring earrings necklace necklaces bracelet bracelets spot spots stripe stripes"""
)


def for_photos(system: Any) -> ColorizationSystem:
    """A trained system with what helps its color words in photos: grounding, if it has been trained, or else focus."""
    return FocusedColorizer(system) if getattr(system, "grounding", None) is None else GroundedColorizer(system)


class GroundedColorizer(nn.Module):
    """A system with grounding, whose colors go where their things are; it takes the place of the system that it holds.

    A color that speaks of nothing is left to the network, focused (:class:`~lcoins.models.focus.FocusedColorizer`), and
    so is one whose thing is not found, if it is worn or nothing of its sentence is found. Else it is left out, for the
    network would put it on a thing that has its own color. That of a part which is too small for either, such as eyes,
    is left out, too. All bounds here were chosen on held-out photos by the benchmark of obedience, those of
    :func:`within_edges` by looking too; RIVALRY made no difference there.
    """

    def __init__(self, system: Any):
        super().__init__()
        self.system = system
        self.image_size: int = system.image_size
        self._rest = LastAnswer(FocusedColorizer(system).colorize_pictures)
        self._places = LastAnswer(self._ground)

    @torch.inference_mode()
    def colorize(self, lightness: Float[Tensor, "b 1 s s"], captions: list[str]) -> Colorization:
        """Colors network lightness as the captions say, which it reads as people write them."""
        return within_margins(self._colorize, lightness, captions)

    def _colorize(self, lightness: Float[Tensor, "b 1 s s"], captions: list[str]) -> Colorization:
        """Colors pictures that have no margins."""
        asked = said_colors(captions)
        places = self.places(lightness, asked)
        found = [index for index, sure in enumerate(_surest(asked, places)) if sure >= FOUND]
        said, places = [asked[index] for index in found], places[found]
        with_found = {color.caption for color in said}
        lost = [color for color in asked if color not in said and not _is_too_small(color)]
        tried = [color for color in lost if color.caption not in with_found or is_worn(color.name)]
        done = {(color.caption, color.phrase) for color in asked} - {(color.caption, color.phrase) for color in tried}
        left = [
            read_sentence(caption).for_model(without=[phrase for index, phrase in done if index == number])
            for number, caption in enumerate(captions)
        ]
        result = self._rest(lightness, left)
        ab = from_network_ab(result.ab.float()).clone()
        levels = from_network_lightness(lightness.float())
        fresh = full_contrast(levels)[:, 0]
        for number in {color.caption for color in said}:
            own = [index for index, color in enumerate(said) if color.caption == number]
            colors = [said[index] for index in own]
            apart = told_apart(places[own], fresh[number], colors)
            ab[number] = painted(levels[number, 0], fresh[number], ab[number], apart, colors)
        return Colorization(to_network_ab(ab).clamp(-1, 1), result.assignment)

    def not_found(self, lightness: Float[Tensor, "1 1 s s"], caption: str) -> list[str]:
        """The things of a caption that no place of the photo shows, or that are too small, each once."""
        said = said_colors([caption])
        surest = _surest(said, self.places(margins_of(lightness).without(lightness), said))
        return list(dict.fromkeys(color.name for color, sure in zip(said, surest, strict=True) if sure < FOUND))

    @torch.inference_mode()
    def places(self, lightness: Float[Tensor, "b 1 s s"], said: Sequence[SaidColor]) -> Float[Tensor, "k s s"]:
        """The probability, 0..1, that a pixel belongs to what each color speaks of."""
        if not said:
            return lightness.new_zeros(0, *lightness.shape[-2:])
        fresh = full_contrast_for_network(lightness)
        return places_by_names(said, lambda names: self._places(fresh, names))

    def _ground(self, lightness: Float[Tensor, "b 1 s s"], asked: list[tuple[int, str]]) -> Float[Tensor, "k s s"]:
        """The places of names, each with the number of its photo."""
        self.system.eval()
        crop = torch.tensor([number for number, _ in asked], device=lightness.device)
        shares = self.system.ground(lightness, [thing for _, thing in asked], crop).logits.float().sigmoid()
        return interpolate(shares[:, None], size=lightness.shape[-2:], mode="bilinear", align_corners=False)[:, 0]


def _bounds(color: SaidColor) -> tuple[float, float]:
    """The shares of the largest probability up to which a pixel is none of a thing, and from which it is."""
    return WIDE if color.noun in NATURE | SURFACES else (LEAST, FULL)


def _is_too_small(color: SaidColor) -> bool:
    return color.noun in TOO_SMALL or "eyes" in color.name.split()


def _surest(said: Sequence[SaidColor], places: Float[Tensor, "k s s"]) -> list[float]:
    """How surely each thing is found: its largest probability, or that of another of its kind, which it shares.

    What is too small is not found. Of "left cup" and "right cup" grounding sees both cups under either name, but may be
    surer of one name.
    """
    sures = places.amax(dim=(1, 2)).tolist()
    most = [0.0 if _is_too_small(color) else sure for color, sure in zip(said, sures, strict=True)]
    kinds = [(color.caption, noun_of(color.thing)) for color in said]
    return [max(sure for sure, other in zip(most, kinds, strict=True) if other == kind) for kind in kinds]


def painted(
    lightness: Float[Tensor, "s s"],
    fresh: Float[Tensor, "s s"],
    ab: Float[Tensor, "2 s s"],
    places: Float[Tensor, "k s s"],
    said: Sequence[SaidColor],
) -> Float[Tensor, "2 s s"]:
    """ab in CIELAB units with each color at its place, beside L*; where places overlap, the surer one has more say.

    ``fresh`` is L* in full contrast, which says where things end and which of their parts are dark; a color is that of
    the photo's own lightness, in 0..100 like the other. Black, white and gray take the color away: a photo keeps its
    lightness.
    """
    largest = torch.quantile(places.flatten(1), LARGEST, dim=1)[:, None, None].clamp(min=1e-6)
    surer = places.pow(RIVALRY) / places.pow(RIVALRY).sum(dim=0).clamp(min=1e-9)
    shares = torch.stack(
        [smooth_step(place, *_bounds(color)) for place, color in zip(places / largest, said, strict=True)]
    )
    shares = by_lightness(within_edges(fresh, shares) * surer, fresh, said)
    result = ab * (1 - shares.sum(dim=0))
    for share, color in zip(shares, said, strict=True):
        mean = mean_under(share, lightness)
        named = ab.new_tensor(ab_on(color.phrase, color.thing, float(mean)))
        result += share * named[:, None, None] * shading(lightness, mean)
    return result


def within_edges(lightness: Float[Tensor, "s s"], shares: Float[Tensor, "k s s"]) -> Float[Tensor, "k s s"]:
    """How far pixels belong to things, which end at the photo's edges, given how far the cells around them do.

    What lies beyond an edge loses its share, and what no edge parts from the thing's inside gets one
    (:func:`~lcoins.color.edges.settled`). A place that would lose most of itself, a small one where no edge is, stays
    as it is: what was found has its color.
    """
    within = smooth_step(settled(lightness, shares), *SETTLED)
    left = within.sum(dim=(1, 2), keepdim=True) / shares.sum(dim=(1, 2), keepdim=True).clamp(min=1e-6)
    return torch.lerp(shares, within, smooth_step(left, *TOLD))
