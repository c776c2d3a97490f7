"""Discovery with real distributions, good and broken, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from pullback.plugin.hookspecs import EXTENSION_API_VERSION
from pullback.plugin.manager import call_each, plugin_records, strict_plugins

PROGRAM = """
import json, sys, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    from pullback.backend.registry import known_backends
    from pullback.backend.selection import get_backend
    from pullback.plugin.manager import plugin_records
    numpy = get_backend("numpy")
    known = {name: spec.distribution for name, spec in known_backends().items()}
    get_backend("numpy").zeros((2,), dtype="float32")
    extra = numpy.gelu(1) if hasattr(numpy, "gelu") else None
print(json.dumps({
    "records": {r.distribution + ":" + r.name: r._asdict() for r in plugin_records()},
    "warnings": [str(w.message) for w in caught if w.category.__name__ == "PluginWarning"],
    "known": known, "extra": extra, "modules": sorted(m for m in sys.modules if "." not in m),
}))
"""

GOOD = """
from pullback.backend.records import BackendSpec
from pullback.plugin.hookspecs import hookimpl
pullback_extension_api = (1, 9)
@hookimpl
def pullback_backends():
    return [BackendSpec("good", "good_library:Backend", array_modules=("good_library",), install="pip install good")]
@hookimpl
def pullback_kernels(backend):
    return {"gelu": lambda x: x + 41} if backend.name == "numpy" else {}
"""


@pytest.fixture
def site(tmp_path):
    """A folder on the path that one can put distributions into."""

    def add(distribution: str, source: str, *, entry: str | None = None, version: str = "1.2") -> None:
        module = distribution.replace("-", "_") + "_plugin"
        info = tmp_path / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[pullback]\n{entry or distribution} = {module}\n")
        (tmp_path / f"{module}.py").write_text(source)

    add.path = tmp_path
    return add


def run(site, program=PROGRAM, check=True, **environment):
    path = os.pathsep.join([str(site.path), *filter(None, [os.environ.get("PYTHONPATH")])])
    result = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path, "PULLBACK_STRICT_PLUGINS": "", **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    if not check:
        return result
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def about(outcome, distribution):
    return [text for text in outcome["warnings"] if f"distribution '{distribution}'" in text.split(" is left out")[0]]


def test_a_good_plugin_is_found_and_no_array_library_is_imported(site):
    site("good", GOOD)
    outcome = run(site)
    assert about(outcome, "good") == []
    record = outcome["records"]["good:good"]
    assert (record["status"], record["version"], record["reason"], record["fix"]) == ("loaded", "1.2", "", "")
    assert outcome["known"]["good"] == "good"
    assert list(outcome["known"])[:3] == ["numpy", "cupy", "jax"]
    assert outcome["extra"] == 42
    assert not {"jax", "cupy", "good_library", "click", "rich", "torch"} & set(outcome["modules"])


BROKEN = {
    "import-error": (
        "import no_such_library",
        "broken",
        "importing 'import_error_plugin' raised ModuleNotFoundError: No module named 'no_such_library'",
        "pip install -U import-error",
    ),
    "syntax-error": ("def (", "broken", "raised SyntaxError", "pip uninstall syntax-error"),
    "misspelt": (
        GOOD.replace("def pullback_backends", "def pullback_backend"),
        "unknown hook",
        "it implements the hook 'pullback_backend', which does not exist; did you mean 'pullback_backends'?",
        "pip install -U misspelt",
    ),
    "unmarked": (
        "def pullback_backends():\n    return []",
        "unknown hook",
        "its 'pullback_backends' is not decorated with @pullback.extend.hookimpl",
        "pip install -U unmarked",
    ),
    "wrong-argument": (
        GOOD.replace("def pullback_kernels(backend)", "def pullback_kernels(backend, device)"),
        "broken",
        "device",
        "pip install -U wrong-argument",
    ),
    "too-old": (
        GOOD.replace("(1, 9)", "(-3, 0)"),
        "incompatible",
        "it supports versions -3 to 0 of pullback's extension API, "
        f"and this pullback has version {EXTENSION_API_VERSION}",
        "pip install -U too-old",
    ),
    "too-new": (
        GOOD.replace("(1, 9)", "(1000, 1000)"),
        "incompatible",
        "it supports version 1000 of pullback's extension API",
        "pip install -U pullback",
    ),
    "bad-range": (
        GOOD.replace("(1, 9)", "'one'"),
        "incompatible",
        "pullback_extension_api must be (min, max), got 'one'",
        "pip install -U bad-range",
    ),
    "raising": (
        GOOD.replace("return [Back", "raise OSError('no disk'); return [Back"),
        "broken",
        "its hook pullback_backends raised OSError: no disk",
        "pip install -U raising",
    ),
    "no-spec": (
        GOOD.replace("return [BackendSpec", "return [('good', 'library')]\n    return [BackendSpec"),
        "broken",
        "pullback_backends returned ('good', 'library'), not a BackendSpec",
        "pip install -U no-spec",
    ),
    "takes-a-name": (
        GOOD.replace('BackendSpec("good"', 'BackendSpec("numpy"'),
        "duplicate",
        "distribution 'pullback' has a backend of that name, which stays",
        "pip uninstall takes-a-name",
    ),
    "bad-kernels": (
        GOOD.replace('{"gelu": lambda x: x + 41}', '{"gelu": 3}'),
        "broken",
        "pullback_kernels returned {'gelu': 3}, not a mapping of callables",
        "pip install -U bad-kernels",
    ),
}


def test_each_broken_plugin_costs_one_warning_and_the_others_go_on(site):
    for distribution, (source, *_) in BROKEN.items():
        site(distribution, source)
    site("good", GOOD.replace('"good"', '"fine"'))
    outcome = run(site)
    for distribution, (_, status, cause, fix) in BROKEN.items():
        (warning,) = about(outcome, distribution)
        assert f"plugin '{distribution}' of distribution '{distribution}' 1.2 is left out: " in warning
        assert cause in warning
        assert fix in warning
        assert "\n" not in warning
        record = outcome["records"][f"{distribution}:{distribution}"]
        assert record["status"] == status
        assert cause in record["reason"]
        assert fix in record["fix"]
    assert outcome["records"]["good:good"]["status"] == "loaded"
    assert outcome["known"]["fine"] == "good"
    assert outcome["known"]["numpy"] == "pullback"
    assert outcome["extra"] == 42


def test_a_second_plugin_of_one_name_is_left_out(site):
    site("aardvark", GOOD, entry="shared")
    site("zebra", GOOD.replace('"good"', '"other"'), entry="shared")
    outcome = run(site)
    assert about(outcome, "aardvark") == []
    (warning,) = about(outcome, "zebra")
    assert "distribution 'aardvark' has a plugin of that name" in warning
    assert "pip uninstall zebra" in warning
    assert outcome["records"]["zebra:shared"]["status"] == "duplicate"


@pytest.mark.parametrize(
    "distribution", ["import-error", "misspelt", "too-old", "raising", "bad-kernels", "takes-a-name"]
)
def test_strict_mode_raises(site, distribution):
    site(distribution, BROKEN[distribution][0])
    result = run(site, check=False, PULLBACK_STRICT_PLUGINS="1")
    assert result.returncode == 1
    assert "pullback.errors.PluginError: " in result.stderr
    assert f"of distribution '{distribution}' 1.2 is left out" in result.stderr


def test_warnings_as_errors_do_not_stop_the_next_call(site):
    site("import-error", BROKEN["import-error"][0])
    program = """
