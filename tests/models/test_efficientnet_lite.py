"""EfficientNet-Lite0 against timm's, bit for bit: features, gradients, statistics, names, and how weights are drawn."""

from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn

from lcoins.models.backbones.efficientnet_lite import EfficientNetLite0, published_classifier

MAPS = [(0,), (3, 4), (2, 3), (1, 2, 3), (0, 4)]


def judge(maps: tuple[int, ...]) -> Any:
    """timm's features, cut after the last map, no norm or statistic left where it starts."""
    net: Any = timm.create_model("tf_efficientnet_lite0", features_only=True, out_indices=maps)
    net.blocks = net.blocks[: int(net.feature_info.module_name()[-1].split(".")[1]) + 1]
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias)
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return net


def same(maps: tuple[int, ...]) -> tuple[EfficientNetLite0, Any]:
    """Ours and timm's with the same weights; they must fit strictly."""
    torch.manual_seed(0)
    theirs, ours = judge(maps), EfficientNetLite0(maps)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return ours, theirs


def assert_equal(ours: list[Tensor], theirs: list[Tensor]) -> None:
    assert len(ours) == len(theirs)
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("maps", MAPS)
def test_features_are_those_of_timm(maps: tuple[int, ...]) -> None:
    ours, theirs = same(maps)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert ours.strides == theirs.feature_info.reduction()
    assert ours.channels == theirs.feature_info.channels()
    ours.eval(), theirs.eval()
    with torch.no_grad():
        for size in [(64, 64), (63, 50), (97, 33), (1, 7)]:
            pictures = torch.randn(2, 3, *size)
            found = ours(pictures)
            assert_equal(found, theirs(pictures))
            for each, stride, channels in zip(found, ours.strides, ours.channels, strict=True):
                assert each.shape == (2, channels, *(-(-side // stride) for side in size))


def test_the_form_that_the_encoders_use_is_as_exact() -> None:
    """Channels last, at the size of the weights in lcoins."""
    ours, theirs = (net.eval().to(memory_format=torch.channels_last) for net in same((3, 4)))
    pictures = torch.randn(1, 3, 224, 224).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        assert_equal(ours(pictures), theirs(pictures))


def test_training_is_that_of_timm() -> None:
    ours, theirs = same((2, 4))
    pictures = torch.randn(4, 3, 65, 48)
    for net in (ours, theirs):
        net.train()
        sum(each.square().mean() for each in net(pictures)).backward()
    gradients = [dict(net.named_parameters()) for net in (ours, theirs)]
    assert all(torch.equal(value.grad, gradients[1][name].grad) for name, value in gradients[0].items())
    assert all(torch.equal(value, theirs.state_dict()[name]) for name, value in ours.state_dict().items())


def test_weights_are_drawn_as_by_timm() -> None:
    """The same law, not the same numbers: timm draws every weight twice."""
    torch.manual_seed(0)
    ours = EfficientNetLite0((4,))
    theirs = timm.create_model("tf_efficientnet_lite0", features_only=True, out_indices=(4,))
    for name, value in theirs.state_dict().items():
        drawn = ours.state_dict()[name]
        if name.startswith("conv") or ".conv" in name:
            width = drawn.std() * (drawn.numel() / 2) ** -0.5  # standard error of a deviation
            assert abs(drawn.std() - value.std()) < 6 * width, name
            assert abs(drawn.mean()) < 6 * drawn.std() * drawn.numel() ** -0.5, name
        else:
            assert torch.equal(drawn, value), name


def test_published_classifier_has_the_tensors_of_timm() -> None:
    ours, theirs = published_classifier().state_dict(), timm.create_model("tf_efficientnet_lite0").state_dict()
    assert [(name, value.shape) for name, value in ours.items()] == [(n, v.shape) for n, v in theirs.items()]
    assert all(value.is_meta for value in ours.values())


def test_size_stays_open_in_an_exported_program() -> None:
    net = EfficientNetLite0((1, 2)).eval()
    height, width = (torch.export.Dim(name, min=16, max=256) for name in ("height", "width"))
    program = torch.export.export(net, (torch.randn(1, 3, 64, 48),), dynamic_shapes=({2: height, 3: width},))
    for size in [(64, 48), (61, 77)]:
        pictures = torch.randn(1, 3, *size)
        torch.testing.assert_close(program.module()(pictures), net(pictures))


@pytest.mark.parametrize("maps", [(), (5,), (-1, 2)])
def test_maps_that_are_not_there_are_refused(maps: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="has the feature maps 0 to 4, got"):
        EfficientNetLite0(maps)
