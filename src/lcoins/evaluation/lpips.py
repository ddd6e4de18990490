"""LPIPS, the perceptual distance of the paper's protocol, computed with weights from local files."""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
import torchmetrics
import torchvision
from torch import Tensor, nn
from torch.nn.functional import conv2d

from lcoins.models.backbones.pretrained import MissingWeightsError

_HEADS = Path(torchmetrics.__file__).parent / "functional" / "image" / "lpips_models"


@dataclass(frozen=True)
class _Backbone:
    builder: str  # of torchvision.models
    weights: str  # torchvision's enumeration of its weights, which names the file
    taps: tuple[int, ...]  # layers of `features` whose outputs are compared


_BACKBONES = {
    "alex": _Backbone("alexnet", "AlexNet_Weights", (1, 4, 7, 9, 11)),
    "vgg": _Backbone("vgg16", "VGG16_Weights", (3, 8, 15, 22, 29)),
    "squeeze": _Backbone("squeezenet1_1", "SqueezeNet1_1_Weights", (1, 4, 7, 9, 10, 11, 12)),
}


def lpips_weights_file(net: str, weights: Path | None = None) -> Path:
    """The weights file: ``weights`` if given, else the one in torchvision's cache. Raises MissingWeightsError."""
    if net not in _BACKBONES:
        raise ValueError(f"LPIPS backbone {net!r} is unknown; choose one of {', '.join(_BACKBONES)}")
    name = getattr(torchvision.models, _BACKBONES[net].weights).DEFAULT.url.rsplit("/", 1)[-1]
    path = Path(weights).expanduser() if weights else Path(torch.hub.get_dir()) / "checkpoints" / name
    if not path.is_file():
        what = f"no weights of torchvision's {_BACKBONES[net].builder} at {path}"
        raise MissingWeightsError(f"{what}; docs/howto/evaluate.md says how to get them")
    return path


class Lpips(nn.Module):
    """LPIPS v0.1 (Zhang et al. 2018) as the ``lpips`` package computes it, with weights from a local file only.

    The backbone's file has torchvision's keys (``features.0.weight`` ...), with or without the classifier; the linear
    heads come with torchmetrics. Pictures are float sRGB before quantization, [0, 1] in gamut; this class maps them to
    [-1, 1] and applies ImageNet's statistics.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, net: str, weights: Path | None = None) -> None:
        super().__init__()
        self.net = net
        self.file = lpips_weights_file(net, weights)
        self.taps = _BACKBONES[net].taps
        self.layers = _load_features(net, self.file)[: self.taps[-1] + 1]
        heads = torch.load(_HEADS / f"{net}.pth", map_location="cpu", weights_only=True)
        self.heads = nn.ParameterList([heads[f"lin{i}.model.1.weight"] for i in range(len(self.taps))])
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188])[:, None, None])
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450])[:, None, None])
        self.requires_grad_(False).eval()

    def features(self, rgb: Tensor) -> list[Tensor]:
        """Unit-length features of pictures (B, 3, H, W), one map per compared layer."""
        x = (rgb.float() * 2 - 1 - self.shift) / self.scale
        maps = []
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index in self.taps:
                maps.append(x / (x.square().sum(dim=1, keepdim=True).sqrt() + 1e-10))
        return maps

    def distance(self, first: list[Tensor], second: list[Tensor]) -> Tensor:
        """LPIPS (B,) of two lists of features, so that the reference's are computed once for several predictions."""
        layers = zip(self.heads, first, second, strict=True)
        terms = [conv2d((a - b).square(), head).mean(dim=(1, 2, 3)) for head, a, b in layers]
        return torch.stack(terms).sum(dim=0)

    def forward(self, prediction: Tensor, reference: Tensor) -> Tensor:
        """LPIPS (B,) between pictures (B, 3, H, W); 0 for equal ones."""
        return self.distance(self.features(prediction), self.features(reference))


def _load_features(net: str, file: Path) -> nn.Sequential:
    """torchvision's ``features`` with the file's tensors; built on the meta device, so no random value can remain."""
    with torch.device("meta"):
        features = getattr(torchvision.models, _BACKBONES[net].builder)(weights=None).features
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        state = {k.removeprefix("features."): v for k, v in state.items() if k.startswith("features.")}
        features.load_state_dict(state, assign=True)
    except (RuntimeError, AttributeError, pickle.UnpicklingError, EOFError, KeyError) as error:
        raise ValueError(
            f"{file} does not hold torchvision's {_BACKBONES[net].builder} for LPIPS ({net}): expected a state dict "
            f"with keys like features.0.weight; {error}"
        ) from error
    return features.float()


def available_lpips(nets: Mapping[str, Path | None]) -> tuple[dict[str, Lpips], dict[str, str]]:
    """The LPIPS networks that can be loaded from {net: file or None}, and for the others what to put where.

    A missing, wrong or damaged file costs only its own metric: the evaluation at the end of a long training goes on.
    """
    found: dict[str, Lpips] = {}
    missing: dict[str, str] = {}
    for net, weights in nets.items():
        try:
            found[net] = Lpips(net, weights)
        except (MissingWeightsError, ValueError) as error:
            missing[f"lpips_{net}"] = str(error)
    return found, missing
