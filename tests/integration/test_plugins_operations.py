"""The hook ``pullback_operations``: what its modules declare is there from the first tensor on."""

from __future__ import annotations

PLUGIN = """
from pullback.extend import hookimpl
@hookimpl
def pullback_operations():
    return MODULES
"""

OPERATIONS = """
from __future__ import annotations
import pullback as pb
from pullback.extend import Array, elementwise

HALF = pb.tensor(0.5)  # a module that declares may compute

@elementwise(promotion="float", domain=(-1e4, 1e4), partials=lambda input: input / (input * input + 1).sqrt())
def softer_abs(backend, input: Array) -> Array:
    "The square root of one more than the square of each element."
    return backend.sqrt(backend.add(backend.multiply(input, input), 1.0))
"""


def test_methods_gradients_and_the_conformance_suite(site):
    site.add("softer", PLUGIN.replace("MODULES", "['softer_operations']"))
    (site.folder / "softer_operations.py").write_text(OPERATIONS)
    program = """
import pullback as pb
x = pb.tensor([0.0, 1.0], requires_grad=True)
y = x.softer_abs()
y.sum().backward()
print(y.grad_fn.name(), (x.grad - pb.tensor([0.0, 0.5]).sqrt()).abs().max().item() < 1e-6)
"""
    done = site.python("-W", "error", "-c", program)
    assert done.stdout == "SofterAbsBackward0 True\n", done.stderr
    scripts = ("--repro-dir", str(site.folder / "failures"))
    chosen = ("--operations", "softer_abs", "--dtypes", "float32", *scripts)
    done = site.python("-m", "pullback", "conformance", "--backend", "numpy", *chosen)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cells passed" in done.stdout


def test_a_module_that_cannot_be_imported_costs_one_warning(site):
    site.add("softer", PLUGIN.replace("MODULES", "['softer_operations', 'exiting', 'after']"))
    (site.folder / "softer_operations.py").write_text(OPERATIONS)
    (site.folder / "exiting.py").write_text("raise SystemExit(4)")
    done = site.python("-c", "import pullback as pb; print(hasattr(pb.ones(2), 'softer_abs'))")
    assert (done.returncode, done.stdout) == (0, "True\n")
    cause = "importing 'exiting', which declares its operations, raised SystemExit: 4"
    assert done.stderr.count("plugin 'softer' of distribution 'softer' 1.2 is left out: ") == 1
    assert cause in done.stderr
    done = site.python("-m", "pullback", "doctor")
    assert done.returncode == 1
    assert cause in done.stdout


def test_an_operation_that_is_there_already_is_refused(site):
    site.add("softer", PLUGIN.replace("MODULES", "['softer_operations']"))
    (site.folder / "softer_operations.py").write_text(OPERATIONS.replace("softer_abs", "exp"))
    done = site.python("-c", "import pullback as pb; print(pb.ones(1).exp().item() > 2.7)")
    assert (done.returncode, done.stdout) == (0, "True\n")
    assert "plugin 'softer' of distribution 'softer' 1.2 is left out: importing 'softer_operations'" in done.stderr
