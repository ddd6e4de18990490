"""Parameters and multiply-adds against the figures worked out by hand from the paper's sizes."""

from io import StringIO

import pytest
from rich.console import Console
from shrunk import model_config

from lcoins.benchmark.model_size import PartSize, part_sizes, size_table
from lcoins.models.build import build_colorizer


@pytest.fixture(scope="module")
def paper() -> dict[str, PartSize]:
    return {part.name: part for part in part_sizes(model_config("model=paper"), words=80, recolored=True)}


def giga(macs: int) -> float:
    return round(macs / 1e9, 2)


def test_parameters_of_the_papers_size(paper: dict[str, PartSize]) -> None:
    """ViT-B/16 with 196 position rows and BERT base without its pooler; one block is 12 C^2 + C^2 and biases."""
    assert {name: part.parameters for name, part in paper.items()} == {
        "image encoder": 85_797_120,
        "image projection": 786_432,
        "text encoder": 108_891_648,
        "text projection": 787_456,
        "grouping blocks": 12 * 13_643_776,
        "group tokens": 15_360,
        "modal-type embeddings": 3_072,
        "norm and head": 526_848,
        "upsampler": 3_560_930,
        "grouping layer": 3_145_728,
        "shared space": 2_099_200,
        "total": 369_339_106,
    }
    assert all(part.trainable == part.parameters for part in paper.values())


def test_multiply_adds_of_the_papers_size(paper: dict[str, PartSize]) -> None:
    """224 px, 80 word pieces, 15 groups; training runs text and blocks twice, image encoder and upsampler once."""
    assert giga(paper["total"].inference) == 76.67
    assert giga(paper["total"].training) == 133.62
    inference = {name: giga(part.inference) for name, part in paper.items()}
    assert (inference["image encoder"], inference["text encoder"], inference["grouping blocks"]) == (17.47, 6.91, 48.91)
    assert (inference["image projection"], inference["text projection"]) == (0.15, 0.06)
    assert (inference["norm and head"], inference["upsampler"]) == (0.10, 3.06)
    assert (inference["grouping layer"], inference["shared space"]) == (0.0, 0.0)  # the counter-color loss needs them
    for name in ("text encoder", "text projection", "grouping blocks"):
        assert paper[name].training == 2 * paper[name].inference
    for name in ("image encoder", "image projection", "norm and head", "upsampler"):
        assert paper[name].training == paper[name].inference


def test_multiply_adds_of_a_block_by_hand(paper: dict[str, PartSize]) -> None:
    """Per block N (12 C^2 + C^2) + 2 C (N_I^2 + N_L^2 + 2 N_I N_G + 2 N_L N_G)."""
    image, words, groups, width = 196, 80, 15, 1024
    pairs = image**2 + words**2 + 2 * image * groups + 2 * words * groups
    block = (image + words + groups) * 13 * width**2 + 2 * width * pairs
    assert paper["grouping blocks"].inference == 12 * block


@pytest.mark.parametrize(
    ("ablation", "blocks", "total"), [("no_ga", 12 * 12_595_200, 356_756_194), ("no_ge", 12 * 12_595_200, 353_594_082)]
)
def test_parameters_of_the_ablations(ablation: str, blocks: int, total: int) -> None:
    """Plain blocks project C to C; without groups their tokens, type embedding and grouping layer go as well."""
    parts = {p.name: p for p in part_sizes(model_config(f"ablation={ablation}"), words=8, recolored=False)}
    assert parts["grouping blocks"].parameters == blocks
    assert parts["total"].parameters == total
    assert ("grouping layer" in parts) == (ablation != "no_ge")


def test_parts_cover_the_parameters() -> None:
    config = model_config("model=tiny")
    *parts, total = part_sizes(config, words=8, recolored=True)
    model = build_colorizer(config, weights=False)
    assert total.name == "total"
    assert total.parameters == sum(p.numel() for p in model.parameters()) == sum(part.parameters for part in parts)
    assert total.trainable == sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert total.inference == sum(part.inference for part in parts) > 0
    assert total.training > total.inference


def test_frozen_parts_are_counted_but_not_trained() -> None:
    parts = {p.name: p for p in part_sizes(model_config("model=small"), words=8, recolored=False)}
    for name in ("image encoder", "text encoder"):
        assert parts[name].parameters > 0
    assert parts["text encoder"].trainable == 0
    assert parts["total"].trainable < parts["total"].parameters
    assert parts["total"].training == parts["total"].inference


def test_parts_that_miss_a_parameter_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from lcoins.models.lcoins import LCoIns

    whole = LCoIns.parts
    monkeypatch.setattr(LCoIns, "parts", lambda self: dict(list(whole(self).items())[1:]))
    with pytest.raises(RuntimeError, match="parts of LCoIns do not cover its parameters"):
        part_sizes(model_config("model=tiny"), words=8, recolored=False)


def test_table_shows_every_part() -> None:
    parts = [PartSize("upsampler", 3_560_930, 0, 3_060_000_000, 6_120_000_000), PartSize("total", 1, 2, 0, 0)]
    out = StringIO()
    Console(file=out, width=100).print(size_table(parts, "model=paper"))
    shown = out.getvalue()
    assert "model=paper" in shown
    (row,) = [line for line in shown.splitlines() if "upsampler" in line]
    assert [cell.strip() for cell in row.strip(" │┃").split("│")] == ["upsampler", "3,560,930", "0", "3.06", "6.12"]
    assert "total" in shown
