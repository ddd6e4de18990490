"""The chromatic and the counter-color loss: hand values, bounds, sign and the factorized mean similarity."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from shrunk import batch_of
from torch import Tensor

from lcoins.models.colorizer import Colorization, CounterColorization, Relevance
from lcoins.training.losses import LCoInsObjective, chromatic_loss, counter_color_likelihood, similarity

LOWEST, HIGHEST = (4 * math.log(1 / (1 + math.exp(-s))) for s in (-1.0, 1.0))


def random_relevance(random: torch.Generator, words: int = 5, groups: int = 3, batch: int = 2) -> Relevance:
    mask = torch.rand(batch, words, generator=random) < 0.6
    mask[:, 0] = True
    tokens = [torch.randn(batch, n, 4, generator=random) for n in (words, groups)]
    return Relevance(tokens[0], mask, tokens[1])


def pair(words: list[float], groups: list[float]) -> Relevance:
    """One word and one group."""
    return Relevance(torch.tensor([[words]]), torch.ones(1, 1, dtype=torch.bool), torch.tensor([[groups]]))


def both(original: Relevance, recolored: Relevance) -> CounterColorization:
    ab = torch.zeros(len(original.words), 2, 4, 4)
    return CounterColorization(ab, relevance=original, counter_relevance=recolored)


def test_chromatic_loss_by_hand() -> None:
    """Quadratic below a difference of 1, linear above; mean over all elements, photos and channels alike."""
    ab = torch.tensor([[[[0.0, 0.5]], [[1.0, -1.0]]]])
    target = torch.tensor([[[[0.2, 0.5]], [[-0.5, 1.0]]]])
    assert chromatic_loss(ab, target).item() == pytest.approx((0.5 * 0.2**2 + 0 + (1.5 - 0.5) + (2 - 0.5)) / 4)
    assert chromatic_loss(target, target).item() == 0.0


def test_weighted_by_chroma_the_best_guess_of_an_uncertain_color_is_stronger() -> None:
    target = torch.zeros(2, 2, 1, 1)
    target[0, 0] = 0.5  # half of such pixels are strongly red, half are gray: the best is 0.5 * 3 / (3 + 1)

    def loss(guess: float, weight: float) -> float:
        ab = torch.zeros(2, 2, 1, 1)
        ab[:, 0] = guess
        return float(chromatic_loss(ab, target, weight))

    guesses = [place / 200 for place in range(101)]
    assert min(guesses, key=lambda guess: loss(guess, 0.0)) == 0.25
    assert min(guesses, key=lambda guess: loss(guess, 4.0)) == 0.375


def test_weighting_by_chroma_keeps_the_scale() -> None:
    ab, target = torch.zeros(1, 2, 4, 4), torch.full((1, 2, 4, 4), 0.3)
    torch.testing.assert_close(chromatic_loss(ab, target, 5.0), chromatic_loss(ab, target))


def test_a_negative_chroma_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="chroma_weight must not be negative"):
        LCoInsObjective(1.0, 0.0, chroma_weight=-1.0)


def test_chromatic_loss_is_in_full_precision() -> None:
    ab = torch.full((1, 2, 64, 64), 0.3)
    assert chromatic_loss(ab.bfloat16(), torch.zeros_like(ab)).dtype == torch.float32


@given(st.integers(0, 2**32), st.integers(1, 7), st.integers(1, 5))
def test_factorized_similarity_equals_the_double_loop(seed: int, words: int, groups: int) -> None:
    r = random_relevance(torch.Generator().manual_seed(seed), words, groups)
    for photo, found in enumerate(similarity(r, r)):
        cosines = [
            torch.cosine_similarity(word, group, dim=0)
            for word, real in zip(r.words[photo], r.mask[photo], strict=True)
            for group in r.groups[photo]
            if real
        ]
        assert found.item() == pytest.approx(torch.stack(cosines).mean().item(), abs=1e-5)


def test_masked_words_do_not_count() -> None:
    r = random_relevance(torch.Generator().manual_seed(0))
    r.mask[:, 3:] = False
    longer = torch.where(r.mask.unsqueeze(-1), r.words, 100.0)
    torch.testing.assert_close(similarity(replace(r, words=longer), r), similarity(r, r))


@given(st.integers(0, 2**32))
def test_likelihood_is_bounded(seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    likelihood, similarities = counter_color_likelihood(
        random_relevance(random), random_relevance(random), torch.tensor([True, True])
    )
    assert LOWEST - 1e-5 <= likelihood.item() <= HIGHEST + 1e-5
    assert set(similarities) == {"s_00", "s_10", "s_11", "s_01"}
    assert all(-1.00001 <= s.item() <= 1.00001 for s in similarities.values())


def test_likelihood_reaches_its_bounds() -> None:
    """Best: each caption's words point to its own groups and away from the other's. The worst is the reverse."""
    one, other = pair([1.0, 0.0], [2.0, 0.0]), pair([-1.0, 0.0], [-3.0, 0.0])
    named = torch.tensor([True])
    assert counter_color_likelihood(one, other, named)[0].item() == pytest.approx(HIGHEST, abs=1e-5)
    one.groups, other.groups = other.groups, one.groups
    assert counter_color_likelihood(one, other, named)[0].item() == pytest.approx(LOWEST, abs=1e-5)
    assert pytest.approx((-5.253, -1.253), abs=1e-3) == (LOWEST, HIGHEST)


def test_pairs_of_equation_15() -> None:
    """s_10 is the recolored words with the original groups, s_01 the reverse; logs of F, 1-F, F, 1-F are added."""
    original, recolored = pair([1.0, 0.0], [0.6, 0.8]), pair([0.0, 1.0], [-1.0, 0.0])
    likelihood, found = counter_color_likelihood(original, recolored, torch.tensor([True]))
    expected = {"s_00": 0.6, "s_10": 0.8, "s_11": 0.0, "s_01": -1.0}
    assert {name: s.item() for name, s in found.items()} == pytest.approx(expected, abs=1e-6)

    def f(s: float) -> float:
        return 1 / (1 + math.exp(-s))

    by_hand = math.log(f(0.6)) + math.log(1 - f(0.8)) + math.log(f(0.0)) + math.log(1 - f(-1.0))
    assert likelihood.item() == pytest.approx(by_hand, abs=1e-6)


def test_raising_s_00_lowers_the_total() -> None:
    objective = LCoInsObjective(1.0, -1e-4)
    target = torch.full((1, 2, 4, 4), 0.1)
    totals = []
    for angle in (math.pi, 2.0, 1.0, 0.0):  # s_00 = cos(angle) rises; s_10 = s_01 = 0 and s_11 = 1 stay
        original = pair([math.cos(angle), math.sin(angle), 0.0], [1.0, 0.0, 0.0])
        recolored = pair([0.0, 0.0, 1.0], [0.0, 0.0, 1.0])
        losses = objective(both(original, recolored), batch_of(target))
        assert losses.terms["s_00"].item() == pytest.approx(math.cos(angle), abs=1e-6)
        totals.append(losses.total.item())
    assert totals == sorted(totals, reverse=True)
    assert len(set(totals)) == len(totals)
    expected = 0.5 * 0.1**2 - 1e-4 * losses.terms["counter_color"].item()
    assert totals[-1] == pytest.approx(expected, rel=1e-5)


def test_gradient_raises_the_likelihood() -> None:
    """One step down the total moves the words towards their own groups: the sign that a minimizer sees."""
    original, recolored = pair([0.0, 1.0], [1.0, 0.0]), pair([0.0, 1.0], [0.0, -1.0])
    original.words.requires_grad_()
    LCoInsObjective(1.0, -1.0)(both(original, recolored), batch_of(torch.zeros(1, 2, 4, 4))).total.backward()
    assert original.words.grad is not None
    assert (original.words.detach() - original.words.grad)[0, 0, 0] > 0


def test_captions_without_a_color_are_left_out() -> None:
    random = torch.Generator().manual_seed(0)
    original, recolored = random_relevance(random), random_relevance(random)

    def first(r: Relevance) -> Relevance:
        return Relevance(r.words[:1], r.mask[:1], r.groups[:1])

    found = counter_color_likelihood(original, recolored, torch.tensor([True, False]))
    alone = counter_color_likelihood(first(original), first(recolored), torch.tensor([True]))
    torch.testing.assert_close(found, alone)


def test_batch_without_any_color_gives_zero_and_no_gradient() -> None:
    random = torch.Generator().manual_seed(0)
    original, recolored = random_relevance(random), random_relevance(random)
    original.words.requires_grad_()
    output = both(original, recolored)
    losses = LCoInsObjective(1.0, -1e-4)(output, batch_of(torch.zeros_like(output.ab), False, False))
    assert losses.total.item() == 0.0
    assert losses.terms["counter_color"].item() == 0.0
    losses.total.backward()
    assert original.words.grad is not None
    assert not original.words.grad.any()


def test_counter_color_loss_is_left_out_when_not_asked_for() -> None:
    output = Colorization(torch.ones(2, 2, 4, 4))
    target = torch.zeros_like(output.ab)
    without = LCoInsObjective(2.0, 0.0)
    assert not without.needs_recolored
    losses = without(output, batch_of(target))
    assert losses.total.item() == pytest.approx(1.0)
    assert set(losses.terms) == {"chromatic"}
    assert LCoInsObjective(2.0, -1e-4).needs_recolored


def test_terms_carry_no_graph() -> None:
    ab: Tensor = torch.ones(1, 2, 4, 4, requires_grad=True)
    losses = LCoInsObjective(1.0, 0.0)(Colorization(ab), batch_of(torch.zeros(1, 2, 4, 4)))
    assert losses.total.requires_grad
    assert not any(term.requires_grad for term in losses.terms.values())


def test_wrong_use_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must not be positive \(the paper: -0.0001\), not 0.0001"):
        LCoInsObjective(1.0, 1e-4)
    with pytest.raises(ValueError, match=r"grouping_layer and shared_space .*, or set objective.beta to 0"):
        LCoInsObjective(1.0, -1e-4)(Colorization(torch.zeros(1, 2, 4, 4)), batch_of(torch.zeros(1, 2, 4, 4)))
