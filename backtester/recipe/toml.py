"""TOML text of plain values: the standard library reads TOML but does not write it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from enum import Enum
from typing import Any

__all__ = ["format_key", "format_table", "format_value"]


def format_value(value: Any) -> str:
    r"""Write one value as TOML.

    Examples
    --------
    >>> format_value([1, 2.5, True, "a\"b"])
    '[1, 2.5, true, "a\\"b"]'
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return format_value(value.value)
    if isinstance(value, str):
        # JSON escapes all that TOML wants escaped, but for DEL.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{format_key(key)} = {format_value(item)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(format_value, value))}]"
    return repr(value)


def format_key(key: object) -> str:
    """Write a key, in quotes where TOML wants them."""
    text = str(key)
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else format_value(text)


def format_table(name: str, *, values: Mapping[str, Any]) -> str:
    """Write a table with its header; an absent value (None) is left out, tables in it follow below."""
    lines = [f"[{name}]"]
    lines += [
        f"{format_key(key)} = {format_value(value)}"
        for key, value in values.items()
        if value is not None and not isinstance(value, Mapping)
    ]
    below = [
        format_table(f"{name}.{format_key(key)}", values=value)
        for key, value in values.items()
        if isinstance(value, Mapping)
    ]
    return "\n".join([*lines, ""]) + "".join(f"\n{table}" for table in below)
