import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backtester.control import picture
from backtester.control.picture import prepare_picture, read_picture
from backtester.errors import UsageError


def one(side: int = 40) -> np.ndarray:
    """A thick vertical stroke, light on dark."""
    levels = np.zeros((side, side))
    levels[side // 10 : -side // 10, side // 2 - side // 10 : side // 2 + side // 10] = 200.0
    return levels


def headed(path: Path, *, shape: tuple[int, ...]) -> None:
    """The head of an array, without the array."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": shape})


def test_png_npy_and_csv_of_the_same_picture_give_the_same_levels(tmp_path: Path):
    levels = one()
    Image.fromarray(levels.astype(np.uint8)).save(tmp_path / "one.png")
    np.save(tmp_path / "one.npy", levels)
    np.savetxt(tmp_path / "one.csv", levels, delimiter=",")
    for name in ("one.png", "one.npy", "one.csv"):
        np.testing.assert_array_equal(read_picture(tmp_path / name), levels)


def test_what_is_transparent_is_paper(tmp_path: Path):
    drawn = np.zeros((10, 10, 4), np.uint8)
    drawn[2:8, 4:6, 3] = 255
    Image.fromarray(drawn).save(tmp_path / "ink.png")
    levels = read_picture(tmp_path / "ink.png")
    assert levels[5, 5] == 0
    assert levels[0, 0] == 255


def test_dark_ink_on_light_ground_is_inverted_and_said():
    dark = prepare_picture(255.0 - one(), name="one.png", side=28)
    light = prepare_picture(one(), name="one.png", side=28)
    np.testing.assert_array_equal(dark.levels, light.levels)
    assert any(step.startswith("inverted") for step in dark.steps)
    assert not any(step.startswith("inverted") for step in light.steps)


@pytest.mark.parametrize(("side", "field"), [(28, 20), (8, 8)])
def test_the_ink_fills_the_field_in_the_middle_whatever_its_size_and_place(side: int, field: int):
    moved = np.zeros((60, 90))
    moved[5:45, 70:80] = 9.0
    made = prepare_picture(moved, name="one.npy", side=side)
    assert made.levels.shape == (side, side)
    rows, columns = (np.flatnonzero(made.levels.any(axis=axis)) for axis in (1, 0))
    assert rows[-1] - rows[0] + 1 == field
    assert abs((rows[0] + rows[-1]) - (side - 1)) <= 1
    assert abs((columns[0] + columns[-1]) - (side - 1)) <= 1
    assert len(columns) == round(field / 4)
    assert made.levels.max() == 255


def test_a_picture_of_the_right_size_is_only_stretched():
    levels = np.zeros((8, 8))
    levels[1:7, 3] = 16.0
    made = prepare_picture(levels, name="one.npy", side=8)
    np.testing.assert_array_equal(made.levels, np.rint(levels * 255 / 16))
    assert len(made.steps) == 1


def test_shrinking_takes_mean_levels():
    fine = np.kron(np.eye(8), np.ones((3, 3)))
    np.testing.assert_array_equal(prepare_picture(fine, name="", side=8).levels, 255 * np.eye(8))


@pytest.mark.parametrize(
    ("name", "write", "said"),
    [
        ("absent.png", None, "no such file"),
        ("text.png", lambda path: path.write_text("no picture"), "cannot be read as a picture"),
        ("text.csv", lambda path: path.write_text("a,b\nc,d\n"), "cannot be read as a picture"),
        ("objects.npy", lambda path: np.save(path, np.array([None])), r"holds object of the shape \(1,\)"),
        ("colours.npy", lambda path: np.save(path, np.zeros((8, 8, 3))), r"shape \(8, 8, 3\), not grey"),
        ("blank.npy", lambda path: np.save(path, np.full((8, 8), 3.0)), "blank, every pixel is 3"),
        (
            "far.npy",
            lambda path: np.save(path, np.where(np.eye(8) > 0, 1e308, -1e308)),
            r"from -1e\+308 to 1e\+308, which is too far",
        ),
        ("pipe.png", lambda path: os.mkfifo(path), "is no plain file"),
        (
            "huge.npy",
            lambda path: headed(path, shape=(10**9, 10**9)),
            "1000000000×1000000000 pixels, more than",
        ),
        ("cut.npy", lambda path: headed(path, shape=(8, 8)), "cannot be read as a picture"),
        ("nan.npy", lambda path: np.save(path, np.full((8, 8), np.nan)), "no finite numbers"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_picture_is_refused_with_the_reason(tmp_path: Path, name: str, write: object, said: str):
    if callable(write):
        write(tmp_path / name)
    with pytest.raises(UsageError, match=said):
        read_picture(tmp_path / name)


def test_a_picture_far_too_large_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2_000)
    monkeypatch.setattr(picture, "_MOST_PIXELS", 1_000)
    for side, said in ((40, "40×40 pixels, more than 1,000"), (50, "50×50 pixels"), (70, "has more than")):
        Image.new("L", (side, side)).save(tmp_path / "large.png")
        with pytest.raises(UsageError, match=said):
            read_picture(tmp_path / "large.png")
