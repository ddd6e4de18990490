"""What comes from others runs nothing, fetches nothing and writes nowhere else, whatever command it is given to."""

import copy
import json
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from called import Call, command_in_process
from drawn_photos import gray_ramp
from finished_run import write_run
from omegaconf import OmegaConf
from safetensors.torch import load_file, save
from shrunk import MODEL, checkpoint, composed

from lcoins.colorize.export import export_package
from lcoins.files import sha256_of
from lcoins.models.checkpoint import load_trained
from lcoins.models.received import expect_plain
from lcoins.training.run import plain_config
from lcoins.training.run_folder import read_run_config

Change = Callable[[dict[str, Any], Path], None]


@pytest.fixture
def lcoins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Call]:
    """The command in this process, in an empty folder; gives its exit status, and raises what it does not explain."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with command_in_process(monkeypatch) as call:
        yield call


def model(key: str, value: Any) -> Change:
    """Sets a key of the model's config, by its dotted path; MARKER in the value becomes the path of the marker."""

    def change(config: dict[str, Any], marker: Path) -> None:
        *parts, last = key.split(".")
        place = config
        for part in parts:
            place = place[part]
        place[last] = json.loads(json.dumps(value).replace("MARKER", str(marker)))

    return change


# Each would leave the marker, ask a hub, or read a file elsewhere, if it were done.
ATTACKS: dict[str, Change] = {
    "data from a foreign class": model(
        "data.tests.clear", {"_target_": "shutil.copyfile", "src": __file__, "dst": "MARKER"}
    ),
    "data from a function that writes": model(
        "data.augmentation", {"_target_": "lcoins.training.run.write_json", "content": {}, "path": "MARKER"}
    ),
    "data that is no config": model("data", ["MARKER"]),
    "a foreign class inside the data": model(
        "data.augmentation", {"_target_": "sympy.sympify", "a": "open('MARKER', 'w')"}
    ),
    "a report elsewhere": model("data.report", "MARKER"),
    "a test set named by a path": model("data.tests", {"../../../../marker": {"length": 2}}),
    "an interpolation in the data": model("data.seed", "${oc.env:HOME}"),
    "an interpolation in the model": model("model.text_encoder.source", "${oc.env:HOME}"),
    "a foreign class in the model": model("model.upsampler", {"_target_": "os.mkdir", "path": "MARKER"}),
    "a function of a model's module": model("model.upsampler", {"_target_": "lcoins.models.build.import_module"}),
    "words from a hub": model("model.text_encoder.source", "owner/name"),
    "words from elsewhere": model("model.text_encoder.source", "/etc"),
    "weights from a hub": model("model.image_encoder.init", "mae"),
    "a backbone from a hub": model(
        "model.image_encoder",
        {
            "_target_": "lcoins.models.image_encoders.GridEncoder",
            "backbone": "hf-hub:owner/name",
            "image_size": 32,
            "stages": [1, 2],
            "width": 32,
            "freeze": True,
            "init": "timm",
        },
    ),
}


class Received:
    """A run, its checkpoint and its package, in which an attack has changed the configs."""

    def __init__(self, folder: Path, attack: Change, marker: Path) -> None:
        self.run, self.package = folder / "run", folder / "package"
        write_run(self.run, [20.0, 21.0], [1, 1])
        self.checkpoint = checkpoint(self.run / "checkpoints", MODEL)
        export_package(self.checkpoint, self.package)
        data = plain_config(composed("train", "name=received", "model.image_size=32"))["data"] | {
            "tests": {"clear": {"length": 2}}
        }
        content = torch.load(self.checkpoint, weights_only=True)
        content["config"] |= {"data": data, "augmentation": data["augmentation"], "seed": 0}
        attack(content["config"], marker)
        torch.save(content, self.checkpoint)
        OmegaConf.save(OmegaConf.create(content["config"]), self.run / "config.yaml")
        index = json.loads((self.package / "package.json").read_text(encoding="utf-8"))
        index |= {"data": copy.deepcopy(data)}
        attack(index, marker)
        (self.package / "package.json").write_text(json.dumps(index), encoding="utf-8")


