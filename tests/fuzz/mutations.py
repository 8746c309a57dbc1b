"""Real price files, shortened, and damaged: bytes flipped, lines dropped or doubled, columns swapped."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from backtester.prices.samples import sample_path

__all__ = ["HARMS", "SAMPLES", "Mutation", "mutations", "shortened"]

SAMPLES = ("SPY", "AAPL", "GOOG", "INTC", "SP500")
N_COLUMNS = 7

Harm = Callable[[random.Random, list[str]], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """A file as it was and as it became."""

    harm: str
    symbol: str
    original: bytes
    content: bytes


@cache
def _lines(symbol: str) -> tuple[str, ...]:
    return tuple(sample_path(symbol).read_text(encoding="utf-8").splitlines())


def shortened(chance: random.Random, symbol: str) -> list[str]:
    """Header and 40 to 120 consecutive rows of a bundled file."""
    lines = _lines(symbol)
    start = chance.randrange(1, len(lines) - 120)
    return [lines[0], *lines[start : start + chance.choice([40, 80, 120])]]


def _bytes(lines: Sequence[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()


def _flip_bits(chance: random.Random, lines: list[str]) -> bytes:
    content = bytearray(_bytes(lines))
    for _ in range(chance.choice([1, 1, 2, 3])):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return bytes(content)


def _drop_lines(chance: random.Random, lines: list[str]) -> bytes:
    kept = list(lines)
    for _ in range(chance.choice([1, 1, 2, 5])):
        del kept[chance.randrange(len(kept))]
    return _bytes(kept)


def _double_lines(chance: random.Random, lines: list[str]) -> bytes:
    more = list(lines)
    for _ in range(chance.choice([1, 1, 2])):
        at = chance.randrange(len(more))
        more.insert(chance.choice([at, chance.randrange(len(more))]), more[at])
    return _bytes(more)


def _swap_columns(chance: random.Random, lines: list[str]) -> bytes:
    first, second = chance.sample(range(N_COLUMNS), 2)
    one_row = chance.randrange(1, len(lines))
    rows = {
        "whole file": range(len(lines)),
        "header alone": range(1),
        "rows alone": range(1, len(lines)),
        "one row": range(one_row, one_row + 1),
    }[chance.choice(["whole file", "header alone", "rows alone", "one row"])]
    cells = [line.split(",") for line in lines]
    for row in rows:
        cells[row][first], cells[row][second] = cells[row][second], cells[row][first]
    return _bytes([",".join(row) for row in cells])


HARMS: dict[str, Harm] = {
    "bytes flipped": _flip_bits,
    "lines dropped": _drop_lines,
    "lines doubled": _double_lines,
    "columns swapped": _swap_columns,
}


def mutations(n_files: int, *, seed: int) -> Iterator[Mutation]:
    """Yield files, all harms and samples in turn; the same for the same seed."""
    chance = random.Random(seed)
    for number in range(n_files):
        symbol = SAMPLES[number % len(SAMPLES)]
        harm = tuple(HARMS)[number // len(SAMPLES) % len(HARMS)]
        lines = shortened(chance, symbol)
        yield Mutation(
            harm=harm, symbol=symbol, original=_bytes(lines), content=HARMS[harm](chance, list(lines))
        )
