"""Compiled blocks give what the others give, are compiled a few times only, and keep the names of the weights."""

import copy
from pathlib import Path

import pytest
import torch
from shrunk import MODEL, model_config
from torch._dynamo.utils import counters
from typechecker import unchecked_shapes

from lcoins.models.blocks import attend
from lcoins.models.build import build_colorizer
from lcoins.training.acceleration import compile_blocks, expect_compiler, fitting_kernels, repeated_blocks

MOST_GRAPHS = 40  # three kinds of blocks, two of them cut in three by drop path, each for one size and then for any
CAPTIONS = ["a red car", "a woman in a red coat beside a woman in a blue coat and a man in a green coat and a hat"]


def outcome(colorizer: torch.nn.Module, captions: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Network ab of a training pass, and the gradient of its sum of squares in the first block's weights."""
    torch.manual_seed(1)
    lightness = torch.rand(len(captions), 1, 32, 32)
    ab = colorizer(lightness, colorizer.tokenize(captions)).ab
    colorizer.zero_grad()
    ab.square().sum().backward()
    gradient = colorizer.transformer.blocks[0].mlp.fc1.weight.grad
    return ab.detach(), gradient.clone()


@pytest.mark.parametrize("system", ["lcode_tiny", "xie2018_tiny"])
def test_a_system_without_blocks_is_refused(system: str) -> None:
    colorizer = build_colorizer(model_config(f"system={system}"), weights=False)
    with pytest.raises(ValueError, match="has no repeated blocks"):
        compile_blocks(colorizer, "blocks")


def test_a_machine_without_a_compiler_gets_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match="needs a C\\+\\+ compiler"):
        expect_compiler()


def test_another_choice_is_refused() -> None:
    with pytest.raises(ValueError, match="takes none or blocks, got 'all'"):
        compile_blocks(torch.nn.Linear(1, 1), "all")


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # the compiler's own look at what it was given
def test_compiled_blocks_agree_and_are_compiled_a_few_times_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lcoins.training.acceleration.expect_compiler", lambda: None)
    torch._dynamo.reset()
    counters.clear()
    torch.manual_seed(0)
    transformer = {**MODEL["transformer"], "depth": 9, "drop_path": 0.2}  # more blocks than the compiler's limit of 8
    no_dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}  # padding would change its draws
    text = {**MODEL["text_encoder"], "config": {**MODEL["text_encoder"]["config"], **no_dropout}}
    plain = build_colorizer({**MODEL, "transformer": transformer, "text_encoder": text}).train()
    compiled = copy.deepcopy(plain)
    compile_blocks(compiled, "blocks", backend="eager")  # traces alone: no C++ compiler, and seconds for minutes
    graphs = []
    for count in (2, 3, 4):
        for caption in CAPTIONS:
            expected, gradient = outcome(plain, [caption] * count)
            with unchecked_shapes():  # the compiler would trace the check of each shape
                found, other = outcome(compiled, [caption] * count)
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(other, gradient, rtol=1e-3, atol=1e-5)
        graphs.append(counters["stats"]["unique_graphs"])
    assert 0 < graphs[-1] <= MOST_GRAPHS
    assert graphs[2] == graphs[1]  # batches of yet another size are nothing new
    assert compiled.state_dict().keys() == plain.state_dict().keys()
    assert len(copy.deepcopy(compiled).state_dict()) == len(plain.state_dict())  # as the average of the weights does
    assert len(repeated_blocks(compiled)) >= 9


def test_kernels_are_set_back() -> None:
    before = torch.backends.cuda.flash_sdp_enabled()
    with fitting_kernels("cpu", "bf16-mixed"):
        assert not torch.backends.cuda.flash_sdp_enabled()
    assert torch.backends.cuda.flash_sdp_enabled() == before
    with fitting_kernels("cpu", "32-true"):
        assert torch.backends.cuda.flash_sdp_enabled() == before


@pytest.mark.parametrize("words", [None, 25])
def test_attention_written_out_is_as_exact_as_bfloat16(words: int | None) -> None:
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 4, 40, 16) for _ in range(3))
    mask = None if words is None else (torch.arange(40) < words)[None, None, None].expand(2, 1, 1, 40)
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    torch.testing.assert_close(attend(q, k, v, mask), expected)
    halves = [x.bfloat16().requires_grad_() for x in (q, k, v)]
    found = attend(*halves, mask)
    assert float((found.detach().float() - expected).norm() / expected.norm()) < 0.01
    found.sum().backward()
    if words is not None:
        assert halves[2].grad is not None and not halves[2].grad[:, :, words:].any()  # nothing heard beyond the mask
    with fitting_kernels("cpu", "bf16-mixed"):  # what BERT and ViT take
        kernel = torch.nn.functional.scaled_dot_product_attention(*halves, attn_mask=mask)
    assert float((kernel.detach().float() - expected).norm() / expected.norm()) < 0.01
