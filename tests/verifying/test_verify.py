"""Any change of a run's files is found and named, and what follows from them is computed again."""

import errno
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import backtester
from backtester.checksums import update_checksums
from backtester.errors import RunDirectoryError, StorageError, UsageError
from backtester.pipeline import redraw
from backtester.repeating import repeat
from backtester.run_directory import RunRecord, data_files, write_checksums, write_manifest
from backtester.verifying import verify_run
from backtester.verifying.files import altered, differences
from tests.markets import random_walk

SMALL = {
    "seed": 3,
    "folds": {"train": 120, "test": 60},
    "model": {"kind": "sklearn.linear_model:Ridge", "lookback": 5},
    "strategy": {"kind": "long_short"},
    "execution": {"workers": 1},
    "verdict": {"draws": 199},
}


@pytest.fixture(scope="module", autouse=True)
def without_tear_sheets() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backtester.reporting.page.write_tearsheets", lambda record, *, title: {})
        yield


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("runs")
    run = backtester.run(
        SMALL,
        prices=random_walk(300, seed=5).frame,
        symbol="RW",
        out=place,
        changes={"execution.store": str(place / "store")},
    )
    return run.directory


@pytest.fixture
def copied(done: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(done, tmp_path / done.name))


def test_a_run_as_it_was_written_is_sound(done: Path):
    found = verify_run(done, n_retrained=1, seed=1)
    assert found.findings == ()
    assert found.notes == ()
    assert len(found.checked) == 4


def change_manifest(run: Path, path: str, value: object) -> None:
    manifest = inner = json.loads((run / "run.json").read_text())
    *above, last = path.split(".")
    for key in above:
        inner = inner[key]
    inner[last] = value
    (run / "run.json").write_text(json.dumps(manifest, indent=2, sort_keys=True))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("data.sha256", "0" * 64),
        ("data.symbol", "XX"),
        ("data.adjustment", "raw"),
        ("data.name", "other.csv"),
        ("notes", []),
        ("timing", {}),
        ("started", "1999-01-01T00:00:00Z"),
        ("cpu", "other"),
    ],
)
def test_any_change_of_the_manifest_is_found_without_drawing_pages(copied: Path, path: str, value: object):
    change_manifest(copied, path, value)
    found = verify_run(copied, code=False)
    assert [finding.file for finding in found.findings] == ["run.json"]


@pytest.mark.parametrize("name", ["index.html", "tearsheet_last_price.html", "stress.html"])
def test_an_altered_or_lost_page_is_found_without_drawing_pages(copied: Path, name: str):
    (copied / "stress.json").write_text("{}")
    for page in (name, "index.html"):
        (copied / page).touch()
    update_checksums(copied, names=["index.html", name, "stress.json"])
    assert verify_run(copied, code=False).findings == ()
    (copied / name).write_text("other")
    assert [finding.file for finding in verify_run(copied, code=False).findings] == [name]
    (copied / name).unlink()
    assert [finding.file for finding in verify_run(copied, code=False).findings] == [name]


def test_files_that_are_not_of_the_run_are_told(copied: Path):
    (copied / "extra.csv").touch()
    (copied / "stress.html").touch()
    (copied / ".lock").touch()
    found = verify_run(copied, code=False)
    assert found.findings == ()
    assert found.notes[0] == "No file of this run, and not looked at: extra.csv, stress.html."


def test_a_page_that_nothing_vouches_for_is_found(copied: Path):
    lines = (copied / "SHA256SUMS").read_text().splitlines(keepends=True)
    (copied / "SHA256SUMS").write_text("".join(line for line in lines if "index.html" not in line))
    found = verify_run(copied, code=False)
    assert [finding.line for finding in found.findings] == ["SHA256SUMS: has no checksum of index.html"]


