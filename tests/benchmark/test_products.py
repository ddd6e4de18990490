"""The products of a step by themselves: which are found, with their shapes, and their rate."""

import torch
from torch import nn

from lcoins.benchmark.products import ProductRecorder, product_rate


def test_products_are_counted_by_shape_and_backward_ones_too() -> None:
    layer, x = nn.Linear(8, 4, bias=False), torch.rand(3, 8)
    with ProductRecorder() as recorder:
        layer(x).sum().backward()
        layer(x)
    shapes = {tuple(value[1] for value in values): times for (_, values, _), times in recorder.counts.items()}
    assert shapes == {((3, 8), (8, 4)): 2, ((4, 3), (3, 8)): 1}


def test_the_rate_of_a_step_counts_products_and_convolutions() -> None:
    convolution, linear = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8, 8)
    x = torch.rand(2, 3, 16, 16)

    def step() -> None:
        linear(convolution(x).mean((2, 3))).sum().backward()

    rate = product_rate(step, "cpu")
    assert 0 < rate.per_second < 1e15
    assert 0 < rate.per_processor_second < 1e15