@pytest.mark.parametrize("name", ATTACKS)
def test_no_command_does_what_a_file_says(
    name: str, tmp_path: Path, lcoins: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*arguments: Any, **options: Any) -> None:
        raise AssertionError(f"a hub was asked: {arguments}")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", refused)
    marker = tmp_path / "marker"
    received = Received(tmp_path, ATTACKS[name], marker)
    (tmp_path / "frames").mkdir()
    for photo in (tmp_path / "photo.png", tmp_path / "frames" / "f1.png", tmp_path / "frames" / "f2.png"):
        gray_ramp().save(photo)
    (tmp_path / "list.csv").write_text("photo,caption\nphoto.png,a red wall\n", encoding="utf-8")
    lcoins("eval", f"run={received.run}", "evaluation.lpips={}")
    lcoins("report", "page", received.run, "-o", tmp_path / "page.html")
    lcoins("report", "table1", received.run, "-o", tmp_path / "table.md")
    lcoins("report", "figures", received.run, "-o", tmp_path / "figures", "--set", "clear")
    for number, system in enumerate((received.checkpoint, received.package)):
        lcoins("eval", f"checkpoint={system}", f"output=eval{number}", "evaluation.lpips={}")
        lcoins("colorize", tmp_path / "photo.png", "a red wall", "--checkpoint", system, "--force")
        lcoins("frames", tmp_path / "frames", "a red wall", "--checkpoint", system, "--force")
        lcoins("export", system, "-o", tmp_path / f"out{number}")
        lcoins("report", "edges", tmp_path, tmp_path / "list.csv", "--checkpoint", system)
        lcoins("bench", "infer", "--checkpoint", system, "--photo", tmp_path / "photo.png")
    lengths = [f"data.{split}.length=16" for split in ("train", "val")]
    assert lcoins("train", f"start_from={received.package}", *lengths) == 2  # at the latest, since its size is another
    assert not list(tmp_path.rglob("marker*"))


def test_the_files_are_read_where_nothing_is_wrong(tmp_path: Path, lcoins: Callable[..., int]) -> None:
    """Guards the test above against refusing everything."""
    received = Received(tmp_path, lambda config, marker: None, tmp_path / "marker")
    assert lcoins("eval", f"run={received.run}", "evaluation.lpips={}") == 0
    assert lcoins("report", "page", received.run, "-o", tmp_path / "page.html") == 0
    for system in (received.checkpoint, received.package):
        assert load_trained(system)[1]["seed"] in (0, 3)


def aliases(levels: int) -> str:
    """A config of YAML that would grow to 9 ** levels values."""
    lines = [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, levels)]
    return "\n".join(["a0: &a0 [1,1,1,1,1,1,1,1,1]", *lines, "seed: 0"])


@pytest.mark.parametrize(
    ("text", "said"),
    [(aliases(9), "aliases"), ("a: " + "[" * 3000, "no config of a run"), ("a: " + "x" * 2**19, "more than 262,144")],
    ids=["bomb", "nested", "large"],
)
def test_a_config_that_would_grow_is_refused_at_once(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    start = time.monotonic()
    with pytest.raises(ValueError, match=said):
        read_run_config(tmp_path)
    assert time.monotonic() - start < 10


def test_a_checkpoint_with_one_list_in_many_places_is_refused(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, MODEL)
    content = torch.load(path, weights_only=True)
    bomb: list[Any] = [1] * 9
    for _ in range(12):
        bomb = [bomb] * 9
    content["config"]["data"] = bomb
    torch.save(content, path)
    with pytest.raises(ValueError, match="more than 100,000 values"):
        load_trained(path)


def test_a_list_that_is_too_long_is_refused_before_it_is_taken_up() -> None:
    long = {"data": [1] * 1_000_000}
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"data brings more than 100,000 values"):
            expect_plain(long, "file")
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    expect_plain({"data": [1] * 99_998}, "file")


