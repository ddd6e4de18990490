"""What the site is made of: measured tables, the reference of conf/, the tutorial's system, the check of the site."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from documented_commands import PAGES, ROOT, TABLES
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from shrunk import SPLITS

from lcoins.cli.hydra_commands import conf_folder, label
from lcoins.data.types import collate
from lcoins.training.build import build_training
from lcoins.training.run import plain_config

HOOKS, OWN = ROOT / "docs" / "hooks", ROOT / "docs" / "tutorials" / "own_system"


def load(file: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A Python file of docs/ as a module of that name, for this test alone."""
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return load(HOOKS / "result_tables.py", "result_tables", monkeypatch)


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_a_measured_table_is_whole_and_shown_on_one_page(tables: ModuleType, table: Path) -> None:
    text = tables.as_markdown(tables.read_table(table.stem))
    assert "How this was measured" in text and "| --- |" in text
    marker = f"<!-- table: {table.stem} -->"
    showing = [page for page in (ROOT / "docs").rglob("*.md") if marker in page.read_text(encoding="utf-8")]
    assert len(showing) == 1


def test_a_table_with_a_short_row_or_without_a_date_is_refused(tables: ModuleType, tmp_path: Path) -> None:
    whole = "title: t\ncolumns: [a, b]\nrows: [[x, 0.20]]\ncommands: [c]\ncommit: k\ndata: d\nseed: 0\nmachine: m\n"
    (tmp_path / "good.yaml").write_text(whole + "date: today\n")
    assert "| x | 0.20 |" in tables.as_markdown(tables.read_table("good", tmp_path))
    (tmp_path / "short.yaml").write_text(whole.replace("[x, 0.20]", "[x]") + "date: today\n")
    (tmp_path / "undated.yaml").write_text(whole)
    with pytest.raises(ValueError, match="expected 2 values"):
        tables.read_table("short", tmp_path)
    with pytest.raises(ValueError, match=r"missing keys.*date"):
        tables.read_table("undated", tmp_path)