import warnings
warnings.simplefilter("error")
from pullback.backend.selection import get_backend
from pullback.errors import PluginWarning
try:
    get_backend("numpy")
except PluginWarning:
    print(get_backend("numpy"))
"""
    result = run(site, program, check=False)
    assert result.stdout == "<backend 'numpy'>\n", result.stderr


def test_importing_pullback_discovers_nothing(site):
    site("import-error", BROKEN["import-error"][0])
    program = "import sys, pullback; print(sorted({'pluggy', 'numpy', 'import_error_plugin'} & set(sys.modules)))"
    result = run(site, program, check=False)
    assert (result.stdout, result.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    ("value", "strict"),
    [("1", True), ("TRUE", True), ("yes", True), (" on ", True), ("0", False), ("False", False), ("no", False),
     ("off", False), ("", False)],
)  # fmt: skip
def test_strictness_is_read_as_a_boolean(monkeypatch, value, strict):
    monkeypatch.setenv("PULLBACK_STRICT_PLUGINS", value)
    assert strict_plugins() is strict


def test_strictness_that_is_no_boolean(monkeypatch):
    monkeypatch.setenv("PULLBACK_STRICT_PLUGINS", "maybe")
    with pytest.raises(ValueError, match=r"PULLBACK_STRICT_PLUGINS must be one of 1, true, .*; got 'maybe'"):
        strict_plugins()
    monkeypatch.delenv("PULLBACK_STRICT_PLUGINS")
    assert strict_plugins() is False


def test_first_party_plugins_come_first():
    names = [record.name for record in plugin_records() if record.distribution == "pullback"]
    assert {"numpy", "cupy", "jax"} <= set(names)
    assert call_each("pullback_backends")[0][0].name == "numpy"
