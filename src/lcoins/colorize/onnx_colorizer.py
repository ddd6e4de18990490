"""Coloring photos with a package's ONNX network, run by onnxruntime in place of PyTorch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lcoins.colorize.onnx_export import INPUTS, NEEDED, OUTPUT, expect_libraries
from lcoins.files import sha256_of
from lcoins.models.checkpoint import ONNX, local_model, read_index
from lcoins.models.colorizer import Colorization
from lcoins.models.compared.bilstm import WordIds
from lcoins.models.text_encoders import WordPieces


class OnnxColorizer:
    """A package of ``lcoins export --onnx`` as a colorizer, for everything here that colors photos.

    >>> from lcoins.colorize.photo import PhotoColorizer
    >>> colorizer = PhotoColorizer(OnnxColorizer("old_photos"))  # doctest: +SKIP
    >>> colorizer("grandmother.jpg", "a woman in a red coat").save("grandmother_color.jpg")  # doctest: +SKIP

    The network is run by onnxruntime, at its own size; PyTorch still resamples photos, converts colors, and enlarges
    them along the photo's edges, which the file alone does not. A program without PyTorch needs
    ``model.onnx`` alone and what :mod:`lcoins.colorize.onnx_export` says of its inputs: word pieces are those of
    bert-base-uncased without [CLS] and [SEP] (unless ``special_tokens`` is set in package.json), word ids are places in
    package.json's ``vocabulary`` counted from 1, with 0 for padding and unknown words.
    """

    def __init__(self, folder: Path | str, threads: int = 0):
        """Raises FileNotFoundError or ValueError for no such package; ``threads = 0`` leaves them to onnxruntime."""
        expect_libraries(NEEDED[-1:])
        import onnxruntime

        folder = Path(folder)
        index = read_index(folder)
        path = folder / ONNX
        if "onnx" not in index:
            raise ValueError(f"{folder} holds no ONNX network; make one with lcoins export RUN -o FOLDER --onnx")
        if not path.is_file() or sha256_of(path) != index["onnx"]["sha256"]:
            raise ValueError(f"{path} is missing, cut off or changed since the export; copy the whole package again")
        model = local_model(index["model"], folder)
        self.image_size = int(model["image_size"])
        self.tokenize = _tokenizer(model["text_encoder"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization:
        """Network lightness (B, 1, S, S) and B captions to network ab (B, 2, S, S), on the CPU."""
        words = self.tokenize(captions)
        values = (lightness.float().cpu().numpy(), words.ids.numpy(), words.mask.numpy())
        (ab,) = self._session.run([OUTPUT], dict(zip(INPUTS, values, strict=True)))
        return Colorization(torch.from_numpy(ab))


def _tokenizer(text: Mapping[str, Any]) -> WordIds | WordPieces:
    """What cuts captions for a text encoder of this config, without the encoder."""
    if "vocabulary" in text:
        return WordIds(text["vocabulary"], text["max_length"], fixed=True)  # the first ONNX files took no fewer
    return WordPieces(text["source"], text["max_length"], text.get("special_tokens", False), text["pad_mask"])
