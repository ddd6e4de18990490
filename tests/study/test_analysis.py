"""Shares, strengths, agreement and bias from votes whose truth is known, and the paper's table read again."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lcoins.study.analysis import PRIOR_VOTES, analyze, fit_strengths, krippendorff_alpha
from lcoins.study.ballots import Ballots, find_exclusions
from lcoins.study.paper_table2 import printed_gaps, printed_table
from lcoins.study.protocol import Rules

PAIRS = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1]], dtype=float)


def drawn(people: int, images: int, spread: float, seed: int, left: float = 0.0) -> tuple[Ballots, np.ndarray]:
    """Votes between three entries at once: person and image move the strengths; the true shares."""
    rng = np.random.default_rng(seed)
    strengths = np.array([0.8, 0.2, -0.5])
    person = rng.normal(0, spread, (people, 1, 3))
    image = rng.normal(0, spread, (1, images, 3))
    choice = (strengths + person + image + rng.gumbel(size=(people, images, 3))).argmax(axis=2)
    far = strengths + rng.normal(0, spread * np.sqrt(2), (200_000, 3)) + rng.gumbel(size=(200_000, 3))
    who, which = (grid.ravel() for grid in np.indices((people, images)))
    entry = choice.ravel()
    position = np.where(rng.random(len(entry)) < left, 0, rng.integers(0, 3, len(entry)))
    votes = Ballots(("a", "b", "c"), np.ones((1, 3)), 3, who, which, which, np.zeros_like(who), entry, entry, position)
    return votes, np.bincount(far.argmax(axis=1), minlength=3) / len(far)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Over 60 studies; intervals over single votes would hold it in about half of them."""
    inside = []
    for seed in range(60):
        votes, truth = drawn(20, 20, 0.6, seed)
        found = analyze(votes, resamples=200)
        inside += [
            found.shares[name].low <= share <= found.shares[name].high for name, share in zip("abc", truth, strict=True)
        ]
    assert 0.9 <= np.mean(inside) <= 1.0


def test_alike_votes_are_worth_less() -> None:
    alike, _ = drawn(25, 25, 0.8, 1)
    independent, _ = drawn(25, 25, 0.0, 1)
    assert analyze(alike, resamples=300).design_effect > 3
    assert analyze(independent, resamples=300).design_effect < 3.5  # the bootstrap over both is itself a little wide


def test_a_bias_to_the_left_shows() -> None:
    biased = analyze(drawn(25, 25, 0.3, 1, left=0.4)[0], resamples=300).positions
    assert biased[0].low > 1 / 3 > biased[1].high
    fair = analyze(drawn(25, 25, 0.3, 1)[0], resamples=300).positions
    assert all(place.low < 1 / 3 < place.high for place in fair)


def test_strengths_are_those_of_maximum_likelihood() -> None:
    """Against scipy's L-BFGS on the likelihood with the same prior votes."""
    optimize = pytest.importorskip("scipy.optimize")
    wins, sets = np.array([[30.0, 12.0, 3.0]]), np.array([[20.0, 15.0, 10.0]])
    prior_wins = wins[0] + PRIOR_VOTES * (PAIRS / 2 / 3).sum(axis=0)
    prior_sets = sets[0] + PRIOR_VOTES / 3

    def cost(logs: np.ndarray) -> float:
        return float(prior_sets @ np.log(PAIRS @ np.exp(logs)) - prior_wins @ logs)

    judged = optimize.minimize(cost, np.zeros(3), method="L-BFGS-B", options={"ftol": 1e-14, "gtol": 1e-9}).x
    assert fit_strengths(wins, sets, PAIRS)[0] == pytest.approx(judged - judged.mean(), abs=1e-4)


def test_an_entry_that_never_wins_has_a_finite_strength() -> None:
    logs = fit_strengths(np.array([[20.0, 10.0, 0.0]]), np.array([[10.0, 10.0, 10.0]]), PAIRS)[0]
    assert np.isfinite(logs).all() and logs[0] > logs[1] > logs[2]


def test_alpha_is_that_of_krippendorffs_example() -> None:
    """Four observers and twelve units, with gaps: 0.743 (Krippendorff 2011, part C)."""
    ratings = ["123321412...", "1233224125.3", ".33323422" + "51.", "12332441251."]
    given = [(who, at, int(value)) for who, row in enumerate(ratings) for at, value in enumerate(row) if value != "."]
    observer, unit, value = np.array(given).T
    ones = np.ones(len(unit))
    assert krippendorff_alpha(unit, value, ones, ones) == pytest.approx(0.743, abs=0.0005)
    three = observer < 3
    left_out = krippendorff_alpha(unit, value, three.astype(float), ones)
    assert left_out == pytest.approx(krippendorff_alpha(unit[three], value[three], ones[three], ones[three]))
    assert krippendorff_alpha(unit, value, ones, (unit != 9).astype(float)) == pytest.approx(
        krippendorff_alpha(unit[unit != 9], value[unit != 9], ones[unit != 9], ones[unit != 9])
    )


