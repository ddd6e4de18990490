"""The votes of a study as arrays, and who is excluded by the rules of its protocol."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcoins.study.protocol import Protocol, Rules

Whole = NDArray[np.int64]
MIN_FOR_POSITION = 10  # votes before a preference for one position says anything


@dataclass(frozen=True)
class Ballots:
    """Votes without gold and repeats, (N,) each: index of person, image, unit (a stimulus), set, entry, and so on.

    ``picture`` is the index of the choice in its stimulus. ``members`` (S, E) says which entries a set has; all sets
    have ``shown`` entries.
    """

    entries: tuple[str, ...]
    members: NDArray[np.float64]
    shown: int
    person: Whole
    image: Whole
    unit: Whole
    choice_set: Whole
    entry: Whole
    picture: Whole
    position: Whole

    def __len__(self) -> int:
        return len(self.person)


@dataclass(frozen=True)
class Exclusion:
    """A person and the rule by which the votes of that person do not count: what was found, and what is allowed."""

    participant: int
    rule: str
    found: float
    allowed: float


def collect(protocol: Protocol, rows: Sequence[Any], left_out: Collection[int] = ()) -> Ballots:
    """The votes (rows of the store) of all people but those left out. Raises ValueError if there are none."""
    votes = [row for row in rows if row.kind == "vote" and row.participant not in left_out]
    if not votes:
        raise ValueError("expected votes of people who are not excluded, got none; wait for people to take part")
    entries = tuple(entry.name for entry in protocol.entries)
    sets = sorted({tuple(row.entries) for row in votes})
    members = np.array([[float(name in one) for name in entries] for one in sets])
    set_index = {one: index for index, one in enumerate(sets)}
    return Ballots(
        entries,
        members,
        len(sets[0]),
        person=_codes([row.participant for row in votes]),
        image=_codes([row.image for row in votes]),
        unit=_codes([row.stimulus for row in votes]),
        choice_set=np.array([set_index[tuple(row.entries)] for row in votes]),
        entry=np.array([entries.index(row.entries[row.picture]) for row in votes]),
        picture=np.array([row.picture for row in votes]),
        position=np.array([row.position for row in votes]),
    )


def _codes(values: Sequence[Any]) -> Whole:
    """Each value's place among the different values in order."""
    return np.unique(np.array(values), return_inverse=True)[1]


def find_exclusions(protocol: Protocol, people: Sequence[Any], rows: Sequence[Any]) -> list[Exclusion]:
    """Applies the protocol's rules to all who joined, also those still at it; a person may fall under several."""
    rules = protocol.rules
    by_person: dict[int, list[Any]] = {}
    for row in rows:
        by_person.setdefault(row.participant, []).append(row)
    found: list[Exclusion] = []
    for one in people:
        own = by_person.get(one.id, [])
        for rule, value, allowed, fails in [
            *_of_checks(protocol, one.checks, rules.color_plates),
            *_of_votes(own, rules),
            _answered(len(own) / len(protocol.slots[one.slot]), rules.answered),
        ]:
            if fails:
                found.append(Exclusion(one.id, rule, float(value), float(allowed)))
    return found


def rule_texts(rules: Rules) -> dict[str, str]:
    """By name of each rule, what who is excluded by it does."""
    return {
        "control_plate": "misreads the disk that everyone can read who looks",
        "color_plates": f"reads fewer than {rules.color_plates} of the disks in red and green",
        "screen_filter": "says that a filter changes the colors of the screen",
        "gold_right": f"has fewer than {100 * rules.gold_right:g} % of the known answers right",
        "seconds": f"takes less than {rules.seconds:g} s for the median answer",
        "one_position": f"gives more than {100 * rules.one_position:g} % of {MIN_FOR_POSITION} or more votes to one "
        f"position",
        "answered": f"answers fewer than {100 * rules.answered:g} % of the trials",
    }


def _answered(share: float, least: float) -> tuple[str, float, float, bool]:
    return "answered", share, least, share < least


def _of_checks(
    protocol: Protocol, checks: Mapping[str, Any] | None, least: int
) -> list[tuple[str, float, float, bool]]:
    if checks is None:
        return []
    right = {"control": 0, "color": 0}
    for plate, digit in zip(protocol.plates, checks["digits"], strict=True):
        right[plate["kind"]] += digit == plate["digit"]
    filtered = checks["filter"] == "yes"
    return [
        ("control_plate", right["control"], 1, right["control"] < 1),
        ("color_plates", right["color"], least, right["color"] < least),
        ("screen_filter", filtered, 0, filtered),
    ]


def _of_votes(rows: Sequence[Any], rules: Rules) -> list[tuple[str, float, float, bool]]:
    if not rows:
        return []
    gold = [row.picture == row.answer for row in rows if row.kind == "gold"]
    seconds = median(row.milliseconds for row in rows) / 1000
    positions = Counter(row.position for row in rows if row.kind == "vote")
    share = max(positions.values(), default=0) / max(1, positions.total())
    gold_right = sum(gold) / len(gold) if gold else 1.0
    return [
        ("gold_right", gold_right, rules.gold_right, gold_right < rules.gold_right),
        ("seconds", seconds, rules.seconds, seconds < rules.seconds),
        (
            "one_position",
            share,
            rules.one_position,
            positions.total() >= MIN_FOR_POSITION and share > rules.one_position,
        ),
    ]
