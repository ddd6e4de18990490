"""What is read from grouping attention is what the model used."""

import pytest
import torch
from shrunk import shrunk, transformer
from torch import Tensor

from lcoins.models.attention_maps import BlockAttention, attention_maps
from lcoins.models.build import build_colorizer
from lcoins.models.lcoins import LCoIns
from lcoins.training.run import plain_config

CAPTION = "a red cup and a blue cup"


def model(**values: object) -> LCoIns:
    torch.manual_seed(0)
    built = build_colorizer(plain_config(shrunk(**transformer(**values)))["model"])
    assert isinstance(built, LCoIns)
    return built


def lightness() -> Tensor:
    return torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_every_row_is_a_distribution_and_words_divide_what_is_heard() -> None:
    blocks, words, _ = attention_maps(model(), lightness(), CAPTION)
    assert len(blocks) == 2 and words.ids.shape == (1, 7)
    for block in blocks:
        assert block.img_grp.shape == (16, 4) and block.grp_lag.shape == (4, 7)
        for rows in (block.img_grp, block.grp_lag):
            assert torch.allclose(rows.sum(dim=1), torch.ones(len(rows)))
        heard = torch.stack([block.to_words([place]) for place in range(7)])
        assert torch.allclose(heard.sum(dim=0), torch.ones(16))
        assert torch.allclose(block.to_words([1, 2]), heard[1] + heard[2])


@torch.inference_mode()
def test_it_is_the_attention_that_the_model_used() -> None:
    """With one head, the image's second slot of Eq. 9 is A(img, grp) times the values of the groups."""
    colorizer = model(heads=1).eval()
    attention = colorizer.transformer.blocks[0].attention
    seen: dict[str, Tensor] = {}
    attention.register_forward_hook(lambda module, inputs, output: seen.update(tokens=inputs[0]))
    attention.projection.register_forward_hook(lambda module, inputs, output: seen.update(slots=inputs[0]))
    blocks, _, _ = attention_maps(colorizer, lightness(), CAPTION)
    values = attention.queries_keys_values(seen["tokens"])[2][0, 0]
    expected = blocks[0].img_grp @ values[-4:]
    assert torch.allclose(seen["slots"][0, :16, 32:], expected, atol=1e-5)
    groups_from_words = blocks[0].grp_lag @ values[16:-4]
    assert torch.allclose(seen["slots"][0, -4:, 32:], groups_from_words, atol=1e-5)


def test_reading_changes_nothing() -> None:
    colorizer = model().train()
    before = colorizer.colorize(lightness(), [CAPTION]).ab
    attention_maps(colorizer, lightness(), CAPTION)
    assert torch.equal(colorizer.colorize(lightness(), [CAPTION]).ab, before)
    assert colorizer.training
    assert not any(block.attention._forward_hooks for block in colorizer.transformer.blocks)


def test_a_word_that_no_group_hears_is_silent() -> None:
    block = BlockAttention(torch.tensor([[1.0, 0.0], [0.5, 0.5]]), torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    assert block.to_words([0]).tolist() == [0.0, 0.5]


def test_joint_attention_is_refused() -> None:
    with pytest.raises(ValueError, match="joint attention"):
        attention_maps(model(attention="joint"), lightness(), CAPTION)
