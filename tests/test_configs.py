"""Every configuration composes, every ablation of every model that fits a test takes a step."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from omegaconf.errors import InterpolationResolutionError
from PIL import Image
from shrunk import SHORT, composed

from lcoins.cli.cluster import of_first, per_node
from lcoins.cli.config_kinds import known_keys
from lcoins.cli.hydra_commands import conf_folder, label
from lcoins.data.types import collate
from lcoins.models.build import build_colorizer
from lcoins.training.build import build_training
from lcoins.training.optimization import parameter_groups
from lcoins.training.run import plain_config

CONF = conf_folder()
EXPERIMENTS = sorted((CONF / "experiment").glob("*.yaml"))
GROUPS = sorted(path.relative_to(CONF) for path in CONF.glob("*/*.yaml") if path.parent.name != "experiment")
FOR_EVALUATION = {Path("data/obedience.yaml"), Path("data/obedience_old.yaml")}  # of lcoins eval alone
MODELS = sorted((CONF / "model").glob("*.yaml"))
ABLATIONS = sorted(path.stem for path in (CONF / "ablation").glob("*.yaml"))
FOLDERS = [f"data.{split}.{key}=x" for split in ("train", "val") for key in ("root", "captions")]
TRAIN_SET = "{root: x, captions: x, instances: x, repainted: 1, plain: 1, held_out: 26}"
INSTANCES = [f"data.train=[{TRAIN_SET}]", *FOLDERS[2:]]
# The sizes shrunk and nothing loaded, so that the wiring is tested and not the weights.
SMALL = {
    "image_size": 64,
    # words reach the groups in one block, and the image in the next
    "transformer": {"width": 32, "depth": 2, "heads": 2},
    "upsampler": {"channels": [16, 8, 8]},
    "image_encoder": {"init": "none"},
}
SMALL_BERT = {
    "init": "none",
    "config": {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64},
}


def values(*overrides: str) -> dict[str, Any]:
    """The composed config of a training with every value resolved; a missing value is an error."""
    return plain_config(composed("train", "name=test", *overrides))


@pytest.mark.parametrize("path", [path for path in GROUPS if path not in FOR_EVALUATION], ids=str)
def test_every_choice_composes(path: Path) -> None:
    group = path.parent.name
    sets = {"photos": FOLDERS, "instances": INSTANCES, "grounding": INSTANCES[:1]}
    more = sets.get(path.stem, []) if group == "data" else []
    if group == "objective":  # made for its own system, of whose model it may take values
        more = [f"system={path.stem if path.stem not in ('lcoins', 'instances', 'grounding') else 'lcoins_tiny'}"]
    config = values(f"{group}={path.stem}", *more)
    assert {"data", "model", "recipe", "objective", "augmentation", "trainer", "tracker"} <= config.keys()
    assert config["trainer"]["max_epochs"] == config["recipe"]["epochs"]
    assert config["data"]["image_size"] and config["data"]["train"]


def test_the_benchmark_of_obedience_composes_for_an_evaluation() -> None:
    data = plain_config(
        composed("eval", "checkpoint=builtin", "data=obedience", "data.root=x", "data.instances=y").data
    )
    assert (data["image_size"], data["seed"], data["captions"], data["limit"]) == (224, 0, None, None)
    old = plain_config(
        composed("eval", "checkpoint=builtin", "data=obedience_old", "data.root=x", "data.instances=y").data
    )
    augmentation = {
        "_target_": "lcoins.data.augment.OldPhoto",
        "blur": 2.0,
        "grain": 8.0,
        "coarsest": 1.0,
        "scratches": 20,
    }
    assert old == data | {"augmentation": augmentation}


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_experiment_composes_and_shows_its_command(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# @package _global_\n#")
    assert re.search(rf"^#   lcoins train experiment={path.stem}\b", text, flags=re.MULTILINE)
    folders = FOLDERS if "data.train.root=" in text else INSTANCES[:1] if "data.train=[{root" in text else []
    folders += FOLDERS[2:] if "data.val.root=" in text and "data.train=[{root" in text else []
    # Only a running sweep knows which system it is at.
    own = ["recipe.epochs=1"] if "runtime.choices" in text else []
    config = values(f"experiment={path.stem}", *folders, *own)
    assert config != values()
    if config["model"]["text_encoder"].get("vocabulary", ()) is None:
        config["model"]["text_encoder"]["vocabulary"] = ["red", "car"]  # a run takes that of its captions
    with torch.device("meta"):
        build_colorizer(config["model"], weights=False)  # every key is one that a part takes


def test_keys_and_pages_that_messages_advise_are_there() -> None:
    """Of ``evaluation.lpips.vgg=FILE`` in a message Hydra would say that there is no such key."""
    keys = known_keys(CONF).keys()
    groups = "|".join(sorted({key.partition(".")[0] for key in keys if "." in key}))
    root = CONF.parent
    advised, pages = set(), set()
    for path in (root / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                advised |= set(re.findall(rf"(?<![\w.+])((?:{groups})(?:\.\w+)+)=(?!=)", node.value))
                pages |= set(re.findall(r"docs/[\w/-]+\.md", node.value))
    assert {"data.train.root", "trainer.devices"} <= advised
    assert advised <= keys
    assert pages and all((root / page).is_file() for page in pages)


@pytest.mark.parametrize("experiment", ["obedient", "natural", "natural_old"])
def test_training_with_instances_takes_a_step_on_drawn_photos(experiment: str, tmp_path: Path) -> None:
    """Its frozen blocks stay, all else moves, and all its losses are there."""
    source, (left, upper, right, lower) = tmp_path / "photos", (8, 8, 40, 40)
    source.mkdir()
    outline = [left, upper, right, upper, right, lower, left, lower]
    for number in range(4):
        Image.new("RGB", (64, 64), (130 + number, 120, 110)).save(source / f"{number}.png")
    content = {
        "images": [{"id": n, "file_name": f"{n}.png", "width": 64, "height": 64} for n in range(4)],
        "categories": [{"id": 1, "name": "bus"}],
        "annotations": [{"image_id": n, "category_id": 1, "segmentation": [outline]} for n in range(4)],
    }
    (tmp_path / "i.json").write_text(json.dumps(content))
    (tmp_path / "c.json").write_text(json.dumps({f"{n}.png": ["a red bus"] for n in range(4)}))
    train_set = f"{{root: {source}, captions: null, instances: {tmp_path}/i.json, repainted: 1, plain: 1}}"
    lists = [f"data.train=[{train_set}]", f"data.val.root={source}", f"data.val.captions={tmp_path}/c.json"]
    cfg = composed("train", f"experiment={experiment}", "name=test", *lists, "data.repainting.share=0.8")
    OmegaConf.set_struct(cfg, False)
    cfg.model = OmegaConf.merge(cfg.model, SMALL)
    cfg.model.text_encoder.update(SMALL_BERT)
    cfg.model.transformer.drop_path = 0.0
    module, data = build_training(plain_config(cfg), tmp_path)
    assert data.train_set is not None
    batch = data.on_after_batch_transfer(collate([data.train_set[i] for i in range(6)]))
    assert batch.crop is not None and batch.lightness is not None and len(batch) > 6
    before = {name: p.detach().clone() for name, p in module.colorizer.named_parameters()}
    optimizer = module.recipe.optimizer(parameter_groups(module.colorizer, cfg.recipe.weight_decay))
    for _ in range(2):  # the fusions start as nothing, so that what they are made of moves from the second step on
        optimizer.zero_grad()
        output, losses = module.run_batch(batch)
        losses.total.backward()
        optimizer.step()

    assert torch.isfinite(losses.total) and output.ab.shape[0] == len(batch)
    assert losses.terms.keys() == {"chromatic", "painted", "difference_inside", "difference_outside"}
    still = {name for name, p in module.colorizer.named_parameters() if torch.equal(p, before[name])}
    frozen = {name for name in before if name.startswith(tuple(cfg.recipe.frozen))}
    assert frozen and frozen == {name for name in still if not name.startswith("text_encoder")}

    module.eval()
    batch.lightness = batch.lightness[batch.first_views][batch.crop]  # views differ by their rounding to 8 bits
    _, shared = module.run_batch(batch)
    module.colorizer.shares_crops = False
    _, alone = module.run_batch(batch)
    torch.testing.assert_close(shared.total, alone.total)


def test_a_frozen_part_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    cfg = composed("train", *SHORT, "+recipe.frozen=[image_encoder.trunk]", "data.train.length=16")
    OmegaConf.set_struct(cfg, False)
    with pytest.raises(
        ValueError, match=r"recipe\.frozen: no parameter of this model begins with image_encoder\.trunk"
    ):
        build_training(plain_config(cfg), tmp_path)


def test_the_sweep_of_the_ablations_holds_them_all() -> None:
    assert {"ablations", "paper", "photos_small"} <= {path.stem for path in EXPERIMENTS}
    sweep = OmegaConf.load(CONF / "experiment" / "ablations.yaml").hydra
    assert sweep.mode == "MULTIRUN"
    assert sorted(sweep.sweeper.params.ablation.split(",")) == ABLATIONS
    assert list(sweep.sweeper.params) == ["seed", "ablation"]  # one seed of all ablations, then the next


@pytest.mark.parametrize(
    ("overrides", "nodes", "tasks", "gpus"),
    [
        (["cluster=slurm"], 1, 8, 8),
        (["cluster=slurm_nodes", "trainer.devices=4"], 2, 4, 4),
        (["cluster=slurm", "trainer=cpu", "trainer.devices=2"], 1, 2, None),
    ],
)
def test_a_cluster_is_asked_for_what_the_trainer_needs(
    overrides: list[str], nodes: int, tasks: int, gpus: int | None
) -> None:
    launcher = OmegaConf.to_container(in_hydra("launcher", *overrides), resolve=True)
    assert isinstance(launcher, dict)
    asked = {"nodes": nodes, "tasks_per_node": tasks, "gpus_per_node": gpus}
    assert {key: launcher[key] for key in asked} == asked
    assert launcher["max_num_timeout"] > 0  # by itself submitit gives up when the time is over
    with pytest.raises(InterpolationResolutionError, match="a cluster must be told how many devices"):
        OmegaConf.to_container(in_hydra("launcher", "cluster=slurm", "trainer.devices=-1"), resolve=True)


def test_of_several_processes_one_writes_the_files_of_hydra(monkeypatch: pytest.MonkeyPatch) -> None:
    assert in_hydra("output_subdir") == ".hydra"
    monkeypatch.setenv("SLURM_PROCID", "1")
    assert in_hydra("output_subdir") is None


def in_hydra(key: str, *overrides: str) -> Any:
    """A value of Hydra's own part of the config of a training."""
    for resolver in (label, per_node, of_first):
        OmegaConf.register_new_resolver(resolver.__name__, resolver, replace=True)
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", ["name=test", *overrides], return_hydra_config=True).hydra[key]


