"""A training begins with the weights of another model only where they mean the same in its own."""

from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from shrunk import MODEL, checkpoint, composed, model_config, shrunk, transformer

from lcoins.colorize.export import export_package
from lcoins.models.build import build_colorizer
from lcoins.models.checkpoint import builtin_package, load_checkpoint, load_package, read_index
from lcoins.training import run
from lcoins.training.run import train_run
from lcoins.training.start_weights import expect_same_words, load_start_weights, model_differences

SHORTEST = ("recipe.epochs=2", "data.train.length=16", "data.batch_size=8")
TEXT = MODEL["text_encoder"]
WORDS = ["a", "red", "car", "left", "bus"]


def test_training_starts_from_the_weights_of_a_checkpoint_or_a_package(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_run(shrunk(*SHORTEST), run_folder / "first")
    best = run_folder / "first" / "checkpoints" / "best.ckpt"
    export_package(best, run_folder / "package")
    wanted = load_checkpoint(best)[0].state_dict()
    begun: list[dict[str, torch.Tensor]] = []

    def stopped(trainer: Any, module: Any, *rest: Any) -> None:
        begun.append({name: value.clone() for name, value in module.colorizer.state_dict().items()})
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "fit_or_resume", stopped)
    for source in (best, run_folder / "package"):
        with pytest.raises(KeyboardInterrupt):
            train_run(shrunk(*SHORTEST, "seed=7", f"start_from='{source}'"), run_folder / source.name)
    assert all(torch.equal(value, wanted[name]) for name, value in begun[0].items())
    new = {name for name, value in begun[1].items() if not torch.equal(value, wanted[name])}
    assert new and all(name.startswith("shared_space.") for name in new)


def test_weights_of_another_model_are_refused_with_the_differences(run_folder: Path) -> None:
    train_run(shrunk(*SHORTEST), run_folder / "first")
    best = run_folder / "first" / "checkpoints" / "best.ckpt"
    other = {**MODEL, **transformer(n_groups=3)}
    with pytest.raises(ValueError, match=r"does not fit this model, 1 differences:\n  transformer.group_tokens"):
        load_start_weights(build_colorizer(other), other, best)


def test_the_weights_in_lcoins_start_a_training_that_has_no_grounding(capsys: pytest.CaptureFixture[str]) -> None:
    """As the tutorial on a data set of one's own does, with the package that `lcoins export` writes by default."""
    model = {**read_index(builtin_package())["model"], "grounding": None}
    colorizer = build_colorizer(model, weights=False)
    load_start_weights(colorizer, model, builtin_package())
    given = load_package(builtin_package())[0].state_dict()
    for name, value in colorizer.state_dict().items():
        assert name.startswith(tuple(colorizer.training_parts)) or torch.equal(value, given[name]), name
    assert "its grounding is left out" in capsys.readouterr().out


def test_parts_that_the_start_weights_lack_are_named_as_new(run_folder: Path) -> None:
    """They start as drawn, all else as in the file; a part that is new by mistake is refused."""
    train_run(shrunk(*SHORTEST), run_folder / "first")
    best = run_folder / "first" / "checkpoints" / "best.ckpt"
    model = {**MODEL, **transformer(depth=3)}
    larger = build_colorizer(model)
    with pytest.raises(ValueError, match=r"missing: transformer.blocks.2"):
        load_start_weights(larger, model, best)
    drawn = {name: value.clone() for name, value in larger.state_dict().items()}
    load_start_weights(larger, model, best, ["transformer.blocks.2."])
    given = load_checkpoint(best)[0].state_dict()
    assert given.keys() < drawn.keys()
    for name, value in larger.state_dict().items():
        assert torch.equal(value, given.get(name, drawn[name])), name


def with_words(words: list[str]) -> dict[str, Any]:
    model = model_config("system=lcode_tiny", "model.image_size=32", "model.width=32", "model.channels=[32,24,16,8]")
    return {**model, "text_encoder": {**model["text_encoder"], "vocabulary": words}}


def embedding(colorizer: Any, word: str) -> torch.Tensor:
    return colorizer.text_encoder.embeddings.weight[colorizer.text_encoder.tokenize.ids[word]].detach()


