"""Commands that ask a question: ``run`` answers it, ``plan`` only lays it out."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backtester.cli.console import echo, listening, print_json, print_notes, say, terminal_width
from backtester.errors import FoldsFailedError, InconclusiveError, UsageError

if TYPE_CHECKING:
    from backtester.prices import Note
    from backtester.run_directory import RunRecord

__all__ = ["plan", "run"]

OptionalRecipe = Annotated[
    str,
    typer.Argument(metavar="[RECIPE]", help="A recipe's file, or the name of a built-in one such as lstm."),
]
RecipeArgument = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A recipe's file, or the name of a built-in one such as lstm.")
]
CsvOption = Annotated[
    Path | None,
    typer.Option("--csv", metavar="FILE", help="Prices from a CSV (also .csv.gz) or Parquet file."),
]
YahooOption = Annotated[
    str, typer.Option("--yahoo", metavar="SYMBOL", help="Prices from Yahoo, kept for the next time.")
]
SampleOption = Annotated[
    str, typer.Option("--sample", metavar="NAME", help="Bundled prices: SPY, AAPL, GOOG, INTC, SP500.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Change a key of the recipe, e.g. model.units=25; repeatable."
    ),
]
ExecutorOption = Annotated[str, typer.Option("--executor", metavar="NAME", help="serial, processes or ray.")]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=0, help="Worker processes; 0: one a core.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def run(
    recipe: OptionalRecipe = "",
    *,
    csv: CsvOption = None,
    yahoo: YahooOption = "",
    sample: SampleOption = "",
    changes: SetOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder for run directories. [default: reports]"),
    ] = None,
    executor: ExecutorOption = "",
    workers: WorkersOption = None,
    repeated: Annotated[
        Path | None,
        typer.Option("--from", metavar="RUN", help="Repeat a run from its manifest; needs --out."),
    ] = None,
    allow_leaks: Annotated[
        bool,
        typer.Option(
            "--allow-leaks", help="Run on where own code sees the future: --set audit.on_leak=report."
        ),
    ] = False,
    require_verdict: Annotated[
        bool, typer.Option("--require-verdict", help="Exit with 6 where the evidence cannot decide.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Retrain, forecast, trade, judge and report: one recipe on one series of prices.

    Examples:

      backtester run lstm

      backtester run lstm --csv KO.csv --set model.units=25 --set broker.commission_bp=5

      backtester run my/recipe.toml --yahoo MSFT --out results

      backtester run --from reports/lstm-SPY-1a2b3c4d --out repeated
    """
    execution = [f'execution.executor="{executor}"'] if executor else []
    execution += [] if workers is None else [f"execution.workers={workers}"]
    allowed = ["audit.on_leak=report"] if allow_leaks else []
    settings = [*(changes or []), *execution, *allowed]
    if repeated is not None:
        if recipe or csv or yahoo or sample:
            raise UsageError(
                "--from takes recipe and prices from the run.",
                advice="Name no recipe and no prices beside it.",
            )
        record = _repeat(repeated, out=out, settings=settings)
    elif recipe:
        record = _answer(recipe, csv=csv, yahoo=yahoo, sample=sample, settings=settings, out=out)
    else:
        raise UsageError("No recipe is named.", advice="Begin with: backtester run lstm")
    _print_result(record, as_json=as_json)
    verdict = record.summary["verdict"]
    if require_verdict and verdict["answer"] == "inconclusive":
        raise InconclusiveError(
            verdict["sentence"],
            advice="The page says which question decides, and what it would take.",
        )


def _answer(
    recipe: str, *, csv: Path | None, yahoo: str, sample: str, settings: list[str], out: Path | None
) -> RunRecord:
    from backtester.api import ask
    from backtester.pipeline import answer

    with listening() as listener, redirect_stdout(sys.stderr):  # a user's strategy may print
        listener.step("Reading prices and checking the recipe.")
        question = ask(recipe, prices=csv, sample=sample, yahoo=yahoo, changes=settings)
        _tell(question.prices.notes)
        return answer(question, out=out, listener=listener)


def _tell(notes: Iterable[Note]) -> None:
    print_notes([{"kind": note.kind.value, "text": note.text} for note in notes])


def _repeat(directory: Path, *, out: Path | None, settings: list[str]) -> RunRecord:
    from backtester.recipe import parse_overrides
    from backtester.repeating import repeat

    if out is None:
        raise UsageError("--from needs a folder for the repetition.", advice="Name one with --out.")
    with listening() as listener, redirect_stdout(sys.stderr):
        repeated = repeat(directory, out=out, changes=parse_overrides(settings), listener=listener)
        say(repeated.sentence)
    return repeated.again


def _print_result(record: Any, *, as_json: bool) -> None:
    from backtester.published import read_published
    from backtester.reporting import comparison_text

    page = record.directory / "index.html"
    published = read_published(record.directory)
    if as_json:
        also = {} if published is None else {"published": published}
        print_json({**record.summary, **also, "directory": str(record.directory), "page": str(page)})
    else:
        table = comparison_text(record.summary, width=terminal_width())
        verdict = record.summary["verdict"]["sentence"]
        sentence = "" if published is None else f"\n\n{published['sentence']}"
        echo(f"{table}{sentence}\n\n{record.summary['answer']}\n\n{verdict}\n\nReport: {page}")
    print_notes(record.manifest["notes"])
    failed = [fold for fold in record.manifest["folds"] if fold["state"] == "failed"]
    if failed:
        raise FoldsFailedError(
            f"{len(failed)} of {len(record.manifest['folds'])} folds have no forecast; "
            f"first: fold {failed[0]['index']}, tested {failed[0]['test_start']} to {failed[0]['test_end']}: "
            f"{failed[0]['reason']}",
            advice="Repair the cause and run again: only these folds are trained.",
        )
    beside = record.manifest.get("published", {})
    if beside.get("failed"):
        n = beside["failed"] + beside["networks"]
        raise FoldsFailedError(
            f"{beside['failed']} of {n} networks of the published mode failed: {beside['reason']} "
            "The test beside it is whole.",
            advice="Repair the cause and run again: only these networks are trained.",
        )


def plan(
    recipe: RecipeArgument,
    *,
    csv: CsvOption = None,
    yahoo: YahooOption = "",
    sample: SampleOption = "",
    changes: SetOption = None,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out the prediction of time.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the folds and samples of a recipe, and how long a run will take.

    A few networks are trained to time them; nothing is kept.

    Examples:

      backtester plan lstm

      backtester plan lstm --sample AAPL --set folds.train=3Y --set folds.scheme=expanding --quick
    """
    from dataclasses import asdict

    from backtester.api import ask
    from backtester.calibration import calibrate
    from backtester.planning import estimate_text, plan_of, plan_text

    with redirect_stdout(sys.stderr):  # a user's feature may print
        question = ask(recipe, prices=csv, sample=sample, yahoo=yahoo, changes=changes or [])
    _tell(question.prices.notes)
    _tell(question.notes)
    if not as_json:
        echo(plan_text(question, width=terminal_width()))
    if not quick:
        say("Timing a few networks ...")
    estimate = None if quick else calibrate(question)
    if as_json:
        print_json(plan_of(question) | {"estimate": None if estimate is None else asdict(estimate)})
    elif estimate is not None:
        echo(f"\n{estimate_text(estimate)}")
