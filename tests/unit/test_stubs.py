"""The type stubs agree with the declarations, and tell type checkers what they should."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pullback as pb
import stubs
from pullback.dispatch.declaration import Operation
from pullback.tensor.registry import registry

SETUP = """
import pullback as pb

class Weight(pb.Tensor): ...

x = pb.ones(2, 3, requires_grad=True)
w: Weight
"""

TYPES = {
    "x + 1": "Tensor",
    "2.5 - x": "Tensor",
    "2 ** x": "Tensor",
    "-x @ x.mT": "Tensor",
    "x == 1": "Tensor",
    "(x > 0) & (x < 1)": "Tensor",
    "x[0, ..., None]": "Tensor",
    "x.T": "Tensor",
    "x.real": "Tensor",
    "x.float()": "Tensor",
    "x.to(pb.float64, copy=True)": "Tensor",
    "x.sum(0, keepdim=True)": "Tensor",
    "x.reshape(3, 2).view((6,))": "Tensor",
    "x.add(1, alpha=2)": "Tensor",
    "x.add_(1)": "Tensor",
    "w.add_(1)": "Weight",
    "w.add(1)": "Tensor",
    "x.unbind(0)": "tuple[Tensor, ...]",
    "x.sort(0).indices": "Tensor",
    "x.max()": "Tensor",
    "x.max(0).indices": "Tensor",
    "x.aminmax().max": "Tensor",
    "x.nonzero(as_tuple=True)": "tuple[Tensor, ...]",
    "x.conj()": "Tensor",
    "x.shape": "Size",
    "x.size(0)": "int",
    "x.type()": "str",
    "x.type(pb.float64)": "Tensor",
    "x.grad": "Tensor | Any",
    "pb.sum(x).grad_fn": "Node | Any",
    "pb.autograd.grad(pb.sum(x), x)": "tuple[Tensor, ...]",
    "pb.autograd.grad(pb.sum(x), (x,), allow_unused=False)": "tuple[Tensor, ...]",
    "pb.autograd.grad(pb.sum(x), x, allow_unused=True)": "tuple[Tensor | None, ...]",
    "pb.autograd.grad(pb.sum(x), x, allow_unused=True, materialize_grads=True)": "tuple[Tensor, ...]",
    "pb.autograd.grad(pb.sum(x), {'x': x})": "dict[str, Tensor]",
    "pb.autograd.grad(pb.sum(x), {'x': x}, allow_unused=True)": "dict[str, Tensor | None]",
    "pb.autograd.grad(pb.sum(x), {'x': x}, materialize_grads=True)": "dict[str, Tensor]",
    "pb.autograd.gradcheck(pb.sin, (x,))": "bool",
    "pb.autograd.function.FunctionCtx().saved_tensors": "tuple[Tensor | Any, ...]",
    "pb.add(x, 1)": "Tensor",
    "pb.add(1, x)": "Tensor",
    "pb.where(x > 0, x, 0.0)": "Tensor",
    "pb.sum(x, dim=(0, 1), dtype=pb.float64)": "Tensor",
    "pb.cat([x, x], dim=1)": "Tensor",
    "pb.split(x, 1)": "tuple[Tensor, ...]",
    "pb.is_tensor(x)": "bool",
    "pb.where(x > 0)": "tuple[Tensor, ...]",
    "pb.nn.functional.softmax(x, dim=0)": "Tensor",
    "pb.float": "DType",
}

ERRORS = {
    "x + '1'": "operator",
    "x + None": "operator",
    "x.sun()": "attr-defined",
    "x.sum(dims=0)": "call-arg",
    "x.sum('0')": "arg-type",
    "x.add_([1])": "arg-type",
    "x.transpose(0)": "call-arg",
    "pb.sin(1.0)": "arg-type",
    "pb.add(1, 2)": "call-overload",
    "pb.cat(x)": "arg-type",
    "pb.ones(2, dtype='float32')": "arg-type",
    "pb.no_such_function(x)": "attr-defined",
}


def test_the_stubs_are_up_to_date() -> None:
    sources = stubs.operation_names() | stubs.stubs()
    stale = [path.name for path, source in sources.items() if path.read_text(encoding="utf-8") != source]
    assert not stale, "run `python tools/stubs.py`"


def test_check_says_what_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stub = tmp_path / "some.pyi"
    monkeypatch.setattr(stubs, "stubs", lambda: {stub: "x: int\n"})
    assert stubs.main(["--check"]) == 1
    assert "some.pyi: stale" in capsys.readouterr().out
    assert not stub.exists()
    assert stubs.main([]) == 0
    assert stub.read_text(encoding="utf-8") == "x: int\n"
    assert stubs.main(["--check"]) == 0


NEW_FAMILY = '''"""A family of one operation."""

from __future__ import annotations

from pullback.dispatch.declaration import Array, elementwise


@elementwise(kernel="negative", partials=-1, aliases=("opposite",), inplace=False)
def negated(input: Array) -> Array:
    """The negative."""
'''


def test_an_operation_costs_its_declaration_and_one_command(tmp_path: Path) -> None:
    package = tmp_path / "pullback"
    shutil.copytree(Path(pb.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    pointwise = package / "ops" / "pointwise"
    (pointwise / "heaviside.py").rename(pointwise / "steps.py")  # a family may move in the same breath
    (pointwise / "negating.py").write_text(NEW_FAMILY, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    subprocess.run([sys.executable, stubs.__file__], env=environment, check=True, capture_output=True)
    shows = "pb.opposite(x), x.negated(), pb.heaviside(-x, x), pb.__file__"
    program = f"import pullback as pb; x = pb.tensor(2.5); print({shows})"
    shown = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True)
    assert shown.stdout.strip() == f"tensor(-2.5000) tensor(-2.5000) tensor(0.) {package / '__init__.py'}"
    assert "def negated(input: Tensor, *, out: Tensor | None = None) -> Tensor: ..." in (
        package / "__init__.pyi"
    ).read_text(encoding="utf-8")


def test_every_method_is_in_the_stub() -> None:
    text = stubs.tensor_methods()
    for record in registry.values():
        if not record.module.startswith("pullback."):
            continue
        for name in record.method_names:
            assert f"    def {name}(" in text, name


def test_operands_that_admit_numbers() -> None:
    def signature(name: str) -> dict[str, str | None]:
        operation = registry[name]
        assert isinstance(operation, Operation)
        return {p.name: p.annotation for p in stubs.operation_signature(operation).parameters}

    assert signature("add") == {"input": "Tensor | Number", "other": "Tensor | Number", "alpha": "complex"}
    assert signature("where")["condition"] == "Tensor"
    assert signature("mm")["mat2"] == "Tensor"


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What mypy says of each expression."""
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed: pip install 'pullback[lint]'")
    folder = tmp_path_factory.mktemp("typed")
    program = folder / "program.py"
    lines = [*SETUP.splitlines(), *(f"reveal_type({e})" for e in TYPES), *ERRORS]
    program.write_text("\n".join(lines) + "\n", encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", str(folder), program.name],
        cwd=folder,
        env=os.environ | {"MYPYPATH": str(Path(pb.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    said: dict[str, str] = {}
    for number, message in re.findall(r"^program\.py:(\d+): (.*)$", result.stdout, re.MULTILINE):
        line = lines[int(number) - 1]
        said.setdefault(line.removeprefix("reveal_type(").removesuffix(")") if line not in ERRORS else line, message)
    assert said, result.stdout + result.stderr
    return said


@pytest.mark.slow  # mypy begins without a cache
@pytest.mark.parametrize("expression", TYPES)
def test_a_right_program_has_these_types(checked: dict[str, str], expression: str) -> None:
    (revealed,) = re.findall(r'note: Revealed type is "(.*)"', checked[expression])
    assert re.sub(r"\b(builtins|[a-z_]*\.)*(?=\w)", "", revealed) == TYPES[expression]


@pytest.mark.slow
@pytest.mark.parametrize("expression", ERRORS)
def test_a_wrong_program_has_these_errors(checked: dict[str, str], expression: str) -> None:
    assert checked.get(expression, "nothing").endswith(f"[{ERRORS[expression]}]")


@pytest.mark.slow
def test_the_rest_of_the_program_is_right(checked: dict[str, str]) -> None:
    assert set(checked) == {*TYPES, *ERRORS}
