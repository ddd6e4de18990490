"""A sentence suggested for a photo, by a captioning model of transformers that the user has; lcoins brings none.

A captioner sees the gray photo. It can name what is there, and guesses colors where it names any; what it says of the
photo itself ("a black and white photo of") is left out, for its words would be taken for colors of things.
"""

import re
from pathlib import Path

import torch
from torch import Tensor

from lcoins.color.lab import resize_ab
from lcoins.colorize.hub import is_on_hub, named
from lcoins.colorize.photo import NO_COLOR, fitted, recompose

SIDE = 512  # pixels: the longer side of what the captioner's own processor gets
LONGEST = 40  # tokens
BEAMS = 3
_GRAY = r"black (?:and|&) white"
_OF_THE_PHOTO = re.compile(
    rf"^(?:(?:this|there|it) is )?(?:an? |the )?(?:(?:old|vintage|faded|sepia|gr[ae]y(?:scale)?|monochrome|{_GRAY}) )*"
    rf"(?:photo|photograph|picture|image|portrait|shot|view)(?: in {_GRAY})? (?:of|shows|showing) |,? in {_GRAY}$",
    re.IGNORECASE,
)


class Captioner:
    """Suggests sentences. It may be any model that transformers loads for image and text, such as BLIP or GIT.

    Args:
        source: A folder of such a model, as ``save_pretrained`` writes it, or ``hf://owner/name`` on the Hugging Face
            Hub, which is downloaded. Weights are read as safetensors alone, and no code of the source is run.
        device: Where the model runs.

    Raises ValueError where there is no such model, or no safetensors, and ModuleNotFoundError without transformers.
    """

    def __init__(self, source: Path | str, device: torch.device | str = "cpu") -> None:
        from transformers import AutoModelForImageTextToText, AutoProcessor
        from transformers.utils import logging

        name, options = _place(source)
        logging.disable_progress_bar()
        # PyTorch notes its functions that make tensors at their first use under a device, and transformers replaces one
        # of them while it loads: noted then, torch.linspace would heed no device in this process any more.
        with torch.device("meta"):
            torch.empty(0)
        try:
            self._processor = AutoProcessor.from_pretrained(name, **options)
            model = AutoModelForImageTextToText.from_pretrained(name, use_safetensors=True, **options)
        except (OSError, ValueError, KeyError) as error:
            reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise ValueError(
                f"{source} is no captioner that transformers can load: {reason}; expected a folder of "
                f"save_pretrained with config.json, a processor and model.safetensors, of BLIP or GIT for example"
            ) from error
        torch.nn.Module.to(model, device)  # transformers' own has no types
        self._model = model.eval()
        self.device = device

    def __call__(self, lightness: Tensor) -> str:
        """A sentence about a photo of lightness (1, 1, H, W) in [0, 100], or "" where the model says nothing."""
        height, width = lightness.shape[-2:]
        photo = recompose(resize_ab(lightness, fitted((height, width), SIDE)), NO_COLOR)
        inputs = self._processor(images=photo, return_tensors="pt").to(self.device)
        with torch.inference_mode():
            tokens = self._model.generate(**inputs, max_new_tokens=LONGEST, num_beams=BEAMS, do_sample=False)
        return of_the_things(self._processor.batch_decode(tokens, skip_special_tokens=True)[0])


def of_the_things(caption: str) -> str:
    """A caption without what it says of the photo instead of the things in it.

    >>> of_the_things("a black and white photo of a man in a suit")
    'a man in a suit'
    >>> of_the_things("two women on a bench, in black and white."), of_the_things("a picture")
    ('two women on a bench', 'a picture')
    """
    text = " ".join(caption.split()).rstrip(" .")
    return _OF_THE_PHOTO.sub("", text)


def _place(source: Path | str) -> tuple[str, dict[str, object]]:
    """The name for transformers, and how to load it."""
    if is_on_hub(source):
        repository, revision = named(source)
        return repository, {"revision": revision or "main", "trust_remote_code": False}
    if not Path(source).is_dir():
        raise ValueError(f"{source}: no such folder; name one of a captioner, or hf://owner/name")
    return str(source), {"local_files_only": True, "trust_remote_code": False}
