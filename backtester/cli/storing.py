"""Commands for the store of trained folds: list, check, prune."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backtester.cli.console import echo, print_json, say

if TYPE_CHECKING:
    from backtester.store import FoldStore

__all__ = ["store"]

store = typer.Typer(
    help="List, check and prune the trained folds that are kept.",
    epilog="Example: backtester store list",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FolderOption = Annotated[
    Path | None,
    typer.Option("--store", metavar="DIR", help="The store. [default: in the user's cache directory]"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def _open(folder: Path | None) -> FoldStore:
    from backtester.store import FoldStore, default_store_folder

    return FoldStore(folder=folder or default_store_folder())


@store.command("list")
def show(*, folder: FolderOption = None, as_json: JsonOption = False) -> None:
    """Say where the store is and how much is in it.

    Examples:

      backtester store list

      backtester store list --json
    """
    opened = _open(folder)
    keys, size = opened.keys(), opened.size()
    if as_json:
        print_json({"folder": str(opened.folder), "entries": list(keys), "bytes": size})
    else:
        echo(f"{opened.folder}: {len(keys)} trained networks, {size / 1e6:.1f} MB")


@store.command("check")
def check(*, folder: FolderOption = None, as_json: JsonOption = False) -> None:
    """Read every entry against its checksum; exit 8 where one is damaged.

    Example:

      backtester store check
    """
    from backtester.errors import StorageError

    opened = _open(folder)
    n_entries, damaged = len(opened.keys()), opened.damaged()
    if as_json:
        print_json({"entries": n_entries, "damaged": {entry.key: entry.reason for entry in damaged}})
    else:
        for entry in damaged:
            echo(f"{entry.key}: {entry.reason}")
        echo(f"{n_entries} entries, {len(damaged)} damaged")
    if damaged:
        raise StorageError(
            f"{len(damaged)} of {n_entries} entries are damaged.",
            advice="They are never used but trained again; `backtester store prune` removes them.",
        )


@store.command("prune")
def prune(
    *,
    folder: FolderOption = None,
    days: Annotated[
        float | None,
        typer.Option("--older-than", min=0, metavar="DAYS", help="Also what was written before."),
    ] = None,
) -> None:
    """Remove damaged entries, and with --older-than the old ones; runs made from them keep their figures.

    Examples:

      backtester store prune

      backtester store prune --older-than 90
    """
    opened = _open(folder)
    doomed = {entry.key for entry in opened.damaged()}
    if days is not None:
        doomed |= set(opened.written_before(time.time() - 86_400 * days))
    before = opened.size()
    for key in sorted(doomed):
        opened.remove(key)
    echo(f"{len(doomed)} entries removed, {(before - opened.size()) / 1e6:.1f} MB")
    say(f"{len(opened.keys())} entries remain in {opened.folder}.")