def test_a_run_of_a_version_that_kept_fewer_checksums_is_sound_with_a_note(copied: Path):
    lines = (copied / "SHA256SUMS").read_text().splitlines(keepends=True)
    kept = [line for line in lines if "index.html" not in line and "run.json" not in line]
    (copied / "SHA256SUMS").write_text("".join(kept))
    found = verify_run(copied, code=False)
    assert found.findings == ()
    assert found.notes[0].startswith(
        "SHA256SUMS has none of run.json, index.html, as a version before this one"
    )


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("trials.csv", "own", "o7n"),
        ("trials.csv", "trial", "trjal"),
        ("forecasts.csv", "origin", "orikin"),
        ("forecasts.csv", "fold", "f+ld"),
        ("prices.csv", "close", "cloqe"),
        ("returns.csv", "strategy", "strategx"),
        ("baselines.csv", "origin", "oribin"),
        ("variants.csv", "date", "datf"),
        ("trial_returns.csv", "date", "dave"),
        ("summary.json", '"symbols"', '"sxmbols"'),
        ("run.json", '"recipe"', '"recife"'),
        ("run.json", '"state"', '"stade"'),
    ],
)
@pytest.mark.parametrize("fitting", [False, True], ids=["as it was", "with fitting checksums"])
def test_a_changed_name_in_a_file_is_a_finding(copied: Path, name: str, old: str, new: str, fitting: bool):
    text = (copied / name).read_text()
    assert old in text
    (copied / name).write_text(text.replace(old, new, 1))
    if fitting:
        update_checksums(copied, names=[name])
    found = verify_run(copied, pages=False, code=fitting)
    assert found.findings
    assert fitting or name in {finding.file for finding in found.findings}


def test_code_that_is_not_here_leaves_the_checksums_told(copied: Path, monkeypatch: pytest.MonkeyPatch):
    def absent(record: RunRecord) -> None:
        raise RunDirectoryError("own.py, which this run names, is not here.")

    monkeypatch.setattr("backtester.reopening.check_code", absent)
    found = verify_run(copied)
    assert found.findings == ()
    assert found.unfinished.startswith("own.py")
    assert len(found.checked) == 1
    assert verify_run(copied, code=False).unfinished == ""
    (copied / "returns.csv").write_text("")
    found = verify_run(copied)
    assert [finding.file for finding in found.findings] == ["returns.csv"]
    assert found.unfinished == ""