def test_the_interval_of_agreement_is_over_people_too() -> None:
    """Half of the people see what there is, half press at random: who is drawn makes the difference."""
    rng = np.random.default_rng(0)
    who, which = (grid.ravel() for grid in np.indices((10, 200)))
    entry = np.where(who % 2 == 0, which % 2, rng.integers(0, 2, len(who)))
    votes = Ballots(("a", "b"), np.ones((1, 2)), 2, who, which, which, np.zeros_like(who), entry, entry, entry)
    agreement = analyze(votes, resamples=300).alpha
    assert agreement is not None and agreement.low + 0.1 < agreement.value < agreement.high - 0.1


def test_strengths_settle_where_one_group_nearly_always_wins() -> None:
    """A photo and two weak systems, 833 votes on each pair, and hardly anybody takes a system for the photo."""
    sets = np.full((2, 3), 833.0)
    wins = np.array([[1666.0, 417.0, 416.0], [1665.0, 418.0, 416.0]])
    logs = fit_strengths(wins, sets, PAIRS)
    share = 1 / (1 + np.exp(logs[:, 1:] - logs[:, :1]))
    assert logs.sum(axis=1) == pytest.approx(0) and (share > 0.999).all() and (logs[0] - logs[1])[0] > 0


def test_systems_that_were_never_compared_are_named() -> None:
    apart = np.array([[1, 1, 0, 0], [0, 0, 1, 1]], dtype=float)
    with pytest.raises(ValueError, match="do not compare all systems"):
        fit_strengths(np.array([[5.0, 5.0, 5.0, 5.0]]), np.array([[10.0, 10.0]]), apart)


def people(**changes: Any) -> tuple[Any, Any, list[Any]]:
    """A protocol, a person who falls under no rule, and their votes, with changes."""
    given = {
        "digits": ["2", "3", "4"],
        "filter": "no",
        "gold": 1.0,
        "seconds": 3.0,
        "left": 0.5,
        "answers": 20,
    } | changes
    plates = [{"kind": kind, "digit": digit} for kind, digit in zip(("control", "color", "color"), "234", strict=True)]
    protocol = SimpleNamespace(rules=Rules(gold_right=0.8, one_position=0.8), plates=plates, slots=[[None] * 20])
    person = SimpleNamespace(id=7, slot=0, checks={"digits": given["digits"], "filter": given["filter"]})
    rows = []
    for index in range(given["answers"]):
        gold = index % 4 == 3
        right = gold and index / 20 < given["gold"]
        position = 0 if (index % 10) < given["left"] * 10 else 1
        rows.append(
            SimpleNamespace(
                participant=7,
                kind="gold" if gold else "vote",
                picture=0 if right else 1,
                answer=0 if gold else None,
                position=position,
                milliseconds=given["seconds"] * 1000,
            )
        )
    return protocol, person, rows


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({}, set()),
        ({"gold": 0.5}, {"gold_right"}),
        ({"seconds": 0.6}, {"seconds"}),
        ({"left": 1.0}, {"one_position"}),
        ({"answers": 6}, {"answered"}),
        ({"digits": ["none", "3", "4"]}, {"control_plate"}),
        ({"digits": ["2", "none", "4"]}, set()),
        ({"digits": ["2", "none", "none"]}, {"color_plates"}),
        ({"filter": "yes"}, {"screen_filter"}),
        ({"gold": 0.0, "seconds": 0.2}, {"gold_right", "seconds"}),
    ],
)
def test_each_rule_finds_what_it_is_for(changes: dict[str, Any], rules: set[str]) -> None:
    protocol, person, rows = people(**changes)
    assert {one.rule for one in find_exclusions(protocol, [person], rows)} == rules


def test_the_papers_columns_are_whole_votes_and_add_up() -> None:
    """25 people and 100 images: each share is a number of votes out of 2,500, and a column gives all of them."""
    for shares in printed_table()["columns"].values():
        votes = [25 * share for share in shares.values()]
        assert sum(votes) == pytest.approx(2500) and all(vote == pytest.approx(round(vote)) for vote in votes)


def test_which_of_the_papers_gaps_are_evidence() -> None:
    gaps = {(gap.column, gap.better): gap for gap in printed_gaps()}
    assert len(gaps) == 6 + 5 + 6 + 5
    best = gaps["Extended COCO-Stuff, reality", "L-CoIns"]
    assert best.z == pytest.approx(4.08 / 100 / np.sqrt((0.254 + 0.2132 - 0.0408**2) / 2500))
    assert best.tolerated == pytest.approx(((best.z / 1.959964) ** 2 - 1) / 99, rel=1e-4)
    assert gaps["Multi-instance, reality", "Ground truth"].tolerated is None