@pytest.mark.parametrize("words", [[*WORDS[::-1]], ["blue", *WORDS[::-1], "right"], WORDS[1:]])
def test_words_take_their_embeddings_along(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A vocabulary is ordered by frequency, so that two sets of captions have one word in two places."""
    best = checkpoint(tmp_path, with_words(WORDS))
    colorizer, model = build_colorizer(with_words(words)), with_words(words)
    before = {word: embedding(colorizer, word).clone() for word in words}
    load_start_weights(colorizer, model, best)
    given = load_checkpoint(best)[0]
    for word in words:
        assert torch.equal(embedding(colorizer, word), embedding(given, word) if word in WORDS else before[word]), word
    shared = len(set(words) & set(WORDS))
    assert f"{shared} words are carried over, and {len(words) - shared} words" in capsys.readouterr().out


def test_a_run_does_not_go_on_with_other_words(tmp_path: Path) -> None:
    best = checkpoint(tmp_path, with_words(WORDS))
    expect_same_words(best, with_words(WORDS))
    expect_same_words(checkpoint(tmp_path / "other", MODEL), MODEL)
    with pytest.raises(ValueError, match=r"with 5 words .* 5 words now \(they differ in their order\)"):
        expect_same_words(best, with_words(WORDS[::-1]))
    with pytest.raises(ValueError, match=r"they differ in bus\); put the captions back .*start_from="):
        expect_same_words(best, with_words(WORDS[:4]))


def test_a_run_that_is_resumed_looks_at_its_words(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train_run(shrunk(*SHORTEST), run_folder)
    (run_folder / "metrics.json").unlink()
    asked: list[tuple[Path, Any]] = []
    monkeypatch.setattr(run, "expect_same_words", lambda *given: asked.append(given))
    train_run(shrunk(*SHORTEST), run_folder)
    ((start, model),) = asked
    assert (start.name, model) == ("last.ckpt", MODEL)


@pytest.mark.parametrize(
    "changes",
    [
        transformer(heads=4),
        {
            "text_encoder": {
                **MODEL["text_encoder"],
                "config": {**MODEL["text_encoder"]["config"], "num_attention_heads": 4},
            }
        },
    ],
)
def test_other_heads_are_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    model = {**MODEL, **changes}
    with pytest.raises(ValueError, match=r"heads=2, and this model has 4: .*; set model\..*heads=2, or take other"):
        load_start_weights(build_colorizer(model), model, checkpoint(tmp_path, MODEL))


def test_other_stages_are_refused(tmp_path: Path) -> None:
    model, other = model_config("model=tiny"), model_config("model=tiny", "model.image_encoder.stages=[3,2]")
    with pytest.raises(ValueError, match=r"model.image_encoder.stages=\[2, 3\]"):
        load_start_weights(build_colorizer(other), other, checkpoint(tmp_path, model))


def test_what_computes_something_else_with_the_same_weights_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = transformer(attention="grouping_inner", drop_path=0.0)
    model = {**MODEL, **changes, "text_encoder": {**TEXT, "pad_mask": False}}
    best = checkpoint(tmp_path, MODEL)
    load_start_weights(build_colorizer(model), model, best)
    said = "here text_encoder.pad_mask False, there True, transformer.attention grouping_inner, there grouping\n"
    assert capsys.readouterr().out.endswith(said)
    load_start_weights(build_colorizer(MODEL), MODEL, best)
    assert capsys.readouterr().out == ""


def test_an_option_that_an_older_config_lacks_has_its_default() -> None:
    encoder = {**model_config("model=tiny")["image_encoder"], "standardize": False}
    older = {key: value for key, value in encoder.items() if key != "standardize"}
    assert list(model_differences(encoder, older)) == []
    assert list(model_differences({**encoder, "standardize": True}, older)) == [("standardize", True, False)]
    assert list(model_differences({"part": encoder}, {"part": None})) == [("part", "GridEncoder", None)]


@pytest.mark.parametrize("experiment", ["natural", "natural_old", "grounding", "grounding_old"])
def test_the_shipped_weights_start_the_shipped_experiments(experiment: str) -> None:
    """None of them changes what makes the weights that come with lcoins meaningless."""
    model = OmegaConf.to_container(composed("train", f"experiment={experiment}").model, resolve=True)
    given = read_index(builtin_package())["model"]
    changed = {path.rpartition(".")[2] for path, _, there in model_differences(model, given) if there is not None}
    assert not changed & {"heads", "stages"}
