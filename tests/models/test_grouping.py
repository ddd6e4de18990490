"""Grouping attention against its equations, paths between image and words, and the grouping layer."""

import pytest
import torch
from torch import Tensor, nn

from lcoins.models.blocks import initialize
from lcoins.models.grouping import (
    CompetingGroupingAttention,
    GroupingAttention,
    GroupingLayer,
    GroupingTransformer,
    InnerGroupingAttention,
    JointAttention,
)

WIDTH, HEADS = 16, 4
SIZES = (9, 5, 3)


def random_attention(kind: type, width: int = WIDTH, heads: int = HEADS) -> GroupingAttention | JointAttention:
    """Attention with biases that are not zero, as after training."""
    attention = kind(width, heads)
    for parameter in attention.parameters():
        nn.init.normal_(parameter, std=0.5)
    return attention


def tokens_and_mask() -> tuple[Tensor, Tensor]:
    mask = torch.tensor([[True] * 5, [True, True, False, False, False]])
    return torch.randn(2, sum(SIZES), WIDTH), mask


def written_out(attention: GroupingAttention, tokens: Tensor, mask: Tensor) -> Tensor:
    """Eqs. 6-9 literally: six softmaxes per head, or seven, then the concatenation of Eq. 9 and its projection."""
    inner, competing = (isinstance(attention, kind) for kind in (InnerGroupingAttention, CompetingGroupingAttention))
    weight_q, weight_k, weight_v = attention.qkv.weight.chunk(3)
    parts = dict(zip(("img", "lag", "grp"), tokens.split(SIZES, dim=1), strict=True))
    depth = WIDTH // HEADS

    def heard(x: str, y: str, head: int) -> Tensor:
        rows = slice(head * depth, (head + 1) * depth)
        q = parts[x] @ weight_q[rows].T + attention.q_bias[rows]
        k = parts[y] @ weight_k[rows].T
        v = parts[y] @ weight_v[rows].T + attention.v_bias[rows]
        scores = q @ k.transpose(1, 2) / depth**0.5
        if y == "lag":
            scores = scores.masked_fill(~mask[:, None, :], -torch.inf)
        if competing and (x, y) == ("grp", "img"):
            shares = scores.softmax(dim=1)
            return shares @ v / shares.sum(dim=2, keepdim=True)
        return scores.softmax(dim=-1) @ v

    of_groups = (("grp",), ("img", "lag")) if inner else (("img",), ("lag",))
    slots = {"img": (("img",), ("grp",)), "lag": (("lag",), ("grp",)), "grp": of_groups}
    rows = [
        torch.cat([sum(heard(x, y, head) for y in slot) for head in range(HEADS) for slot in slots[x]], dim=-1)
        for x in parts
    ]
    return torch.cat(rows, dim=1) @ attention.projection.weight.T + attention.projection.bias


