"""Writes a colorizer as ONNX, for programs without PyTorch, and refuses a file that differs from PyTorch.

Inputs: ``lightness`` (B, 1, H, W) float32, L* / 50 - 1 of a photo of any size; ``ids`` (B, N) int64, word pieces or
word ids; ``mask`` (B, N) bool, true for real tokens, at least one in each caption. Output: ``ab`` (B, 2, H, W) float32,
CIELAB ab / 110. B, H, W and N are dynamic, N from 1 to ``max_length``.

The network itself takes one size S, ``network_size``, because image tokens have learned position embeddings. As in
PyTorch, lightness is resampled to S x S (:func:`lcoins.color.lab.network_input`) and ab back to H x W
(:func:`lcoins.color.lab.resize_ab`), here inside the file. Colors enlarged in this way blur over edges; lcoins passes
S x S, which the file does not resample, and enlarges the answer along the photo's edges (:mod:`lcoins.color.edges`).
Systems that need captions of one length (those with an LSTM; word pieces with ``pad_mask: false``) get them padded
inside the file. The assignment of image tokens to groups is not an output, since no color depends on it; the file draws
no random numbers.
"""

import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from lcoins.color import lab
from lcoins.data.scenes.dataset import Scenes
from lcoins.models.colorizer import Colorizer
from lcoins.models.text_encoders import WordPieces, Words

OPSET = 20
LARGEST_DEVIATION = 1e-3  # of ab in CIELAB units, 110 times as strict as in network units
INPUTS, OUTPUT = ("lightness", "ids", "mask"), "ab"
NEEDED = ("onnx", "onnxscript", "onnxruntime")
LARGEST_FILE = 2**31 - 2**24  # bytes of weights: an ONNX file holds 2 GiB, and the graph takes some of them
# Batches that a file is checked with: one caption, two captions of unequal length, five.
CHECKED = (
    ["red"],
    ["a red star", "a small blue ring on the left and a big green moon on the right of a yellow flower"],
    ["a purple heart", "a white cross and a pink arrow", "a brown house", "gray", "an orange tree beside a teal lake"],
)


@dataclass(frozen=True)
class OnnxFile:
    """An ONNX file: its bytes, the network's S and most tokens, and the largest deviation of ab in CIELAB units."""

    content: bytes
    network_size: int
    max_length: int
    deviation: float

    def description(self) -> dict[str, Any]:
        """What a package's JSON says of the file; sizes given by a name are dynamic."""
        return {
            "opset": OPSET,
            "inputs": {
                "lightness": {"shape": ["batch", 1, "height", "width"], "type": "float32", "unit": "L* / 50 - 1"},
                "ids": {"shape": ["batch", "length"], "type": "int64"},
                "mask": {"shape": ["batch", "length"], "type": "bool"},
            },
            "output": {
                "ab": {"shape": ["batch", 2, "height", "width"], "type": "float32", "unit": "CIELAB ab / 110"},
            },
            "network_size": self.network_size,
            "max_length": self.max_length,
            "largest_deviation_of_ab": self.deviation,
        }


