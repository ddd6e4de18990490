"""Times training steps and inference and measures their memory, each case in its own process to keep peaks apart."""

import multiprocessing
import statistics
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim import AdamW

from lcoins.benchmark.loading import peak_mib
from lcoins.benchmark.products import product_rate
from lcoins.color.lab import split_lab, to_network_ab, to_network_lightness
from lcoins.color.object_pairs import guess_object_colors
from lcoins.data.augment import Augmentation, Draws
from lcoins.data.types import Batch
from lcoins.models.build import build_colorizer
from lcoins.models.grouping import JointAttention
from lcoins.models.operations import OperationCount
from lcoins.training.acceleration import compile_blocks, fitting_kernels
from lcoins.training.build import build_objective
from lcoins.training.compared_losses import AdversarialObjective
from lcoins.training.parts import build_part
from lcoins.training.throughput import Rate, matrix_product_rate, synchronize
from lcoins.training.trainer import best_precision

# Eleven words on average, as in COCO's color captions.
CAPTIONS = (
    "a woman in a red coat beside a woman in a blue coat",
    "a brown dog runs over green grass with a yellow ball",
    "two white boats on blue water near a gray pier",
    "a man with an orange tie sits on a black chair",
)


@dataclass(frozen=True)
class StepCase:
    """One step to time: configs of model, objective and augmentation, precision, and whether it trains.

    ``counter`` adds the second pass of the counter-color loss, ``reference`` takes :class:`WrittenOutAttention`, and
    ``compile`` is what ``system.compile`` has. Captions are CAPTIONS, or of as many words as ``words`` says.
    """

    name: str
    model: Mapping[str, Any]
    objective: Mapping[str, Any]
    augmentation: Mapping[str, Any]
    precision: str
    train: bool
    counter: bool = False
    reference: bool = False
    compile: str = "none"
    words: int | None = None


@dataclass(frozen=True)
class StepTiming:
    """How long a step takes, and how near that is to what the device can do.

    Attributes:
        seconds: Median of the steps; ``fastest`` and ``slowest`` are the extremes.
        processor_seconds: Median of the processor time of all threads, which other work hardly lengthens.
        samples_per_second: By the median.
        peak_mib: Peak memory of the process, or of the GPU.
        operations: Floating-point operations of a step, as :mod:`lcoins.models.operations` counts them.
        teraflops: Of them, a second, by the median.
        peak_teraflops: What one product of square matrices reached between the steps, at the same precision.
        share_of_peak: Operations a second of the step as a share of those of that product. On a processor both are
            divided by processor time, so that other work on the machine does not count as slowness.
        share_of_products: The same as a share of what the step's own products reach by themselves.
    """

    name: str
    precision: str
    seconds: float
    fastest: float
    slowest: float
    processor_seconds: float
    samples_per_second: float
    peak_mib: float
    operations: int
    teraflops: float
    peak_teraflops: float
    share_of_peak: float
    share_of_products: float


class WrittenOutAttention(JointAttention):
    """Joint attention that forms its attention matrix explicitly, to compare the fused kernels with."""

    def forward(self, tokens: Tensor, sizes: tuple[int, int, int], mask: Tensor) -> Tensor:
        q, k, v = self.queries_keys_values(tokens)
        return self.join_heads(torch.softmax(q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5, dim=-1) @ v)


def step_cases(
    model: Mapping[str, Any],
    objective: Mapping[str, Any],
    augmentation: Mapping[str, Any],
    precision: str,
    compare: bool,
    compile: str = "none",
) -> list[StepCase]:
    """Inference and training of a system; ``compare`` adds a reference of the same size for L-CoIns.

    As in the authors' code, the reference runs in float32 with joint attention written out and captions padded to 80
    pieces without a mask.
    """
    precision = best_precision("auto") if precision == "auto" else precision
    plain = {**objective, "beta": 0.0} if "beta" in objective else objective
    cases = [
        StepCase("inference", model, plain, augmentation, precision, train=False),
        StepCase("training step", model, plain, augmentation, precision, train=True, compile=compile),
    ]
    if model.get("shared_space"):
        name = "training step with counter-color pass"
        counter = StepCase(name, model, objective, augmentation, precision, train=True, counter=True, compile=compile)
        cases.append(counter)
    if compare:
        if "shared_space" not in model:
            raise ValueError("compare=true needs L-CoIns, whose authors' attention it times; take a model of L-CoIns")
        text = {**model["text_encoder"], "pad_mask": False}
        transformer = {**model["transformer"], "attention": "joint"}
        padded = {**model, "transformer": transformer, "text_encoder": text}
        name = "reference training step"
        cases.append(StepCase(name, padded, plain, augmentation, "32-true", train=True, reference=True))
    return cases


def time_steps(cases: list[StepCase], batch_size: int, warmup: int, steps: int, device: str) -> list[StepTiming]:
    """Times the cases one after the other, each in a fresh process; see :func:`time_step`."""
    context = multiprocessing.get_context("spawn")
    timings = []
    for case in cases:
        with context.Pool(1) as pool:
            timings.append(pool.apply(time_step, (case, batch_size, warmup, steps, device)))
    return timings