@pytest.mark.parametrize("command", ["info", "bench"])
def test_every_system_composes_for_the_commands_that_measure_it(command: str) -> None:
    for system in sorted(path.stem for path in (CONF / "system").glob("*.yaml")):
        config = composed(command, f"system={system}")
        lcoins = system.startswith("lcoins")
        assert (config.model._target_ == "lcoins.models.lcoins.LCoIns") == lcoins
        assert (config.objective._target_ == "lcoins.training.losses.LCoInsObjective") == lcoins
        for ablation in ABLATIONS if lcoins else ():
            ablated = composed(command, f"system={system}", f"ablation={ablation}")
            assert ablated.model._target_ == config.model._target_


def test_every_model_belongs_to_a_system_or_to_an_experiment() -> None:
    chosen = [composed("train", f"system={path.stem}", "name=test").model for path in (CONF / "system").glob("*.yaml")]
    models = {path.stem: composed("train", f"model={path.stem}", "name=test").model for path in MODELS}
    of_experiments = {"obedient", "grounded"}
    assert len(chosen) == len(models) - len(of_experiments) == 13
    assert all(model in chosen for name, model in models.items() if name not in of_experiments)
    assert composed("train", "experiment=grounding", *INSTANCES[:1]).model == models["grounded"]
    without_counter_color = composed("train", "model=obedient", "ablation=no_cl").model
    assert composed("train", "experiment=obedient", *INSTANCES).model == without_counter_color


