import doctest
import hashlib
import os
import pickle
import sys

import backtrader
import pytest

from backtester import references
from backtester.errors import RecipeError, UserCodeError
from backtester.references import (
    check_parameters,
    load_reference,
    reference_file,
    reference_sha256,
    user_code_error,
)


@pytest.fixture
def write(tmp_path):
    def write_file(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def failure(reference, folder, kind=RecipeError):
    with pytest.raises(kind) as caught:
        load_reference(reference, folder=folder)
    assert caught.value.exit_code == 4
    return str(caught.value)


def test_a_file_is_looked_up_relative_to_the_folder_and_may_be_absolute(write, tmp_path):
    path = write("mine/code.py", "def double(x):\n    return 2 * x\n")
    relative = load_reference("mine/code.py:double", folder=tmp_path)
    absolute = load_reference(f"{path}:double", folder=tmp_path / "elsewhere")
    assert (relative(4), absolute(5)) == (8, 10)


def test_a_module_is_imported_by_name(tmp_path):
    assert load_reference("collections:OrderedDict", folder=tmp_path).__name__ == "OrderedDict"


def test_a_loaded_class_survives_pickling_and_has_an_undotted_registered_module(write, tmp_path):
    write("code.py", "class Box:\n    def __init__(self, value):\n        self.value = value\n")
    box = load_reference("code.py:Box", folder=tmp_path)
    assert pickle.loads(pickle.dumps(box(3))).value == 3
    assert "." not in box.__module__
    assert box.__module__ in sys.modules


def test_a_dataclass_with_postponed_annotations_loads(write, tmp_path):
    header = "from __future__ import annotations\nfrom dataclasses import dataclass\n"
    write("code.py", header + "@dataclass\nclass A:\n    x: int\n")
    assert load_reference("code.py:A", folder=tmp_path)(x=1).x == 1


def test_an_unchanged_file_gives_the_same_object_and_an_edit_is_seen_at_once(write, tmp_path):
    path = write("code.py", "def value():\n    return 1\n")
    before = path.stat()
    first = load_reference("code.py:value", folder=tmp_path)
    again = load_reference("code.py:value", folder=tmp_path)
    path.write_text("def value():\n    return 2\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    edited = load_reference("code.py:value", folder=tmp_path)
    assert first is again
    assert (first(), edited()) == (1, 2)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["code.py"]


def test_a_file_that_is_loaded_fresh_remembers_nothing(write, tmp_path):
    write("code.py", "seen = []\ndef call():\n    seen.append(1)\n    return len(seen)\n")
    assert [load_reference("code.py:call", folder=tmp_path)() for _ in range(2)] == [1, 2]
    assert [load_reference("code.py:call", folder=tmp_path, fresh=True)() for _ in range(2)] == [1, 1]
    assert load_reference("code.py:call", folder=tmp_path)() == 2


def test_a_strategy_that_is_loaded_fresh_leaves_nothing_behind_in_backtrader(write, tmp_path):
    kept = vars(backtrader.metabase)
    source = "import backtrader as bt\nclass Mine(bt.Strategy):\n    params = (('span', 3),)\n"
    write("code.py", source)
    before = set(kept)
    for _ in range(3):
        mine = load_reference("code.py:Mine", folder=tmp_path, fresh=True)
    assert mine.params._getpairs()["span"] == 3
    assert set(kept) == before


@pytest.mark.catalogue("C11")
def test_c11_a_missing_file_is_named_with_its_path_and_the_nearest_file(write, tmp_path):
    write("strategy.py", "")
    message = failure("stratgy.py:Mine", tmp_path)
    assert str(tmp_path / "stratgy.py") in message
    assert "Did you mean 'strategy.py'?" in message


@pytest.mark.catalogue("C12")
def test_c12_a_missing_name_lists_the_classes_and_functions_of_the_file_alone(write, tmp_path):
    write("code.py", "from pathlib import Path\nclass Momentum: ...\ndef build(): ...\nlimit = 3\n")
    message = failure("code.py:Momentun", tmp_path)
    assert "code.py has no 'Momentun'. Did you mean 'Momentum'?" in message
    assert "Its classes and functions: Momentum, build." in message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = 1\ny = x / 0\n", "code.py, line 2: ZeroDivisionError: division by zero"),
        ("x = 1\n\ndef f(:\n    pass\n", "code.py, line 3: SyntaxError: "),
        ("def f():\n    import json\n    json.loads('{')\n\nf()\n", "code.py, line 3: JSONDecodeError: "),
        ("import sys\nsys.exit(0)\n", "code.py, line 2: SystemExit: 0"),
        ("import no_such_package_here\n", "code.py, line 1: ModuleNotFoundError: "),
        ("raise ValueError('first\\nsecond')\n", "code.py, line 1: ValueError: first\n"),
    ],
    ids=["runtime", "syntax", "deep-in-a-library", "exit", "missing-import", "long-text"],
)
@pytest.mark.catalogue("C13")
def test_c13_an_exception_while_importing_shows_the_users_line(write, tmp_path, text, reason):
    write("code.py", text)
    before = set(sys.modules)
    message = failure("code.py:f", tmp_path, UserCodeError)
    assert message.startswith("cannot import 'code.py:f': ")
    assert reason in message
    assert "Traceback" not in message
    assert str(tmp_path) not in message
    assert not [name for name in set(sys.modules) - before if name.startswith("_user_code_")]


