"""What the program never does with what a user or a file gives: held by the source itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import backtester

PACKAGE = Path(backtester.__file__).parent
ROOT = PACKAGE.parent
SOURCES = sorted([*PACKAGE.rglob("*.py"), *(ROOT / "strategies").rglob("*.py")])
TEMPLATES = sorted((PACKAGE / "reporting" / "templates").iterdir())

MODULES = {
    **dict.fromkeys(
        ("pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"), "runs what a file says"
    ),
    **dict.fromkeys(("yaml", "ruamel"), "makes any object of a text"),
    **dict.fromkeys(("tarfile", "zipfile", "ctypes", "code", "pty"), "not needed"),
}
NAMES = {
    **dict.fromkeys(("eval", "exec", "compile", "__import__"), "runs a text"),
    **dict.fromkeys(("os.system", "os.popen", "os.execv", "subprocess.getoutput"), "runs a text in a shell"),
    "subprocess.getstatusoutput": "runs a text in a shell",
    **dict.fromkeys(("pd.read_pickle", "pandas.read_pickle", "np.lib.format.read_array"), "is pickle"),
    **dict.fromkeys(("tempfile.mktemp", "mktemp"), "another process can take the name first"),
    **dict.fromkeys(("importlib.import_module", "import_module", "exec_module"), "imports by a name"),
    **dict.fromkeys(("shutil.unpack_archive", "extractall"), "writes what an archive names"),
    **dict.fromkeys(("os.chmod", "os.fchmod", "os.umask"), "can open a file to everyone"),
    **dict.fromkeys(("Markup", "markupsafe.Markup"), "is not escaped"),
}
# where one of them stands all the same, and why it is safe there
ALLOWED = {
    ("references.py", "exec"): "a file of code that the user named in the recipe",
    ("references.py", "compile"): "the same file, with its own name for tracebacks",
    ("references.py", "importlib.import_module"): "a module that the user named in the recipe",
    ("__init__.py", "importlib.import_module"): "our own modules, from a fixed table",
    ("reporting/__init__.py", "importlib.import_module"): "our own modules, from a fixed table",
    ("stress/choosing.py", "importlib.import_module"): "our own axes, whose names are checked before",
    ("control/arrays.py", "zipfile"): "its exception",
    ("control/data.py", "zipfile"): "the headers of its arrays are read; nothing is unpacked",
    ("store.py", "zipfile"): "its exception; np.load reads, nothing is unpacked",
    ("trials/registry.py", "zipfile"): "its exception; np.load reads, nothing is unpacked",
    ("files.py", "os.fchmod"): "0o664 less the umask",
    ("files.py", "os.umask"): "asks for the umask when it is imported, and sets it back",
    ("places.py", "os.fchmod"): "0o700",
    ("reporting/page.py", "Markup"): "JSON without < > &, Plotly's own script, and escaped text",
    **{
        (f"reporting/{page}.py", "Markup"): "Plotly's own script, and our mark of a page"
        for page in ("comparison", "control_page", "explain_page", "explore_page", "stress_page")
    },
}


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    return node.id if isinstance(node, ast.Name) else ""


def constant(call: ast.Call, key: str) -> object:
    return next(
        (
            word.value.value
            for word in call.keywords
            if word.arg == key and isinstance(word.value, ast.Constant)
        ),
        None,
    )


def dangers(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield what is dangerous, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = (
                [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            )
            yield from (
                (name.split(".")[0], node.lineno) for name in modules if name.split(".")[0] in MODULES
            )
        elif isinstance(node, ast.Call):
            name = dotted(node.func)
            # a method of the same name is another thing, but for those that no object of ours has
            if name in NAMES or name.rpartition(".")[2] in {"exec_module", "extractall", "mktemp"}:
                yield name, node.lineno
            if name.endswith(("np.load", "numpy.load")) and constant(node, "allow_pickle") is not False:
                yield "np.load", node.lineno
            if name.endswith("load_model") and constant(node, "safe_mode") is not True:
                yield "load_model", node.lineno
            if any(word.arg == "shell" and constant(node, "shell") is not False for word in node.keywords):
                yield "shell", node.lineno


def place(path: Path) -> str:
    return (path.relative_to(PACKAGE) if path.is_relative_to(PACKAGE) else path.relative_to(ROOT)).as_posix()


def test_the_source_does_nothing_dangerous_outside_the_list_of_reasons():
    found = {
        (place(path), name): line
        for path in SOURCES
        for name, line in dangers(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert {
        f"{where}:{line}: {name}" for (where, name), line in found.items() if (where, name) not in ALLOWED
    } == set()
    assert set(ALLOWED) - set(found) == set(), "a reason for what is no longer there"


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import pickle", "pickle"),
        ("from yaml import load", "yaml"),
        ("def f():\n    import joblib", "joblib"),
        ("eval(text)", "eval"),
        ("np.load(path)", "np.load"),
        ("np.load(path, allow_pickle=True)", "np.load"),
        ("np.load(path, allow_pickle=flag)", "np.load"),
        ("keras.models.load_model(path)", "load_model"),
        ("load_model(path, safe_mode=False)", "load_model"),
        ("subprocess.run(text, shell=True)", "shell"),
        ("subprocess.run(text, shell=flag)", "shell"),
        ("tempfile.mktemp()", "tempfile.mktemp"),
        ("archive.extractall(folder)", "archive.extractall"),
        ("pd.read_pickle(path)", "pd.read_pickle"),
    ],
)
def test_what_is_dangerous_is_seen(code, name):
    assert [found for found, _ in dangers(ast.parse(code))] == [name]


@pytest.mark.parametrize(
    "code",
    [
        "np.load(path, allow_pickle=False)",
        "load_model(path, safe_mode=True)",
        "re.compile(text)",
        "model.compile()",
        "subprocess.run(words, shell=False)",
    ],
)
def test_what_is_safe_is_left_alone(code):
    assert list(dangers(ast.parse(code))) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_template_escapes_and_every_page_has_a_policy(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\|\s*safe\b|autoescape\s+false|http-equiv=.refresh", text)
    policies = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    if "<html" in text and path.name != "quantstats.html":  # what QuantStats fills, of which we take parts
        assert [policy.split(";")[0] for policy in policies] == ["default-src 'none'"]
        # nothing before it is under it
        assert text.index("Content-Security-Policy") < min(
            text.index(tag) for tag in ("<script", "<style", "<link", "<title") if tag in text
        )
    # a page refers to itself, to files beside it, or to data: never to another host
    assert not re.search(r"""(src|href|action)\s*=\s*["']?\s*(https?:|//)|url\(\s*["']?(https?:|//)""", text)
