"""A colorizer's network as ONNX, for programs without PyTorch: written, compared with PyTorch, or refused.

The file takes the network's own units. Inputs: ``lightness`` (B, 1, S, S) float32, L* / 50 - 1 of the photo resampled
to S x S; ``ids`` (B, N) int64, word pieces or word ids; ``mask`` (B, N) bool, true for real tokens, at least one in
each caption. Output: ``ab`` (B, 2, S, S) float32, CIELAB ab / 110. B is dynamic. N is dynamic up to ``max_length`` for
the systems with word pieces (L-CoIns, L-CoDer); it is ``max_length`` for those with an LSTM (LBIE, ML2018, Xie2018,
L-CoDe), whose steps are written out one by one: captions are padded, and padding changes nothing. S is fixed, the size
that the system was trained at, as in PyTorch: the places of image tokens and the decoders' grids know no other size,
and photos of any size are resampled to it. The assignment of image tokens to groups is not written, since no colour
depends on it; nothing random is left.
"""

import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from lcoins import lab
from lcoins.data.scenes import Scenes
from lcoins.models.colorization import Colorizer
from lcoins.models.lstm import BiLSTMEncoder
from lcoins.models.words import Words

OPSET = 20
LARGEST_DEVIATION = 1e-3  # of ab in CIELAB units, 110 times as strict as in the network's
INPUTS, OUTPUT = ("lightness", "ids", "mask"), "ab"
NEEDED = ("onnx", "onnxscript", "onnxruntime")
# Batches that a file is judged by: one caption, two of unequal length, and more than either.
CHECKED = (
    ["red"],
    ["a red star", "a small blue ring on the left and a big green moon on the right of a yellow flower"],
    ["a purple heart", "a white cross and a pink arrow", "a brown house", "grey", "an orange tree beside a teal lake"],
)


@dataclass(frozen=True)
class OnnxFile:
    """An ONNX file's bytes, the captions' fixed length (None: dynamic), and the largest deviation of ab in CIELAB."""

    content: bytes
    length: int | None
    deviation: float

    def description(self, image_size: int) -> dict[str, Any]:
        """What a package's JSON says of the file."""
        size, tokens = ["batch", 1, image_size, image_size], ["batch", self.length or "length"]
        return {
            "opset": OPSET,
            "inputs": {
                "lightness": {"shape": size, "type": "float32", "unit": "L* / 50 - 1"},
                "ids": {"shape": tokens, "type": "int64"},
                "mask": {"shape": tokens, "type": "bool"},
            },
            "output": {"ab": {"shape": ["batch", 2, *size[2:]], "type": "float32", "unit": "CIELAB ab / 110"}},
            "largest_deviation_of_ab": self.deviation,
        }


class _Network(nn.Module):
    """Tensors in, one tensor out, as ONNX wants it."""

    def __init__(self, colorizer: Colorizer):
        super().__init__()
        self.colorizer = colorizer

    def forward(self, lightness: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
        return self.colorizer(lightness, Words(ids, mask)).ab


def export_onnx(colorizer: Colorizer) -> OnnxFile:
    """The network of a colorizer on the CPU, in evaluation mode, as a checked ONNX file.

    Raises RuntimeError without the libraries, or where the exporter knows no way; ValueError where onnxruntime and
    PyTorch differ by more than LARGEST_DEVIATION in any of the batches tried.
    """
    expect_libraries()
    network = _Network(colorizer).eval()
    text = colorizer.text_encoder
    length = text.tokenize.max_length if isinstance(text, BiLSTMEncoder) else None
    example = _inputs(colorizer, CHECKED[1], length)
    tokens = {0: "batch"} if length else {0: "batch", 1: "length"}
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of the exporter about itself: old names, axes that share theirs
            program: Any = torch.onnx.export(
                network,
                example,
                dynamo=True,
                opset_version=OPSET,
                input_names=list(INPUTS),
                output_names=[OUTPUT],
                dynamic_shapes=({0: "batch"}, tokens, tokens),
                verbose=False,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        cause = str(error).rpartition("## Exception summary")[2].strip().partition("\n")[0]
        raise RuntimeError(f"{type(colorizer).__name__} cannot be written as ONNX by this PyTorch ({cause}); export it "
                           f"without --onnx") from error  # fmt: skip
    content = program.model_proto.SerializeToString()
    return OnnxFile(content, length, _deviation(content, network, length))


def expect_libraries(names: tuple[str, ...] = NEEDED) -> None:
    """RuntimeError that says which of these libraries are not installed."""
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise RuntimeError(f"ONNX needs {', '.join(missing)}; run: pip install 'lcoins[onnx]'")


def padded(words: Words, length: int | None) -> Words:
    """Words (B, N) padded with masked tokens to ``length``, where there is one."""
    more = max(0, (length or 0) - words.ids.shape[1])
    return Words(pad(words.ids, (0, more)), pad(words.mask, (0, more)))


def _inputs(colorizer: Colorizer, captions: list[str], length: int | None) -> tuple[Tensor, Tensor, Tensor]:
    """Drawn scenes with these captions."""
    size = colorizer.image_size
    scenes = Scenes("clear", len(captions), size)
    lightness, _ = lab.split_lab(torch.stack([scenes[place].rgb for place in range(len(captions))]).float())
    words = padded(colorizer.tokenize(captions), length)
    return lab.to_network_lightness(lightness), words.ids, words.mask


def _deviation(content: bytes, network: _Network, length: int | None) -> float:
    """The largest difference of ab, in CIELAB units, between onnxruntime and PyTorch over CHECKED; refuses a large."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    largest = 0.0
    for captions in CHECKED:
        inputs = _inputs(network.colorizer, captions, length)
        try:
            found = session.run([OUTPUT], dict(zip(INPUTS, (value.numpy() for value in inputs), strict=True)))[0]
        except Exception as error:  # onnxruntime raises kinds of its own
            raise ValueError(f"the ONNX file does not run on {len(captions)} captions ({error}); export without "
                             f"--onnx, or with another PyTorch") from error  # fmt: skip
        with torch.inference_mode():
            expected = network(*inputs)
        difference = lab.from_network_ab(torch.from_numpy(found) - expected).abs().max().item()
        if not difference <= LARGEST_DEVIATION:
            raise ValueError(f"the ONNX file differs from PyTorch by {difference:.2g} units of ab on {len(captions)} "
                             f"captions, more than {LARGEST_DEVIATION}; export without --onnx, or with other versions "
                             f"of torch and onnxruntime")  # fmt: skip
        largest = max(largest, difference)
    return largest
