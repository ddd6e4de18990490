"""What makes a training step faster and leaves what it computes: compiled blocks, and kernels that fit the device.

The repeated blocks are compiled, not the whole network: a compiled block serves all blocks of its kind, so compiling
takes a minute instead of many. Names of weights stay as they are, so checkpoints are read with and without it.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from lcoins.models.backbones.bert import BertLayer
from lcoins.models.blocks import TransformerBlock
from lcoins.models.image_encoders import PatchEncoder

CHOICES = ("none", "blocks")
WORDS_AT_ONCE = 16  # compiled, captions are padded to a multiple of so many word pieces


def compile_blocks(colorizer: nn.Module, choice: str, backend: str = "inductor") -> None:
    """Has the repeated blocks of a system compiled when they first run, where ``choice`` is ``blocks``.

    Captions are then padded to one of few lengths. Batches of two sizes and two lengths make the compiler write code
    for any size, after which it compiles no more. Drop path stays outside of what is compiled: its rate differs from
    block to block, and its draws stay those of a step that is not compiled; those of dropout change.

    Args:
        colorizer: The system; it is changed in place.
        choice: ``none`` or ``blocks``, as ``system.compile`` has it.
        backend: The compiler, as :func:`torch.compile` takes it.

    Raises ValueError for another choice, for a system without such blocks, and without a C++ compiler on a processor.
    """
    if choice not in CHOICES:
        raise ValueError(f"system.compile takes {' or '.join(CHOICES)}, got {choice!r}")
    if choice == "none":
        return
    blocks = repeated_blocks(colorizer)
    if not blocks:
        raise ValueError(
            f"system.compile=blocks: {type(colorizer).__name__} has no repeated blocks to compile; leave it out"
        )
    expect_compiler()
    tokenize: Any = colorizer.text_encoder.tokenize  # type: ignore[union-attr]
    if not tokenize.fixed:
        tokenize.pad_to_multiple_of(WORDS_AT_ONCE)
    outside: dict[Any, Any] = {}
    for block in blocks:
        for part in block.modules():
            kind: Any = type(part)
            if kind.__name__ == "DropPath":
                part.__class__ = outside.setdefault(kind, _outside(kind))
        block.compile(backend=backend)


def repeated_blocks(colorizer: nn.Module) -> list[nn.Module]:
    """The transformer blocks of a system: of images, of words, and of both."""
    modules = list(colorizer.modules())
    vision = [block for module in modules if isinstance(module, PatchEncoder) for block in module.vit.blocks]
    return [*vision, *(module for module in modules if isinstance(module, TransformerBlock | BertLayer))]


def _outside(drop_path: Any) -> Any:
    """The same class, which the compiler leaves alone."""
    forward = torch.compiler.disable(drop_path.forward)
    return type(drop_path.__name__, (drop_path,), {"forward": forward})


def expect_compiler() -> None:
    """Refuses to compile on a machine that lacks a C++ compiler, which PyTorch needs for processors and GPUs alike."""
    from torch._inductor import config

    wanted = [name for name in config.cpp.cxx if name]
    if not any(shutil.which(name) for name in wanted):
        raise ValueError(
            f"system.compile=blocks needs a C++ compiler, and there is no {' or '.join(wanted)}; install one (Debian: "
            "apt install g++), name one in CXX, or leave system.compile out"
        )


@contextmanager
def fitting_kernels(device: torch.device | str, precision: str) -> Iterator[None]:
    """Takes, in bfloat16 with float32 weights, the kernels of attention and products that are fastest on the device.

    On a processor the fused attention's backward is slow at a few hundred tokens: written out as products it is three
    to five times as fast, in exchange for scores that are rounded to bfloat16. On a GPU the products that are left in
    float32 are done in TF32, which is still far finer than bfloat16. What was set before is set again at the end.
    """
    kernels = torch.backends.cuda  # which PyTorch asks for processors, too
    before = (
        kernels.flash_sdp_enabled(),
        kernels.fp16_bf16_reduction_math_sdp_allowed(),
        torch.get_float32_matmul_precision(),
    )
    if precision == "bf16-mixed" and torch.device(device).type == "cpu":
        kernels.enable_flash_sdp(False)
        kernels.allow_fp16_bf16_reduction_math_sdp(True)
    elif precision == "bf16-mixed":
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        kernels.enable_flash_sdp(before[0])
        kernels.allow_fp16_bf16_reduction_math_sdp(before[1])
        torch.set_float32_matmul_precision(before[2])
