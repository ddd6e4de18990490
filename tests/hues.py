"""How far two colors' hues are apart, for tests of what was painted."""

import math


def hue_distance(first: tuple[float, float], second: tuple[float, float]) -> float:
    """The angle between two colors (a, b) in degrees, 0..180."""
    angle = math.degrees(math.atan2(first[1], first[0]) - math.atan2(second[1], second[0]))
    return abs((angle + 180) % 360 - 180)
