"""Names of colors and where they lie in CIELAB: the one table of words that are painted, obeyed and understood.

What training paints with is PAINTED_LAB, and what a sentence is searched for is KNOWN_LAB, which adds rarer names
(:mod:`lcoins.color.rarer_names`). :mod:`lcoins.color.phrases` reads them with their shades and forms;
:mod:`lcoins.color.words` holds the smaller vocabulary of the paper's protocol, whose rarer words have softer values.

The eleven basic terms keep the values of :data:`lcoins.color.words.COLOR_LAB`, softened to what photographs show. The
others are the sRGB values of the xkcd color survey (R. Munroe 2010, CC0), and light gray that of CSS Color 4, converted
with :mod:`lcoins.color.lab` and rounded to a tenth. L* is in 0..100, a* and b* are as they come out. The survey lacks
"blond", which is #faf0be.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from lcoins.color.rarer_names import RARER_LAB
from lcoins.color.words import BASIC_COLORS, COLOR_LAB

Lab = tuple[float, float, float]

BASIC_LAB: dict[str, Lab] = {word: COLOR_LAB[word] for word in BASIC_COLORS}

NAMED_LAB: dict[str, Lab] = {
    "crimson": (28.4, 51.5, 35.2),
    "scarlet": (39.7, 64.4, 43.9),
    "maroon": (19.5, 41.8, 11.3),
    "burgundy": (18.6, 40.9, 8.5),
    "navy": (8.0, 11.1, -28.5),
    "navy blue": (7.6, 18.0, -34.9),
    "sky blue": (73.8, -3.8, -39.3),
    "royal blue": (20.1, 57.4, -78.8),
    "baby blue": (81.5, -3.5, -27.7),
    "cobalt": (31.6, 12.4, -43.5),
    "teal": (54.7, -35.8, -2.5),
    "turquoise": (70.6, -45.3, -0.4),
    "cyan": (91.1, -48.1, -14.1),
    "aqua": (83.5, -53.7, 3.0),
    "mint": (92.3, -43.8, 28.7),
    "mint green": (91.6, -51.5, 36.1),
    "olive": (47.1, -15.1, 49.4),
    "olive green": (48.0, -21.2, 52.1),
    "lime": (91.8, -53.4, 81.0),
    "lime green": (90.0, -64.8, 85.6),
    "forest green": (25.5, -32.2, 28.2),
    "sea green": (88.9, -63.2, 31.3),
    "khaki": (67.1, -8.6, 35.7),
    "tan": (73.9, 2.5, 38.3),
    "beige": (86.9, -3.8, 27.1),
    "cream": (98.7, -9.4, 29.3),
    "ivory": (98.9, -8.2, 24.9),
    "gold": (74.7, 0.7, 75.6),
    "golden": (80.0, 6.1, 81.5),
    "mustard": (73.1, -4.6, 75.1),
    "salmon": (66.5, 50.0, 31.6),
    "coral": (60.4, 61.0, 39.4),
    "peach": (78.3, 23.3, 38.1),
    "apricot": (78.4, 21.6, 45.8),
    "magenta": (42.5, 70.9, -10.7),
    "fuchsia": (55.4, 89.3, -47.6),
    "violet": (43.0, 79.9, -78.0),
    "lavender": (71.7, 29.8, -34.6),
    "lilac": (73.6, 33.3, -39.2),
    "mauve": (54.4, 26.4, 1.2),
    "plum": (19.2, 37.4, -12.2),
    "indigo": (17.9, 49.4, -57.6),
    "charcoal": (23.1, -1.9, 0.0),
    "silver": (80.6, -1.7, 0.5),
    "emerald": (57.7, -54.9, 35.3),
    "jade": (60.9, -47.0, 16.7),
    "rust": (40.5, 42.4, 49.0),
    "copper": (50.7, 29.0, 47.7),
    "bronze": (54.0, 9.7, 60.1),
    "chocolate": (14.6, 14.0, 21.0),
    "sand": (81.7, -2.5, 44.8),
    "taupe": (67.8, 3.4, 20.3),
    "cherry": (43.6, 69.3, 33.7),
    "ruby": (42.8, 69.0, 20.8),
    "rose": (55.4, 44.9, 10.2),
    "hot pink": (55.3, 85.4, -3.1),
    "wine": (26.7, 50.7, 1.2),
    "brick red": (30.3, 48.5, 42.6),
    "lemon": (97.2, -20.4, 78.2),
    "amber": (78.1, 16.3, 80.1),
    "azure": (61.3, -1.4, -53.7),
    "sapphire": (29.6, 34.4, -63.6),
    "terracotta": (54.5, 36.8, 38.7),
    "ochre": (62.5, 7.4, 66.4),
    "aquamarine": (77.5, -52.8, 6.4),
    "periwinkle": (60.7, 34.7, -60.5),
    "chartreuse": (91.0, -43.0, 87.3),
    "moss green": (53.5, -27.5, 39.4),
    "blood red": (31.1, 54.5, 44.1),
    "blond": (94.5, -4.3, 25.4),
    "tomato": (54.2, 65.1, 53.9),
    "orchid": (60.8, 44.2, -27.6),
    "eggplant": (11.1, 29.2, -16.8),
    "caramel": (52.4, 18.6, 57.6),
    "camel": (67.7, 6.0, 41.6),
    "coffee": (56.4, 7.7, 34.0),
    "cerulean": (53.4, -2.0, -47.4),
    "slate": (41.6, -4.2, -9.8),
    "cherry red": (51.8, 78.6, 50.4),
    "neon green": (87.8, -85.7, 82.3),
}

SHADES = ("light", "dark", "pale", "deep", "bright")
SHADE_LAB: dict[str, Lab] = {
    "light red": (58.3, 68.8, 39.3),
    "light orange": (76.1, 22.2, 60.8),
    "light yellow": (97.5, -16.5, 62.3),
    "light green": (89.7, -51.9, 51.1),
    "light blue": (81.0, -8.0, -27.5),
    "light purple": (62.4, 50.7, -53.0),
    "light pink": (88.1, 18.3, -0.8),
    "light brown": (57.2, 11.1, 33.0),
    "light gray": (84.6, -0.0, 0.0),
    "light teal": (84.6, -33.2, 9.1),
    "light turquoise": (88.7, -42.7, 9.1),
    "dark red": (26.5, 49.1, 39.3),
    "dark orange": (49.4, 43.8, 58.8),
    "dark yellow": (74.6, -3.0, 75.5),
    "dark green": (18.2, -27.6, 25.3),
    "dark blue": (7.4, 35.3, -49.7),
    "dark purple": (10.8, 31.2, -23.8),
    "dark pink": (48.9, 57.4, 7.0),
    "dark brown": (13.0, 9.2, 18.7),
    "dark gray": (23.0, -0.4, -0.1),
    "dark teal": (29.1, -19.7, -6.5),
    "dark turquoise": (34.8, -23.2, -5.5),
    "pale red": (53.6, 51.7, 31.5),
    "pale orange": (75.8, 25.3, 54.1),
    "pale yellow": (97.8, -16.2, 58.2),
    "pale green": (94.2, -30.0, 29.1),
    "pale blue": (96.6, -14.5, -4.8),
    "pale purple": (65.6, 27.4, -29.3),
    "pale pink": (87.5, 18.9, -0.0),
    "pale brown": (62.3, 7.0, 23.1),
    "pale teal": (76.5, -28.4, 5.3),
    "pale turquoise": (92.5, -33.9, 10.1),
    "deep red": (31.6, 54.7, 45.5),
    "deep orange": (52.4, 53.5, 62.7),
    "deep green": (32.2, -38.7, 33.7),
    "deep blue": (11.3, 43.1, -59.1),
    "deep purple": (10.3, 33.9, -25.3),
    "deep pink": (43.7, 70.9, 5.0),
    "deep brown": (10.3, 29.1, 16.2),
    "deep teal": (32.3, -19.8, -9.2),
    "deep turquoise": (43.5, -26.3, -8.4),
    "bright red": (53.3, 80.2, 64.0),
    "bright orange": (60.6, 59.7, 70.4),
    "bright yellow": (96.6, -20.6, 94.0),
    "bright green": (87.7, -86.1, 82.7),
    "bright blue": (47.4, 34.7, -81.1),
    "bright purple": (49.6, 88.7, -77.5),
    "bright pink": (56.4, 88.5, -22.8),
    "bright teal": (87.9, -60.8, 10.8),
    "bright turquoise": (90.7, -49.1, -11.6),
}

PAINTED_LAB: dict[str, Lab] = BASIC_LAB | NAMED_LAB | SHADE_LAB
KNOWN_LAB: dict[str, Lab] = PAINTED_LAB | RARER_LAB
# The forms in "-ish" that training writes for a color, too.
ISH = {
    "red": "reddish",
    "orange": "orangish",
    "yellow": "yellowish",
    "green": "greenish",
    "blue": "bluish",
    "purple": "purplish",
    "pink": "pinkish",
    "brown": "brownish",
}


@dataclass(frozen=True)
class NamedColor:
    """A color word or phrase with its typical CIELAB value."""

    name: str
    lab: Lab

    @property
    def chroma(self) -> float:
        """Distance from gray in units of ab."""
        return math.hypot(*self.lab[1:])

    @property
    def is_shade(self) -> bool:
        """Whether the name says how light or strong the color is: "dark blue"."""
        return self.name.split()[0] in SHADES and " " in self.name


def named(names: Mapping[str, Lab]) -> tuple[NamedColor, ...]:
    """A table as a list to draw from."""
    return tuple(NamedColor(name, lab) for name, lab in names.items())
