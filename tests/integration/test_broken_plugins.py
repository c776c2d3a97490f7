"""Plugins that are broken in every way that came to mind: each costs one warning, and all else goes on.

They are all installed at once, beside a good one, and a program and ``pullback doctor`` run among them.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from typing import Any, NamedTuple

import pytest

IMPORTS = "from pullback.extend import BackendSpec, hookimpl\n"


def hook(body: str, name: str = "pullback_backends", parameters: str = "") -> str:
    """A plugin whose one hook has that body."""
    return f"{IMPORTS}@hookimpl\ndef {name}({parameters}):\n    {body}\n"


def spec(arguments: str) -> str:
    return hook(f"return [BackendSpec({arguments})]")


class Way(NamedTuple):
    """A way to be broken: a plugin, and what is said of it."""

    source: str
    cause: str  # a pattern
    status: str = "broken"
    entry_points: str | None = None
    metadata: str | None = None
    encoding: str = "utf-8"
    hangs: bool = False
    plugin: str | None = None  # the plugin's name where it is not the distribution's
    distribution: str | None = None


FILE = r" \(\S*_plugin\.py(:\d+)?\)"

AT_IMPORT = {
    "missing-dependency": Way(
        "import no_such_library", "raised ModuleNotFoundError: No module named 'no_such_library'" + FILE
    ),
    "old-dependency": Way(
        "from click import NewIn99", "raised ImportError: cannot import name 'NewIn99' from 'click'.*" + FILE
    ),
    "syntax-error": Way("def (", "raised SyntaxError: .*" + FILE),
    "no-unicode": Way("import codecs; codecs.decode(b'\\xff', 'utf-8')", "raised UnicodeDecodeError: .*" + FILE),
    "exits": Way("import sys; sys.exit(3)", "raised SystemExit: 3" + FILE),
    "exits-with-text": Way("raise SystemExit('Usage: plugin FILE')", "raised SystemExit: Usage: plugin FILE" + FILE),
    "sends-interrupt": Way("raise KeyboardInterrupt", "raised KeyboardInterrupt" + FILE),
    "own-base-exception": Way("class Stop(BaseException): pass\nraise Stop('now')", "raised Stop: now" + FILE),
    "generator-exit": Way("raise GeneratorExit", "raised GeneratorExit" + FILE),
    "mute-error": Way(
        "class Mute(Exception):\n    def __str__(self): raise ValueError\nraise Mute",
        r"raised Mute: \(its text cannot be had: ValueError\)" + FILE,
    ),
    "endless-text": Way("raise ValueError('x' * 1_000_000)", "raised ValueError: x{100,600}"),
    "lines-and-escapes": Way(
        r"raise ValueError('one\ntwo \x1b[31mred')", r"raised ValueError: one two \\x1b\[31mred" + FILE
    ),
    "recursion": Way("def f(): f()\nf()", "raised RecursionError: .*" + FILE),
    "out-of-memory": Way("raise MemoryError", "raised MemoryError" + FILE),
    "asserts": Way("assert False", "raised AssertionError" + FILE),
    "sleeps": Way(
        "import time\ntime.sleep(10_000)",
        r"does not end: it was not done within \S+ s, and stood at \S*sleeps_plugin.py:2",
        hangs=True,
    ),
    "loops": Way(
        "while True:\n    pass",
        r"does not end: it was not done within \S+ s, and stood at \S*loops_plugin.py",
        hangs=True,
    ),
    "waits-for-itself": Way(
        "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()",
        r"does not end: .* stood at \S*waits_for_itself_plugin.py:4",
        hangs=True,
    ),
}

ENTRY_POINTS = {
    "to-nothing": Way(
        "", "raised ModuleNotFoundError: No module named 'there_is_none'", entry_points="{distribution} = there_is_none"
    ),
    "to-no-attribute": Way(
        "", "raised AttributeError: .* has no attribute 'absent'", entry_points="{distribution} = {module}:absent"
    ),
    "to-a-class": Way(
        IMPORTS + "class Plugin:\n    @hookimpl\n    def pullback_backends(self): return []",
        "its hook pullback_backends raised TypeError: .*missing 1 required positional argument",
        entry_points="{distribution} = {module}:Plugin",
    ),
    "to-none": Way(
        "plugin = None",
        "it implements none of pullback's hooks",
        "unknown hook",
        entry_points="{distribution} = {module}:plugin",
    ),
    "no-name": Way(
        hook("return []").replace("return []", "1 / 0"), "raised ZeroDivisionError", metadata="", distribution="unknown"
    ),
}

HOOKS = {
    "misspelt": Way(
        hook("return []", "pullback_backend"),
        "implements the hook 'pullback_backend', which does not exist; did you mean 'pullback_backends'" + r"\?" + FILE,
        "unknown hook",
    ),
    "unmarked": Way(
        "def pullback_backends():\n    return []",
        "its 'pullback_backends' is not decorated with @pullback.extend.hookimpl" + FILE,
        "unknown hook",
    ),
    "unmarked-method": Way(
        "class Plugin:\n    def pullback_backends(self): return []\nplugin = Plugin()",
        "its 'pullback_backends' is not decorated",
        "unknown hook",
        entry_points="{distribution} = {module}:plugin",
    ),
    "no-function": Way("pullback_backends = []", "its 'pullback_backends' is not decorated", "unknown hook"),
    "no-hooks": Way(
        "def backends():\n    return []", "it implements none of pullback's hooks, pullback_backends, ", "unknown hook"
    ),
    "wrong-argument": Way(hook("return {}", "pullback_kernels", "backend, device"), "device.*" + FILE),
    "needs-more": Way(
        hook("return []", parameters="*, given"),
        "raised TypeError: .*missing 1 required keyword-only argument: 'given'",
    ),
    "too-old": Way(
        "pullback_extension_api = (-3, 0)",
        "it supports versions -3 to 0 of pullback's extension API, and this pullback has version",
        "incompatible",
    ),
    "too-new": Way(
        "pullback_extension_api = (1000, 1000)", "it supports version 1000 of pullback's extension API", "incompatible"
    ),
    "bad-range": Way(
        "pullback_extension_api = 'one'", r"pullback_extension_api must be \(min, max\), got 'one'", "incompatible"
    ),
    "endless-range": Way(
        "pullback_extension_api = (0, float('inf'))",
        r"pullback_extension_api must be \(min, max\), got \(0, inf\)",
        "incompatible",
    ),
    "attributes-raise": Way(
        "class P:\n    def __getattr__(self, name): raise ValueError(name)\np = P()",
        "looking at its attributes raised ValueError: pullback_extension_api" + FILE,
        entry_points="{distribution} = {module}:p",
    ),
    "property-exits": Way(
        "class P:\n    @property\n    def pullback_backends(self): raise SystemExit(4)\np = P()",
        "looking at its attributes raised SystemExit: 4" + FILE,
        entry_points="{distribution} = {module}:p",
    ),
    "module-getattr-raises": Way(
        "def __getattr__(name): raise ValueError(name)", "it implements none of pullback's hooks", "unknown hook"
    ),
    "dir-raises": Way(
        "class P:\n    def __dir__(self): raise OSError('no names')\np = P()",
        "looking at its attributes raised OSError: no names",
        entry_points="{distribution} = {module}:p",
    ),
    "hook-raises": Way(hook("raise OSError('no disk')"), "its hook pullback_backends raised OSError: no disk" + FILE),
    "hook-exits": Way(hook("import sys; sys.exit(5)"), "its hook pullback_backends raised SystemExit: 5" + FILE),
    "hook-sleeps": Way(
        hook("import time; time.sleep(10_000)"),
        r"its hook pullback_backends does not end: it was not done within \S+ s, and stood at .*hook_sleeps\S*:4",
        hangs=True,
    ),
    "kernels-raise": Way(
        hook("return backend.there_is_none", "pullback_kernels", "backend"),
        "its hook pullback_kernels raised MissingKernelError: ",
    ),
    "commands-exit": Way(
        hook("raise SystemExit('bye')", "pullback_commands"), "its hook pullback_commands raised SystemExit: bye" + FILE
    ),
}

RESULTS = {
    "gives-none": Way(hook("return None"), "pullback_backends returned None, not a list of BackendSpec" + FILE),
    "gives-text": Way(hook("return 'torch'"), "pullback_backends returned 'torch', not a list of BackendSpec"),
    "gives-tuples": Way(
        hook("return [('torch', 'a:b')]"), r"pullback_backends returned \('torch', 'a:b'\), not a BackendSpec"
    ),
    "gives-generator": Way(
        hook("yield BackendSpec('some', 'a:b'); raise OSError"),
        "pullback_backends returned <generator object .*not a list",
    ),
    "gives-endless-generator": Way(
        hook("while True: yield 1"), "pullback_backends returned <generator object .*not a list"
    ),
    "gives-endless-list": Way(
        "class Endless(list):\n    def __iter__(self):\n        while True: yield 1\n" + hook("return Endless()"),
        "pullback_backends returned more than 10000 BackendSpec",
    ),
    "gives-no-repr": Way(
        "class NoRepr:\n    def __repr__(self): raise ValueError\n" + hook("return NoRepr()"),
        "pullback_backends returned an object of type NoRepr, not a list of BackendSpec",
    ),
    "hanging-repr": Way(
        "import time\nclass Slow:\n    def __repr__(self): time.sleep(10_000)\n" + hook("return Slow()"),
        "its hook pullback_backends does not end: .* stood at .*hanging_repr_plugin.py:3",
        hangs=True,
    ),
    "kernels-no-mapping": Way(
        hook("return [abs]", "pullback_kernels", "backend"),
        r"pullback_kernels returned \[<built-in function abs>\], not a mapping of callables",
    ),
    "kernels-no-callables": Way(
        hook("return {'gelu': 3}", "pullback_kernels", "backend"),
        "pullback_kernels returned {'gelu': 3}, not a mapping of callables: 'gelu' cannot be .*: it is not callable",
    ),
    "kernels-in-the-contract": Way(
        hook("return {'copy': abs}", "pullback_kernels", "backend"),
        "'copy' cannot be a kernel: it is a part of what every backend is",
    ),
    "kernels-no-names": Way(hook("return {3: abs}", "pullback_kernels", "backend"), "3 cannot be a kernel's name"),
    "tools-no-places": Way(
        hook("return {'profiler': print}", "pullback_tools"),
        "pullback_tools returned .*, not a name and 'module:attribute'",
    ),
    "operations-no-modules": Way(
        hook("return ['my ops.py']", "pullback_operations"),
        "pullback_operations returned 'my ops.py', not the name of a module",
    ),
    "name-none": Way(spec("None, 'a:b'"), "a backend's name is made of .*, not an object of type NoneType" + FILE),
    "name-list": Way(spec("['l'], 'a:b'"), "a backend's name is made of .*, not an object of type list"),
    "name-empty": Way(spec("'', 'a:b'"), "a backend's name is made of .*, not ''"),
    "name-star": Way(spec("'*', 'a:b'"), r"a backend's name is made of .*, not '\*'"),
    "name-path": Way(spec("'../torch', 'a:b'"), "a backend's name is made of .*, not '../torch'"),
    "name-line": Way(spec(r"'torch\n', 'a:b'"), r"a backend's name is made of .*, not 'torch\\n'"),
    "loader-none": Way(spec("'some', None"), "loader must be 'module:Class', not an object of type NoneType"),
    "loader-no-class": Way(spec("'some', 'module'"), "loader must be 'module:Class', not 'module'"),
    "modules-text": Way(
        spec("'some', 'a:b', array_modules=('torch')"),
        r"array_modules must be a tuple of str, not 'torch'; did you mean \('torch',\)\?",
    ),
    "devices-none": Way(spec("'some', 'a:b', device_types=None"), "device_types must be a tuple of str, not None"),
    "devices-numbered": Way(
        spec("'some', 'a:b', device_types=('mps:0',)"),
        "device_types must be kinds of device .*, not 'mps:0'",
    ),
    "device-numpy": Way(
        spec("'some', 'a:b', device_types=('cpu', 'numpy')"), "'numpy' is a backend, and cannot be a kind", "duplicate"
    ),
    "name-cuda": Way(spec("'cuda', 'a:b'"), "'cuda' is a kind of device of backend 'cupy', and cannot", "duplicate"),
    "install-bytes": Way(spec("'some', 'a:b', install=b'pip'"), "install must be a str, not an object of type bytes"),
    "takes-a-name": Way(
        spec("'numpy', 'a:b'"), "distribution 'pullback' has a backend of that name, which stays", "duplicate"
    ),
    "takes-a-plugins-name": Way(
        hook("return []"),
        "distribution 'pullback' has a plugin of that name",
        "duplicate",
        entry_points="numpy = {module}",
        plugin="numpy",
    ),
}

#: These work, so they stay, and what they do beside is said.
BESIDE = {
    "prints": Way("print('Thanks for installing!')\n" + hook("return []"), "it prints 'Thanks for installing!"),
    "prints-in-hook": Way(hook("print('found'); return []"), "in its hook pullback_backends it prints 'found"),
    "replaces-a-builtin": Way(
        "import builtins\nbuiltins.sum = None\n" + hook("return []"), "it replaces the builtin 'sum', which is put back"
    ),
    "replaces-output": Way(
        "import sys, io\nsys.stdout = io.StringIO()\n" + hook("return []"), "it replaces sys.stdout, which is put back"
    ),
    "keeps-running": Way(
        "import threading, time\nthreading.Thread(None, lambda: time.sleep(15), 'heartbeat', daemon=False).start()\n"
        + hook("return []"),
        "its thread 'heartbeat' keeps the program from ending",
    ),
}

LEFT_OUT = AT_IMPORT | ENTRY_POINTS | HOOKS | RESULTS
WAYS = LEFT_OUT | BESIDE

GOOD = (
    IMPORTS
    + """
