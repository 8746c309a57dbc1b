import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from backtester.control.data import bundled_digits, read_mnist
from backtester.errors import UsageError


def arrays(**changes: object) -> dict[str, object]:
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, size=(250, 28, 28)).astype(np.uint8),
        "y_train": np.arange(250, dtype=np.uint8) % 10,
        "x_test": rng.integers(0, 256, size=(30, 28, 28)).astype(np.uint8),
        "y_test": np.arange(30, dtype=np.uint8) % 10,
    } | changes


def written(folder: Path, **changes: object) -> Path:
    np.savez(folder / "mnist.npz", **arrays(**changes))
    return folder / "mnist.npz"


def test_the_bundled_digits_are_those_of_scikit_learn():
    digits = bundled_digits()
    assert digits.images.shape == (1797, 8, 8)
    assert (digits.images.min(), digits.images.max(), digits.white) == (0, 16, 16)
    assert np.bincount(digits.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_mnist_is_read_with_its_test_images_at_the_end(tmp_path: Path):
    data = read_mnist(written(tmp_path))
    assert (data.images.shape, data.images.dtype, data.n_test) == ((280, 28, 28), np.uint8, 30)
    np.testing.assert_array_equal(data.images[250:], arrays()["x_test"])
    assert data.labels.tolist() == [*(np.arange(250) % 10), *(np.arange(30) % 10)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"x_test": np.zeros((30, 8, 8), np.uint8)}, r"x_test has the shape \(30, 8, 8\), not \(n, 28, 28\)"),
        ({"y_train": np.zeros(249, np.uint8)}, r"y_train has the shape \(249,\), not \(250,\)"),
        ({"x_train": np.full((250, 28, 28), 0.5)}, "hold float64 and uint8, not whole numbers"),
        (
            {"x_train": np.arange(250 * 784).reshape(250, 28, 28)},
            "goes from 0 to 195999, not within 0 to 255",
        ),
        ({"y_test": np.full(30, 11)}, "y_test goes from 11 to 11, not within 0 to 9"),
        ({"y_train": np.zeros(250, np.uint8)}, "y_train has 0 images of the digit 1; at least 20"),
        ({"x_train": np.full((250, 28, 28), 7)}, "all pixels of x_train are 7"),
        ({"x_train": np.full((250, 28, 28), None)}, "is not an archive of plain arrays"),
    ],
    ids=["size", "length", "fractions", "range", "labels", "one digit", "blank", "objects"],
)
def test_arrays_that_are_not_mnist_are_refused_with_what_was_found(
    tmp_path: Path, changes: dict[str, object], said: str
):
    with pytest.raises(UsageError, match=said):
        read_mnist(written(tmp_path, **changes))


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path):
    text, single, other = (tmp_path / name for name in ("text.npz", "single.npy", "other.npz"))
    text.write_text("no arrays")
    np.save(single, np.zeros(3))
    np.savez(other, x_train=np.zeros(3), images=np.zeros(3))
    for path in (text, single):
        with pytest.raises(UsageError, match="is not an archive of plain arrays"):
            read_mnist(path)
    with pytest.raises(UsageError, match="is no plain file"):
        read_mnist(tmp_path)
    with pytest.raises(UsageError, match="no such file"):
        read_mnist(tmp_path / "absent.npz")
    with pytest.raises(UsageError, match="y_train, x_test, y_test is missing; it holds images, x_train"):
        read_mnist(other)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "mnist.npz")
    with pytest.raises(UsageError, match="is no plain file"):
        read_mnist(tmp_path / "mnist.npz")


def damaged(path: Path) -> None:
    """Bytes in the middle of the compressed images are others."""
    np.savez_compressed(path, **arrays())
    content = bytearray(path.read_bytes())
    content[5_000:5_400] = b"\xff" * 400
    path.write_bytes(content)


def change_members(path: Path, *, head: int, listed: int, change: Callable[[int], int]) -> None:
    """Change a byte of each member: so many after the mark of its head, and of its line in the list."""
    np.savez(path, **arrays())
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", head), (b"PK\x01\x02", listed)):
        at = content.find(mark)
        while at >= 0:
            content[at + offset] = change(content[at + offset])
            at = content.find(mark, at + 4)
    path.write_bytes(content)


def encrypted(path: Path) -> None:
    """The flag of a password is set, in the member's head and in the list of members."""
    change_members(path, head=6, listed=8, change=lambda byte: byte | 1)


def unknown(path: Path) -> None:
    """A method of compression that does not exist."""
    change_members(path, head=8, listed=10, change=lambda _: 99)


@pytest.mark.parametrize("write", [damaged, encrypted, unknown], ids=lambda write: write.__name__)
def test_an_archive_that_cannot_be_read_is_refused(tmp_path: Path, write):
    write(tmp_path / "mnist.npz")
    with pytest.raises(UsageError, match="is not an archive of plain arrays"):
        read_mnist(tmp_path / "mnist.npz")


@pytest.mark.parametrize(
    ("key", "shape", "said"),
    [
        ("x_train", (10**12, 28, 28), r"x_train has the shape \(1000000000000, 28, 28\): it is too large"),
        ("y_test", (10**15,), r"y_test has the shape \(1000000000000000,\): it is too large"),
        ("x_test", (10**6, 10**6), r"x_test has the shape \(1000000, 1000000\), not \(n, 28, 28\)"),
    ],
)
def test_an_array_that_says_it_is_huge_is_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, shape: tuple[int, ...], said: str
):
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(tmp_path / "mnist.npz", "w") as archive:
        for name, array in arrays().items():
            content = io.BytesIO()
            np.save(content, array)
            archive.writestr(f"{name}.npy", head.getvalue() if name == key else content.getvalue())
    monkeypatch.setattr(np, "load", None)
    with pytest.raises(UsageError, match=said):
        read_mnist(tmp_path / "mnist.npz")