def time_step(case: StepCase, batch_size: int, warmup: int, steps: int, device: str) -> StepTiming:
    """Times one case in this process: the whole step from photos on the device to updated weights, or to ab.

    Args:
        case: What to time.
        batch_size: Photos in a step.
        warmup: Steps before the timed ones.
        steps: Timed steps.
        device: Where the model runs, such as "cpu" or "cuda".
    """
    training = case.train and not case.reference
    with fitting_kernels(device, case.precision) if training else nullcontext():
        return _time_step(case, batch_size, warmup, steps, device)


def _time_step(case: StepCase, batch_size: int, warmup: int, steps: int, device: str) -> StepTiming:
    torch.manual_seed(0)
    colorizer: Any = build_colorizer(case.model, weights=False).to(device).train(case.train)
    if case.reference:
        for block in colorizer.transformer.blocks:
            block.attention.__class__ = WrittenOutAttention
    size = colorizer.image_size
    rgb = torch.rand(batch_size, 3, size, size, device=device)
    said = CAPTIONS if case.words is None else [" ".join(["red"] * case.words)]
    captions = [said[i % len(said)] for i in range(batch_size)]
    step = _training_step(colorizer, case, rgb, captions) if case.train else _inference(colorizer, case, rgb, captions)
    dtype = torch.bfloat16 if case.precision == "bf16-mixed" else torch.float32
    products = product_rate(step, device)
    compile_blocks(colorizer, case.compile)
    for _ in range(warmup):
        step()
    seconds, processor_seconds, peaks, memory = [], [], [], 0.0
    for _ in range(steps):
        peaks.append(matrix_product_rate(device, dtype))
        if rgb.is_cuda:  # its matrices are larger than a small step, and no part of it
            torch.cuda.reset_peak_memory_stats(device)
        start = time.perf_counter(), time.process_time()
        step()
        synchronize(rgb.device)
        seconds.append(time.perf_counter() - start[0])
        processor_seconds.append(time.process_time() - start[1])
        memory = max(memory, torch.cuda.max_memory_allocated(device) / 2**20 if rgb.is_cuda else peak_mib())
    words = colorizer.tokenize(captions).ids.shape[1]
    count, middle, busy = OperationCount(case.model), statistics.median(seconds), statistics.median(processor_seconds)
    operations = (
        count.training(batch_size, words, recolored=case.counter) if case.train else count.inference(batch_size, words)
    )
    peak = max(peaks, key=lambda rate: rate.per_second)

    def share(of: Rate) -> float:
        on_processor = rgb.device.type == "cpu"
        return operations / busy / of.per_processor_second if on_processor else operations / middle / of.per_second

    return StepTiming(
        case.name,
        case.precision,
        middle,
        min(seconds),
        max(seconds),
        busy,
        batch_size / middle,
        memory,
        operations,
        operations / middle / 1e12,
        peak.per_second / 1e12,
        share(peak),
        share(products),
    )


def _autocast(case: StepCase, rgb: Tensor) -> torch.autocast:
    return torch.autocast(rgb.device.type, dtype=torch.bfloat16, enabled=case.precision == "bf16-mixed")


def _training_step(colorizer: Any, case: StepCase, rgb: Tensor, captions: list[str]) -> Any:
    objective = build_objective(case.objective)
    discriminator = objective.to(rgb.device).discriminator if isinstance(objective, AdversarialObjective) else None
    optimizers = [
        AdamW([p for p in part.parameters() if p.requires_grad], lr=1e-5, fused=not case.reference)
        for part in (colorizer, discriminator)
        if part is not None
    ]
    augmentation: Augmentation = build_part(case.augmentation, "data")
    batch = _batch(rgb, captions)

    def step() -> None:
        _, ab = split_lab(rgb)
        batch.ab = to_network_ab(ab)
        batch.lightness = to_network_lightness(augmentation(rgb, Draws(range(len(rgb)))))
        words = colorizer.tokenize(captions).to(rgb.device)
        with _autocast(case, rgb):
            output = colorizer(batch.lightness, words, *([words] if case.counter else []))
            if discriminator is not None:
                objective.discriminate(output, batch).total.backward()
                optimizers[1].step()
                discriminator.requires_grad_(False)  # the generator's loss asks it but must not train it
            total = objective(output, batch).total
        total.backward()
        if discriminator is not None:
            discriminator.requires_grad_(True)
        optimizers[0].step()
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)

    return step


def _batch(rgb: Tensor, captions: list[str]) -> Batch:
    """A batch for any objective, with pairs from the captions and random labels of COCO-Stuff's 182 classes."""
    count, size = len(rgb), rgb.shape[-1]
    return Batch(
        rgb=rgb,
        captions=captions,
        recolored=captions,
        has_color=torch.ones(count, dtype=torch.bool, device=rgb.device),
        index=torch.arange(count),
        names=captions,
        instances=[None] * count,
        photos=captions,
        pairs=[guess_object_colors(caption) for caption in captions],
        labels=torch.randint(182, (count, size, size), device=rgb.device).to(torch.uint8),
    )


def _inference(colorizer: Any, case: StepCase, rgb: Tensor, captions: list[str]) -> Any:
    lightness = to_network_lightness(split_lab(rgb)[0])

    def step() -> None:
        with torch.inference_mode(), _autocast(case, rgb):
            colorizer(lightness, colorizer.tokenize(captions).to(rgb.device))

    return step
