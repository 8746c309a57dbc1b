import os
import signal
import tempfile
from pathlib import Path

import pytest

# Before any test imports TensorFlow: the flags of a worker, so that both compute the same bits.
from backtester.execution.worker import ENVIRONMENT
from backtester.network_library import load_network_library
from tests.catalogue_record import Record, mark

os.environ.update(ENVIRONMENT)
os.environ["MPLBACKEND"] = "Agg"
# What tests try is not a trial of whoever runs them.
os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp(prefix="backtester-tests-")

# Tests of one process use TensorFlow, QuantStats and yfinance in any order.
load_network_library()

# A shell starts its background jobs deaf to SIGINT, and children inherit that: tests interrupt theirs.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real prices that are not shipped; they lie beside a contributor's checkout or are absent."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the prices beside the checkout (../shared/data) are not here")
    return folder


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--catalogue", metavar="FILE", help="Write which tests hold which id of the catalogue, as JSON."
    )


def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption("--catalogue")
    if path and not hasattr(config, "workerinput"):  # one process writes
        config.pluginmanager.register(Record(Path(path)))


@pytest.hookimpl(tryfirst=True)  # before slow tests are left out
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    mark(config, items)
