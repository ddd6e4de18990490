"""The page of `lcoins demo` in a real browser: coloring, the download, refusals; and what remains after Ctrl-C."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from drawn_photos import as_lab
from PIL import ExifTags, Image
from served_page import SENTENCE, Served, color, refusal, serve, upload, width
from shrunk import MODEL, checkpoint
from typer.testing import CliRunner

from lcoins.cli.main import app

pytestmark = pytest.mark.skipif(find_spec("gradio") is None, reason="needs Gradio: pip install 'lcoins[demo]'")


def test_upload_type_color_compare_download(page: Any, photo: Path) -> None:
    upload(page, photo)
    assert page.evaluate("document.querySelector('#gray img').naturalWidth") == 120
    color(page, f"{SENTENCE}\na green star")
    page.wait_for_selector("#variants button:nth-of-type(1)")
    assert page.locator("#variants img").count() == 2
    shown = page.locator("#compare img")
    page.wait_for_function("[...document.querySelectorAll('#compare img')].every(img => img.naturalWidth == 120)")
    assert shown.count() == 2 and shown.nth(0).get_attribute("src") != shown.nth(1).get_attribute("src")
    assert "green" in page.inner_text("#words")
    page.locator("#variants button").first.click()
    page.wait_for_function("document.querySelector('#words').innerText.includes('blue')")
    with page.expect_download() as started:
        page.click("#save")
    assert started.value.suggested_filename == "old_colorized.jpg"
    with Image.open(started.value.path()) as picture:
        assert (picture.format, picture.size) == ("JPEG", (120, 160))
        assert picture.getexif()[ExifTags.Base.Artist] == "Grandmother"
        assert as_lab(picture)[1].abs().mean() > 1


def test_strength_and_maps(page: Any, photo: Path) -> None:
    upload(page, photo)
    color(page, SENTENCE)
    after = page.locator("#compare img").last
    before = after.get_attribute("src")
    page.focus("#strength input[type=range]")
    page.keyboard.press("Home")
    page.wait_for_function("src => [...document.querySelectorAll('#compare img')].at(-1).src != src", arg=before)
    with page.expect_download() as started:
        page.click("#save")
    with Image.open(started.value.path()) as picture:
        assert as_lab(picture)[1].abs().max() < 3  # no strength, no color
    page.click("#view >> text=Group map")
    page.wait_for_selector("#map img.mask")
    assert page.locator("#map .legend-item").first.inner_text().startswith("group ")
    page.click("#view >> text=Word map")
    page.wait_for_function("document.querySelector('#note, #map .legend-item').innerText.length > 0")
    page.click("#view >> text=Before and after")
    page.wait_for_selector("#compare img")


def test_what_is_wrong_is_said_plainly(page: Any, photo: Path, tmp_path: Path) -> None:
    page.click("#go")
    assert "Choose a photo first" in refusal(page)
    (tmp_path / "notes.txt").write_text("no picture")
    page.set_input_files("#photo input[type=file]", str(tmp_path / "notes.txt"))
    page.wait_for_function("document.querySelector('#message').innerText.includes('not a photo, or it is damaged')")
    Image.new("1", (1001, 1000)).save(tmp_path / "large.png")
    page.set_input_files("#photo input[type=file]", str(tmp_path / "large.png"))
    page.wait_for_function("document.querySelector('#message').innerText.includes('too large')")
    (tmp_path / "heavy.jpg").write_bytes(os.urandom(2 * 2**20))
    page.set_input_files("#photo input[type=file]", str(tmp_path / "heavy.jpg"))
    page.wait_for_selector("text=exceed the maximum allowed size")
    upload(page, photo)
    assert page.inner_text("#message").strip() == ""
    page.click("#go")
    assert "Write a sentence" in refusal(page)
    color(page, "a star")
    assert "No color word was found" in page.inner_text("#words")


def test_what_is_begun_before_the_first_answer_stays(page: Any, photo: Path) -> None:
    held: list[Any] = []
    address = page.url
    page.goto("about:blank")  # what the page before still asks ends with it, and is not what is held
    page.route("**/queue/join*", lambda route: route.continue_() if held else held.append(route))
    page.goto(address)
    page.wait_for_selector("#go")
    while not held:
        page.wait_for_timeout(50)
    page.fill("#sentence textarea", SENTENCE)
    upload(page, photo)
    with page.expect_response("**/queue/join*"):
        held[0].continue_()
    page.wait_for_timeout(1000)  # for the answer, which comes with those to other events
    assert page.input_value("#sentence textarea") == SENTENCE and "old.jpg" in chosen(page)
    color(page, SENTENCE)


def chosen(page: Any) -> str:
    """The name and size of the photo on the page."""
    return page.inner_text("#name")


def test_a_reload_keeps_photo_sentence_variants_and_strength(page: Any, photo: Path) -> None:
    upload(page, photo)
    color(page, f"{SENTENCE}\na green star")
    page.wait_for_selector("#variants img")
    page.fill("#strength input[type=number]", "0.5")
    before = shown(page)
    page.keyboard.press("Enter")
    page.wait_for_function(CHANGED, arg=before)
    page.fill("#sentence textarea", "a purple st")
    page.wait_for_timeout(300)  # until the browser has kept it
    page.reload()
    page.wait_for_selector("#compare img")
    page.wait_for_selector("#variants img")
    page.wait_for_function("document.querySelector('#strength input[type=range]').value == 0.5")
    assert page.locator("#variants img").count() == 2 and "120 × 160" in chosen(page)  # noqa: RUF001
    assert page.input_value("#sentence textarea") == "a purple st"
    assert page.input_value("#strength input[type=number]") == "0.5"
    before = shown(page)
    page.click("#strength [aria-label='Back to 1']")
    page.wait_for_function(CHANGED, arg=before)
    assert page.input_value("#strength input[type=number]") == "1"


CHANGED = "src => [...document.querySelectorAll('#compare img')].at(-1).src != src"


def shown(page: Any) -> str:
    return page.locator("#compare img").last.get_attribute("src")


def test_another_photo_needs_no_removal_and_removal_interrupts(page: Any, photo: Path, tmp_path: Path) -> None:
    upload(page, photo)
    page.wait_for_function("document.activeElement.matches('#sentence textarea')")
    color(page, SENTENCE)
    Image.new("L", (50, 40), 128).save(tmp_path / "second.png")
    page.set_input_files("#photo input[type=file]", str(tmp_path / "second.png"))
    page.wait_for_selector("#gray img")
    assert "second.png" in chosen(page) and page.locator("#compare img").count() == 0
    page.click("#go")
    page.click("#remove")
    page.wait_for_selector("#name", state="hidden")
    page.wait_for_function("document.activeElement.matches('#photo button')")
    upload(page, photo)  # behind what was being colored
    assert page.locator("#compare img").count() == 0 and page.inner_text("#message").strip() == ""


def test_pictures_say_what_they_are(page: Any, photo: Path) -> None:
    def texts(selector: str) -> list[str]:
        page.wait_for_function("s => [...document.querySelectorAll(s)].every(image => image.alt)", arg=selector)
        return [image.get_attribute("alt") for image in page.query_selector_all(selector)]

    upload(page, photo)
    assert texts("#gray img") == ["old.jpg, gray"]
    long = "a red star with a thin yellow rim beside a blue moon in front of a dark wall on the {} side"
    color(page, f"{long.format('left')}\n{long.format('right')}")
    page.wait_for_selector("#variants img")
    assert texts("#compare img") == ["old.jpg, gray", f"old.jpg, colored by: {long.format('right')}"]
    assert texts("#variants img") == [long.format("left"), long.format("right")]
    labels = page.locator("#variants .caption-label").all_inner_texts()
    assert labels[0] != labels[1] and "left" in labels[0]
    assert not page.evaluate(
        "[...document.querySelectorAll('#variants .caption-label')].some(one => one.scrollWidth > one.clientWidth + 1)"
    )


def test_the_first_result_is_in_sight_on_a_phone(page: Any, photo: Path) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.evaluate("scrollTo(0, 0)")
    Image.new("L", (160, 120), 128).save(photo)
    upload(page, photo)
    color(page, SENTENCE)
    page.wait_for_function(
        "(box => box.height > 200 && box.top >= 0 && box.bottom <= innerHeight)"
        "(document.querySelector('#compare').getBoundingClientRect())"
    )
    assert width(page) <= 360


def test_a_phone_needs_no_sideways_scrolling(page: Any, photo: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    assert width(page) <= 390
    upload(page, photo)
    color(page, f"{SENTENCE}\na quite long sentence about a green star and a yellow ring beside a purple moon")
    page.wait_for_selector("#variants img")
    assert width(page) <= 390
    for view in ("Word map", "Group map"):
        page.click(f"#view >> text={view}")
        page.wait_for_selector("#compare", state="hidden")
        assert width(page) <= 390
    page.wait_for_function("document.querySelector('#picture').getBoundingClientRect().top < innerHeight")


def test_a_long_name_and_an_error_are_in_sight_on_a_phone(page: Any, photo: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    long = photo.rename(photo.with_name("WhatsApp Image 2026-01-01 at 12.30.00 of the old house by the lake.jpeg"))
    upload(page, long)
    color(page, SENTENCE)
    assert width(page) <= 390
    page.wait_for_function("document.querySelector('#sentence').getBoundingClientRect().top < 0")  # it has scrolled
    page.fill("#sentence textarea", "\n".join(f"star {number}" for number in range(7)))
    page.click("#go")
    refusal(page)
    page.wait_for_function(
        "(box => box.top >= 0 && box.bottom <= innerHeight)(document.querySelector('#message').getBoundingClientRect())"
    )


def test_a_screen_reader_is_told_what_is_there(page: Any, photo: Path) -> None:
    upload(page, photo)
    color(page, SENTENCE)
    page.wait_for_function(
        "text => document.querySelector('#colored[role=status]').innerText.includes(text)", arg=SENTENCE
    )
    assert page.get_by_role("group", name="View").count() == 1
    knob = page.locator("#compare [role=slider]")
    box, before = knob.locator(".inner").bounding_box(), int(knob.get_attribute("aria-valuenow"))
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 60, box["y"] + box["height"] / 2, steps=3)
    page.mouse.up()
    page.wait_for_function(
        "before => document.querySelector('#compare [role=slider]').ariaValueNow > before + 5", arg=before
    )


def test_a_picture_that_could_not_be_written_is_not_another_one(page: Any, photo: Path) -> None:
    upload(page, photo)
    color(page, SENTENCE)
    with page.expect_download():
        page.click("#save")
    other = page.context.new_page()  # with the same photo, which it removes
    other.add_init_script(f"sessionStorage.setItem('lcoins-photo', {json.dumps(token(page))})")
    other.goto(page.url)
    other.wait_for_selector("#compare img")
    other.click("#remove")
    other.wait_for_selector("#compare", state="hidden")
    got: list[Any] = []
    page.on("download", lambda download: got.append(download))
    page.click("#save")
    assert "no longer on the server" in refusal(page)
    page.wait_for_timeout(500)
    assert got == []
    other.close()


def token(page: Any) -> str:
    return page.evaluate("sessionStorage.getItem('lcoins-photo')")


def test_by_keyboard_alone(page: Any, photo: Path) -> None:
    def tab_to(selector: str) -> None:
        for _ in range(40):
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"{selector} cannot be reached by Tab")

    with page.expect_file_chooser() as opened:  # asked for before the keys, so that Chromium waits for the answer
        tab_to("#photo button")
        page.keyboard.press("Enter")
    opened.value.set_files(str(photo))
    page.wait_for_selector("#gray img")
    tab_to("#sentence textarea")
    page.keyboard.type(SENTENCE)
    page.keyboard.press("Enter")
    page.wait_for_selector("#compare img")
    tab_to("#compare [role=slider]")
    knob = page.locator("#compare [role=slider]")
    before = int(knob.get_attribute("aria-valuenow"))
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    page.wait_for_function(
        "now => document.querySelector('#compare [role=slider]').ariaValueNow <= now - 10", arg=before
    )
    for view in (2, 3):  # the first key has been without effect in 2 of some 30 runs on a busy machine
        tab_to(f"#view label:nth-of-type({view}) input")
        page.keyboard.press("Space")
        for _ in range(100):
            if not page.is_visible("#compare"):
                break
            page.wait_for_timeout(200)
        else:
            continue
        break
    page.wait_for_selector("#compare", state="hidden")
    tab_to("#save")
    with page.expect_download() as started:
        page.keyboard.press("Enter")
    assert started.value.suggested_filename == "old_colorized.jpg"


def test_several_photos_to_a_zip(page: Any, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("no photo")
    page.click("#several .label-wrap")
    page.wait_for_selector("#photos button")
    page.set_input_files("#photos input[type=file]", [str(photo), str(tmp_path / "notes.jpg")])
    page.wait_for_selector("#photos table")
    page.fill("#sentence textarea", SENTENCE)  # by now the page has put back what it kept of a sentence
    page.click("#go-several")
    page.wait_for_selector("#zip")
    assert "1 photo is in color; 1 is not:" in page.inner_text("#said")
    assert "notes.jpg: This file is not a photo" in page.inner_text("#said")
    with page.expect_download() as started:
        page.click("#zip")
    with zipfile.ZipFile(started.value.path()) as file:
        assert file.namelist() == ["old_colorized.jpg", "not_colored.txt"]


@pytest.mark.parametrize("wide", [360, 1024])
def test_hints_and_dialogs_fit_every_width(page: Any, photo: Path, wide: int) -> None:
    page.set_viewport_size({"width": wide, "height": 740})
    upload(page, photo)
    color(page, SENTENCE)
    page.click("#view >> text=By hand")
    page.wait_for_selector("#hand img")
    page.click("#hints summary")
    assert width(page) <= wide
    for opener, dialog in (("#words [data-word='0']", "#palette"), ("[data-kept]", "#kept")):
        page.click(opener)
        box = page.locator(dialog).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= wide and box["y"] >= 0 and box["y"] + box["height"] <= 740
        page.keyboard.press("Escape")


def status(address: str, path: str, host: str | None = None) -> int:
    request = urllib.request.Request(address.rstrip("/") + path, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_the_server_gives_its_page_and_nothing_else(served: Served) -> None:
    assert served.address.startswith("http://127.0.0.1:")
    assert status(served.address, "/") == 200
    for path in ("/gradio_api/info", "/config", "/docs", "/openapi.json", "/monitoring", "/gradio_api/runs"):
        assert status(served.address, path) == 404
    for path in ("/etc/passwd", f"{Path(__file__)}", f"{served.temporary.parent / 'best.ckpt'}"):
        assert status(served.address, f"/gradio_api/file={path}") in (403, 404)
    assert status(served.address, "/", host="evil.example") == 403


def test_the_server_fetches_no_address_that_an_event_names(served: Served) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"http://127.0.0.1:{other.getsockname()[1]}/a.jpg"
        event = {"data": [{"path": address, "meta": {"_type": "gradio.FileData"}}], "fn_index": 0, "session_hash": "x"}
        request = urllib.request.Request(
            f"{served.address}gradio_api/queue/join", json.dumps(event).encode(), {"Content-Type": "application/json"}
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=30)
    assert refused.value.code == 403 and refused.value.read() == b"Files must be uploaded."
    refused.value.close()


def post(server: Served, path: str, body: bytes, **headers: str) -> int:
    request = urllib.request.Request(server.address.rstrip("/") + path, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_another_site_can_neither_upload_nor_color(served: Served) -> None:
    before = list(served.temporary.rglob("*"))
    for path in ("/gradio_api/upload", "/gradio_api/queue/join"):
        assert post(served, path, b"{}", Origin="http://evil.example") == 403
    assert list(served.temporary.rglob("*")) == before


KILLED = """
import os, signal
from lcoins.app.folder import temporary_folder
with temporary_folder() as folder:
    (folder / "photo.jpg").write_bytes(b"private")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_total_is_no_less_than_an_upload() -> None:
    done = CliRunner().invoke(app, ["demo", "--max-megabytes", "50", "--max-total-megabytes", "40"])
    assert isinstance(done.exception, ValueError) and "raise --max-total-megabytes" in str(done.exception)


