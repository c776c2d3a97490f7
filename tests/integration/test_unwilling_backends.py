"""Backends of plugins that do not load, do not answer or answer nonsense: whoever does not use them meets nothing.

All are installed at once; the programs here ask what is available, show it, and use another backend.
"""

from __future__ import annotations

import json
import os
import re

import pytest

PLUGIN = """
from pullback.extend import BackendSpec, hookimpl
@hookimpl
def pullback_backends():
    return [BackendSpec(name, f"{name}_library:Library", array_modules=(f"{name}_library",)) for name in NAMES]
"""

LIBRARY = """
import sys, time
from pullback.extend import Backend
class Library(Backend):
    array_type, dtypes, native_dtypes = list, {}, {}
"""


def reason(body: str) -> str:
    return f"{LIBRARY}    @classmethod\n    def unavailable_reason(cls):\n        {body}\n"


#: The module of each backend, and what is said of it.
UNWILLING = {
    "number": (reason("return 3"), r"Library.unavailable_reason\(\) returned 3, not None or one line"),
    "false": (reason("return False"), r"Library.unavailable_reason\(\) returned False, not None or one line"),
    "empty": (reason("return ' '"), r"Library.unavailable_reason\(\) returned ' ', not None or one line"),
    "lines": (reason(r"return 'no\n\n  device\t\x07'"), r"^no device$|^no device \\x07$"),
    "huge": (reason("return 'no device ' * 100_000"), r"^(no device ){40,}.*\.\.\.$"),
    "raises": (reason("raise OSError('no driver')"), "Library does not load: OSError: no driver .*raises_library.py"),
    "exits": (reason("sys.exit(2)"), "exits_library:Library does not load: SystemExit: 2"),
    "sleeps": (
        reason("time.sleep(10_000)"),
        "did not answer whether it works here: .* within 4 s, .*sleeps_library.py",
    ),
    "import-sleeps": ("import time\ntime.sleep(10_000)", "did not answer whether it works here: .* within 4 s, "),
    "import-exits": ("raise SystemExit", "import_exits_library:Library does not load: SystemExit"),
    "no-class": ("", "does not load: AttributeError: "),
    "other-class": ("Library = int", "other_class_library:Library is not a subclass of pullback.extend.Backend"),
}
#: These look as if they worked.
UNMAKABLE = {
    "made-exits": (f"{LIBRARY}    def __init__(self): sys.exit(1)\n", "does not load: SystemExit: 1"),
    "made-sleeps": (f"{LIBRARY}    def __init__(self): time.sleep(10_000)\n", "was not done within 4 s"),
    "made-half": (LIBRARY.replace("array_type, ", "_, "), "Library does not define array_type: is super"),
    "devices-raise": (f"{LIBRARY}    def devices(self): raise OSError('no bus')\n", "OSError: no bus"),
    "versions-none": (f"{LIBRARY}    def versions(self): return None\n", "AttributeError: 'NoneType' object"),
}
ALL = UNWILLING | UNMAKABLE


def module_name(name: str) -> str:
    return name.replace("-", "_")


@pytest.fixture(scope="module")
def unwilling(shared_site):
    names = [module_name(name) for name in ALL]
    shared_site.add("unwilling", f"NAMES = {names!r}\n{PLUGIN}")
    for name, (source, _) in ALL.items():
        (shared_site.folder / f"{module_name(name)}_library.py").write_text(source)
    return shared_site


@pytest.fixture(scope="module")
def diagnosis(unwilling):
    done = unwilling.python("-m", "pullback", "doctor", "--json", PULLBACK_PLUGIN_TIMEOUT="4", JAX_PLATFORMS="cpu")
    assert done.returncode == 1
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ALL)
def test_the_doctor_shows_each(diagnosis, name):
    (backend,) = [backend for backend in diagnosis["backends"] if backend["name"] == module_name(name)]
    assert not backend["available"]
    assert re.search(ALL[name][1], backend["reason"])
    assert "\n" not in backend["reason"]
    assert len(backend["reason"]) < 1000
    assert backend["broken"] == (name not in ("lines", "huge"))
    assert diagnosis["plugins"][-1]["status"] == "loaded"


def test_numpy_is_available_in_the_doctor(diagnosis):
    assert diagnosis["backends"][0]["available"]


def test_programs_go_on(unwilling):
    program = """
import warnings
warnings.simplefilter("error")
import pullback as pb
assert pb.ones(2).sum() == 2
pb.cuda.is_available()
available = pb.available_backends()
assert available == pb.available_backends()
assert "numpy" in available, available
for name in REASONS:
    try:
        pb.ones(2, backend=name)
    except pb.BackendError as error:
        print(name, error)
"""
    names = [
        module_name(name) for name in ALL if "sleeps" not in name and name not in ("devices-raise", "versions-none")
    ]
    done = unwilling.python("-c", program.replace("REASONS", repr(names)), PULLBACK_PLUGIN_TIMEOUT="4")
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == names


