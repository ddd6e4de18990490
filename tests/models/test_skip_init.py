"""Models that are built for weights that are there already."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from lcoins.models.backbones.skip_init import SkipInit
from lcoins.models.image_encoders import _sine_positions


def test_a_table_of_positions_is_refused_before_it_is_computed() -> None:
    with SkipInit(limit=64 * 64 * 400 - 1), pytest.raises(ValueError, match="it needs more than"):
        _sine_positions(64, 400)
    assert (
        torch.equal(_sine_positions(3, 8)[0, 4], _sine_positions(3, 8)[0, 4]) and _sine_positions(3, 8).isfinite().all()
    )


@pytest.mark.parametrize(
    "build", [lambda: nn.Linear(4, 3), lambda: nn.Conv2d(2, 3, 3), lambda: nn.Embedding(5, 4), lambda: nn.LSTM(2, 3)]
)
def test_building_takes_no_random_number_while_it_is_active(build: Callable[[], nn.Module]) -> None:
    before = torch.get_rng_state()
    with SkipInit():
        built = build()
        built.load_state_dict({name: torch.ones_like(value) for name, value in built.state_dict().items()})
    assert torch.equal(torch.get_rng_state(), before)
    assert all((value == 1).all() for value in built.state_dict().values())
    build()
    assert not torch.equal(torch.get_rng_state(), before)