def test_the_table_of_the_readme_is_the_one_in_the_data(tables: ModuleType) -> None:
    assert tables.rows_as_markdown(tables.read_table("overview")) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_marker_of_a_page_names_a_table(tables: ModuleType) -> None:
    pages = [page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md")]
    named = {name for page in pages for name in re.findall(r"<!-- table: (.*?) -->", page)}
    assert named == {table.stem for table in TABLES}


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    load(HOOKS / "docstrings.py", "docstrings", monkeypatch)
    return load(HOOKS / "config_reference.py", "config_reference", monkeypatch)


def test_every_group_of_conf_has_a_page(reference: ModuleType) -> None:
    assert {*reference.GROUPS, "experiment"} == {folder.name for folder in (ROOT / "conf").iterdir() if folder.is_dir()}


def test_every_key_of_conf_says_what_it_means(reference: ModuleType) -> None:
    assert reference.Reference().unexplained() == []


def test_a_key_takes_its_meaning_from_its_comment_else_from_its_class(reference: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "a.yaml").write_text(
        "# What a is.\n#   lcoins train model=a\n_target_: lcoins.models.grouping.GroupingTransformer\n"
        "width: 96  # own\ndepth: 4\nnot_known: 1\n# above\nheads: [1, 2]\n"
    )
    found = reference.Reference(tmp_path)
    assert found.unexplained() == ["model/a.yaml: not_known"]
    page = found.page("model")
    assert "What a is.\n" in page and "```\nlcoins train model=a\n```" in page
    assert "| `model.width` | `96` | whole number | own |" in page
    assert "| `model.depth` | `4` | whole number | number of blocks |" in page
    assert "| `model.heads` | `[1, 2]` | list | above |" in page


def test_docstrings_become_markdown(monkeypatch: pytest.MonkeyPatch) -> None:
    docstrings = load(HOOKS / "docstrings.py", "docstrings", monkeypatch)
    text = "See :class:`~lcoins.models.lcoins.LCoIns`, :meth:`_own` and :data:`lcoins.color.words.COLOR_LAB`."
    assert docstrings.as_links(text) == "See [`LCoIns`][lcoins.models.lcoins.LCoIns], `_own` and `COLOR_LAB`."
    assert docstrings.as_code("What.\n\n>>> f(1)\n[2]\n\nMore.") == "What.\n\n```pycon\n>>> f(1)\n[2]\n```\n\nMore."


def test_the_system_of_the_tutorial_takes_steps_that_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(OWN / "crossing.py", "lcoins.models.crossing", monkeypatch)
    few = ["data.batch_size=8", *(f"data.{split}.length=8" for split in ("train", *SPLITS))]
    OmegaConf.register_new_resolver("label", label, replace=True)
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        place = [f"hydra.searchpath=[file://{OWN}]", "system=crossing", "name=test", *few]
        cfg = compose("train", overrides=place)
    torch.manual_seed(0)
    module, data = build_training(plain_config(cfg), tmp_path)
    assert data.train_set is not None
    batch = data.on_after_batch_transfer(collate([data.train_set[i] for i in range(8)]))
    optimizer = torch.optim.Adam([p for p in module.colorizer.parameters() if p.requires_grad], 1e-3)
    losses = []
    for _ in range(8):
        optimizer.zero_grad()
        output, loss = module.run_batch(batch)
        loss.total.backward()
        optimizer.step()
        losses.append(float(loss.total.detach()))
    assert output.ab.shape == (8, 2, 64, 64)
    assert losses[-1] < 0.9 * losses[0]
    ab = module.colorizer.colorize(batch.lightness[:1].expand(2, -1, -1, -1), ["a red ring", "a red ring, a blue star"])
    alone = module.colorizer.colorize(batch.lightness[:1], ["a red ring"])
    torch.testing.assert_close(ab.ab[:1], alone.ab)  # padding is not attended to


def test_the_check_of_the_site_finds_dead_links_and_other_servers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = load(HOOKS / "check_site.py", "check_site", monkeypatch)
    (tmp_path / "a.html").write_text('<h1 id="top"></h1><a href="b.html#here"></a><a href="https://example.org"></a>')
    (tmp_path / "b.html").write_text('<p id="here"><a href="a.html#top"></a><img src="c%20d.png"></p>')
    (tmp_path / "c d.png").touch()
    assert check.problems(tmp_path.resolve()) == []
    (tmp_path / "a.html").write_text('<a href="b.html#gone"></a><a href="c.html"></a>')
    (tmp_path / "s.css").write_text("@import 'https://example.org/x.css';")
    (tmp_path / "b.html").write_text('<script src="https://example.org/x.js"></script><a href="a.html#top"></a>')
    found = check.problems(tmp_path.resolve())
    assert [line.partition(":")[0] for line in found] == ["a.html", "a.html", "b.html", "b.html", "s.css"]


@pytest.mark.parametrize(
    "shown",
    [
        '<pre><code><span class="o">--</span><span class="mi">8</span> <span>&lt;</span> --"a.py"</code></pre>',
        '<p>--8&lt;-- "a.yaml"</p>',
    ],
)
def test_the_check_of_the_site_refuses_a_raw_snippet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: str
) -> None:
    check = load(HOOKS / "check_site.py", "check_site", monkeypatch)
    (tmp_path / "a.html").write_text(f"<p>pass <code>--8bit</code></p>{shown}")
    (found,) = check.problems(tmp_path.resolve())
    assert found.startswith("a.html: shows '--8") and "in place of a file" in found


def test_snippets_of_the_pages_are_whole_and_name_files() -> None:
    lines = [
        line
        for page in (ROOT / "docs").rglob("*.md")
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith("--8")
    ]
    assert len(lines) > 3
    for line in lines:
        whole = re.fullmatch(r'--8<-- "(.+)"', line)
        assert whole is not None and (ROOT / whole[1]).is_file(), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_list_begins_after_an_empty_line(page: Path) -> None:
    """Else the site sets its first item as the end of the paragraph before."""
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    blocks = re.split(r"\n\s*\n", prose.strip())
    assert [block for block in blocks if "\n- " in block and not block.startswith("- ")] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_to_a_file_of_the_repository(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s#:]+)(?:#[^)\s]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_links_to_code_notebooks_and_listings_become_those_of_the_site(monkeypatch: pytest.MonkeyPatch) -> None:
    links = load(HOOKS / "repository_links.py", "repository_links", monkeypatch)
    text = (
        "[a](../notebooks/first_run.ipynb) [b](../../src/lcoins/models/compared) [c](../../conf/data) [d](../../conf) "
        "[e](../../src/lcoins/cli/main.py) [`f`](own_system/crossing.py) [g](own-data-set.md#x) [h](https://e.org/conf)"
    )
    assert links.for_site(text, "tutorials/index.md", {"data"}) == (
        "[a](../notebooks/first_run.md) [b](../reference/python/models.md) [c](../reference/configuration/data.md) "
        "[d](../reference/configuration/commands.md) [e](../reference/commands.md) `f` [g](own-data-set.md#x) "
        "[h](https://e.org/conf)"
    )