def test_a_system_chooses_model_objective_recipe_and_augmentation() -> None:
    """The command line and experiments take precedence."""
    config = composed("train", "system=lcode", "name=test")
    assert (config.objective.positive, config.recipe.lr_milestones, config.augmentation.gamma) == (5.0, [10], 1.0)
    assert config.model.image_size == 224
    config = composed("train", "system=lcode", "recipe=scenes", "augmentation=paper", "objective.weight=0", "name=test")
    assert (config.objective.weight, config.recipe.epochs, config.augmentation.gamma) == (0, 18, 5.0)
    config = composed("train", "experiment=photos_small", "name=test")  # chooses lcoins_small and no augmentation
    assert (config.model.transformer.n_groups, config.recipe.warmup_epochs, config.augmentation.gamma) == (15, 1, 1.0)


def test_a_model_alone_changes_nothing_else() -> None:
    default, small = values(), values("model=small")
    assert default.pop("model") != small.pop("model")
    assert default["data"].pop("image_size") == 64
    assert small["data"].pop("image_size") == 128
    assert {key: default[key] for key in ("objective", "augmentation", "recipe")} == {
        key: small[key] for key in ("objective", "augmentation", "recipe")
    }


def test_evaluation_takes_other_data() -> None:
    config = composed("eval", "run=r", "data=photos", "data.tests.test.root=x", "data.tests.test.captions=y")
    assert config.data.tests.test.root == "x"
    assert "data" not in composed("eval", "run=r")


