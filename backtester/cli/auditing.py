"""The command that looks for what sees the future."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backtester.cli.console import echo, print_json, say
from backtester.cli.running import CsvOption, JsonOption, SampleOption, SetOption, YahooOption
from backtester.errors import LeakError, StorageError, UsageError, UserCodeError

if TYPE_CHECKING:
    from backtester.audit import Audit, Trap

__all__ = ["audit"]


def audit(
    target: Annotated[str, typer.Argument(metavar="[RECIPE|RUN]", help="A recipe, or a run directory.")] = "",
    *,
    csv: CsvOption = None,
    yahoo: YahooOption = "",
    sample: SampleOption = "",
    changes: SetOption = None,
    cuts: Annotated[
        int, typer.Option("--cuts", min=0, help="Bars after which the history is cut; 0: every one.")
    ] = 0,
    folds: Annotated[
        int, typer.Option("--folds", min=1, help="Folds of a run that are trained again, three times each.")
    ] = 3,
    selftest: Annotated[
        bool, typer.Option("--selftest", help="Plant every known kind of leak, and see it caught.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Look for what sees the future: by cutting it off, and by changing it. Exit 5 where something does.

    A recipe: its features, scalers, labels, folds, strategy, your own model, and the split of [published].
    A run: its fitted networks, forecasts, regimes, orders and fills as well.

    Examples:

      backtester audit lstm

      backtester audit my/recipe.toml --csv prices.csv --cuts 200

      backtester audit reports/lstm-SPY-1a2b3c4d --folds 5

      backtester audit --selftest
    """
    if selftest:
        _print_selftest(as_json=as_json)
        return
    if not target:
        raise UsageError("Nothing to audit is named.", advice="Name a recipe or a run, or say --selftest.")
    with redirect_stdout(sys.stderr):  # the user's own code may print
        if (Path(target) / "run.json").is_file():
            from backtester.audit import audit_run

            found = audit_run(Path(target), cuts=cuts, n_folds=folds, step=say)
        else:
            from backtester.api import ask
            from backtester.audit import audit_question

            question = ask(target, prices=csv, sample=sample, yahoo=yahoo, changes=changes or [])
            found = audit_question(question, cuts=cuts, step=say)
    _print(found, as_json=as_json)


def _print(found: Audit, *, as_json: bool) -> None:
    from backtester.audit import NOT_REPRODUCIBLE

    if as_json:
        print_json(found.as_dict())
    else:
        for check in found.checks:
            echo(f"{check.mark:8}{check.subject}: {check.skipped or check.note or check.method}")
    random = [check.line for check in found.random]
    if found.leaks:
        published = all(check.subject.startswith("as published: ") for check in found.leaks)
        raise LeakError(
            "\n".join([*found.lines, *random]),
            advice="Nothing of the test beside it sees the future."
            if published and not random
            else "A value used at a bar must be known at its close: see docs/audit.md.",
        )
    if random:
        raise UserCodeError("\n".join(random), advice=NOT_REPRODUCIBLE)
    if found.damaged:
        raise StorageError(found.damaged, advice="Run its recipe again elsewhere, or restore the file.")
    if not as_json:
        echo("\nNothing that was looked at sees the future.")


def _print_selftest(*, as_json: bool) -> None:
    from backtester.audit import selftest

    traps = selftest()
    wrong = [trap for trap in traps if not trap.right]
    leaking = sum(trap.leaking for trap in traps)
    if as_json:
        print_json([_trap_values(trap) for trap in traps])
    else:
        for trap in traps:
            echo(_trap_line(trap))
        caught = leaking - sum(trap.leaking for trap in wrong)
        echo(
            f"\n{caught} of {leaking} planted leaks caught; "
            f"{sum(not trap.leaking for trap in wrong)} false alarms on {len(traps) - leaking} clean parts."
        )
    if wrong:
        raise LeakError(
            f"The audit is wrong about {len(wrong)} of its own traps, first: {wrong[0].what}.",
            advice="Install the program again; its tests hold this.",
        )


def _trap_line(trap: Trap) -> str:
    mark = "right" if trap.right else "WRONG"
    check = trap.caught
    found = "nothing found" if check is None else check.sentence.partition(", first on")[0]
    return f"{mark:7}{trap.key:7}{trap.what}: {found}"


def _trap_values(trap: Trap) -> dict[str, object]:
    check = trap.caught
    return {
        "key": trap.key,
        "what": trap.what,
        "right": trap.right,
        "caught": None if check is None else check.subject,
        "reach": None if check is None or check.leak is None else check.leak.reach_words,
    }
