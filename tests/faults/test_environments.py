"""Other languages, time zones, terminals, users and networks: the same bytes."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import backtester
from backtester.run_directory import DATA_FILES, PAGE
from tests.faults.disks import NOBODY, must
from tests.faults.running import OF_THIS_TIME, RECIPE, RUN, Programs, contents, prepare
from tests.markets import random_walk

PACKAGE = Path(backtester.__file__).parent


@pytest.fixture(scope="session")
def german(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings under which numbers have a decimal comma."""
    folder = tmp_path_factory.mktemp("locales")
    command = ["localedef", "-i", "de_DE", "-f", "UTF-8", str(folder / "de_DE.UTF-8")]
    try:
        made = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no localedef here, and so no de_DE.UTF-8")
    if made.returncode:
        pytest.skip(f"de_DE.UTF-8 cannot be made here: {made.stderr.strip()}")
    return {"LOCPATH": str(folder), "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8", "LANGUAGE": "de"}


# Also what a library may do that reads the settings: from here on C code writes 0,5.
IN_GERMAN = """
import locale
locale.setlocale(locale.LC_ALL, "")
assert locale.str(0.5) == "0,5"
"""


@pytest.mark.slow
@pytest.mark.catalogue("F25")
def test_a_decimal_comma_moves_no_byte(
    german: dict[str, str], programs: Programs, whole_contents: dict[str, str], tmp_path: Path
):
    folder = prepare(tmp_path / "run")
    run = programs.run(folder, environment=german, before=IN_GERMAN)
    assert run.code == 0, run.told
    assert contents(folder) == whole_contents


@pytest.mark.slow
@pytest.mark.catalogue("F26")
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue", "Asia/Kathmandu", "XYZ+25:59:59"])
def test_a_time_zone_moves_no_byte(
    zone: str, programs: Programs, whole_contents: dict[str, str], tmp_path: Path
):
    folder = prepare(tmp_path / "run")
    run = programs.run(folder, environment={"TZ": zone})
    assert run.code == 0, run.told
    assert contents(folder) == whole_contents


HOMELESS = {"HOME": None, "XDG_CACHE_HOME": None, "XDG_DATA_HOME": None, "XDG_CONFIG_HOME": None}
RECIPE_WITHOUT_STORE = RECIPE.replace('store = "store"\n', "")


@pytest.mark.catalogue("F27")
@pytest.mark.parametrize("home", ["none", "not there", "read-only"])
def test_without_a_home_it_works_in_a_folder_of_the_users_alone(home: str, programs: Programs, whole: Path):
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        folder = prepare(Path(name) / "run", recipe=RECIPE_WITHOUT_STORE)
        temporary = Path(name) / "tmp"
        temporary.mkdir()
        (Path(name) / "home").mkdir()
        must("chown", "-R", str(NOBODY), name)
        must("chown", "root", f"{name}/home")
        homes = {"none": None, "not there": "/nowhere/at/all", "read-only": f"{name}/home"}
        environment = {**HOMELESS, "HOME": homes[home], "TMPDIR": str(temporary)}
        run = programs.run(folder, RUN, user=NOBODY, environment=environment, before=FORGET_TMPDIR)
        assert run.code == 0, run.told
        (place,) = temporary.iterdir()
        assert place.name == f"walkforward-backtester-{NOBODY}"
        assert place.stat().st_mode & 0o077 == 0
        assert {path.name for path in place.iterdir()} >= {"folds", "trials"}
        assert "There is no home folder to keep trials in" in run.told
        for table in ("forecasts.csv", "orders.csv", "returns.csv"):
            (mine,), (theirs,) = folder.glob(f"reports/*/{table}"), whole.glob(f"reports/*/{table}")
            assert mine.read_bytes() == theirs.read_bytes()


FORGET_TMPDIR = "import tempfile\ntempfile.tempdir = None"


@pytest.mark.catalogue("F28")
def test_off_a_terminal_of_40_columns_there_is_no_code_and_tables_wrap(programs: Programs, whole: Path):
    environment = {"COLUMNS": "40", "TERM": "xterm-256color"}
    run = programs.run(whole, RUN, environment=environment)
    assert run.code == 0, run.told
    told = run.out.read_text()
    table = told.split("\n\n")[0].splitlines()
    assert len(table) > 5
    assert max(map(len, table)) <= 40
    assert "\x1b" not in told + run.told


