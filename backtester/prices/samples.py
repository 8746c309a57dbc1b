"""The price files that come with the package."""

from __future__ import annotations

from pathlib import Path

from backtester.errors import PricesError
from backtester.suggest import nearest

__all__ = ["sample_names", "sample_path"]

_FOLDER = Path(__file__).parent / "samples"


def sample_names() -> tuple[str, ...]:
    """Give the names of the samples, sorted.

    Examples
    --------
    >>> sample_names()
    ('AAPL', 'GOOG', 'INTC', 'SP500', 'SPY')
    """
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.csv")))


def sample_path(name: str) -> Path:
    """Give the path of a sample's CSV.

    Raises
    ------
    PricesError : there is no sample of that name
    """
    names = sample_names()
    if name not in names:
        raise PricesError(
            f"There is no sample {name!r}.{nearest(name, names)}",
            advice=f"The samples are {', '.join(names)}.",
        )
    return _FOLDER / f"{name}.csv"
