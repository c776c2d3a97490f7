"""The examples in docstrings run: those of every operation, and of every public name of the core."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re

import pytest

import pullback
from pullback.dispatch.declaration import Operation
from pullback.extend import registry
from pullback.ops import import_all

import_all()
FLAGS = doctest.ELLIPSIS
MODULES = sorted(
    {
        "pullback",
        *(
            module.name
            for module in pkgutil.walk_packages(pullback.__path__, "pullback.")
            if not module.name.endswith("__main__") and ".examples" not in module.name
        ),
    }
)
#: What the package itself declares; importing the documentation's examples or a plugin may add others.
OPERATIONS = sorted(name for name, record in registry.items() if record.module.startswith("pullback."))
#: Operations that users don't call: they stand for a step of another one, or for the derivative of one.
INTERNAL = {name for name in OPERATIONS if name.startswith("_")}


def run_examples(example: doctest.DocTest) -> None:
    report: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(example, out=report.append)
    assert not report, "".join(report)


@pytest.mark.parametrize("name", [name for name in OPERATIONS if isinstance(registry[name], Operation)])
@pytest.mark.usefixtures("undone")
def test_examples_of_an_operation(name):
    record = registry[name]
    run_examples(doctest.DocTestParser().get_doctest(inspect.cleandoc(record.doc), {}, name, record.module, 0))


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_what_it_computes(name):
    summary = registry[name].doc.strip().partition("\n")[0]
    assert len(summary) > 10
    assert summary.endswith((".", "``.", ":", "?")), summary


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in INTERNAL and hasattr(pullback, name)])
def test_a_public_operation_has_examples(name):
    doc = registry[name].doc
    refers = re.match(r"(In-place )?(:func:|The same as :func:)", doc)  # a variant: its examples are the other's
    assert refers or ">>> import pullback as pb" in doc.partition("Examples\n")[2]


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.usefixtures("undone")
def test_examples_of_a_module(name):
    """Composites, being plain functions, are found here."""
    module = importlib.import_module(name)
    for example in doctest.DocTestFinder(exclude_empty=True).find(module, name):
        if example.examples:
            run_examples(example)


@pytest.mark.parametrize("name", MODULES)
def test_public_names_are_described(name):
    module = importlib.import_module(name)
    public = getattr(module, "__all__", None) or [
        n for n, value in vars(module).items() if not n.startswith("_") and getattr(value, "__module__", None) == name
    ]
    lacking = [
        n
        for n in public
        if callable(value := getattr(module, n)) and isinstance(value, type | type(run_examples)) and not value.__doc__
    ]
    assert not lacking