@hookimpl
def pullback_backends():
    return [BackendSpec("fine", "good_library:Backend", array_modules=("good_library",), install="pip install good")]
@hookimpl
def pullback_kernels(backend):
    return {"gelu": lambda x: x + 41} if backend.name == "numpy" else {}
"""
)

PROGRAM = """
import json, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import pullback as pb
    total = pb.ones(2).sum().item()
    extra = pb.get_backend("numpy").gelu(1)
    known = list(pb.backend.registry.known_backends())
    from pullback.plugin.manager import call_each
    for hook in ("pullback_operations", "pullback_tools", "pullback_commands"):
        call_each(hook)
        call_each(hook)
try:
    pb.ones(2, backend="torchh")
except ValueError as error:
    unknown = str(error)
print(json.dumps({
    "warnings": [str(w.message) for w in caught if w.category is pb.errors.PluginWarning],
    "others": [str(w.message) for w in caught if w.category is not pb.errors.PluginWarning],
    "files": sorted({w.filename for w in caught}),
    "total": total, "extra": extra, "known": known, "unknown": unknown, "sum": sum([1, 2]),
}))
"""


@pytest.fixture(scope="module")
def broken_site(shared_site):
    for distribution, way in WAYS.items():
        shared_site.add(
            distribution, way.source, entry_points=way.entry_points, metadata=way.metadata, encoding=way.encoding
        )
    shared_site.add("good", GOOD)
    return shared_site


@pytest.fixture(scope="module")
def outcome(broken_site) -> dict[str, Any]:
    """What a program that adds two ones meets."""
    done = broken_site.python("-c", PROGRAM, PULLBACK_PLUGIN_TIMEOUT="5")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # nothing else may stand there


@pytest.fixture(scope="module")
def diagnosis(broken_site) -> dict[str, Any]:
    """What the doctor finds."""
    done = broken_site.python("-m", "pullback", "doctor", "--json", PULLBACK_PLUGIN_TIMEOUT="5")
    assert done.returncode == 1
    waits = done.stderr.splitlines()
    assert len(waits) == len(set(waits)) == 2  # the others have no time left in which a wait becomes long
    assert all(re.fullmatch(WAITS, line) for line in waits)
    assert len([w for w in WAYS.values() if w.hangs]) > 2
    return json.loads(done.stdout)


WAITS = r"pullback waits for plugin '\S+' of distribution '\S+' \S+, for up to 5 s \(PULLBACK_PLUGIN_TIMEOUT\)"


def title_of(distribution: str) -> str:
    way = WAYS[distribution]
    return f"plugin {way.plugin or distribution!r} of distribution {way.distribution or distribution!r}"


def test_the_list_is_long():
    assert len(WAYS) >= 64


def test_everything_else_goes_on(outcome):
    assert (outcome["total"], outcome["extra"], outcome["sum"]) == (2.0, 42, 3)
    assert outcome["known"] == ["numpy", "cupy", "jax", "fine"]
    assert outcome["others"] == []
    assert outcome["files"] == ["<string>"]  # the program's own line, not one of pullback's
    assert not [text for text in outcome["warnings"] if "'good'" in text]


@pytest.mark.parametrize("distribution", WAYS)
def test_each_costs_one_warning_that_names_it_and_the_command(outcome, distribution):
    (warning,) = [text for text in outcome["warnings"] if title_of(distribution) in text]
    separator = ": " if distribution in BESIDE else " is left out: "
    head, separated, rest = warning.partition(separator)
    assert separated, warning
    assert head.endswith(title_of(distribution) + ("" if WAYS[distribution].distribution else " 1.2"))
    cause, _, command = rest.partition(". To fix it: ")
    assert re.search(WAYS[distribution].cause, cause)
    assert re.match("pip (install -U|uninstall) ", command)
    assert "\n" not in warning
    assert len(warning) < 1500


@pytest.mark.parametrize("distribution", WAYS)
def test_the_doctor_lists_each(diagnosis, distribution):
    way = WAYS[distribution]
    (record,) = [
        plugin for plugin in diagnosis["plugins"]
        if (plugin["name"], plugin["distribution"]) == (way.plugin or distribution, way.distribution or distribution)
    ]  # fmt: skip
    assert record["status"] == ("loaded" if distribution in BESIDE else way.status)
    assert re.search(way.cause, record["reason"])
    (problem,) = [problem for problem in diagnosis["problems"] if problem["what"].startswith(title_of(distribution))]
    assert problem["fix"].startswith("pip ")


def test_an_unknown_backends_error_names_the_plugins_that_may_have_it(outcome):
    assert outcome["unknown"].startswith("unknown backend 'torchh'; known backends: 'numpy', 'cupy', 'jax', 'fine'.")
    assert "plugin 'hook-raises' of distribution 'hook-raises' 1.2 is left out" in outcome["unknown"]


@pytest.mark.parametrize("distribution", [name for name in WAYS if not WAYS[name].hangs][::4])
def test_strict_mode_raises_each_time(site, distribution):
    way = WAYS[distribution]
    site.add(distribution, way.source, entry_points=way.entry_points, metadata=way.metadata, encoding=way.encoding)
    program = """
