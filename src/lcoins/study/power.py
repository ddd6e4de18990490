"""How many votes tell two systems apart, and what votes of one person being alike does to that number."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

LEVEL, POWER = 0.05, 0.80
PREFERENCES = (0.55, 0.60, 0.65, 0.70)  # true shares of votes for the better of two systems
CORRELATIONS = (0.0, 0.01, 0.05, 0.10)  # between two votes of one person


def votes_needed(preference: float) -> int:
    """Independent votes between two pictures that show a true preference (0.5..1) with POWER at LEVEL, two-sided.

    >>> [votes_needed(share) for share in (0.55, 0.60, 0.65)]
    [783, 194, 85]
    """
    if not 0.5 < preference < 1:
        raise ValueError(f"expected a preference between 0.5 and 1, got {preference}; 0.5 is no preference")
    critical, powered = (NormalDist().inv_cdf(share) for share in (1 - LEVEL / 2, POWER))
    spread = critical * 0.5 + powered * math.sqrt(preference * (1 - preference))
    return math.ceil((spread / (preference - 0.5)) ** 2)


def design_effect(votes: float, correlation: float) -> float:
    """The factor by which clusters of ``votes`` (1..) with a ``correlation`` (0..1) within them widen a variance.

    >>> round(design_effect(100, 0.05), 2)
    5.95
    """
    return 1 + max(0.0, votes - 1) * correlation


@dataclass(frozen=True)
class PowerRow:
    """For one true preference: the independent votes needed, and the people needed for each of CORRELATIONS."""

    preference: float
    votes: int
    people: tuple[int, ...]


def power_rows(votes_of_a_person: float, preferences: Sequence[float] = PREFERENCES) -> list[PowerRow]:
    """Votes and people needed where each person gives ``votes_of_a_person`` votes on one pair of systems."""
    if votes_of_a_person <= 0:
        raise ValueError(f"expected more than 0 votes of a person, got {votes_of_a_person}")
    return [
        PowerRow(
            preference,
            votes_needed(preference),
            tuple(
                math.ceil(votes_needed(preference) * design_effect(votes_of_a_person, correlation) / votes_of_a_person)
                for correlation in CORRELATIONS
            ),
        )
        for preference in preferences
    ]


def power_text(votes_of_a_person: float, people: int) -> str:
    """The power table as lines of text, for a study of ``people`` with so many votes of each on one pair."""
    lines = [
        f"Power: votes on one pair of systems that show a preference with {POWER:.0%} power at {LEVEL:.0%}, and people "
        f"needed at {votes_of_a_person:.3g} votes a person on a pair, by the correlation of one person's votes",
        "preference  independent votes  " + "  ".join(f"people, r={r:<4g}" for r in CORRELATIONS),
    ]
    for row in power_rows(votes_of_a_person):
        cells = "  ".join(f"{count:>14,}" for count in row.people)
        lines.append(f"{row.preference:>9.0%}   {row.votes:>17,}  {cells}")
    effects = ", ".join(
        f"{people * votes_of_a_person / design_effect(votes_of_a_person, r):,.0f} at r={r:g}" for r in CORRELATIONS
    )
    lines.append(f"This study: {people} people, {people * votes_of_a_person:,.0f} votes on a pair, worth {effects}")
    return "\n".join(lines)
