"""The page of a comparison: complete, self-contained, safe, and alive in a real browser."""

import re
from pathlib import Path
from typing import Any

import pytest
from finished_run import write_run
from PIL import Image
from typer.testing import CliRunner

from lcoins.cli.main import app
from lcoins.reports.comparison import Comparison
from lcoins.reports.html import set_table
from lcoins.reports.load_runs import find_runs
from lcoins.reports.plots import curves_plot, gaps_plot, words_plot


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two variants of two seeds; no_ge loses on every pair, and one folder has a hostile name."""
    for name, correct in (("ablation=full", 2), ("ablation=no_ge", 1), ("ablation=<b>x", 2)):
        for seed in range(2):
            folder = write_run(tmp_path / "runs" / name / f"seed={seed}", [20.0 + seed] * 6, [correct] * 6)
            Image.new("RGB", (60, 40), "teal").save(folder / "test" / "clear_sheet.png")
            for part, lines in enumerate(("0,20\n1,21\n,\n", "1,22\n2,23\n")):  # interrupted in the second epoch
                (folder / "csv" / f"version_{part}").mkdir(parents=True)
                (folder / "csv" / f"version_{part}" / "metrics.csv").write_text(f"epoch,val/psnr\n{lines}")
    return tmp_path / "runs"


def report(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["report", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_one_command_writes_the_page_beside_the_runs(runs: Path) -> None:
    assert "6 runs of 3 variants, gaps to full" in report(runs).replace("\n", "")
    text = (runs / "report.html").read_text(encoding="utf-8")
    assert "100.0 ± 0.0" in text and "50.0 ± 0.0" in text
    assert "\N{MINUS SIGN}50.0 [\N{MINUS SIGN}50.0, \N{MINUS SIGN}50.0]" in text
    assert text.count('<svg xmlns:xlink="') == 3 and text.count("data:image/jpeg;base64,") == 3


def test_curves_of_a_resumed_run_go_on(runs: Path) -> None:
    assert find_runs([runs])[0].curve("val/psnr") == {0: 20, 1: 22, 2: 23}
    assert find_runs([runs])[0].curve("val/loss") == {}


def test_the_page_asks_nobody_for_anything(runs: Path) -> None:
    report(runs)
    text = (runs / "report.html").read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href|action)=["'](?!data:|#)""", text)
    assert "@import" not in text and not re.findall(r"url\((?!#)", text)