def test_without_code_nothing_is_computed(copied: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("backtester.verifying.verification.ask_again", None)
    found = verify_run(copied, code=False)
    assert found.findings == ()
    assert found.notes == ("Only bytes were compared: nothing was computed again, and no code was run.",)
    with pytest.raises(UsageError, match="trained again by code"):
        verify_run(copied, code=False, n_retrained=1)


def test_a_full_disk_here_is_no_finding(copied: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("backtester.verifying.computing.write_results", full)
    with pytest.raises(OSError, match="No space"):
        verify_run(copied)


def test_a_run_of_another_version_of_the_program_is_sound_with_a_note(
    copied: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("importlib.metadata.version", lambda name: "9.9")
    found = verify_run(copied, pages=False)
    assert found.findings == ()
    assert any("walkforward-backtester is 9.9 here" in note for note in found.notes)


def test_each_of_500_changed_bytes_is_found_and_its_file_named(copied: Path):
    generator = np.random.default_rng(1)
    names = (*data_files(copied), "run.json", "index.html")
    missed = []
    for _ in range(500):
        path = copied / names[int(generator.integers(len(names)))]
        content = path.read_bytes()
        # half of them in the head, which names the columns
        end = len(content) if generator.random() < 0.5 else content.index(b"\n") + 1
        place = int(generator.integers(end))
        changed = bytearray(content)
        changed[place] ^= int(generator.integers(1, 256))
        path.write_bytes(bytes(changed))
        if [finding.file for finding in altered(copied)] != [path.name]:
            missed.append((path.name, place))
        path.write_bytes(content)
    assert missed == []
    assert altered(copied) == []


def test_a_changed_list_of_checksums_is_found(copied: Path):
    path = copied / "SHA256SUMS"
    content = path.read_bytes()
    generator = np.random.default_rng(2)
    for place in generator.choice(len(content), size=60, replace=False):
        changed = bytearray(content)
        changed[place] ^= 1
        path.write_bytes(bytes(changed))
        found = altered(copied)
        assert found, place
        assert any("SHA256SUMS" in finding.line for finding in found), place


@pytest.mark.parametrize(
    ("name", "old", "new", "where"),
    [
        ("summary.json", '"rmse": ', '"rmse": 9', "summary.json, "),
        (
            "summary.json",
            '"rmse_ratio": 1',
            '"rmse_ratio": 0',
            "summary.json, baselines.last_return.rmse_ratio",
        ),
        ("returns.csv", ",0.0", ",0.1", "returns.csv, line"),
        ("orders.csv", "buy", "sell", "orders.csv, line"),
        ("baselines.csv", "RW,", "RX,", "baselines.csv, line 2, column symbol"),
        ("run.json", '"bars": 300', '"bars": 301', "run.json, data.bars"),
        ("run.json", '"train": 120', '"train": 121', "run.json"),
    ],
)
def test_a_figure_that_does_not_follow_is_found_although_the_checksums_fit(
    copied: Path, name: str, old: str, new: str, where: str
):
    text = (copied / name).read_text()
    assert old in text
    (copied / name).write_text(text.replace(old, new, 1))
    write_checksums(copied)
    found = verify_run(copied, pages=False)
    assert any(finding.line.startswith(where) for finding in found.findings), found.findings


def test_a_changed_forecast_is_found_by_training_again(copied: Path):
    lines = (copied / "forecasts.csv").read_text().splitlines()
    header = lines[0].split(",")
    forecast, price = header.index("forecast"), header.index("forecast_price")
    row = lines[70].split(",")
    moved = float(row[forecast]) + 1e-9
    row[forecast] = repr(moved)
    row[price] = repr(float(row[header.index("last_price")]) * float(np.exp(moved)))
    lines[70] = ",".join(row)
    (copied / "forecasts.csv").write_text("\n".join(lines) + "\n")
    write_checksums(copied)
    found = verify_run(copied, n_retrained=3, seed=1, pages=False)
    assert any("trained again" in finding.text and row[1] in finding.where for finding in found.findings)


def test_a_page_that_shows_another_figure_is_found(copied: Path):
    page = (copied / "index.html").read_text()
    (copied / "index.html").write_text(page.replace("Sharpe ratio", "Sharpe  ratio", 1))
    found = verify_run(copied)
    assert {finding.file for finding in found.findings} == {"index.html"}
    update_checksums(copied, names=["index.html"])
    found = verify_run(copied)
    assert [finding.line for finding in found.findings] == [
        "index.html: is not the page that these files give"
    ]
    assert verify_run(copied, pages=False).findings == ()


def test_a_page_that_names_pages_added_since_is_sound(copied: Path):
    (copied / "explain.html").write_text("a page")
    redraw(copied)
    assert "explain.html" in (copied / "index.html").read_text()
    found = verify_run(copied)
    assert found.findings == ()
    assert found.notes == ("No file of this run, and not looked at: explain.html.",)


def test_a_missing_file_is_named_and_the_rest_told(copied: Path):
    (copied / "trades.csv").unlink()
    found = verify_run(copied)
    assert [finding.file for finding in found.findings] == ["trades.csv"]
    assert found.notes


def test_other_versions_are_named(copied: Path):
    manifest = json.loads((copied / "run.json").read_text())
    manifest["versions"]["numpy"] = "1.0"
    write_manifest(copied, manifest)
    found = verify_run(copied, pages=False)
    assert found.findings == ()
    assert any(note.startswith("numpy is") and "with 1.0" in note for note in found.notes)


@pytest.mark.parametrize("name", ["returns.csv", "summary.json", "run.json"])
def test_pages_are_not_drawn_again_from_altered_files(copied: Path, name: str):
    text = (copied / name).read_text()
    place = text.rindex("0")
    (copied / name).write_text(f"{text[:place]}1{text[place + 1 :]}")
    page = (copied / "index.html").read_bytes()
    with pytest.raises(StorageError, match=f"{name}: is not the file that the run wrote"):
        redraw(copied)
    assert (copied / "index.html").read_bytes() == page


def test_pages_that_were_altered_are_sound_once_drawn_again(copied: Path):
    (copied / "index.html").write_text("other")
    redraw(copied)
    assert verify_run(copied).findings == ()


def test_a_title_that_is_set_anew_keeps_the_run_sound_even_when_killed_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def ask(title: str) -> Path:
        changes = {"execution.store": str(tmp_path / "store"), "report.title": title}
        prices = random_walk(300, seed=5).frame
        return backtester.run(SMALL, prices=prices, symbol="RW", out=tmp_path, changes=changes).directory

    ask("one")
    with monkeypatch.context() as patch:
        patch.setattr("backtester.pipeline.write_manifest", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            ask("two")
    run = ask("two")
    assert "two" in (run / "index.html").read_text()
    assert verify_run(run).findings == ()


def test_what_is_no_run_is_said(tmp_path: Path):
    with pytest.raises(RunDirectoryError, match="no run here"):
        verify_run(tmp_path)


@pytest.mark.parametrize(
    ("found", "computed", "lines"),
    [
        (b"a,b\n1,2\n", b"a,b\n1,2.0000000000001\n", []),
        (b"a,b\n1,2\n", b"a,b\n1,3\n", ["t.csv, line 2, column b"]),
        (b"a,b\n1,2\n", b"a,c\n1,2\n", ["t.csv, header"]),
        (b"a\n1\n", b"a\n1\n2\n", ["t.csv, length"]),
        (b"a\n\n", b"a\n1\n", ["t.csv, line 2"]),
    ],
)
def test_tables_are_compared_by_value(found: bytes, computed: bytes, lines: list[str]):
    told = [finding.line for finding in differences("t.csv", found=found, computed=computed)]
    assert len(told) == len(lines)
    assert all(line.startswith(start) for line, start in zip(told, lines, strict=True))


@pytest.mark.parametrize(
    ("found", "computed", "place"),
    [
        ('{"a": {"b": 1}}', '{"a": {"b": 2}}', "a.b"),
        ('{"a": [1, 2]}', '{"a": [1, 3]}', "a.1"),
        ('{"a": [1, 2]}', '{"a": [1]}', "a"),
        ('{"a": null}', '{"a": 0}', "a"),
        ('{"a": true}', '{"a": 1}', "a"),
        ('{"a": 1}', '{"b": 1}', "a"),
    ],
)
def test_figures_are_compared_by_key(found: str, computed: str, place: str):
    told = differences("t.json", found=found.encode(), computed=computed.encode())
    assert told[0].where == place


def test_a_repetition_gives_the_same_bytes_and_says_so(done: Path, tmp_path: Path):
    repeated = repeat(done, out=tmp_path / "again", changes={"execution.store": str(tmp_path / "store")})
    assert repeated.same
    assert repeated.sentence == (
        "Forecasts, orders, returns and figures are the same, bit for bit; all versions are the same."
    )
    names = [name for name in data_files(done) if not name.startswith("trial")]
    for name in [name for name in names if name != "summary.json"]:
        assert (done / name).read_bytes() == (repeated.again.directory / name).read_bytes(), name


def test_a_repetition_says_which_files_differ(done: Path, tmp_path: Path):
    repeated = repeat(done, out=tmp_path / "again", changes={"execution.store": str(tmp_path / "store")})
    path = repeated.again.directory / "orders.csv"
    path.write_bytes(path.read_bytes().replace(b"buy", b"sell", 1))
    repeated.again.summary["strategies"]["strategy"]["total_return"] += 1e-12
    assert not repeated.same
    assert repeated.sentence.startswith("The repetition differs in orders.csv, summary.json; ")


def test_a_run_whose_files_were_altered_is_not_repeated(copied: Path, tmp_path: Path):
    path = copied / "prices.csv"
    path.write_bytes(path.read_bytes()[:-2] + b"9\n")
    with pytest.raises(StorageError, match=r"prices\.csv: is not the file that the run wrote"):
        repeat(copied, out=tmp_path / "again")
    write_checksums(copied)
    with pytest.raises(RunDirectoryError, match="do not give the hash"):
        repeat(copied, out=tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_run_of_another_version_is_repeated_as_a_run_of_this_one(
    done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("importlib.metadata.version", lambda name: "9.9")
    repeated = repeat(done, out=tmp_path / "again", changes={"execution.store": str(tmp_path / "store")})
    manifest = repeated.again.manifest
    assert manifest["program"]["version"] == "9.9"
    assert manifest["question_sha256"] != repeated.first.manifest["question_sha256"]
    assert verify_run(repeated.again.directory, pages=False).findings == ()
    assert "walkforward-backtester" in repeated.sentence


def test_a_repetition_names_other_versions(copied: Path, tmp_path: Path):
    manifest = json.loads((copied / "run.json").read_text())
    manifest["versions"]["keras"] = "2.0"
    write_manifest(copied, manifest)
    repeated = repeat(copied, out=tmp_path / "again", changes={"execution.store": str(tmp_path / "store")})
    assert "other versions: keras 2.0 then, " in repeated.sentence


def test_a_run_is_not_repeated_onto_itself_or_as_another(done: Path, tmp_path: Path):
    with pytest.raises(UsageError, match="not repeated in its own place"):
        repeat(done, out=done.parent)
    with pytest.raises(UsageError, match=r"model\.lookback: a repetition is of the same recipe"):
        repeat(done, out=tmp_path, changes={"model.lookback": 3})
