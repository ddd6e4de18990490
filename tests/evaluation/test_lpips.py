"""LPIPS against the lpips package, and what is said when its weights are missing or wrong."""

import warnings
from pathlib import Path

import pytest
import torch
import torchvision

from lcoins.evaluation.lpips import Lpips, MissingWeightsError, available_lpips

BUILDERS = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}


def random_backbone(net: str, path: Path, *, prefix: str = "features.") -> dict[str, torch.Tensor]:
    """A file in torchvision's key layout with made-up weights, so that no real weights are needed."""
    generator = torch.Generator().manual_seed(1)
    with torch.device("meta"):
        shapes = getattr(torchvision.models, BUILDERS[net])(weights=None).features.state_dict()
    state = {
        f"{prefix}{key}": torch.randn(value.shape, generator=generator) * (2 / max(1, value[0].numel())) ** 0.5
        for key, value in shapes.items()
    }
    torch.save(state | {"classifier.1.weight": torch.zeros(2, 2)}, path)
    return state


@pytest.mark.parametrize("net", ["alex", "squeeze", "vgg"])
def test_lpips_equals_the_lpips_package(net, tmp_path):
    lpips = pytest.importorskip("lpips")
    state = random_backbone(net, tmp_path / "backbone.pth")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package builds torchvision models by their old arguments
        judge = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
    # The package calls a layer net.slice2.3.weight, torchvision features.3.weight.
    keys = list(judge.net.state_dict())
    judge.net.load_state_dict({key: state[f"features.{key[key.index('.') + 1 :]}"] for key in keys})
    first, second = torch.rand(2, 2, 3, 64, 72, generator=torch.Generator().manual_seed(2)) * 1.1
    net_under_test = Lpips(net, tmp_path / "backbone.pth")
    with torch.no_grad():
        expected = judge(first, second, normalize=True).flatten()
    assert expected.min() > 0.01
    torch.testing.assert_close(net_under_test(first, second), expected, atol=1e-5, rtol=0)
    assert net_under_test(first, first).tolist() == [0, 0]


def test_lpips_keeps_evaluation_mode_and_learns_nothing(tmp_path):
    random_backbone("alex", tmp_path / "backbone.pth")
    net = Lpips("alex", tmp_path / "backbone.pth")
    assert not net.training
    assert not any(parameter.requires_grad for parameter in net.parameters())


def test_missing_weights_name_the_file_and_its_place(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(MissingWeightsError, match=r"vgg16-397923af\.pth; docs/howto/evaluate\.md says how") as caught:
        Lpips("vgg")
    assert str(tmp_path / "hub" / "checkpoints") in str(caught.value)
    assert isinstance(caught.value, FileNotFoundError)
    with pytest.raises(MissingWeightsError, match=r"no weights of torchvision's alexnet at .*elsewhere\.pth"):
        Lpips("alex", tmp_path / "elsewhere.pth")


def test_weights_are_found_in_torchvisions_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    random_backbone("alex", cache / "alexnet-owt-7be5be79.pth")
    assert Lpips("alex").file == cache / "alexnet-owt-7be5be79.pth"


def test_unavailable_lpips_do_not_spoil_the_others(tmp_path):
    random_backbone("alex", tmp_path / "alex.pth")
    random_backbone("squeeze", tmp_path / "headless.pth", prefix="")
    (tmp_path / "broken.pth").write_bytes(b"no weights")
    nets = {"alex": tmp_path / "alex.pth", "squeeze": tmp_path / "headless.pth", "vgg": tmp_path / "broken.pth"}
    found, missing = available_lpips(nets)
    assert list(found) == ["alex"]
    assert "headless.pth does not hold torchvision's squeezenet1_1" in missing["lpips_squeeze"]
    assert "broken.pth does not hold" in missing["lpips_vgg"]
    assert "choose one of alex, vgg, squeeze" in available_lpips({"resnet": None})[1]["lpips_resnet"]