@pytest.mark.parametrize("kind", [GroupingAttention, InnerGroupingAttention, CompetingGroupingAttention])
def test_grouping_attention_is_separate_softmaxes(kind: type[GroupingAttention]) -> None:
    attention = random_attention(kind)
    tokens, mask = tokens_and_mask()
    assert attention.projection.weight.shape == (WIDTH, 2 * WIDTH)
    result = attention(tokens, SIZES, mask)
    assert result.shape == tokens.shape
    torch.testing.assert_close(result, written_out(attention, tokens, mask), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("sizes", [SIZES, (12, 5, 0)], ids=["groups", "no groups"])
def test_joint_attention_equals_torch(sizes: tuple[int, int, int]) -> None:
    attention = random_attention(JointAttention)
    judge = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
    judge.load_state_dict(
        {
            "in_proj_weight": attention.qkv.weight,
            "in_proj_bias": torch.cat([attention.q_bias, torch.zeros(WIDTH), attention.v_bias]),
            "out_proj.weight": attention.projection.weight,
            "out_proj.bias": attention.projection.bias,
        }
    )
    tokens, mask = tokens_and_mask()
    pads = torch.zeros(2, sum(sizes), dtype=torch.bool)
    pads[:, sizes[0] : sizes[0] + sizes[1]] = ~mask
    expected = judge(tokens, tokens, tokens, key_padding_mask=pads, need_weights=False)[0]
    torch.testing.assert_close(attention(tokens, sizes, mask), expected, rtol=1e-4, atol=1e-5)


def test_masked_words_change_nothing_but_themselves() -> None:
    for kind in (GroupingAttention, InnerGroupingAttention, CompetingGroupingAttention, JointAttention):
        attention = random_attention(kind)
        tokens, mask = tokens_and_mask()
        other = tokens.clone()
        pads = slice(SIZES[0] + 2, SIZES[0] + 5)
        other[1, pads] = 100.0
        before, after = attention(tokens, SIZES, mask), attention(other, SIZES, mask)
        keep = torch.ones(2, sum(SIZES), dtype=torch.bool)
        keep[1, pads] = False
        assert torch.equal(before[keep], after[keep]), kind
        assert not torch.equal(before[~keep], after[~keep]), kind


def test_width_must_be_a_multiple_of_the_heads() -> None:
    with pytest.raises(ValueError, match=r"width \(10\) must be a multiple of the number of heads \(4\)"):
        GroupingAttention(10, 4)


def influence(depth: int, attention: str, n_groups: int = 3) -> tuple[float, float]:
    """The largest gradient of Z_img and of Z_grp with respect to the word tokens."""
    transformer = GroupingTransformer(WIDTH, depth, HEADS, n_groups, attention, drop_path=0.0)
    for parameter in transformer.parameters():
        nn.init.normal_(parameter, std=0.3)
    word_tokens = torch.randn(1, 5, WIDTH, requires_grad=True)
    mask = torch.ones(1, 5, dtype=torch.bool)
    z_img, z_lag, z_grp = transformer(torch.randn(1, 9, WIDTH), word_tokens, mask)
    assert z_img.shape == (1, 9, WIDTH)
    assert z_lag.shape == (1, 5, WIDTH)
    assert z_grp.shape == (1, n_groups, WIDTH)
    found = []
    for z in (z_img, z_grp):
        (gradient,) = torch.autograd.grad(z.square().sum(), word_tokens, retain_graph=True)
        found.append(gradient.abs().max().item())
    return found[0], found[1]


def test_words_reach_groups_in_one_block_and_the_image_in_two() -> None:
    to_image, to_groups = influence(1, "grouping")
    assert to_image == 0.0  # so the last block brings the words to the groups, and no longer to the image
    assert to_groups > 1e-4
    assert influence(2, "grouping")[0] > 1e-4


def test_joint_attention_brings_words_to_the_image_at_once() -> None:
    assert influence(1, "joint")[0] > 1e-4
    assert influence(1, "joint", n_groups=0)[0] > 1e-4


def test_image_is_blind_to_words_when_the_outer_parts_are_cut() -> None:
    transformer = GroupingTransformer(WIDTH, 3, HEADS, 3, "grouping", drop_path=0.0)
    with torch.no_grad():
        for block in transformer.blocks:
            outer = block.attention.projection.weight.view(WIDTH, HEADS, 2, WIDTH // HEADS)[:, :, 1]
            outer.zero_()
    patches, mask = torch.randn(1, 9, WIDTH), torch.ones(1, 5).bool()
    first, second = (transformer(patches, torch.randn(1, 5, WIDTH), mask)[0] for _ in range(2))
    assert torch.equal(first, second)


def test_groups_are_symmetric_without_their_tokens() -> None:
    """Eq. 3 adds one type embedding per modality: equal group tokens must stay equal."""
    transformer = GroupingTransformer(WIDTH, 2, HEADS, 3, "grouping", drop_path=0.0)
    nn.init.zeros_(transformer.group_tokens)
    mask = torch.ones(1, 5).bool()
    z_grp = transformer(torch.randn(1, 9, WIDTH), torch.randn(1, 5, WIDTH), mask)[2]
    assert transformer.type_embedding.shape == (3, WIDTH)
    torch.testing.assert_close(z_grp[:, 0], z_grp[:, 1])


@pytest.mark.parametrize(("separate", "factor"), [(False, 1.0), (True, 2**0.5)])
def test_queries_keys_and_values_are_initialized_as_one_map_or_as_three(separate: bool, factor: float) -> None:
    """Xavier-uniform: the largest entry of a map from 64 to n channels is sqrt(6 / (64 + n))."""
    transformer = GroupingTransformer(64, 1, 4, 3, "grouping", 0.0, separate_qkv=separate).apply(initialize)
    largest = [weight.abs().max().item() for weight in transformer.blocks[0].attention.qkv.weight.chunk(3)]
    assert largest == pytest.approx([factor * (6 / (4 * 64)) ** 0.5] * 3, rel=0.01)


@pytest.mark.parametrize("std", [0.02, 1.0])
def test_group_tokens_start_at_the_given_scale(std: float) -> None:
    tokens = GroupingTransformer(64, 1, 4, 64, "grouping", 0.0, group_token_std=std).group_tokens
    assert tokens.abs().max() <= 2 * std
    assert tokens.std().item() == pytest.approx(0.88 * std, rel=0.05)  # a normal cut at two deviations


def test_drop_path_rises_from_zero() -> None:
    transformer = GroupingTransformer(WIDTH, 3, HEADS, 3, "grouping", drop_path=0.1)
    assert [block.drop_path.rate for block in transformer.blocks] == pytest.approx([0.0, 0.05, 0.1])


def test_grouping_attention_needs_groups() -> None:
    with pytest.raises(ValueError, match="ablation=no_ge"):
        GroupingTransformer(WIDTH, 2, HEADS, 0, "grouping", 0.0)
    with pytest.raises(ValueError, match="grouping_competing, joint, not 'plain'"):
        GroupingTransformer(WIDTH, 2, HEADS, 3, "plain", 0.0)


@pytest.mark.parametrize("training", [True, False])
def test_every_image_token_belongs_to_one_group(training: bool) -> None:
    layer = GroupingLayer(WIDTH).train(training)
    groups, assignment = layer(torch.randn(2, 3, WIDTH), torch.randn(2, 9, WIDTH))
    assert groups.shape == (2, 3, WIDTH)
    assert assignment.shape == (2, 3, 9)
    assert torch.equal(assignment.sum(dim=1), torch.ones(2, 9))
    assert set(assignment.unique().tolist()) == {0.0, 1.0}


def test_evaluation_takes_the_most_similar_group_without_noise() -> None:
    layer = GroupingLayer(WIDTH).eval()
    groups, patches = torch.randn(2, 3, WIDTH), torch.randn(2, 9, WIDTH)
    norm = nn.LayerNorm(WIDTH, elementwise_affine=False)
    scores = layer.query(norm(groups)) @ layer.key(norm(patches)).transpose(1, 2)
    updated, assignment = layer(groups, patches)
    assert torch.equal(assignment.argmax(dim=1), scores.argmax(dim=1))
    assert torch.equal(layer(groups, patches)[0], updated)
    values = layer.value(norm(patches))
    for photo in range(2):
        for group in range(3):
            own = values[photo, assignment[photo, group].bool()]
            expected = groups[photo, group] + (own.mean(dim=0) if len(own) else 0.0)  # Eq. 12
            torch.testing.assert_close(updated[photo, group], expected, rtol=1e-4, atol=1e-5)


def test_training_is_noisy() -> None:
    layer = GroupingLayer(WIDTH).train()
    groups, patches = torch.randn(1, 4, WIDTH), torch.randn(1, 50, WIDTH)
    first, second = (layer(groups, patches)[1] for _ in range(2))
    assert not torch.equal(first, second)


def test_noise_follows_the_similarity() -> None:
    """Gumbel noise draws a group as often as the softmax over groups says."""
    layer = GroupingLayer(WIDTH).train()
    groups, patch = torch.randn(1, 2, WIDTH), torch.randn(1, 1, WIDTH)
    norm = nn.LayerNorm(WIDTH, elementwise_affine=False)
    share = (layer.query(norm(groups)) @ layer.key(norm(patch)).transpose(1, 2) / WIDTH**0.5).softmax(dim=1)[0, 0, 0]
    drawn = layer(groups, patch.expand(1, 20000, WIDTH))[1][0, 0].mean()
    assert drawn.item() == pytest.approx(share.item(), abs=0.02)


def test_empty_group_stays_and_its_gradient_is_bounded() -> None:
    layer = GroupingLayer(WIDTH).eval()
    groups, patches = torch.randn(1, 3, WIDTH, requires_grad=True), torch.randn(1, 9, WIDTH, requires_grad=True)
    with torch.no_grad():  # groups 0 and 1 are opposite, and every image token looks like group 0
        layer.query.weight.copy_(torch.eye(WIDTH))
        layer.key.weight.copy_(torch.eye(WIDTH))
        pattern = torch.randn(WIDTH)
        groups.copy_(torch.stack([pattern, -pattern, torch.randn(WIDTH)]))
        patches.copy_(pattern.expand(1, 9, WIDTH) + 0.01 * torch.randn(1, 9, WIDTH))
    updated, assignment = layer(groups, patches)
    assert assignment[0, 1].sum() == 0
    torch.testing.assert_close(updated[0, 1], groups[0, 1], rtol=0, atol=1e-5)
    updated.square().sum().backward()
    for tensor in (groups, patches, *layer.parameters()):
        assert tensor.grad is not None
        assert tensor.grad.isfinite().all()
        assert tensor.grad.abs().max() < 1e3


def test_gradient_passes_straight_through() -> None:
    layer = GroupingLayer(WIDTH).eval()
    layer(torch.randn(1, 3, WIDTH), torch.randn(1, 9, WIDTH))[0].square().sum().backward()
    for linear in (layer.query, layer.key, layer.value):
        assert linear.weight.grad is not None
        assert linear.weight.grad.abs().max() > 0
