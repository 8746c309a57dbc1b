"""A look at price files, from Python and from the command line: findings, figures, charts, a page.

Examples
--------
>>> import backtester
>>> backtester.explore("SPY").findings                          # doctest: +SKIP
>>> backtester.explore(["KO.csv", "PEP.csv"]).write("page.html")  # doctest: +SKIP
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from backtester.errors import PricesError, RecipeError, UsageError
from backtester.exploring.exploration import Exploration, Together, explore_table, explore_together
from backtester.exploring.opening import open_file, open_frame
from backtester.prices import sample_names
from backtester.recipe import parse_overrides
from backtester.recipe.problems import check_mapping
from backtester.recipe.sections import DataSection, Source
from backtester.suggest import nearest

__all__ = ["Explored", "explore"]

_SUFFIXES = (".csv", ".csv.gz", ".parquet", ".pq")
_PARQUET = (".parquet", ".pq")
_NOT_HERE = ("source", "path", "refresh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """One or more price files looked at.

    Parameters
    ----------
    files : each by itself
    together : beside each other; None for one file, or where fewer than two could be read
    """

    files: tuple[Exploration, ...]
    together: Together | None

    @property
    def summary(self) -> dict[str, Any]:
        """Every figure, by the keys of ``backtester explore --json``."""
        return {
            "refused": [found.table.name for found in self.refused],
            "files": [found.values for found in self.files],
            "together": None if self.together is None else self.together.values,
        }

    @property
    def refused(self) -> tuple[Exploration, ...]:
        """Files that `run` would refuse."""
        return tuple(found for found in self.files if found.refusal is not None)

    @property
    def findings(self) -> pd.DataFrame:
        """Every finding, a row each: of which symbol, what was seen, what it means, what `run` does."""
        rows = [
            {"symbol": found.table.symbol, **finding.values()}
            for found in self.files
            for finding in found.findings
        ]
        if self.together is not None:
            rows += [{"symbol": "", **finding.values()} for finding in self.together.findings]
        columns = ["symbol", "key", "level", "title", "n", "text", "meaning", "run", "dates"]
        return pd.DataFrame(rows, columns=columns)

    @property
    def prices(self) -> dict[str, pd.DataFrame]:
        """Bars as used, by symbol; of a refused file, as far as they could be read."""
        return {found.table.symbol: found.frame for found in self.files if found.frame is not None}

    @property
    def figures(self) -> dict[str, Any]:
        """The page's Plotly charts by name; in a notebook each shows itself."""
        from backtester.reporting.explore_page import explore_charts

        return explore_charts(self.files, together=self.together)

    def write(self, path: str | Path) -> Path:
        """Write the page; one that was written before is replaced.

        Raises
        ------
        RunDirectoryError : something else is there
        StorageError : the disk is full or read-only
        """
        from backtester.reporting.explore_page import write_exploration

        return write_exploration(self.files, together=self.together, path=Path(path))

    def _repr_html_(self) -> str:
        return self.findings[["symbol", "level", "title", "text"]].to_html(index=False)


def explore(
    prices: str | Path | pd.DataFrame | Sequence[str | Path],
    *,
    symbol: str = "",
    date_format: str = "",
    changes: Mapping[str, Any] | Sequence[str] = (),
) -> Explored:
    """Look at price files: their quirks, what each means and what `run` does with it, and their figures.

    Nothing is written. A file that `run` would refuse is looked at as far as it can be read; see ``refused``.

    Parameters
    ----------
    prices : a file, several files, folders of them, names of bundled samples, or a pandas frame; what
        is named twice is looked at once
    symbol : a name for these prices, and which rows to take where a file holds several symbols; only with
        one file. Default: the file's name
    date_format : a ``strptime`` format such as ``%d/%m/%Y``, only where dates are ambiguous
    changes : other keys of the recipe's ``[data]`` that say how prices are read, ``{"data.price": "raw"}`` or
        ``["data.price=raw"]``

    Raises
    ------
    PricesError : there is no such file, or it cannot be opened
    RecipeError : a key of ``[data]`` that cannot be
    UsageError : no file, or one symbol for several files
    """
    settings = dict(changes) if isinstance(changes, Mapping) else parse_overrides(list(changes))
    settings |= {"data.date_format": date_format} if date_format else {}
    if isinstance(prices, pd.DataFrame):
        data = _section(settings, symbol=symbol or "prices", given={})
        table = open_frame(prices, symbol=data.symbol, data=data)
        found = explore_table(table, periods_per_year=data.periods_per_year)
        return Explored(files=(found,), together=None)
    named = [prices] if isinstance(prices, str | Path) else list(prices)
    each = {tuple(source.items()): source for name in named for source in _sources(name)}  # once
    sources = _told_apart(list(each.values()))
    if not sources:
        raise UsageError("No prices are named.", advice="Name a file, a folder, or a sample such as SPY.")
    if symbol and len(sources) > 1:
        raise UsageError(
            f"One symbol, {symbol!r}, for {len(sources)} files.",
            advice="Leave the symbol out, or name one file.",
        )
    found_files = []
    for given in sources:
        data = _section(settings, symbol=symbol or given["symbol"], given=given)
        table = open_file(data, folder=Path.cwd())
        found_files.append(explore_table(table, periods_per_year=data.periods_per_year))
    return Explored(
        files=tuple(found_files), together=explore_together(found_files) if len(found_files) > 1 else None
    )