def test_the_demo_says_it_of_the_one_that_is_asked_for(unwilling):
    done = unwilling.python("-m", "pullback", "demo", "--epochs", "1", "--backend", "number", "--backend", "numpy")
    assert done.returncode == 1
    assert "number is not available: number_library:Library.unavailable_reason() returned 3" in done.stderr
    assert "numpy (cpu)" in done.stdout


def test_a_library_that_loads_in_the_main_thread_only(site):
    """As those do that set a handler of signals when they are imported."""
    site.add("signals", "NAMES = ['signals']\n" + PLUGIN)
    source = "import signal\nsignal.signal(signal.SIGUSR1, signal.SIG_IGN)\n" + LIBRARY
    (site.folder / "signals_library.py").write_text(source)
    done = site.python("-c", "import pullback as pb; print('signals' in pb.available_backends())")
    assert done.stdout == "True\n", done.stderr


PACKAGE = """
import pullback as pb
LN2 = pb.tensor(2.0).log()
"""

COMPUTING = """
from pullback.extend import hookimpl
import pullback as pb
HALF = pb.ones(1) / 2
@hookimpl
def pullback_kernels(backend):
    with pb.use_backend("numpy"):
        pb.zeros(1)
    return {"gelu": lambda x: x + 41} if backend.name == "numpy" else {}
"""


@pytest.mark.parametrize(
    "program",
    ["import pullback as pb; pb.ones(1)", "import computing_package", "import computing_package.plugin"],
    ids=["first-need", "package-first", "plugin-first"],
)
def test_a_plugin_that_computes_when_it_is_imported(site, program):
    """Discouraged, and it works: it finds the backends that came before it, and its kernels are added all the same."""
    site.add("computing", "", entry_points="computing = computing_package.plugin")
    package = site.folder / "computing_package"
    package.mkdir()
    (package / "__init__.py").write_text(PACKAGE)
    (package / "plugin.py").write_text(COMPUTING)
    program = f"import warnings; warnings.simplefilter('error')\n{program}\nimport pullback as pb\n"
    program += "print(pb.get_backend('numpy').gelu(1), pb.ones(2).sum().item())"
    done = site.python("-c", program)
    assert done.stdout == "42 2.0\n", done.stderr


def test_a_plugin_may_be_asked_from_several_threads_at_once(site):
    site.add("computing", COMPUTING)
    program = """
import threading
import pullback as pb
results = []
start = threading.Barrier(8)
def use():
    start.wait()
    results.append((pb.ones(3).sum().item(), pb.get_backend("numpy").gelu(1), id(pb.get_backend("numpy"))))
threads = [threading.Thread(target=use) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(set(results)), results[0][:2])
"""
    done = site.python("-W", "error", "-c", program)
    assert done.stdout == "1 (3.0, 42)\n", done.stderr


SLOW = """
import os, time
if "SLOW" in os.environ:
    print("importing", file=open(os.environ["SLOW"], "w"))
    time.sleep(10_000)
from pullback.extend import hookimpl
@hookimpl
def pullback_backends():
    return []
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
def test_a_child_that_was_forked_while_a_plugin_hangs_waits_as_long_as_it_may(site):
    site.add("slow", SLOW)
    program = """
import os, threading, time, warnings
import pullback as pb
threading.Thread(target=lambda: pb.ones(1), daemon=True).start()
while not os.path.exists(os.environ["SLOW"]):
    time.sleep(0.01)
warnings.simplefilter("ignore")
child = os.fork()
if child == 0:
    del os.environ["SLOW"]
    os.environ["PULLBACK_PLUGIN_TIMEOUT"] = "1"
    print(pb.ones(2).sum().item(), flush=True)
    os._exit(0)
os.waitpid(child, 0)
os._exit(0)
"""
    done = site.python("-c", program, SLOW=str(site.folder / "begun"), PULLBACK_PLUGIN_TIMEOUT="inf")
    assert done.stdout == "2.0\n", done.stderr


def test_after_the_keyboard_the_next_need_is_as_bounded_as_the_first(site):
    site.add("slow", SLOW)
    program = """
import os, signal, threading, time
import pullback as pb
def press():
    while not os.path.exists(os.environ["SLOW"]):
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=press).start()
try:
    pb.ones(1)
except KeyboardInterrupt:
    print("interrupted")
os.environ["PULLBACK_PLUGIN_TIMEOUT"] = "1"
print(pb.ones(2).sum().item())
"""
    done = site.python("-c", program, SLOW=str(site.folder / "begun"), PULLBACK_PLUGIN_TIMEOUT="inf")
    assert done.stdout == "interrupted\n2.0\n", done.stderr
    assert "plugin 'slow' of distribution 'slow' 1.2 is left out" in done.stderr