class FlexibleNetwork(nn.Module):
    """A colorizer for lightness of any size and captions of any length; tensors in, one tensor out."""

    def __init__(self, colorizer: Colorizer):
        super().__init__()
        self.colorizer = colorizer
        tokenize = colorizer.text_encoder.tokenize
        pieces = isinstance(tokenize, WordPieces)
        self.length = tokenize.max_length if tokenize.fixed or not pieces else None
        self.padding_is_read = pieces and tokenize.fixed
        self.padding = tokenize.piece_id("[PAD]") if pieces else 0

    def forward(self, lightness: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
        """Network lightness (B, 1, H, W), ids and mask (B, N) to network ab (B, 2, H, W)."""
        size, side = (lightness.shape[-2], lightness.shape[-1]), self.colorizer.image_size
        small = _resampled(lightness, size, (side, side))
        return _resampled(self.colorizer(small, self.padded(ids, mask)).ab, (side, side), size)

    def padded(self, ids: Tensor, mask: Tensor) -> Words:
        """Token ids and mask (B, N), padded as this system's tokenizer pads them."""
        if self.length is None:
            return Words(ids, mask)
        more = (0, self.length - ids.shape[1])
        ids, mask = pad(ids, more, value=self.padding), pad(mask, more)
        return Words(ids, torch.ones_like(mask) if self.padding_is_read else mask)

    def shortest(self, words: Words) -> Words:
        """Words (B, N) without the last columns that are padding in every caption."""
        real = words.ids != self.padding if self.padding_is_read else words.mask
        length = int(real.any(dim=0).nonzero().max()) + 1
        return Words(words.ids[:, :length], words.mask[:, :length])


def _resampled(maps: Tensor, size: tuple[int, int], wanted: tuple[int, int]) -> Tensor:
    """Maps (B, C, *size) to (B, C, *wanted): :func:`lcoins.color.lab.resize_ab` as two products of matrices.

    ONNX has an antialiased Resize, but in onnxruntime it differs from PyTorch's by up to 1.3e-5, which is 1.4e-3 units
    of ab (this by 2e-6 at most), and other runtimes lack it.
    """
    rows, columns = (_resampling_matrix(old, new, maps) for old, new in zip(size, wanted, strict=True))
    return rows @ maps @ columns.T


def _resampling_matrix(old: int, new: int, like: Tensor) -> Tensor:
    """The weight of each of ``old`` pixels in each of ``new``: (new, old), rows that sum to 1.

    Weights form a triangle around the new pixel's center that reaches one old pixel far, or one new pixel where these
    are larger. For ``old == new`` it is exactly the identity. Centers are rounded as PyTorch rounds them, scale first.
    """
    scale = like.new_full((), old) / new  # a tensor, because the exporter would freeze a plain number
    centers = (torch.arange(new, device=like.device) + 0.5) * scale
    distances = (torch.arange(old, device=like.device) + 0.5 - centers[:, None]).abs()
    weights = (1 - distances / scale.clamp(min=1)).relu()
    return weights / weights.sum(dim=1, keepdim=True)


def export_onnx(colorizer: Colorizer) -> OnnxFile:
    """A colorizer on the CPU, in evaluation mode, as a checked ONNX file.

    Raises RuntimeError without the libraries, or where the exporter fails; ValueError for weights of 2 GiB, and where
    onnxruntime and PyTorch differ by more than LARGEST_DEVIATION in any of the batches and sizes tried.
    """
    expect_libraries()
    weights = sum(value.nbytes for value in colorizer.state_dict().values())
    if weights > LARGEST_FILE:
        raise ValueError(
            f"{type(colorizer).__name__} has {weights / 2**30:.1f} GiB of weights, and an ONNX file holds "
            f"less than 2; export it without --onnx"
        )
    network = FlexibleNetwork(colorizer).eval()
    example = _inputs(network, CHECKED[1], _sizes(colorizer.image_size)[-1])
    tokens = {0: "batch", 1: "length"}
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # the exporter warns of its own old names and of axes with one name
            program: Any = torch.onnx.export(
                network,
                example,
                dynamo=True,
                opset_version=OPSET,
                input_names=list(INPUTS),
                output_names=[OUTPUT],
                dynamic_shapes=({0: "batch", 2: "height", 3: "width"}, tokens, tokens),
                verbose=False,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        cause = str(error).rpartition("## Exception summary")[2].strip().partition("\n")[0]
        raise RuntimeError(
            f"{type(colorizer).__name__} cannot be written as ONNX by this PyTorch ({cause}); export it without --onnx"
        ) from error
    content = program.model_proto.SerializeToString()
    max_length = colorizer.text_encoder.tokenize.max_length
    return OnnxFile(content, colorizer.image_size, max_length, _deviation(content, network))


def expect_libraries(names: tuple[str, ...] = NEEDED) -> None:
    """Raises RuntimeError that names those of these libraries that are not installed."""
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise RuntimeError(f"ONNX needs {', '.join(missing)}; run: pip install 'lcoins[onnx]'")


def _sizes(side: int) -> tuple[tuple[int, int], ...]:
    """Heights and widths that a file is checked with: the network's own; smaller, larger, odd and not square ones."""
    return (side, side), (side // 2 | 1, side // 3 | 1), (2 * side + 1, 3 * side | 1)


def _inputs(network: FlexibleNetwork, captions: list[str], size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """Drawn scenes of this size with these captions."""
    scenes = Scenes("clear", len(captions), network.colorizer.image_size)
    lightness, _ = lab.split_lab(torch.stack([scenes[index].rgb for index in range(len(captions))]).float())
    words = network.shortest(network.colorizer.tokenize(captions))
    return lab.to_network_lightness(lab.resize_ab(lightness, size)), words.ids, words.mask


def _deviation(content: bytes, network: FlexibleNetwork) -> float:
    """The largest difference of ab, in CIELAB units, between onnxruntime and PyTorch as lcoins runs it.

    Taken over CHECKED in each size; raises ValueError where it is above LARGEST_DEVIATION.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    largest = 0.0
    for captions, size in product(CHECKED, _sizes(network.colorizer.image_size)):
        inputs = _inputs(network, captions, size)
        tried = f"{len(captions)} captions, {size[0]} x {size[1]} pixels"
        try:
            found = session.run([OUTPUT], dict(zip(INPUTS, (value.numpy() for value in inputs), strict=True)))[0]
        except Exception as error:  # onnxruntime raises kinds of its own
            raise ValueError(
                f"the ONNX file does not run on {tried} ({error}); export without --onnx, or with another PyTorch"
            ) from error
        expected = _in_pytorch(network.colorizer, inputs[0], captions)
        difference = lab.from_network_ab(torch.from_numpy(found) - expected).abs().max().item()
        if not difference <= LARGEST_DEVIATION:
            raise ValueError(
                f"the ONNX file differs from PyTorch by {difference:.2g} units of ab on {tried}, more "
                f"than {LARGEST_DEVIATION}; export without --onnx, or with other versions of torch and "
                f"onnxruntime"
            )
        largest = max(largest, difference)
    return largest


def _in_pytorch(colorizer: Colorizer, lightness: Tensor, captions: list[str]) -> Tensor:
    """The expected output: network lightness (B, 1, H, W) and B captions to network ab (B, 2, H, W)."""
    small = lab.resize_ab(lightness, (colorizer.image_size, colorizer.image_size))
    return lab.resize_ab(colorizer.colorize(small, captions).ab, (lightness.shape[-2], lightness.shape[-1]))
