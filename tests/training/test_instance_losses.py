"""Losses of repainted instances: zero for a perfect answer, and pulling in the right direction."""

from typing import Any

import pytest
import torch
from shrunk import batch_of
from torch import Tensor

from lcoins.data.types import Batch, Sample, collate
from lcoins.models.colorizer import Colorization
from lcoins.training.instance_losses import InstanceObjective, difference_loss, painted_loss, pairs_of_views
from lcoins.training.losses import LCoInsObjective, Losses

NUMBERS: dict[str, Any] = {
    "alpha": 1.0,
    "beta": 0.0,
    "chroma_weight": 0.0,
    "painted_weight": 1.5,
    "painted_delta": 0.2,
    "difference_weight": 5.0,
    "difference_delta": 1.0,
    "outside_weight": 1.0,
}
# Two views of a crop and a third crop, of 4 x 4 pixels; the left half of both views is painted, red and blue.
RED, BLUE, BROWN = (0.6, 0.4), (0.1, -0.6), (0.1, 0.2)


def flat(ab: tuple[float, float]) -> Tensor:
    return torch.tensor(ab)[:, None, None].expand(2, 4, 4).clone()


def views() -> Batch:
    target = torch.stack([flat(BROWN)] * 3)
    target[0, :, :, :2], target[1, :, :, :2] = flat(RED)[:, :, :2], flat(BLUE)[:, :, :2]
    batch = batch_of(target)
    batch.emphasis = torch.zeros(3, 1, 4, 4)
    batch.emphasis[:2, :, :, :2] = 2.0
    batch.crop = torch.tensor([0, 0, 1])
    return batch


def losses(ab: Tensor, batch: Batch, **numbers: float) -> Losses:
    return InstanceObjective(**(NUMBERS | numbers))(Colorization(ab=ab), batch)


def test_a_perfect_answer_costs_nothing() -> None:
    batch = views()
    found = losses(batch.target_ab, batch)
    assert float(found.total) == 0
    assert set(found.terms) == {"chromatic", "painted", "difference_inside", "difference_outside"}
    assert not any(float(term) for term in found.terms.values())


def test_without_painted_pixels_it_is_the_papers_loss() -> None:
    batch = batch_of(torch.rand(2, 2, 4, 4))
    output = Colorization(ab=torch.zeros(2, 2, 4, 4))
    expected = LCoInsObjective(1.0, 0.0)(output, batch)
    found = InstanceObjective(**NUMBERS)(output, batch)
    assert torch.equal(found.total, expected.total) and found.terms.keys() == expected.terms.keys()


def test_the_gradient_moves_painted_pixels_to_their_own_colors() -> None:
    batch = views()
    ab = torch.stack([flat(BROWN)] * 3).requires_grad_()
    losses(ab, batch).total.backward()
    assert ab.grad is not None
    wanted = batch.target_ab - ab.detach()
    moved = (-ab.grad * wanted).sum(dim=1)
    assert (moved[:2, :, :2] > 0).all()  # painted
    assert (ab.grad[:2, :, :, 2:] == 0).all() and (ab.grad[2] == 0).all()  # as they should be already


def test_what_is_not_painted_must_not_follow_the_words() -> None:
    """Even where its true color is anybody's guess: the same wrong guess in both views costs no difference."""
    batch = views()
    same, moving = batch.target_ab.clone(), batch.target_ab.clone()
    same[:2, :, :, 2:] += 0.3
    moving[0, :, :, 2:] += 0.3
    moving[1, :, :, 2:] -= 0.3
    assert float(losses(same, batch).terms["difference_outside"]) == 0
    found = losses(moving, batch)
    assert float(found.terms["difference_outside"]) == pytest.approx(0.6**2 / 2 / 2)  # half of the pixels
    assert float(found.terms["difference_inside"]) == 0
    more = losses(moving, batch, outside_weight=2.0).total - found.total
    assert float(more) == pytest.approx(2 / 3 * 5 * 0.6**2 / 4)  # two of three samples have another view


def test_the_painted_term_by_hand() -> None:
    ab, target, emphasis = torch.zeros(1, 2, 1, 2), torch.zeros(1, 2, 1, 2), torch.tensor([[[[2.0, 0.0]]]])
    target[0, 0, 0] = torch.tensor([0.5, 9.0])
    assert float(painted_loss(ab, target, emphasis, 0.2)) == pytest.approx((0.5 - 0.1) * 2 / 4)


def test_the_difference_by_hand() -> None:
    given, wanted = torch.zeros(1, 2, 1, 2), torch.full((1, 2, 1, 2), 0.5)
    inside, outside = difference_loss(given, wanted, torch.tensor([[[[3.0, 0.0]]]]), 1.0)
    assert float(inside) == pytest.approx(3 * 0.125 / 2) and float(outside) == pytest.approx(0.125 / 2)


def test_views_are_stacked_behind_their_sample() -> None:
    def sample(index: int, *further: Sample, painted: bool = True) -> Sample:
        rgb, emphasis = torch.full((3, 8, 8), index, dtype=torch.uint8), torch.ones(8, 8) if painted else None
        return Sample(rgb, "a red bus", "a blue bus", index, "a", emphasis=emphasis, further_views=further)

    batch = collate([sample(0, painted=False), sample(1, sample(1), sample(1)), sample(2)])
    assert batch.crop is not None and batch.emphasis is not None
    assert batch.crop.tolist() == [0, 1, 1, 1, 2] and batch.first_views.tolist() == [0, 1, 4]
    assert batch.rgb[:, 0, 0, 0].tolist() == batch.crop.tolist()
    assert batch.emphasis.mean(dim=(1, 2, 3)).tolist() == [0, 1, 1, 1, 1]
    assert pairs_of_views(batch.crop).tolist() == [[1, 1, 2], [2, 3, 3]]
    assert collate([sample(0), sample(1)]).crop is None


@pytest.mark.parametrize("name", ["painted_delta", "difference_delta"])
def test_a_delta_of_zero_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"objective.{name}: expected more than 0, got 0"):
        InstanceObjective(**(NUMBERS | {name: 0.0}))
