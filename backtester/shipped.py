"""Where the files that come with the program lie: the strategies and recipes that users copy."""

from __future__ import annotations

from pathlib import Path

from backtester.errors import StorageError

__all__ = ["builtin_folder"]

_PACKAGE = Path(__file__).resolve().parent


def builtin_folder(name: str) -> Path:
    """Find a folder of built-in files, in an installed wheel or in a checkout.

    Parameters
    ----------
    name : ``"strategies"`` or ``"recipes"``

    Returns
    -------
    Path of an existing folder

    Raises
    ------
    StorageError : the installation has no such folder
    """
    # a wheel carries the folders inside the package; in a checkout they stand beside it
    for folder in (_PACKAGE / "builtin" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise StorageError(
        f"The built-in {name} are missing from this installation.",
        advice="Install the program again.",
    )