@pytest.mark.parametrize("reference", ["no_such_package_here:f", "json.no_such_module:f"])
@pytest.mark.catalogue("C17")
def test_c17_a_module_that_is_not_importable_is_named(tmp_path, reference):
    message = failure(reference, tmp_path)
    assert reference in message
    assert "No module named" in message


@pytest.mark.catalogue("C17")
def test_c17_a_module_that_raises_shows_its_own_line(write, tmp_path, monkeypatch):
    write("broken_user_module.py", "x = 1\nraise KeyError('oops')\n")
    monkeypatch.syspath_prepend(tmp_path)
    message = failure("broken_user_module:f", tmp_path, UserCodeError)
    assert "broken_user_module.py, line 2: KeyError: 'oops'" in message


@pytest.mark.parametrize(
    "reference", ["plain", "file.py", "file.py:", ":name", "a b:c", "mine/code:f", "file.py:a-b", ""]
)
def test_what_is_no_reference_is_refused_with_the_two_forms(tmp_path, reference):
    assert 'Write "file.py:name" or "package.module:name".' in failure(reference, tmp_path)


@pytest.mark.catalogue("C17")
def test_c17_a_package_around_the_module_that_raises_is_told(write, tmp_path, monkeypatch):
    write("broken_user_package/__init__.py", "raise RuntimeError('no licence')\n")
    write("broken_user_package/inner.py", "def f(): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    message = failure("broken_user_package.inner:f", tmp_path, UserCodeError)
    assert "RuntimeError: no licence" in message


def test_a_folder_or_a_fifo_in_place_of_the_file_is_refused_at_once(tmp_path):
    (tmp_path / "folder.py").mkdir()
    os.mkfifo(tmp_path / "pipe.py")
    assert "there is no file" in failure("folder.py:f", tmp_path)
    assert "there is no file" in failure("pipe.py:f", tmp_path)


def test_the_hash_is_that_of_the_files_bytes_and_needs_no_import(write, tmp_path):
    path = write("code.py", "raise RuntimeError\n")
    assert reference_sha256("code.py:f", folder=tmp_path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_hash_of_a_module_is_that_of_its_source_or_empty(tmp_path):
    source = reference_file("json.decoder:JSONDecoder", folder=tmp_path)
    assert source.name == "decoder.py"
    assert (
        reference_sha256("json.decoder:JSONDecoder", folder=tmp_path)
        == hashlib.sha256(source.read_bytes()).hexdigest()
    )
    assert reference_sha256("sys:exit", folder=tmp_path) == ""


@pytest.mark.parametrize(
    "reference", ["nowhere.py:f", "no_such_package_here:f", "no_such_package_here.deep:f"]
)
def test_the_hash_of_what_is_not_there_is_refused(tmp_path, reference):
    with pytest.raises(RecipeError, match=r"nowhere|no_such_package_here"):
        reference_sha256(reference, folder=tmp_path)


def test_an_error_is_told_by_the_last_line_in_the_users_file(write, tmp_path):
    path = write("code.py", "def outer():\n    return inner()\n\ndef inner():\n    return int('many')\n")
    with pytest.raises(ValueError, match="many") as caught:
        load_reference("code.py:outer", folder=tmp_path)()
    told = user_code_error(caught.value, file=path, what="strategy 'code.py:outer' on 2020-01-02")
    assert told.message == (
        "strategy 'code.py:outer' on 2020-01-02: code.py, line 5: "
        "ValueError: invalid literal for int() with base 10: 'many'"
    )


def test_an_error_without_a_known_file_is_told_by_its_type_and_text():
    assert user_code_error(KeyError("x"), file=None, what="model").message == "model: KeyError: 'x'"
    assert user_code_error(ValueError(), file=None, what="model").message == "model: ValueError"


def test_parameters_that_fit_are_accepted_by_name_keyword_only_and_through_kwargs():
    def build(shape, units, *, dropout=0.0): ...

    def free(shape, **settings): ...

    check_parameters(build, {"units": 3, "dropout": 0.1}, what="model", n_given=1)
    check_parameters(free, {"anything": 1}, what="model", n_given=1)
    check_parameters(dict, {"a": 1}, what="model")


@pytest.mark.parametrize(
    ("parameters", "n_given", "message"),
    [
        ({"unit": 3}, 1, "model: unknown parameter 'unit'. Did you mean 'units'?\nAllowed: units, dropout."),
        ({"units": 3, "shape": 1}, 1, "model: unknown parameter 'shape'.\nAllowed: units, dropout."),
        ({}, 1, "model: parameter 'units' is missing and has no default."),
        ({"units": 3}, 0, "model: parameter 'shape' is missing and has no default."),
        ({}, 3, "model: takes 2 positional arguments, and is called with 3."),
    ],
)
def test_parameters_that_do_not_fit_are_refused(parameters, n_given, message):
    def build(shape, units, *, dropout=0.0): ...

    with pytest.raises(RecipeError) as caught:
        check_parameters(build, parameters, what="model", n_given=n_given)
    assert message in str(caught.value)


def test_the_parameters_of_a_class_are_those_of_its_constructor():
    class Regressor:
        def __init__(self, alpha=1.0): ...

    check_parameters(Regressor, {"alpha": 2.0}, what="model")
    with pytest.raises(RecipeError, match="Did you mean 'alpha'"):
        check_parameters(Regressor, {"alpa": 2.0}, what="model")


def test_the_examples_are_true():
    assert doctest.testmod(references).failed == 0