@pytest.mark.parametrize("link", ["eval", "eval/evaluation.lpips={}", "eval/evaluation.lpips={}/eval.log"])
def test_an_evaluation_follows_no_link_in_a_received_run(link: str, tmp_path: Path, lcoins: Callable[..., int]) -> None:
    received = Received(tmp_path, lambda config, marker: None, tmp_path / "marker")
    place = received.run / link
    place.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "home").mkdir()
    place.symlink_to(tmp_path / "home" / "file" if link.endswith(".log") else tmp_path / "home")
    assert lcoins("eval", f"run={received.run}", "evaluation.lpips={}") == 2
    assert list((tmp_path / "home").iterdir()) == []


BROKEN: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a list": lambda content: [1, 2],
    "no config": lambda content: {"state_dict": content["state_dict"]},
    "a config that is a list": lambda content: content | {"config": [1]},
    "no model": lambda content: content | {"config": {}},
    "a model that is text": lambda content: content | {"config": {"model": "LCoIns"}},
    "a model without a class": lambda content: content | {"config": {"model": {"image_size": 32}}},
    "a state that is a list": lambda content: content | {"state_dict": [1]},
    "weights that are numbers": lambda content: content | {"state_dict": dict.fromkeys(content["state_dict"], 1)},
    "no weights": lambda content: content | {"state_dict": {}},
    "weights of another size": lambda content: (
        content | {"state_dict": {k: torch.zeros(2) for k in content["state_dict"]}}
    ),
    "sparse weights": lambda content: (
        content | {"state_dict": {k: v.to_sparse() for k, v in content["state_dict"].items()}}
    ),
    "an odd format": lambda content: content | {"format": [2]},
    "keys that are numbers": lambda content: content | {"config": {"model": {1: 2}}},
}
SIZES = (0, -1, 1.5, 10**6, None, "32", float("nan"))


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_checkpoint_gives_one_line(name: str, tmp_path: Path) -> None:
    path = checkpoint(tmp_path, MODEL)
    torch.save(BROKEN[name](torch.load(path, weights_only=True)), path)
    with pytest.raises(ValueError, match=r"best\.ckpt"):
        load_trained(path)


@pytest.mark.parametrize("kept", [0, 1, 100, 5000, -100, -1])
def test_a_checkpoint_that_is_cut_off_gives_one_line(kept: int, tmp_path: Path) -> None:
    path = checkpoint(tmp_path, MODEL)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"best\.ckpt is no checkpoint of lcoins"):
        load_trained(path)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("key", ["image_size", "image_encoder.image_size", "image_encoder.depth", "transformer.width"])
def test_values_that_no_model_has_are_refused(key: str, size: Any, tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "run", MODEL)
    export_package(path, tmp_path / "package")
    content, index = torch.load(path, weights_only=True), tmp_path / "package" / "package.json"
    written = json.loads(index.read_text(encoding="utf-8"))
    for config in (content["config"], written):
        model(f"model.{key}", size)(config, tmp_path)
    torch.save(content, path)
    index.write_text(json.dumps(written), encoding="utf-8")
    for system in (path, tmp_path / "package"):
        with pytest.raises(ValueError, match=r"best\.ckpt|package\.json"):
            load_trained(system)


def test_a_package_with_odd_contents_gives_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "package"
    export_package(checkpoint(tmp_path / "run", MODEL), folder)
    index = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    weights = load_file(folder / "model.safetensors")
    for content in (save({name: value[:1].clone() for name, value in weights.items()}), b"no safetensors", b""):
        (folder / "model.safetensors").write_bytes(content)
        index["weights"]["sha256"] = sha256_of(folder / "model.safetensors")
        (folder / "package.json").write_text(json.dumps(index), encoding="utf-8")
        with pytest.raises(ValueError, match=r"package\.json|model\.safetensors"):
            load_trained(folder)
    for changes in ({"borrowed": {"tensors": [1], "sha256": "", "packages": {}}}, {"borrowed": []}, {"model": [1]}):
        (folder / "package.json").write_text(json.dumps(index | changes), encoding="utf-8")
        with pytest.raises(ValueError, match=r"package\.json"):
            load_trained(folder)
