"""Guards the shape annotations: tests check them, and programs that use lcoins do not pay for it."""

import subprocess
import sys

import pytest
import torch
from jaxtyping import TypeCheckError

from lcoins.models.colorizer import Relevance
from lcoins.models.upsampler import Upsampler
from lcoins.training.losses import chromatic_loss


def test_shapes_that_contradict_an_annotation_are_refused_in_tests() -> None:
    with pytest.raises(TypeCheckError):
        chromatic_loss(torch.zeros(1, 2, 4, 4), torch.zeros(1, 2, 4, 5))
    with pytest.raises(TypeCheckError):
        Upsampler(4, (4,), image_size=3)(torch.zeros(1, 9))
    with pytest.raises(TypeCheckError):
        Relevance(torch.zeros(1, 3, 4), torch.ones(1, 2, dtype=torch.bool), torch.zeros(1, 3, 4))


def test_programs_do_not_check_them() -> None:
    command = "import sys, lcoins.models.lcoins, lcoins.training.losses; print('beartype' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
