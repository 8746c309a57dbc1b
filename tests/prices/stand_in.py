"""A service on this machine that answers as Yahoo's chart endpoint does, and misbehaves when told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pandas as pd

ZONE = "America/New_York"
Reply = tuple[int, bytes]
_ERROR = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
NOT_FOUND = json.dumps({"chart": {"result": None, "error": _ERROR}}).encode()


@dataclass
class StandIn:
    """What the service has, what it was asked, and how it behaves.

    ``misbehave(symbol, n)`` may answer the n-th request for a symbol's bars (from 1) in its own way;
    None: as it should.
    """

    series: dict[str, pd.DataFrame] = field(default_factory=dict)
    misbehave: Callable[[str, int], Reply | None] = lambda _symbol, _n: None
    first_sessions: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def reply(self, path: str) -> Reply:
        parts = urlsplit(path)
        if not parts.path.startswith("/v8/finance/chart/"):
            return (200, b"crumb") if parts.path.endswith("getcrumb") else (404, NOT_FOUND)
        symbol = unquote(parts.path.rsplit("/", 1)[1])
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if "period1" in query:  # the bars themselves; before it yfinance asks for the time zone
            self.asked.append(symbol)
            wrong = self.misbehave(symbol, self.asked.count(symbol))
            if wrong is not None:
                return wrong
        if symbol not in self.series:
            return 404, NOT_FOUND
        frame = self.series[symbol]
        seconds = _opening(frame)
        if "period1" in query:
            inside = (seconds >= int(query["period1"])) & (seconds < int(query["period2"]))
            frame, seconds = frame[inside], seconds[inside]
        first = self.first_sessions.get(symbol, str(self.series[symbol].index[0].date()))
        last = self.series[symbol].index[-1:]
        return 200, chart(symbol, frame, first=first, last=int(_opening(pd.DataFrame(index=last))[0]))


def _opening(frame: pd.DataFrame) -> np.ndarray[Any, Any]:
    index = pd.DatetimeIndex(frame.index) + pd.Timedelta(hours=9, minutes=30)
    return index.tz_localize(ZONE).as_unit("s").asi8


def chart(symbol: str, frame: pd.DataFrame, *, first: str, last: int) -> bytes:
    """The endpoint's JSON: blanks are null, events by their second."""
    seconds = _opening(frame).tolist()

    def column(name: str) -> list[float | None]:
        return [None if np.isnan(value) else float(value) for value in frame[name]]

    events: dict[str, Any] = {"dividends": {}, "splits": {}}
    for second, dividend, split in zip(seconds, frame["Dividends"], frame["Stock Splits"], strict=True):
        if dividend:
            events["dividends"][str(second)] = {"amount": float(dividend), "date": second}
        if split:
            events["splits"][str(second)] = {
                "date": second,
                "numerator": float(split),
                "denominator": 1.0,
                "splitRatio": f"{split:g}:1",
            }
    meta = {
        "symbol": symbol,
        "currency": "USD",
        "instrumentType": "EQUITY",
        "exchangeTimezoneName": ZONE,
        "firstTradeDate": int(_opening(pd.DataFrame(index=pd.DatetimeIndex([first])))[0]),
        "regularMarketTime": last + 23_400,
        "priceHint": 2,
        "dataGranularity": "1d",
        "validRanges": ["1d", "5d", "1mo", "1y", "max"],
    }
    quote = {name.lower(): column(name) for name in ("Open", "High", "Low", "Close", "Volume")}
    indicators = {"quote": [quote], "adjclose": [{"adjclose": column("Adj Close")}]}
    result = {"meta": meta, "timestamp": seconds, "events": events, "indicators": indicators}
    if not seconds:
        result = {"meta": meta, "indicators": {"quote": [{}], "adjclose": [{}]}}
    return json.dumps({"chart": {"result": [result], "error": None}}).encode()


@contextmanager
def serving(service: StandIn) -> Iterator[StandIn]:
    """Let the service answer on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            status, content = service.reply(self.path)
            if status == 0:  # the line goes dead
                time.sleep(2.0)
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def session_to(port: int) -> object:
    """A session of curl_cffi that takes every request to this machine, whatever host it names."""
    from curl_cffi import requests

    class Local(requests.Session):
        def request(self, method: str, url: str, **settings: Any) -> Any:
            parts = urlsplit(url)
            return super().request(
                method,
                parts._replace(scheme="http", netloc=f"127.0.0.1:{port}").geturl(),
                **settings | {"proxies": {"http": "", "https": ""}},
            )

        def get(self, url: str, **settings: Any) -> Any:
            return self.request("GET", url, **settings)

        def post(self, url: str, **settings: Any) -> Any:
            return self.request("POST", url, **settings)

    return Local()


def bars(n_bars: int = 120, *, seed: int = 3, first: str = "2020-01-01") -> pd.DataFrame:
    """Bars of a small random walk on weekdays, as the service has them."""
    random = np.random.default_rng(seed)
    close = 1000.0 * np.exp(np.cumsum(random.normal(0.0, 0.01, n_bars)))
    opens = close * np.exp(random.normal(0.0, 0.003, n_bars))
    columns = {
        "Open": opens,
        "High": np.maximum(opens, close) * 1.004,
        "Low": np.minimum(opens, close) * 0.996,
        "Close": close,
        "Adj Close": close,
        "Volume": random.integers(100_000, 900_000, n_bars).astype(float),
        "Dividends": np.zeros(n_bars),
        "Stock Splits": np.zeros(n_bars),
    }
    frame = pd.DataFrame(columns, index=pd.bdate_range(first, periods=n_bars, name="Date"))
    return frame.round(4)