import pullback as pb
for _ in range(2):
    try:
        pb.ones(2)
        from pullback.plugin.manager import call_each
        for hook in ("pullback_operations", "pullback_tools", "pullback_commands"):
            call_each(hook)
    except pb.errors.PluginError as error:
        print(error)
"""
    done = site.python("-c", program, PULLBACK_STRICT_PLUGINS="1")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert all(title_of(distribution) in line for line in lines)


@pytest.mark.parametrize(
    ("entry_points", "encoding"),
    [("evil", "utf-8"), ("\xe9vil = \xe9vil_plugin", "latin-1")],
    ids=["no-equals", "latin"],
)
def test_entry_points_that_cannot_be_read(site, entry_points, encoding):
    """Also another distribution's, in which nothing is pullback's, may not stop a program."""
    site.add("evil", "", entry_points=entry_points, encoding=encoding)
    site.add("good", GOOD)
    done = site.python("-c", PROGRAM)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    (warning,) = outcome["warnings"]
    assert "of distribution 'evil' 1.2 is left out" in warning
    assert outcome["known"][-1] == "fine"


def test_metadata_that_cannot_be_read(site):
    """Of whatever distribution: what it is called is not known then, and no more is amiss."""
    site.add("aforeign", "", entry_points="")
    site.add("nameless", hook("raise OSError"))
    site.add("good", GOOD)
    for name in ("nameless", "aforeign"):
        (site.folder / f"{name}-1.2.dist-info" / "METADATA").write_bytes(b"Name: \xff\xfe\n")
    done = site.python("-c", PROGRAM)
    assert done.returncode == 0, done.stderr
    assert "plugin 'nameless' of distribution 'unknown' is left out" in done.stdout
    done = site.python("-m", "pullback", "doctor")
    assert done.returncode == 1
    assert "1 thing is broken" in done.stdout
    assert "plugin 'nameless' of distribution 'unknown'" in done.stdout


def test_the_keyboard_ends_the_wait(site):
    site.add("sleeps", "import sys, time\nprint('importing', file=sys.stderr, flush=True)\ntime.sleep(10_000)")
    process = subprocess.Popen(
        [sys.executable, "-c", "import pullback as pb\npb.ones(2)"],
        env=site.environment(PULLBACK_PLUGIN_TIMEOUT="inf"),
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stderr.readline() == "importing\n"
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=120)
        finally:
            process.kill()
    assert errors.splitlines()[-1] == "KeyboardInterrupt"


def test_a_time_that_is_none(site):
    site.add("good", GOOD)
    done = site.python("-c", "import pullback as pb\npb.ones(2)", PULLBACK_PLUGIN_TIMEOUT="soon")
    message = "ValueError: PULLBACK_PLUGIN_TIMEOUT must be a positive number of seconds, or inf; got 'soon'"
    assert done.stderr.splitlines()[-1] == message
    done = site.python("-m", "pullback", "doctor", PULLBACK_PLUGIN_TIMEOUT="soon")
    assert done.returncode == 1
    assert "unset PULLBACK_PLUGIN_TIMEOUT" in done.stdout
