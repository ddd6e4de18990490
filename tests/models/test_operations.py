"""Operations: by hand for a block, for any number of words by three counts, and for every system."""

import re
import subprocess
import sys

import pytest
from shrunk import model_config

from lcoins.models.image_encoders import grid_side
from lcoins.models.operations import OperationCount, multiply_adds


@pytest.mark.parametrize("system", ["lcoins_tiny", "lcoder_tiny", "lbie_tiny", "ml2018_tiny", "xie2018_tiny"])
def test_three_counts_give_the_operations_of_any_number_of_words(system: str) -> None:
    count = OperationCount(model_config(f"system={system}"))
    assert count.inference(2, 20) == count._count(2, 20, None, False, False)
    assert count.training(2, 20) == count._count(2, 20, None, False, True)


def test_a_system_that_pads_all_captions_to_one_length_is_counted_at_it() -> None:
    count = OperationCount(model_config("system=lcode_tiny"))
    assert 2 * count.inference(1, 40) < count.training(1, 40) < 3 * count.inference(1, 40) * 2


def test_inference_is_twice_the_multiply_adds_of_the_parts() -> None:
    count = OperationCount(model_config("model=tiny"))
    assert count.inference(3, 9) == 3 * 2 * multiply_adds(count._colorizer, 9, recolored=False)["LCoIns"]


def test_a_training_step_is_three_forwards_where_nothing_is_frozen() -> None:
    """Each product has two in its backward; only the first layer of each encoder has no input to be differentiated."""
    count = OperationCount(model_config("model=paper"))
    assert 2.98 < count.training(1, 12) / count.inference(1, 12) < 3.0


def test_frozen_parts_have_no_backward() -> None:
    tiny = model_config("model=tiny")
    trained = {**tiny, "image_encoder": {**tiny["image_encoder"], "freeze": False}}
    assert OperationCount(tiny).training(1, 9) < OperationCount(trained).training(1, 9)


def test_what_only_training_predicts_is_counted_in_training() -> None:
    with_labels = model_config("system=xie2018_tiny")
    without = OperationCount({**with_labels, "segmentation_classes": 0})
    count = OperationCount(with_labels)
    assert count.inference(1, 9) == without.inference(1, 9) and count.training(1, 9) > 1.01 * without.training(1, 9)


def test_a_second_caption_and_shared_crops_count() -> None:
    count = OperationCount(model_config("model=tiny"))
    plain = count.training(4, 9)
    assert plain < count.training(4, 9, recolored=True) < 2 * plain
    shared, encoder = count.training(4, 9, crops=1), multiply_adds(count._colorizer, 9, recolored=False)
    assert plain - shared >= 3 * 2 * encoder["LCoIns.image_encoder"]


def test_batches_of_all_shapes_are_known_from_the_same_counts() -> None:
    """A batch of repainted photos has another number of captions each time; no step waits for a new count."""
    count = OperationCount(model_config("model=tiny"))
    shapes = ((7, 3), (5, 5))
    expected = [count._count(captions, 9, crops, False, True) for captions, crops in shapes]
    count.training(4, 9, crops=2)
    known = count._counted.cache_info().misses
    assert [count.training(captions, 9, crops=crops) for captions, crops in shapes] == expected
    assert count._counted.cache_info().misses == known == 6


@pytest.mark.parametrize("size", [30, 225])
@pytest.mark.parametrize(
    "system", ["lcoins_tiny", "lcoder_tiny", "lbie_tiny", "ml2018_tiny", "xie2018_tiny", "lcode_tiny", "paper"]
)
def test_a_side_of_which_cells_would_leave_a_part_out_is_refused(system: str, size: int) -> None:
    choice = f"model={system}" if system == "paper" else f"system={system}"
    model = model_config(choice, f"model.image_size={size}")
    try:
        count = OperationCount(model)
    except ValueError as error:
        assert re.match(rf"model\.image_size={size}: expected a multiple of \d+, .*; take \d+", str(error))
    else:
        assert count.inference(1, 40) > 0  # the words of a caption that L-CoDe pads


@pytest.mark.parametrize(("size", "message"), [(100, "8, .*; take 96 or 104"), (4, "8, .*; take 8")])
def test_the_next_sides_that_fit_are_named(size: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        grid_side(size, 8)


def test_operations_are_counted_in_a_fresh_process() -> None:
    """Modules that are first imported on the meta device must compute their constants all the same."""
    script = (
        "from lcoins.models.operations import colorizer_without_memory as c\n"
        f"c({model_config('system=ml2018_tiny')!r})\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
