"""The command ``init``: a folder of one's own to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backtester.cli.console import echo, say
from backtester.errors import UsageError

__all__ = ["init"]

STARTER = Path(__file__).parents[1] / "starter"


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to fill.")] = Path(),
) -> None:
    """Make a folder with a recipe, a strategy and a README to start from.

    Example:

      backtester init demo && cd demo && backtester run recipe.toml
    """
    from backtester.files import make_folder, write_bytes

    sources = sorted(path for path in STARTER.iterdir() if path.is_file())
    present = [source.name for source in sources if (directory / source.name).exists()]
    if present:
        raise UsageError(
            f"{directory}: {', '.join(present)} exists already; nothing was written.",
            advice="Name another folder: backtester init DIR",
        )
    make_folder(directory)
    for source in sources:
        write_bytes(directory / source.name, source.read_bytes())
        echo(str(directory / source.name))
    say(f"Now: cd {directory} && backtester run recipe.toml")
