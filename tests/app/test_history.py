"""What is changed on the page beside the sentence's text, in a real browser: hints, color words, undo and redo."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from served_page import SENTENCE, color, refusal, upload

pytestmark = pytest.mark.skipif(find_spec("gradio") is None, reason="needs Gradio: pip install 'lcoins[demo]'")


def listed_hints(page: Any, count: int) -> list[str]:
    page.wait_for_function("count => document.querySelectorAll('#hints li').length == count", arg=count)
    return [text.split("\n")[0] for text in page.locator("#hints li").all_inner_texts()]


def test_colors_by_hand(page: Any, photo: Path) -> None:
    """By a click, by brush and by numbers; they stay with another sentence, and each can be removed."""
    upload(page, photo)
    color(page, SENTENCE)
    page.click("#view >> text=By hand")
    page.wait_for_selector("#hand img")
    box = page.locator("#hand [data-canvas]").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    page.wait_for_selector("#palette[open]")
    assert page.locator("#palette section").first.inner_text().split("\n")[1:] == ["red", "blue"]
    page.fill("#palette input", "turq")
    page.keyboard.press("Enter")
    assert listed_hints(page, 1) == ["turquoise at 25% from the left, 50% from the top"]
    box = page.locator("#hand [data-canvas]").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.2, steps=8)
    page.mouse.up()
    page.wait_for_selector("#palette[open]")
    page.keyboard.press("Escape")  # gives none
    page.click("#hints summary")
    page.fill("#hints [name=x]", "80")
    page.fill("#hints [name=y]", "90")
    page.fill("#hints [name=color]", "yelow")
    page.keyboard.press("Enter")
    assert "did you mean yellow" in refusal(page)
    page.fill("#hints [name=color]", "yellow")
    page.keyboard.press("Enter")
    assert listed_hints(page, 2)[1] == "yellow at 80% from the left, 90% from the top"
    page.wait_for_function("document.activeElement.matches('#hints [name=x]')")
    page.fill("#sentence textarea", "a green star")
    page.click("#go")
    page.wait_for_function("document.querySelector('#words').innerText.includes('green')")
    assert len(listed_hints(page, 2)) == 2
    page.click("#hints [aria-label^='Remove 1: turquoise']")
    assert listed_hints(page, 1) == ["yellow at 80% from the left, 90% from the top"]


def test_colors_given_before_the_server_has_answered_are_all_kept(page: Any, photo: Path) -> None:
    upload(page, photo)
    color(page, SENTENCE)
    page.click("#view >> text=By hand")
    page.wait_for_selector("#hand img")
    page.evaluate(
        """() => {
            const form = document.querySelector("#hints form"), { x, y, color } = form.elements;
            for (const [at, name] of [[20, "red"], [50, "yelow"], [50, "green"], [80, "blue"]]) {
                [x.value, y.value, color.value] = [at, 50, name];
                form.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
            }
        }"""
    )
    assert [hint.split()[0] for hint in listed_hints(page, 3)] == ["red", "green", "blue"]
    page.wait_for_function("window.lcoins.told().hints.length == 3")  # which may follow the list by a moment
    page.evaluate("() => [0, 1].forEach((at) => document.querySelectorAll('#hints [data-remove]')[at].click())")
    assert listed_hints(page, 1)[0].startswith("blue")


def test_undo_leaves_the_other_lines_of_the_sentence_field(page: Any, photo: Path) -> None:
    upload(page, photo)
    before = f"{SENTENCE}\na green moon"
    color(page, before)
    page.click("#words [data-word='0']")
    page.wait_for_selector("#palette[open]")
    page.click("#palette [data-color=orange]")
    has_text = "text => document.querySelector('#sentence textarea').value == text"
    page.wait_for_function(has_text, arg=before.replace("green", "orange").replace("a or", "an or"))
    page.click("[data-undo]")
    page.wait_for_function(has_text, arg=before)


def test_a_color_word_is_changed_by_a_click_and_back_by_undo_also_after_a_reload(page: Any, photo: Path) -> None:
    def wait_for_text(text: str) -> None:
        page.wait_for_function("text => document.querySelector('#sentence textarea').value == text", arg=text)
        page.wait_for_function(
            "text => JSON.parse(document.querySelector('#name [data-told]').dataset.told).sentence == text", arg=text
        )

    upload(page, photo)
    color(page, SENTENCE)
    assert page.is_disabled("[data-undo]") and page.is_disabled("[data-redo]")
    page.focus("#words [data-word='1']")
    page.keyboard.press("Enter")
    page.wait_for_selector("#palette[open]")
    page.click("#palette [data-color=orange]")
    wait_for_text("a red star beside an orange moon")
    page.wait_for_function("document.activeElement.matches('#words [data-word=\"1\"]')")
    page.click("[data-undo]")
    wait_for_text(SENTENCE)
    page.click("[data-kept]")
    page.fill("#kept input", "Night")
    page.keyboard.press("Enter")
    page.wait_for_selector("#kept [aria-label='Remove Night']")
    page.reload()
    page.wait_for_selector("#compare img")
    page.click("[data-redo]")
    wait_for_text("a red star beside an orange moon")
    assert page.is_disabled("[data-redo]")
    page.click("[data-kept]")
    page.click("#kept [data-saved] >> text=Night")
    wait_for_text(SENTENCE)
    page.click("[data-kept]")
    page.click("#kept [data-forget]")
    assert page.inner_text("#kept [data-saved]") == page.inner_text("#kept [data-earlier]") == "None yet."


def steps(page: Any) -> list[str]:
    kept = "JSON.parse(localStorage.getItem('lcoins-kept')).steps.map((one) => one.sentence)"
    return page.evaluate(kept)


def wait_for_sentence(page: Any, text: str) -> None:
    page.wait_for_function("text => window.lcoins.told()?.sentence == text", arg=text)


def color_each(page: Any, *sentences: str) -> None:
    for text in sentences:
        page.fill("#sentence textarea", text)
        page.click("#go")
        wait_for_sentence(page, text)


def test_undo_and_redo_pressed_fast_lose_no_step(page: Any, photo: Path) -> None:
    made = ["a red star", "a green star", "a blue star", "a pink star"]
    upload(page, photo)
    color_each(page, *made)
    page.evaluate("() => [0, 1].forEach(() => document.querySelector('[data-undo]').click())")
    wait_for_sentence(page, "a green star")
    assert steps(page) == made and page.is_enabled("[data-undo]")
    page.evaluate("() => [0, 1].forEach(() => document.querySelector('[data-redo]').click())")
    wait_for_sentence(page, "a pink star")
    assert steps(page) == made and page.is_disabled("[data-redo]")


def test_what_is_colored_while_undo_is_under_way_loses_no_step(page: Any, photo: Path) -> None:
    upload(page, photo)
    color_each(page, "a red star", "a green star")
    page.fill("#sentence textarea", "a blue star")
    page.evaluate("() => ['#go', '[data-undo]'].forEach((one) => document.querySelector(one).click())")
    page.wait_for_function("localStorage.getItem('lcoins-kept').includes('blue')")  # in either order
    assert sorted(steps(page)) == ["a blue star", "a green star", "a red star"]


def test_what_is_typed_while_a_change_is_computed_stays(page: Any, photo: Path) -> None:
    upload(page, photo)
    color(page, SENTENCE)
    page.click("#view >> text=By hand")
    page.click("#hints summary")
    page.evaluate(
        """() => {
            const form = document.querySelector("#hints form"), { x, y, color } = form.elements;
            [x.value, y.value, color.value] = [20, 20, "olive"];
            form.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
        }"""
    )
    page.fill("#hints [name=y]", "70")
    listed_hints(page, 1)
    page.wait_for_function("document.activeElement.matches('#hints [name=y]')")
    assert page.input_value("#hints [name=y]") == "70"
    page.click("#words [data-word='0']")
    page.wait_for_selector("#palette[open]")
    page.evaluate(
        """() => {
            document.querySelector("#palette [data-color=orange]").click();
            setTimeout(() => document.querySelector("#sentence textarea").focus());
        }"""
    )
    page.wait_for_function("document.activeElement.matches('#sentence textarea')")
    page.keyboard.type(" and more")
    wait_for_sentence(page, "an orange star beside a blue moon")
    page.wait_for_timeout(300)
    assert "and more" in page.input_value("#sentence textarea")


def test_a_color_goes_to_the_sentence_that_its_word_was_of(page: Any, photo: Path) -> None:
    upload(page, photo)
    color_each(page, "a red star")
    page.click("#words [data-word='0']")
    page.wait_for_selector("#palette[open]")
    page.evaluate("document.querySelector('#palette').close()")  # without an answer, so that the page is free
    page.fill("#sentence textarea", "a green moon")
    page.click("#go")
    wait_for_sentence(page, "a green moon")
    page.evaluate("document.querySelector('#palette [data-color=orange]').click()")
    wait_for_sentence(page, "an orange star")


def test_keys_undo_after_the_strength_was_moved(page: Any, photo: Path) -> None:
    upload(page, photo)
    color_each(page, "a red star")
    page.wait_for_timeout(1600)  # or it is one step with the slider
    page.focus("#strength input[type=range]")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("window.lcoins.told().strength == 0.95")
    page.keyboard.press("Control+z")
    page.wait_for_function("window.lcoins.told().strength == 1")


def test_each_tab_has_its_own_steps(page: Any, photo: Path) -> None:
    upload(page, photo)
    color_each(page, "a red star", "a green star")
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_selector("#go")
    upload(other, photo)
    color_each(other, "a blue star")
    page.click("[data-undo]")
    wait_for_sentence(page, "a red star")
    page.click("[data-redo]")
    wait_for_sentence(page, "a green star")
    assert page.is_disabled("[data-redo]") and "a blue star" in steps(page)
    other.close()


def test_changes_go_on_after_one_that_the_server_did_not_take(page: Any, photo: Path) -> None:
    upload(page, photo)
    color_each(page, "a red star", "a green star")
    page.route("**/queue/join*", lambda route: route.fulfill(status=503, json={"detail": "Queue is full"}), times=1)
    with page.expect_response("**/queue/join*") as refused:
        page.click("[data-undo]")
    assert refused.value.status == 503
    page.wait_for_timeout(300)
    page.evaluate("const now = Date.now; Date.now = () => now() + 30000")
    page.click("[data-undo]")
    wait_for_sentence(page, "a red star")