def test_nothing_is_left_after_a_kill_and_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    subprocess.run([sys.executable, "-c", KILLED], env={**os.environ, "TMPDIR": str(tmp_path / "tmp")})
    assert list((tmp_path / "tmp").glob("*/files/photo.jpg"))
    server = serve(tmp_path, "--checkpoint", str(checkpoint(tmp_path, MODEL)))
    assert "removed 1 file of a page whose server was killed" in server.said
    assert not list((tmp_path / "tmp").glob("*/files/photo.jpg"))
    boundary = "x" * 20
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\ndata\r\n'
        f"--{boundary}--\r\n"
    ).encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    request = urllib.request.Request(f"{server.address}gradio_api/upload", body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200
    assert list(server.temporary.glob("lcoins-demo-*/files/*/a.jpg"))
    host, _, port = server.address.removeprefix("http://").rstrip("/").partition(":")
    with socket.create_connection((host, int(port))) as connection:  # an upload that is broken off
        head = f"POST /gradio_api/upload HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 9999\r\n"
        connection.sendall(f"{head}Content-Type: {headers['Content-Type']}\r\n\r\n".encode() + body[:-30])
    assert status(server.address, "/") == 200
    server.process.send_signal(signal.SIGINT)
    said = server.process.communicate(timeout=60)[0]
    assert server.process.returncode == 0 and "Traceback" not in said
    left = [path for name in ("tmp", "home", "work") for path in (tmp_path / name).rglob("*") if path.is_file()]
    assert left == []


def test_a_taken_port_and_missing_weights_are_said(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, MODEL)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = CliRunner().invoke(app, ["demo", "--port", port, "--checkpoint", str(path)])
    assert isinstance(done.exception, ValueError) and "choose another --port" in str(done.exception)
    done = CliRunner().invoke(app, ["demo", "--checkpoint", str(tmp_path / "none.ckpt")])
    assert isinstance(done.exception, FileNotFoundError)
