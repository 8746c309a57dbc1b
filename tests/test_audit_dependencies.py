"""The look-up of known flaws says what it found, and is never in the way where it cannot look."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / ".ci" / "audit_dependencies.py"


def audit(folder: Path, program: str | None) -> subprocess.CompletedProcess[str]:
    """Run the script with this shell script as pip-audit, or with none."""
    if not SCRIPT.is_file():
        pytest.skip("not a checkout")
    python = folder / "python"  # without a pip-audit beside it
    python.symlink_to(sys.executable)
    if program is not None:
        (folder / "pip-audit").write_text(f"#!/bin/sh\n{program}\n")
        (folder / "pip-audit").chmod(stat.S_IRWXU)
    return subprocess.run(
        [python, SCRIPT],
        env={"PATH": f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def answering(packages: list[dict[str, object]], *, code: int) -> str:
    """As pip-audit answers into the file of its last option."""
    return f"""for last; do :; done
cat > "${{last#--output=}}" <<'END'
{json.dumps({"dependencies": packages})}
END
exit {code}"""


def test_without_pip_audit_there_is_a_line_and_no_error(tmp_path):
    done = audit(tmp_path, None)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Dependencies: not audited, pip-audit is not installed.\n"


@pytest.mark.parametrize("program", ["echo 'Connection refused' >&2; exit 1", "echo Connection refused >&2"])
def test_without_its_database_there_is_a_line_and_no_error(tmp_path, program):
    done = audit(tmp_path, program)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Dependencies: not audited, pip-audit gave no answer (Connection refused).\n"


def test_a_known_flaw_is_named_and_ends_with_1(tmp_path):
    flaw = {"id": "CVE-2026-0001", "fix_versions": ["2.0"]}
    packages = [
        {"name": "good", "version": "1.0", "vulns": []},
        {"name": "bad", "version": "1.0", "vulns": [flaw]},
    ]
    done = audit(tmp_path, answering(packages, code=1))
    assert (done.returncode, done.stdout) == (1, "bad 1.0: CVE-2026-0001, fixed in 2.0\n")


def test_no_known_flaw_is_said_with_the_number_of_packages(tmp_path):
    done = audit(tmp_path, answering([{"name": "good", "version": "1.0", "vulns": []}], code=0))
    assert (done.returncode, done.stdout) == (0, "Dependencies: no flaw is known of 1 pinned packages.\n")


def test_what_could_not_be_looked_up_is_counted_and_named(tmp_path):
    packages = [
        {"name": "good", "version": "1.0", "vulns": []},
        {"name": "odd", "skip_reason": "not found on PyPI"},
    ]
    done = audit(tmp_path, answering(packages, code=0))
    assert done.returncode == 0
    assert done.stdout == (
        "Dependencies: no flaw is known of 1 pinned packages.\n"
        "Dependencies: 1 could not be looked up: odd (not found on PyPI).\n"
    )


def test_the_look_up_cannot_fail_the_build():
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert [line for line in lines if "audit-dependencies" in line] == ["make audit-dependencies || true"]