QUIET_NETWORK = """
import ctypes, os
CLONE_NEWNET = 0x40000000
assert ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
from backtester.prices import fetched, fetching, yahoo
fetched.Yahoo = fetching.Yahoo = yahoo.Yahoo
"""


@pytest.mark.slow
@pytest.mark.catalogue("F23")
def test_without_a_network_files_work_and_yahoo_exits_3(programs: Programs, whole: Path, tmp_path: Path):
    must("unshare", "-n", "true")
    folder = prepare(tmp_path / "run")
    run = programs.run(folder, ("run", "recipe.toml", "--csv", "feed.csv"), before=QUIET_NETWORK)
    assert run.code == 0, run.told
    asked = programs.run(folder, ("fetch", "KO"), before=QUIET_NETWORK)
    assert asked.code == 3, asked.told
    assert "no connection" in asked.told + asked.out.read_text()
    asked = programs.run(folder, RUN, before=QUIET_NETWORK)
    assert asked.code == 3, asked.told
    assert not list(folder.glob("reports/*KO*"))


QUICK = """
[folds]
train = 120
test = 60
[model]
kind = "sklearn.linear_model:Ridge"
lookback = 5
[execution]
workers = 1
store = "store"
registry = "registry"
[verdict]
draws = 199
"""


@pytest.mark.slow
@pytest.mark.catalogue("F25", "F26", "F27", "F28")
def test_the_whole_program_in_odd_circumstances_writes_the_same_bytes(german: dict[str, str], tmp_path: Path):
    """Its own process with all its pictures: German, far away, homeless, narrow, on a read-only checkout."""
    written = {}
    odd = {**german, "TZ": "Pacific/Kiritimati", "COLUMNS": "40"}
    for name in ("usual", "odd"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "recipe.toml").write_text(QUICK)
        random_walk(300, seed=1).frame.reset_index().to_csv(folder / "walk.csv", index=False)
        program = [sys.executable, "-m", "backtester.cli", "run", "recipe.toml", "--csv", "walk.csv"]
        environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
        if name == "odd":
            program = on_a_read_only_checkout(program)
            environment = {key: value for key, value in (environment | odd).items() if key not in HOMELESS}
        result = subprocess.run(
            program, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        assert result.returncode == 0, result.stderr.decode()
        told = (result.stdout + result.stderr).decode()
        assert "\x1b" not in told
        assert "Traceback" not in told
        (directory,) = folder.glob("reports/*")
        sheets = [path.name for path in directory.glob("tearsheet*")]
        assert len(sheets) == 2
        written[name] = {
            file: OF_THIS_TIME.sub(b"", (directory / file).read_bytes())
            for file in (*DATA_FILES, PAGE, *sheets)
        }
    assert {name for name in written["usual"] if written["usual"][name] != written["odd"][name]} == set()


def on_a_read_only_checkout(program: list[str]) -> list[str]:
    """In a mount namespace of its own, where the package's folder is mounted read-only."""
    here = shlex.quote(str(PACKAGE.parent))
    script = f"mount --bind {here} {here} && mount -o remount,ro,bind {here}"
    must("unshare", "-m", "sh", "-c", script)
    closed = f"{script} && ! touch {here}/backtester/x 2>/dev/null && exec {shlex.join(program)}"
    return ["unshare", "-m", "sh", "-c", closed]


@pytest.mark.slow
@pytest.mark.catalogue("F30")
def test_a_file_of_2_gigabytes_is_read_in_chunks(programs: Programs, tmp_path: Path):
    if shutil.disk_usage(tmp_path).free < 5 << 30:
        pytest.skip("less than 5 GB of disk are free")
    folder = prepare(tmp_path / "run")
    line = b",".join([b"2020-01-02 09:30", *[b"1.5"] * 5]) + b"\n"
    chunk = line * (16_000_000 // len(line))
    with open(folder / "large.csv", "wb") as file:
        file.write(b"Date,Open,High,Low,Close,Volume\n")
        while file.tell() < 2 << 30:
            file.write(chunk)
    before = "import resource\nresource.setrlimit(resource.RLIMIT_AS, (2 << 30,) * 2)"
    run = programs.run(folder, ("run", "recipe.toml", "--csv", "large.csv"), before=before)
    (folder / "large.csv").unlink()
    assert run.code == 3, run.told
    assert "large.csv" in run.told
    assert re.search(r"intraday|rows", run.told), run.told
