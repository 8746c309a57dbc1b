"""Look up the pinned packages in the database of known flaws, where pip-audit and the network are there.

Exits with 1 where a flaw is known; with 0, and a line that says why, where nothing could be looked up.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECONDS = 300


def audited(program: str, *, requirements: Path) -> tuple[list[dict], str]:
    """What pip-audit says of each package, or nothing and why."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        options = ["--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json"]
        command = [program, f"--requirement={requirements}", *options, f"--output={report}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return [], type(error).__name__
        try:  # its exit code is 1 for a flaw and for a network that is not there
            return json.loads(report.read_text(encoding="utf-8"))["dependencies"], ""
        except (OSError, ValueError, KeyError, TypeError):
            lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            return [], lines[-1][:200]


def main() -> int:
    """Print one line, or one for each flaw."""
    beside = Path(sys.executable).with_name("pip-audit")
    program = str(beside) if beside.is_file() else shutil.which("pip-audit")
    if program is None:
        print("Dependencies: not audited, pip-audit is not installed.")
        return 0
    packages, why = audited(program, requirements=ROOT / "requirements.txt")
    if not packages:
        print(f"Dependencies: not audited, pip-audit gave no answer ({why}).")
        return 0
    skipped = [
        f"{package['name']} ({package['skip_reason']})" for package in packages if "skip_reason" in package
    ]
    flaws = [
        f"{package['name']} {package.get('version', '')}: {flaw['id']}, "
        f"fixed in {', '.join(flaw.get('fix_versions') or ['no version yet'])}"
        for package in packages
        for flaw in package.get("vulns", [])
    ]
    n_seen = len(packages) - len(skipped)
    print("\n".join(flaws) or f"Dependencies: no flaw is known of {n_seen} pinned packages.")
    if skipped:
        print(f"Dependencies: {len(skipped)} could not be looked up: {', '.join(skipped)}.")
    return 1 if flaws else 0


if __name__ == "__main__":
    sys.exit(main())