def _sources(name: str | Path) -> list[dict[str, str]]:
    """Keys of ``[data]`` for a file, for each file of a folder, or for a sample."""
    path = Path(name)
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.name.lower().endswith(_SUFFIXES))
        if not files:
            raise PricesError(
                f"{path}: no price file is in this folder.",
                advice="Price files end in .csv, .csv.gz, .parquet or .pq.",
            )
        return [_file(file) for file in files]
    if path.exists() or path.is_symlink() or path.suffix or len(path.parts) > 1:
        return [_file(path)]
    samples = sample_names()
    if str(name) in samples:
        return [{"source": Source.SAMPLE.value, "symbol": str(name)}]
    raise PricesError(
        f"{name}: no such file, and no sample of that name.{nearest(str(name), samples)}",
        advice=f"The samples are {', '.join(samples)}.",
    )


def _file(path: Path) -> dict[str, str]:
    parquet = path.name.lower().endswith(_PARQUET)
    return {
        "source": (Source.PARQUET if parquet else Source.CSV).value,
        "path": str(path.absolute()),
        "symbol": path.name.split(".")[0] or path.name,
    }


def _told_apart(sources: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Make symbols unique: add the part of the folder that tells files apart, the ending, a number.

    Examples
    --------
    >>> twins = [{"symbol": "KO", "path": path} for path in ("/a/x/KO.csv", "/b/x/KO.csv", "/b/x/KO.pq")]
    >>> [source["symbol"] for source in _told_apart(twins)]
    ['KO (a/x)', 'KO.csv (b/x)', 'KO.pq (b/x)']
    """
    names = [source["symbol"] for source in sources]
    counts = Counter(names)
    for symbol in [symbol for symbol, n in counts.items() if n > 1]:
        paths = {
            place: Path(source["path"])
            for place, source in enumerate(sources)
            if source["symbol"] == symbol and "path" in source
        }
        tails = _tails({path.parent for path in paths.values()})
        in_folder = Counter(path.parent for path in paths.values())
        for place, path in paths.items():
            name = path.name if in_folder[path.parent] > 1 else symbol
            names[place] = f"{name} ({tails[path.parent]})"
    taken = {source["symbol"] for source in sources if "path" not in source}  # a sample keeps its name
    for place, name in enumerate(names):
        number = 2
        while "path" in sources[place] and names[place] in taken:
            names[place], number = f"{name} {number}", number + 1
        taken.add(names[place])
    return [{**source, "symbol": name} for source, name in zip(sources, names, strict=True)]


def _tails(folders: set[Path]) -> dict[Path, str]:
    """Name each folder by as many of its last parts as tell it from the others."""
    tails: dict[Path, str] = {}
    for depth in range(1, 1 + max((len(folder.parts) for folder in folders), default=0)):
        tails = {folder: str(Path(*folder.parts[-depth:])) for folder in folders}
        if len(set(tails.values())) == len(folders):
            break
    return tails


def _section(settings: Mapping[str, Any], *, symbol: str, given: Mapping[str, str]) -> DataSection:
    values: dict[str, Any] = {**given, "symbol": symbol}
    for key, value in settings.items():
        section, _, name = key.partition(".")
        if section != "data" or name in _NOT_HERE:
            raise UsageError(
                f"{key}: says nothing of how prices are read.",
                advice="Name the prices themselves, and keys of [data] such as data.price or data.start.",
            )
        values[name] = value
    recipe, problems = check_mapping({"data": values})
    if recipe is None:
        raise RecipeError("\n".join(problems))
    return recipe.data
