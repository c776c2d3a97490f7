"""Imports inside functions: each is listed here with its reason, and there are no others.

``pyproject.toml`` says which rooms stand on which; an import inside a function is read by that contract as any other.
The commands of :mod:`pullback.cli` are left out: each imports what it needs when it runs, so that ``--help`` is quick.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pullback

ROOT = Path(pullback.__file__).parents[1]
#: Where one is called from is a room below the one it is called for; what needs it is rarely needed.
CALLED_FOR = "PyTorch has it on what lies below"
NOT_YET = "few programs need it: `import pullback` starts sooner without"
CIRCLE = "each needs the other"

LATE = {
    ("pullback.autograd.differentiate", "pullback.batching.gradients"): CALLED_FOR,  # is_grads_batched
    ("pullback.autograd.gradcheck", "pullback.autograd_tools.numerical"): CALLED_FOR,
    ("pullback.backend.base", "pullback.backend.selection"): CIRCLE,
    ("pullback.backend.kernel_exits", "pullback.plugin.isolation"): NOT_YET,
    ("pullback.backend.registry", "pullback.plugin.isolation"): NOT_YET,
    ("pullback.backend.registry", "pullback.plugin.manager"): NOT_YET,  # pluggy
    ("pullback.batching.levels", "pullback.batching.lifting"): CIRCLE,
    ("pullback.dispatch.arguments", "pullback.dispatch.out"): CIRCLE,
    ("pullback.dispatch.complete_path", "pullback.dispatch.fallback"): NOT_YET,
    ("pullback.dispatch.complete_path", "pullback.interop.numpy_arguments"): NOT_YET,
    ("pullback.ops.creation.conversion", "pullback.ops.creation.legacy_types"): NOT_YET,
    ("pullback.ops.creation.from_data", "pullback.dispatch.subclassing"): NOT_YET,
    ("pullback.tensor.node", "pullback.autograd.gradient_accumulation"): CALLED_FOR,  # AccumulateGrad is called
    ("pullback.tensor.overriding", "pullback.overrides"): NOT_YET,
    ("pullback.tensor.tensor", "pullback.dispatch.subclassing"): CALLED_FOR,
    ("pullback.tensor.tensor", "pullback.interop.dlpack"): CALLED_FOR,
    ("pullback.tensor.tensor", "pullback.interop.numpy_protocol"): CALLED_FOR,
    ("pullback.tensor.tensor", "pullback.interop.pickling"): CALLED_FOR,
    ("pullback.tensor.tensor", "pullback.ops.creation.from_data"): CALLED_FOR,  # Tensor(...)
    ("pullback.tensor.tensor", "pullback.printing"): CALLED_FOR,
}


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / "pullback").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), ast.parse(path.read_text(encoding="utf-8"))


def _imported(node: ast.AST, modules: set[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "pullback")
    elif isinstance(node, ast.ImportFrom) and node.module is not None and node.module.split(".")[0] == "pullback":
        for alias in node.names:
            whole = f"{node.module}.{alias.name}"
            yield whole if whole in modules else node.module


def test_each_late_import_has_its_reason() -> None:
    trees = dict(_modules())
    found = {
        (name, target)
        for name, tree in trees.items()
        if not name.startswith("pullback.cli")
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
        for target in _imported(node, set(trees))
    }
    assert found == set(LATE)
    assert len(LATE) <= 20
