"""Write the pages of docs/ that are made from the program: ``python -m docs.generate [--check]``."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from backtester.recipe import Recipe, Section
from backtester.recipe.keys import allowed_words, section_classes, section_names
from backtester.recipe.kinds import REFERENCE
from backtester.recipe.toml import format_value

__all__ = ["cli_page", "main", "pages", "recipe_page", "stale"]

FOLDER = Path(__file__).resolve().parent
WIDTH = 100
_MADE = "<!-- Made by `make docs`; a change here is lost. -->"

_RECIPE_HEAD = """# The recipe

A recipe is a TOML file that asks one question in full: which prices, which folds, what the model sees and
learns, how its forecasts are traded and at what cost. Every key has a default, so that a recipe needs only
what it changes; `recipes/lstm.toml` writes out all of them. A recipe is checked in full before anything
runs, and everything that is wrong with it is told at once.

- **Files** (`data.path`, `"file.py:name"`) are relative to the recipe's folder; for a built-in recipe, and
  where `--set` names them, to the current folder.
- **`--set section.key=value`** sets a key on top of the recipe. The value is read as TOML (`25`,
  `[25, 10]`, `true`, `2005-01-03`), and as a text where it is not TOML; so `--set data.symbol=AAPL` needs
  no quotes. A single value for a key that takes an array is an array of one: `--set model.units=25`. The
  last `--set` of a key holds.
- **A new kind** by `--set model.kind=...` or `--set strategy.kind=...` drops the recipe's keys that only the
  old kind knows, and its `parameters`. Keys given by `--set` are always checked.
- **What the answer depends on**: everything but `[execution]`, `[report]`, `[stress]` and `[audit]`. The
  same question on the same bars has the same run directory and the same figures.
"""


def recipe_page() -> str:
    """Describe every section, kind and key of a recipe, from the types that check it."""
    parts = [_MADE, _RECIPE_HEAD, "## Outside the sections", _table({"seed": Recipe.model_fields["seed"]})]
    for section in section_names():
        parts += [f"## [{section}]", *_section_parts(section)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def cli_page() -> str | None:
    """Give the help of every command; None where the program has no command line."""
    spec = importlib.util.find_spec("backtester.cli")
    if spec is None or spec.origin is None:
        return None
    command = importlib.import_module("typer.main").get_command(
        importlib.import_module("backtester.cli.app").app
    )
    parts = [_MADE, "# The command line", *_help_parts(command, name="backtester")]
    return "\n\n".join(parts) + "\n"


def pages() -> dict[Path, str]:
    """Give the text of every page that is made, by file."""
    made = {FOLDER / "recipe.md": recipe_page(), FOLDER / "cli.md": cli_page()}
    return {path: text for path, text in made.items() if text is not None}


def stale() -> list[Path]:
    """Give the pages whose file is not what would be written now."""
    return [
        path
        for path, text in pages().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or with ``--check`` tell which are stale; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m docs.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a page is stale")
    if parser.parse_args(arguments).check:
        found = stale()
        for path in found:
            print(f"docs/{path.name} is stale: run `make docs`", file=sys.stderr)
        return 1 if found else 0
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8", newline="\n")
    return 0


def _section_parts(section: str) -> Iterator[str]:
    classes = section_classes(section)
    if "" in classes:
        yield _summary(classes[""])
        yield _table(classes[""].model_fields)
        return
    yield f"Its keys follow from `kind`; without one it is `{next(iter(classes))}`."
    tags: dict[type[Section], list[str]] = {}
    for tag, cls in classes.items():
        tags.setdefault(cls, []).append(tag)
    for cls, names in tags.items():
        kinds = ", ".join(f"`{name}`" for name in names)
        yield f"### {'Your own, by reference' if names == [REFERENCE] else kinds}"
        yield _summary(cls)
        yield _table(cls.model_fields)


def _summary(cls: type[Section]) -> str:
    return (cls.__doc__ or "").strip()


def _table(fields: Mapping[str, FieldInfo]) -> str:
    rows = [("Key", "Default", "Takes", "Meaning"), ("---", "---", "---", "---")]
    for key, field in fields.items():
        rows.append((f"`{key}`", _default(field), allowed_words(field), field.description or ""))
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    value = field.get_default(call_default_factory=True)
    return "left out" if value is None else f"`{format_value(value)}`"


def _help_parts(command: Any, *, name: str, parent: Any = None) -> Iterator[str]:
    # Without markup mode typer prints plain text, the same on every terminal.
    command.rich_markup_mode = None
    context = command.context_class(
        command, info_name=name.split()[-1], parent=parent, terminal_width=WIDTH, max_content_width=WIDTH
    )
    yield f"## `{name}`"
    text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    yield f"```text\n{text.strip()}\n```"
    for child in getattr(command, "commands", {}).values():
        if not child.hidden:
            yield from _help_parts(child, name=f"{name} {child.name}", parent=context)


if __name__ == "__main__":
    sys.exit(main())