def test_names_are_escaped(runs: Path) -> None:
    report(runs)
    text = (runs / "report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;x" in text and "<b>x" not in text


def test_a_name_of_signs_stays_in_its_cell_of_markdown(tmp_path: Path) -> None:
    for name in ("full", "a|*b*"):
        write_run(tmp_path / "s" / f"ablation={name}" / "seed=0", [20.0], [1])
    report("page", tmp_path, "-o", tmp_path / "t.md")
    assert "\n| a\\|\\*b\\* | 50.0" in (tmp_path / "t.md").read_text(encoding="utf-8")


def test_a_variant_that_the_first_set_lacks_is_in_the_legend(tmp_path: Path) -> None:
    for name, sets in (("full", ("clear", "counter")), ("late", ("counter",))):
        for title in sets:
            write_run(tmp_path / "s" / f"ablation={name}" / "seed=0", [20.0], [1], title)
    legend = words_plot(Comparison(find_runs([tmp_path])), ["clear", "counter"]).partition("legend_1")[2]
    assert "full" in legend and "late" in legend


def test_markdown_holds_the_same_tables(runs: Path, tmp_path: Path) -> None:
    report("page", runs, "-o", tmp_path / "t.md", "--baseline", "no_ge", "--title", "Mine")
    lines = (tmp_path / "t.md").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# Mine"
    assert "| no_ge | 50.0 ± 0.0 |" in lines
    assert "| full | 100.0 ± 0.0<br>+50.0 [+50.0, +50.0] |" in lines


def test_what_is_left_out_is_said_below_the_table(tmp_path: Path) -> None:
    write_run(tmp_path / "runs" / "default" / "seed=0", [20.0, 30.0, float("inf")], [2] * 3)
    for name in ("t.html", "t.md"):
        report("page", tmp_path / "runs", "-o", tmp_path / name)
        assert "left out of all runs alike: 1 of 3 pairs" in (tmp_path / name).read_text(encoding="utf-8")


def test_a_gap_over_a_few_photos_is_shown_as_chance(tmp_path: Path) -> None:
    for name, correct in (("full", 2), ("no_ge", 1)):
        write_run(tmp_path / f"ablation={name}" / "seed=0", [20.0] * 3, [correct] * 3)
    comparison = Comparison(find_runs([tmp_path]))
    cell = set_table(comparison, "clear")["rows"][1]["cells"][0]
    assert (cell["gap"], cell["kind"]) == ("\N{MINUS SIGN}50.0 ≈", "")
    assert "no_ge" in gaps_plot(comparison, ["clear"])


def test_another_ending_is_refused(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must end in \.html or \.md"):
        report(runs, "-o", tmp_path / "t.pdf")


def test_the_page_in_a_browser(runs: Path, chromium: Any) -> None:
    report(runs)
    page = chromium.new_page(viewport={"width": 390, "height": 800})
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((runs / "report.html").as_uri())
    table = page.locator("table").first
    names = table.locator("tbody td:first-child")
    assert names.all_inner_texts() == ["full", "<b>x", "no_ge"]
    button = table.get_by_role("button", name="clear")
    button.focus()
    page.keyboard.press("Enter")
    assert names.all_inner_texts()[0] == "no_ge"
    assert table.locator("th[aria-sort=ascending]").inner_text().startswith("clear")
    button.click()
    assert names.all_inner_texts()[-1] == "no_ge"
    sheet = page.locator("details").first
    assert not sheet.locator("img").is_visible()
    sheet.locator("summary").click()
    sheet.locator("img").scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('details img').naturalWidth > 0")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390  # wide tables scroll in their own box
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_many_test_sets_fit_a_narrow_screen(tmp_path: Path, chromium: Any) -> None:
    """The links to the sets go on in the next line, as those of the five sets of scenes must."""
    for title in ("clear", "instances", "unobserved", "counter", "recolor", "another_set_of_photos"):
        write_run(tmp_path / "runs" / "ablation=full" / "seed=0", [20.0] * 6, [2] * 6, title=title)
    report(tmp_path / "runs")
    page = chromium.new_page(viewport={"width": 390, "height": 800})
    page.goto((tmp_path / "runs" / "report.html").as_uri())
    assert page.locator("nav a").count() == 6
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_one_variant_has_no_gaps(tmp_path: Path) -> None:
    write_run(tmp_path / "recipe.epochs=2" / "seed=0", [20.0] * 3, [2] * 3)
    assert "1 run of 1 variant\n" in report(tmp_path)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "gaps are to" not in text and "the gap to" not in text


def test_a_gap_that_is_shown_as_zero_is_neither_gain_nor_loss(tmp_path: Path) -> None:
    for name, loss in (("full", 0.0), ("no_ge", 0.002), ("no_la", 1.0)):
        write_run(tmp_path / f"ablation={name}" / "seed=0", [20.0 - loss] * 6, [2] * 6)
    rows = set_table(Comparison(find_runs([tmp_path])), "clear")["rows"]
    psnr = [row["cells"][-1] for row in rows]
    assert [(cell["gap"], cell["kind"]) for cell in psnr[1:]] == [
        ("0.00 [0.00, 0.00]", ""),
        ("\N{MINUS SIGN}1.00 [\N{MINUS SIGN}1.00, \N{MINUS SIGN}1.00]", "loss"),
    ]


def test_one_epoch_has_a_whole_number_on_its_axis(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "default" / "seed=0", [20.0] * 3, [2] * 3)
    (folder / "csv" / "version_0").mkdir(parents=True)
    (folder / "csv" / "version_0" / "metrics.csv").write_text("epoch,val/psnr\n0,20\n")
    drawn = curves_plot(Comparison(find_runs([tmp_path])), "val/psnr", "PSNR")
    assert drawn is not None
    assert [
        text for text in re.findall(r"<text [^>]*>([^<]*)</text>", drawn.partition('id="matplotlib.axis_2"')[0])
    ] == ["1", "epoch"]


def test_the_gray_picture_has_a_row(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "default" / "seed=0", [20.0] * 3, [2] * 3)
    path = folder / "test" / "clear_pairs.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([f"{lines[0]},gray_psnr", *(f"{line},18.5" for line in lines[1:])]) + "\n")
    table = set_table(Comparison(find_runs([tmp_path])), "clear")
    gray = table["rows"][-1]
    assert gray["variant"] == "gray picture" and [cell["text"] for cell in gray["cells"]] == ["", "18.50"]


def test_a_wide_table_shows_that_it_scrolls(tmp_path: Path, chromium: Any) -> None:
    for name in ("full", "a_variant_with_a_long_name_of_many_words_that_fills_a_narrow_screen"):
        for title in ("clear", "instances", "unobserved", "counter", "recolor"):
            write_run(tmp_path / "runs" / f"ablation={name}" / "seed=0", [20.0] * 6, [2] * 6, title=title)
    report(tmp_path / "runs")
    page = chromium.new_page(viewport={"width": 360, "height": 800})
    page.goto((tmp_path / "runs" / "report.html").as_uri())
    page.wait_for_function("document.querySelector('.wide').classList.contains('cut')")
    assert page.locator("tbody td:first-child").first.bounding_box()["width"] <= 0.45 * 360
    page.evaluate("document.querySelector('.wide').scrollLeft = 10000")
    page.wait_for_function("!document.querySelector('.wide').classList.contains('cut')")
