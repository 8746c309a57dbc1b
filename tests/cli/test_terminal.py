"""Text from outside on the terminal: names of files, symbols and pictures that would steer it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import backtester.cli
from backtester.cli.console import echo, print_json, say

FROM_OUTSIDE = [
    ("\x1b[2Jgone", "\\u001b[2Jgone"),
    ("abc\u202edcba", "abc\\u202edcba"),
    ("\x9b1A", "\\u009b1A"),
    ("a\u200f1", "a\\u200f1"),
    ("\udcff.png", "\\udcff.png"),
    ("Größe 价格\t1\n2", "Größe 价格\t1\n2"),
]


@pytest.mark.parametrize(("text", "shown"), FROM_OUTSIDE)
def test_results_and_messages_spell_out_what_would_steer_a_terminal(
    text: str, shown: str, capsys: pytest.CaptureFixture[str]
):
    echo(text)
    say(text)
    assert tuple(capsys.readouterr()) == (f"{shown}\n", f"{shown}\n")


@pytest.mark.parametrize("text", [text for text, _ in FROM_OUTSIDE])
def test_a_result_for_a_script_keeps_its_value_and_steers_nothing(
    text: str, capsys: pytest.CaptureFixture[str]
):
    print_json({"name": text})
    printed = capsys.readouterr().out
    assert json.loads(printed) == {"name": text}
    assert printed.replace("\n", "").isprintable()


def test_every_command_prints_its_results_so():
    folder = Path(backtester.cli.__file__).parent
    allowed = {"console.py", "app.py"}  # the second prints the version and nothing else
    past = [
        path.name
        for path in folder.glob("*.py")
        if path.name not in allowed and any(word in path.read_text() for word in ("typer.echo", " print("))
    ]
    assert past == []
