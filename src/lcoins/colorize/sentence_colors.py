"""The colors that one sentence gives a photo, with hints and with what each of its color words changes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from lcoins.color.hints import Hint, with_hints
from lcoins.color.lab import from_network_lightness
from lcoins.color.phrases import ColorPhrase
from lcoins.colorize.photo import along_edges, network_ab
from lcoins.colorize.word_effect import has_effect, share_moved, word_effects
from lcoins.models.colorizer import ColorizationSystem
from lcoins.models.grounded import GroundedColorizer


@dataclass(frozen=True, eq=False)
class SentenceColors:
    """Colors as ``slope`` and ``offset`` over lightness, (1, 2, S, S) each, for ``recompose`` of ``colorize.photo``.

    ``effects`` has each color phrase of the sentence with how far it moves ab, (S, S), of ``word_effects``. ``ab``,
    (1, 2, S, S) in CIELAB units, is what the network said, without hints. ``not_found`` has the things that grounding
    has not found.
    """

    slope: Tensor
    offset: Tensor
    effects: list[tuple[ColorPhrase, Tensor]]
    ab: Tensor
    not_found: tuple[str, ...] = ()

    def shares(self) -> list[tuple[str, float]]:
        """Each phrase that has found a region, as written, with the share of the picture, 0..1, that it moves."""
        return [(phrase.word, share_moved(moved)) for phrase, moved in self.effects if has_effect(moved)]

    def silent(self) -> list[str]:
        """The phrases that have found no region, each once: any other color would give nearly the same picture."""
        return list(dict.fromkeys(phrase.word for phrase, moved in self.effects if not has_effect(moved)))


def sentence_colors(
    colorizer: ColorizationSystem, network_lightness: Tensor, sentence: str, hints: Sequence[Hint] = ()
) -> SentenceColors:
    """Asks the network, and once more for each color phrase; then hints override what it says.

    Args:
        colorizer: the system.
        network_lightness: of the photo, (1, 1, S, S), on the system's device.
        sentence: as a person writes it.
        hints: for a square of S pixels a side; what phrases change is measured without them.
    """
    ab = network_ab(colorizer, network_lightness, sentence)
    slope, offset = _under(hints, network_lightness, ab)
    effects = word_effects(colorizer, network_lightness, sentence, ab)
    not_found: list[str] = []
    if isinstance(colorizer, GroundedColorizer):
        not_found = colorizer.not_found(network_lightness, sentence)
    return SentenceColors(slope, offset, effects, ab, tuple(not_found))


def under_hints(colors: SentenceColors, network_lightness: Tensor, hints: Sequence[Hint]) -> SentenceColors:
    """The same sentence's colors under other hints; the network is not asked again."""
    slope, offset = _under(hints, network_lightness, colors.ab)
    return replace(colors, slope=slope, offset=offset)


def _under(hints: Sequence[Hint], network_lightness: Tensor, ab: Tensor) -> tuple[Tensor, Tensor]:
    """Slope and offset of a network's colors under hints."""
    hinted = with_hints(from_network_lightness(network_lightness.float().cpu()), ab, hints)
    return along_edges(network_lightness, hinted)
