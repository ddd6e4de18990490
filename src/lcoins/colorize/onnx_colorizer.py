"""Coloring photos with a package's ONNX network, run by onnxruntime in place of PyTorch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lcoins.colorize.onnx_export import INPUTS, NEEDED, OUTPUT, expect_libraries
from lcoins.files import sha256_of
from lcoins.models.checkpoint import INDEX, ONNX, read_index
from lcoins.models.colorizer import Colorization
from lcoins.models.compared.bilstm import WordIds
from lcoins.models.received import received_model
from lcoins.models.text_encoders import WordPieces


class OnnxColorizer:
    """A package of ``lcoins export --onnx`` as a colorizer, for everything in lcoins that colors photos.

    >>> from lcoins.colorize.photo import PhotoColorizer
    >>> colorizer = PhotoColorizer(OnnxColorizer("old_photos"))  # doctest: +SKIP
    >>> colorizer("grandmother.jpg", "a woman in a red coat").save("grandmother_color.jpg")  # doctest: +SKIP

    onnxruntime runs the network, at its own size; PyTorch still resamples photos, converts colors, and enlarges them
    along the photo's edges, which the file does not. A program without PyTorch needs only ``model.onnx`` and the
    description of its inputs in :mod:`lcoins.colorize.onnx_export`: word pieces are those of bert-base-uncased without
    [CLS] and [SEP] (unless ``special_tokens`` is set in package.json), word ids are positions in package.json's
    ``vocabulary`` counted from 1, with 0 for padding and unknown words.
    """

    def __init__(self, folder: Path | str, threads: int = 0):
        """Raises FileNotFoundError or ValueError for no such package; with ``threads = 0`` onnxruntime chooses."""
        expect_libraries(NEEDED[-1:])
        import onnxruntime

        folder = Path(folder)
        index = read_index(folder)
        path = folder / ONNX
        if "onnx" not in index:
            raise ValueError(f"{folder} holds no ONNX network; make one with lcoins export RUN -o FOLDER --onnx")
        if not path.is_file() or sha256_of(path) != index["onnx"]["sha256"]:
            raise ValueError(f"{path} is missing, cut off or changed since the export; copy the whole package again")
        model = received_model(index["model"], folder, str(folder / INDEX))
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
    """The tokenizer of a text encoder's config, without the encoder."""
    if "vocabulary" in text:
        # Padded to the full length, because the first ONNX files take no other.
        return WordIds(text["vocabulary"], text["max_length"], fixed=True)
    return WordPieces(text["source"], text["max_length"], text.get("special_tokens", False), text["pad_mask"])
