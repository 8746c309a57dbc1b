"""User code by reference: ``"file.py:name"`` or ``"package.module:name"``.

A referenced file stands alone: it may import what is installed, not the files beside it, as the
hash that keys its results covers the one file only.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from backtester.errors import RecipeError, UserCodeError
from backtester.suggest import nearest

__all__ = ["check_parameters", "load_reference", "reference_file", "reference_sha256", "user_code_error"]

_FORMS = 'Write "file.py:name" or "package.module:name".'


def load_reference(reference: str, *, folder: Path, fresh: bool = False) -> object:
    """Load the class, function or object that a recipe names.

    Parameters
    ----------
    reference : ``"file.py:name"``, the file relative to ``folder`` or absolute; or ``"package.module:name"``
    folder : the recipe's folder
    fresh : execute the file anew, so that it remembers nothing of what it was called with before: of a longer
        history, or of an earlier run through the same bars

    Returns
    -------
    object, unless fresh the same one for every call while the file is unchanged. Its module is registered
    under a private name, so that what it defines can be pickled by reference and found by Backtrader

    Raises
    ------
    RecipeError : not a reference; no such file or module; no such name in it
    UserCodeError : the file or module raises while it is imported
    """
    place, name = _split(reference)
    if _is_file(place):
        module = _module_of_file(reference, path=folder / place, fresh=fresh)
    else:
        module = _module_by_name(reference)
    if not hasattr(module, name):
        raise _unknown_name(reference, module=module)
    loaded: object = getattr(module, name)
    return loaded


def reference_file(reference: str, *, folder: Path) -> Path | None:
    """Give the source file behind a reference, without importing it; None when a module has none.

    Raises
    ------
    RecipeError : not a reference; no such file or module
    """
    place, _ = _split(reference)
    if _is_file(place):
        path = folder / place
        if not path.is_file():
            raise _missing_file(reference, path=path)
        return path
    try:
        spec = importlib.util.find_spec(place)
    except (ImportError, ValueError) as error:
        raise _missing_module(reference, reason=str(error)) from error
    except Exception as error:  # finding a module imports the packages around it
        raise user_code_error(error, file=None, what=f"cannot import '{reference}'") from error
    if spec is None:
        raise _missing_module(reference, reason=f"No module named '{place}'")
    path = Path(spec.origin or "")
    return path if path.suffix == ".py" and path.is_file() else None


def reference_sha256(reference: str, *, folder: Path) -> str:
    """Hash the source behind a reference, so that results can be keyed by it.

    Returns
    -------
    str, SHA-256 of the file's bytes; of a module's own source file; ``""`` when there is no source file.
    What that file imports is not covered

    Raises
    ------
    RecipeError : not a reference; no such file or module; unreadable
    """
    path = reference_file(reference, folder=folder)
    return "" if path is None else hashlib.sha256(_read(reference, path=path)).hexdigest()


def user_code_error(error: BaseException, *, file: Path | None, what: str) -> UserCodeError:
    """Tell an exception from the user's own code by its file, line and text, without our traceback.

    Parameters
    ----------
    error : as caught
    file : the user's file; None when not known, then no line is given
    what : what was being done, e.g. ``"feature 'mine.py:momentum'"``

    Returns
    -------
    UserCodeError, to be raised ``from error``
    """
    line = None if file is None else _line_in(error, file=file)
    place = "" if file is None else file.name if line is None else f"{file.name}, line {line}"
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    text = next((part.strip() for part in said.splitlines() if part.strip()), "")
    reason = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return UserCodeError(
        ": ".join(part for part in (what, place, reason) if part),
        advice="The error is in your own code: correct it there and run again.",
    )


def check_parameters(
    function: Callable[..., object], parameters: Mapping[str, Any], *, what: str, n_given: int = 0
) -> None:
    """Check a recipe's parameters against the signature that they are handed to by name.

    Parameters
    ----------
    function : function or class; one whose signature Python cannot tell takes anything
    parameters : from the recipe
    what : for the message, e.g. ``"model 'mine.py:build'"``
    n_given : leading positional arguments that the program passes itself

    Raises
    ------
    RecipeError : an unknown parameter, a missing one, or too few places for what the program passes

    Examples
    --------
    >>> def build(input_shape, units, dropout=0.0): ...
    >>> check_parameters(build, {"units": 8}, what="model 'mine.py:build'", n_given=1)
    >>> check_parameters(build, {"unit": 8}, what="model 'mine.py:build'", n_given=1)
    Traceback (most recent call last):
    backtester.errors.RecipeError: model 'mine.py:build': unknown parameter 'unit'. Did you mean 'units'?
    Allowed: units, dropout.
    """
    try:
        signature = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return
    named = _named_places(signature, n_given=n_given, what=what)
    takes_any = any(place.kind is inspect.Parameter.VAR_KEYWORD for place in signature)
    allowed = [place.name for place in named if place.kind is not inspect.Parameter.POSITIONAL_ONLY]
    for name in parameters:
        if name not in allowed and not takes_any:
            raise RecipeError(
                f"{what}: unknown parameter '{name}'.{nearest(name, allowed)}",
                advice=f"Allowed: {', '.join(allowed)}." if allowed else "It takes no parameters.",
            )
    for place in named:
        if place.default is inspect.Parameter.empty and place.name not in parameters:
            raise RecipeError(
                f"{what}: parameter '{place.name}' is missing and has no default.",
                advice=f"Set it in the recipe's parameters table. Allowed: {', '.join(allowed)}.",
            )


def _named_places(signature: list[inspect.Parameter], *, n_given: int, what: str) -> list[inspect.Parameter]:
    positional = [
        place
        for place in signature
        if place.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    ]
    takes_rest = any(place.kind is inspect.Parameter.VAR_POSITIONAL for place in signature)
    if len(positional) < n_given and not takes_rest:
        raise RecipeError(
            f"{what}: takes {len(positional)} positional arguments, and is called with {n_given}.",
            advice="See the documentation for the signature that it must have.",
        )
    keyword_only = [place for place in signature if place.kind is inspect.Parameter.KEYWORD_ONLY]
    return positional[n_given:] + keyword_only


def _split(reference: str) -> tuple[str, str]:
    place, separator, name = reference.rpartition(":")
    module_like = all(part.isidentifier() for part in place.split("."))
    if not separator or not name.isidentifier() or not (_is_file(place) or module_like):
        raise RecipeError(f"'{reference}' is not a reference to code.", advice=_FORMS)
    return place, name


def _is_file(place: str) -> bool:
    return place.endswith(".py")


def _module_of_file(reference: str, *, path: Path, fresh: bool) -> ModuleType:
    source = _read(reference, path=path)
    digest = hashlib.sha256(source + b"\0" + str(path.resolve()).encode("utf-8", "surrogateescape"))
    name = f"_user_code_{digest.hexdigest()[:24]}"
    if name in sys.modules and not fresh:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = str(path)
    # Dataclasses, pickle and Backtrader look the module up while it runs.
    sys.modules[name] = module
    try:
        # Not a file loader: its bytecode cache goes by size and time, and can miss a quick edit.
        with _forgetting_parameters():
            exec(_compiled(source, str(path)), module.__dict__)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, Exception | SystemExit):
            raise user_code_error(error, file=path, what=f"cannot import '{reference}'") from error
        raise
    return module


@contextlib.contextmanager
def _forgetting_parameters() -> Iterator[None]:
    """Keep Backtrader, where it is in use, from holding on to the parameters of every class ever defined.

    It keeps them by name in one module, and where a name is taken, under ever longer ones: a file that is
    executed a thousand times would take seconds for each class, and memory without end.
    """
    kept = vars(sys.modules.get("backtrader.metabase", ModuleType("none")))
    before = set(kept)
    try:
        yield
    finally:
        for name in set(kept) - before:
            del kept[name]


@functools.lru_cache(maxsize=16)
def _compiled(source: bytes, path: str) -> CodeType:
    return compile(source, path, "exec", dont_inherit=True)


def _module_by_name(reference: str) -> ModuleType:
    place, _ = _split(reference)
    file = reference_file(reference, folder=Path())
    try:
        return importlib.import_module(place)
    except (Exception, SystemExit) as error:
        raise user_code_error(error, file=file, what=f"cannot import '{reference}'") from error


def _read(reference: str, *, path: Path) -> bytes:
    if not path.is_file():
        raise _missing_file(reference, path=path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise RecipeError(
            f"'{reference}': cannot read {path}: {error.strerror}.", advice="Check the file's permissions."
        ) from error


def _missing_file(reference: str, *, path: Path) -> RecipeError:
    beside = [file.name for file in path.parent.glob("*.py")]
    return RecipeError(
        f"'{reference}': there is no file {path}.{nearest(path.name, beside)}",
        advice="A file is looked up relative to the recipe's folder.",
    )


def _missing_module(reference: str, *, reason: str) -> RecipeError:
    return RecipeError(
        f"'{reference}': not importable: {reason}.",
        advice='Install the package, or name a file as "file.py:name".',
    )


def _unknown_name(reference: str, *, module: ModuleType) -> RecipeError:
    place, name = _split(reference)
    known = [
        key
        for key, value in vars(module).items()
        if (inspect.isclass(value) or inspect.isfunction(value)) and value.__module__ == module.__name__
    ]
    return RecipeError(
        f"'{reference}': {place} has no '{name}'.{nearest(name, known)}",
        advice=f"Its classes and functions: {', '.join(known)}."
        if known
        else "It has no class and no function.",
    )


def _line_in(error: BaseException, *, file: Path) -> int | None:
    names = {str(file), str(file.resolve())}
    if isinstance(error, SyntaxError) and error.filename in names:
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename in names]
    return lines[-1] if lines else None
