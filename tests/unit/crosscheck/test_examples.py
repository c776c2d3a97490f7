"""The examples in the docstrings of the cross-check run, and its public names are described."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import pullback_crosscheck

MODULES = [
    "pullback_crosscheck",
    *(module.name for module in pkgutil.iter_modules(pullback_crosscheck.__path__, "pullback_crosscheck.")),
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module(name):
    report: list[str] = []
    for example in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name), name):
        doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=report.append)
    assert not report, "".join(report)


def test_public_names_are_described():
    assert all(getattr(pullback_crosscheck, name).__doc__ for name in pullback_crosscheck.__all__)
