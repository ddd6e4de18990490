"""Caption lists: every published shape, and what is said about the rows and files that are wrong."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lcoins.data.caption_lists import read_pairs
from lcoins.data.pairs import Pair

PAIRS = [Pair("a.jpg", "a red car", 0), Pair("a.jpg", "a car", 0), Pair("sub/b.png", "a blue bird", 0)]


def write(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def plain(pairs: list[Pair]) -> list[tuple[str, str]]:
    return [(pair.photo, pair.caption) for pair in pairs]


SHAPES = {
    "captions_of_file.json": '{"a.jpg": ["a red car", "a car"], "sub/b.png": ["a blue bird"]}',
    "counted.json": '{"a.jpg_0": "a red car", "a.jpg_1": "a car", "sub/b.png_12": "a blue bird"}',
    "pairs.json": '[["a.jpg", "a red car"], ["a.jpg", "a car"], ["sub/b.png", "a blue bird"]]',
    "objects.json": '[{"file": "a.jpg", "captions": ["a red car", "a car"]},'
    ' {"photo": "sub/b.png", "caption": "a blue bird"}]',
    "rows.jsonl": '{"photo": "a.jpg", "captions": ["a red car", "a car"]}\n\n'
    '{"image": "sub/b.png", "caption": "a blue bird"}\n',
    "rows.csv": 'photo,caption\na.jpg,a red car\na.jpg,"a car"\nsub/b.png,a blue bird\n',
    "image.csv": "id,Caption,Image\r\n1,a red car,a.jpg\r\n2,a car,a.jpg\r\n3,a blue bird,sub/b.png\r\n",
    "rows.tsv": "file\tcaption\na.jpg\ta red car\na.jpg\ta car\nsub/b.png\ta blue bird\n",
    # As published. COCO's captions_val2017.json, with the images before the annotations and behind them:
    "captions_val2017.json": '{"info": {"year": 2017}, "licenses": [{"id": 1}], "images": ['
    '{"id": 7, "file_name": "a.jpg"}, {"id": 9, "file_name": "sub/b.png"}], '
    '"annotations": [{"image_id": 7, "id": 1, "caption": "a red car"}, '
    '{"image_id": 7, "id": 2, "caption": "a car"}, {"image_id": 9, "id": 3, "caption": "a blue bird"}]}',
    "other_order.json": '{"annotations": [{"image_id": 7, "caption": "a red car"}, '
    '{"image_id": 7, "caption": "a car"}, {"image_id": 9, "caption": "a blue bird"}], '
    '"images": [{"file_name": "a.jpg", "id": 7}, {"file_name": "sub/b.png", "id": 9}], "type": "captions"}',
    # Karpathy's dataset.json, of Flickr8k and of COCO:
    "dataset.json": '{"images": [{"sentids": [0], "imgid": 0, "sentences": [{"tokens": ["a"], "raw": "a red car"}, '
    '{"raw": "a car"}], "split": "train", "filename": "a.jpg"}, {"filepath": "sub", "filename": "b.png", '
    '"sentences": [{"raw": "a blue bird"}], "split": "val"}], "dataset": "coco"}',
    "Flickr8k.token.txt": "a.jpg#0\ta red car\na.jpg#1\ta car\nsub/b.png#0\ta blue bird\n",
    "results_20130124.token": "a.jpg#0\ta red car\r\na.jpg#1\ta car\r\nsub/b.png#0\ta blue bird\r\n",
    "captions.txt": "image,caption\na.jpg,a red car\na.jpg,a car\nsub/b.png,a blue bird\n",
    "results.csv": "image_name| comment_number| comment\na.jpg| 0| a red car\na.jpg| 1| a car\n"
    "sub/b.png| 0| a blue bird\n",
}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_every_shape_gives_the_same_pairs_in_order(tmp_path: Path, name: str, encoding: str) -> None:
    pairs, problems = read_pairs(write(tmp_path, name, SHAPES[name], encoding))
    assert plain(pairs) == plain(PAIRS)
    assert problems == []


def test_the_counter_is_stripped_once_and_from_the_end(tmp_path: Path) -> None:
    names = {"coco_000000317935.jpg_0": "a", "flickr30k_1_2.jpg_3": "b", "plain_name.jpg": "c"}
    pairs, _ = read_pairs(write(tmp_path, "l.json", json.dumps(names)))
    assert [pair.photo for pair in pairs] == ["coco_000000317935.jpg", "flickr30k_1_2.jpg", "plain_name.jpg"]


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("l.json", '{\n "a.jpg": [\n  "one",\n  "two"\n ],\n\n "b.jpg": ["three", "four"]\n}', [3, 4, 7, 7]),
        ("l.json", '{"a.jpg_0": "one",\n"a.jpg_1":\n"two"}', [1, 2]),
        ("l.json", '\n[\n["a.jpg", "one"],\n["a.jpg", "two"]]', [3, 4]),
        ("l.jsonl", '["a.jpg", "one"]\n\n["a.jpg", "two"]', [1, 3]),
        ("l.csv", 'photo,caption\n\na.jpg,"one\nand a half"\nb.jpg,two\n', [3, 5]),
    ],
)
def test_pairs_know_their_line(tmp_path: Path, name: str, text: str, lines: list[int]) -> None:
    path = write(tmp_path, name, text)
    pairs, _ = read_pairs(path)
    assert [pair.line for pair in pairs] == lines
    assert pairs[0].where == f"{path} line {lines[0]}"


def test_two_entries_of_one_name_are_both_read(tmp_path: Path) -> None:
    pairs, _ = read_pairs(write(tmp_path, "l.json", '{"a.jpg": ["one"], "a.jpg": ["two"]}'))
    assert plain(pairs) == [("a.jpg", "one"), ("a.jpg", "two")]


def test_spaces_and_line_breaks_in_a_caption_become_one_space(tmp_path: Path) -> None:
    pairs, _ = read_pairs(write(tmp_path, "l.json", json.dumps([["a.jpg", " a red\n  car\t"]])))
    assert pairs[0].caption == "a red car"


@pytest.mark.parametrize(
    ("name", "row", "what", "detail"),
    [
        ("l.json", '["b.jpg", "  "]', "empty caption", ""),
        ("l.json", '["b.jpg", 7]', "no photo with a caption", "the caption is 7"),
        ("l.json", '[null, "text"]', "no photo with a caption", "the photo is null"),
        ("l.json", '["b.jpg"]', "no photo with a caption", "expected a photo and a caption"),
        ("l.json", '["../b.jpg", "text"]', "photo outside the folder", ""),
        ("l.json", '["x/../../b.jpg", "text"]', "photo outside the folder", ""),
        ("l.json", '["/etc/b.jpg", "text"]', "photo outside the folder", ""),
        ("l.json", '["..\\\\b.jpg", "text"]', "photo outside the folder", ""),
        ("l.json", '["C:\\\\b.jpg", "text"]', "photo outside the folder", ""),
        ("l.json", '["C:b.jpg", "text"]', "photo outside the folder", ""),
        ("l.json", '[".", "text"]', "photo outside the folder", ""),
        ("l.json", '["b\\u0000.jpg", "text"]', "photo outside the folder", ""),
        ("l.json", '["b.jpg", "half a \\ud83d letter"]', "broken text", ""),
        ("l.json", '{"file": "b.jpg", "captions": []}', "empty caption", ""),
        ("l.json", '{"caption": "text"}', "no photo with a caption", "the photo is null"),
    ],
)
def test_a_bad_row_is_a_problem_and_the_rest_is_read(
    tmp_path: Path, name: str, row: str, what: str, detail: str
) -> None:
    path = write(tmp_path, name, f'[["a.jpg", "one"],\n{row},\n["c.jpg", "three"]]')
    pairs, problems = read_pairs(path)
    assert plain(pairs) == [("a.jpg", "one"), ("c.jpg", "three")]
    assert [(problem.where, problem.what) for problem in problems] == [(f"{path} line 2", what)]
    assert detail in problems[0].detail
    assert problems[0].advice
    str(problems[0]).encode()  # can be printed


def test_a_photo_without_captions_is_a_problem(tmp_path: Path) -> None:
    pairs, problems = read_pairs(write(tmp_path, "l.json", '{"a.jpg": ["one"],\n "b.jpg": []}'))
    assert plain(pairs) == [("a.jpg", "one")]
    assert [(problem.photo, problem.what) for problem in problems] == [("b.jpg", "empty caption")]


def test_a_broken_line_of_jsonl_is_a_problem(tmp_path: Path) -> None:
    pairs, problems = read_pairs(write(tmp_path, "l.jsonl", '["a.jpg", "one"]\n["b.jpg", \n["c.jpg", "three"]\n'))
    assert plain(pairs) == [("a.jpg", "one"), ("c.jpg", "three")]
    assert problems[0].where.endswith("line 2")
    assert "no JSON" in problems[0].detail


@pytest.mark.parametrize("name", ["list.csv", "list.tsv"])
def test_a_quotation_mark_that_nothing_closes_is_a_problem(tmp_path: Path, name: str) -> None:
    gap = "," if name.endswith("csv") else "\t"
    rows = [("photo", "caption"), ("a.jpg", '"a red\ncar"'), ("b.jpg", '"Stop sign in red'), ("c.jpg", "a blue car")]
    (tmp_path / name).write_text("".join(f"{photo}{gap}{caption}\n" for photo, caption in rows))
    pairs, problems = read_pairs(tmp_path / name)
    assert plain(pairs) == [("a.jpg", "a red car"), ("c.jpg", "a blue car")]
    assert len(problems) == 1 and "line 4" in problems[0].where and "quotation mark" in str(problems[0])


@pytest.mark.parametrize("later", ['c.jpg,"a cat"', 'c.jpg,a "big" cat', "c.jpg,a cat\n" * 20_000])
def test_a_stray_quotation_mark_costs_its_own_line_alone(tmp_path: Path, later: str) -> None:
    text = f'photo,caption\na.jpg,"Stop" sign\nb.jpg,"Stop sign\n{later}\nd.jpg,a cow\n'
    pairs, problems = read_pairs(write(tmp_path, "l.csv", text))
    assert [problem.where[-6:] for problem in problems] == ["line 3"]
    assert plain(pairs)[0] == ("a.jpg", "Stop sign")
    assert plain(pairs)[-1] == ("d.jpg", "a cow") and len(pairs) == text.count(".jpg") - 1


def test_an_unquoted_comma_is_a_problem_never_half_a_caption(tmp_path: Path) -> None:
    text = "photo,caption\na.jpg,one\nb.jpg,a red, shiny car\nc.jpg\nd.jpg,\n"
    pairs, problems = read_pairs(write(tmp_path, "l.csv", text))
    assert plain(pairs) == [("a.jpg", "one")]
    assert [(problem.where[-1], problem.what) for problem in problems] == [
        ("3", "no photo with a caption"),
        ("4", "no photo with a caption"),
        ("5", "empty caption"),
    ]
    assert "quote" in problems[0].detail


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("l.json", '{"a.jpg": ["one"],\n "b.jpg" ["two"]}', "line 2: no JSON"),
        ("l.json", '{"a.jpg": ["one"]}\n{"b.jpg": ["two"]}', "line 2: no JSON"),
        ("l.json", "[" * 100_000, "nested"),
        ("l.json", "", "line 1: no JSON"),
        ("l.json", "1" * 5000, "no JSON"),
        ("l.json", "3", "expected a JSON object or array, got 3"),
        ("l.json", "{}", "line 1: empty"),
        ("l.json", "[]", "line 1: empty"),
        ("l.json", '{"a.jpg": [[[7, 6]]], "b.jpg": [[[1, 2]]]}', "the caption is [[7, 6]]"),
        ("l.json", '{"info": {"year": 2017}, "images": [{"id": 1}], "annotations": [{"id": 2}]}', "most rows of"),
        ("l.jsonl", "a red car\na blue car\n", "line 1: no JSON"),
        ("l.csv", "a.jpg,a red car\n", 'expected a header photo,caption, got "a.jpg,a red car"'),
        ("l.csv", "photo;caption\na.jpg;a red car\n", "expected a header"),
        ("l.csv", "", "line 1: empty"),
        ("l.csv", f"photo,caption\na.jpg,one\nb.jpg,{'x' * 200_000}\n", "line 3: field larger"),
        ("l.txt", "a.jpg a red car", "expected a header photo,caption"),
    ],
)
def test_a_malformed_file_names_the_line_and_the_shapes(tmp_path: Path, name: str, text: str, says: str) -> None:
    path = write(tmp_path, name, text)
    with pytest.raises(ValueError) as caught:
        read_pairs(path)
    assert str(path) in str(caught.value)
    assert says in str(caught.value)
    assert '{"photo.jpg_0": "caption"}' in str(caught.value)


def test_a_file_that_is_not_utf8_names_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "l.csv", "photo,caption\na.jpg,one\nb.jpg,caf\u00e9\n", "latin-1")
    with pytest.raises(ValueError, match="line 3: the text is not UTF-8"):
        read_pairs(path)


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.json: no such caption list"):
        read_pairs(tmp_path / "none.json")


NAMES = st.text("abcxyz_ 019", min_size=1).map(lambda name: f"{name.strip()}.jpg")
PRINTED = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1)
CAPTIONS = st.lists(PRINTED, min_size=1, max_size=4).map(" ".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(st.dictionaries(NAMES, st.lists(CAPTIONS, min_size=1, max_size=3), min_size=1, max_size=4), st.booleans())
def test_what_json_writes_is_read_back(tmp_path: Path, captions: dict[str, list[str]], indented: bool) -> None:
    wanted = [(photo, caption) for photo, own in captions.items() for caption in own]
    counted = {f"{photo}_{k}": caption for photo, own in captions.items() for k, caption in enumerate(own)}
    for shape in (captions, counted, wanted):
        text = json.dumps(shape, indent=1 if indented else None)
        pairs, problems = read_pairs(write(tmp_path, "l.json", text))
        assert (plain(pairs), problems) == (wanted, [])
        if indented:
            lines = text.split("\n")
            assert all(json.dumps(pair.caption) in "\n".join(lines[pair.line - 1 : pair.line + 2]) for pair in pairs)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(st.text('{}[]",:\\ \n\rabu019.\0\u2028é') | st.text(), st.sampled_from(["l.json", "l.jsonl", "l.csv", "l.tsv"]))
def test_any_text_gives_pairs_or_a_value_error(tmp_path: Path, text: str, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        pairs, problems = read_pairs(path)
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert pairs or problems


def dataset(*splits: str) -> str:
    images = [{"filename": f"{s}.jpg", "split": s, "sentences": [{"raw": f"a {s} car"}]} for s in splits]
    return json.dumps({"images": images, "dataset": "flickr8k"})


def test_one_split_of_a_file_that_has_several(tmp_path: Path) -> None:
    path = write(tmp_path, "dataset.json", dataset("train", "val", "test", "restval"))
    assert len(read_pairs(path)[0]) == 4
    assert plain(read_pairs(f"{path}@val")[0]) == [("val.jpg", "a val car")]
    assert [pair.photo for pair in read_pairs(f"{path}@train+restval")[0]] == ["train.jpg", "restval.jpg"]
    with pytest.raises(ValueError, match=r"dataset\.json: has no split 'dev', but restval, test, train, val"):
        read_pairs(f"{path}@dev")
    with pytest.raises(ValueError, match=r"l\.json: has no splits, of which @val would be one"):
        read_pairs(f"{write(tmp_path, 'l.json', SHAPES['pairs.json'])}@val")
    with pytest.raises(FileNotFoundError, match="no such caption list"):
        read_pairs(tmp_path / "gone.json@val")
    assert len(read_pairs(write(tmp_path, "a@b.json", SHAPES["pairs.json"]))[0]) == 3


def test_a_comma_in_a_caption_without_quotes(tmp_path: Path) -> None:
    """Only where the caption is the last column of a .txt, as Kaggle has it; a CSV is held to its header."""
    text = "image,caption\na.jpg,a red car , and a bus\nb.jpg,a car\n"
    assert plain(read_pairs(write(tmp_path, "captions.txt", text))[0])[0] == ("a.jpg", "a red car , and a bus")
    assert len(read_pairs(write(tmp_path, "captions.csv", text))[1]) == 1


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (
            {"images": [{"id": 1}], "annotations": [{"image_id": 2, "caption": "x"}]},
            "image_id is 2",
        ),
        ({"images": [{"id": 1}], "annotations": [{"image_id": [], "caption": "x"}]}, "image_id"),
        ({"images": [{"id": 1}], "annotations": [{"image_id": 1, "caption": "x"}]}, "the photo is null"),
        ({"images": [{"id": 1}], "annotations": [{"image_id": 1, "segmentation": []}]}, "an annotation with a caption"),
        ({"images": [{"id": 1}], "annotations": [3]}, "an annotation with a caption, got 3"),
        (
            {"images": [{"filename": "a.jpg", "sentences": ["x", 3]}]},
            "the caption is 3",
        ),
        ({"images": [{"filename": "../a.jpg", "sentences": ["x"]}]}, "photo outside the folder"),
        ({"info": {}, "images": [{"id": 1}], "annotations": []}, "most rows"),
    ],
)
def test_published_forms_with_something_wrong(tmp_path: Path, content: dict[str, object], detail: str) -> None:
    path = write(tmp_path, "l.json", json.dumps(content))
    try:
        text = " ".join(map(str, read_pairs(path)[1]))
    except ValueError as error:
        text = str(error)
    assert detail in text


@pytest.mark.parametrize("cut", [30, 90, 150, 220, 280, -1])
def test_a_published_file_that_is_cut_off(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path, "l.json", SHAPES["captions_val2017.json"][:cut])
    with pytest.raises(ValueError, match=r"l\.json"):
        read_pairs(path)


def test_a_caption_beyond_any_sentence_is_a_problem_of_its_row(tmp_path: Path) -> None:
    path = write(tmp_path, "long.json", json.dumps({"a.jpg": ["a red car", "red " * 50_000]}))
    pairs, problems = read_pairs(path)
    assert plain(pairs) == [("a.jpg", "a red car")]
    assert [(problem.what, problem.detail) for problem in problems] == [("caption too long", "200,000 characters")]