@pytest.mark.parametrize("ablation", ABLATIONS)
@pytest.mark.parametrize("model", ["tiny", "small"])
def test_every_ablation_takes_a_step(tmp_path: Path, model: str, ablation: str) -> None:
    cfg = composed("train", *SHORT, f"model={model}", f"ablation={ablation}", "data.train.length=16")
    OmegaConf.set_struct(cfg, False)
    cfg.model = OmegaConf.merge(cfg.model, SMALL)
    if "init" in cfg.model.text_encoder:
        cfg.model.text_encoder.update(SMALL_BERT)
    module, data = build_training(plain_config(cfg), tmp_path)
    assert data.train_set is not None
    batch = data.on_after_batch_transfer(collate([data.train_set[i] for i in range(4)]))
    before = {name: p.detach().clone() for name, p in module.colorizer.named_parameters() if p.requires_grad}
    optimizer = module.recipe.optimizer(parameter_groups(module.colorizer, cfg.recipe.weight_decay))
    output, losses = module.run_batch(batch)
    losses.total.backward()
    optimizer.step()

    assert torch.isfinite(losses.total)
    still = [name for name, p in module.colorizer.named_parameters() if name in before and torch.equal(p, before[name])]
    assert still == []
    assert ("counter_color" in losses.terms) == (ablation != "no_cl")
    assert (output.assignment is not None) == (ablation not in ("no_ge", "no_cl"))
    assert (data.augmentation.hue, data.augmentation.gamma) == ((0, 1) if ablation == "no_la" else (180, 5))
    blocks = module.colorizer.transformer.blocks
    kind = "JointAttention" if ablation in ("no_ge", "no_ga") else "GroupingAttention"
    assert {type(block.attention).__name__ for block in blocks} == {kind}
