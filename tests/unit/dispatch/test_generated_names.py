"""Names in a declaration and in the code that is generated for it keep out of each other's way."""

from __future__ import annotations

import keyword
import linecache
import re
import types

import pytest

import pullback as pb
from pullback.dispatch.codegen import source_of
from pullback.dispatch.declaration import Operation
from pullback.dispatch.out_rules import CAST
from pullback.extend import Array, DeclarationError, intercept, op, registry


def _names_in_generated_code() -> list[str]:
    """Every name that occurs in the source of callables and nodes, and every name that source may refer to."""
    x = pb.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    for y in (x * x, pb.add(x, x), x.exp(), pb.where(x > 0, x, x), x.sum(0), x.sort(0)[0], x.T, pb.cat((x, x))):
        y.sum().backward()
    pb.zeros(1)
    sources = [
        source_of(record, operator, takes_out)
        for name in ("add", "mul", "exp", "where", "sum", "sort", "permute", "amax", "clone", "cat", "nll_loss")
        for record in (registry[name],)
        for operator, takes_out in ((False, False), (True, False), (False, record.out is not None))
    ]
    sources += ["".join(entry[2]) for file, entry in linecache.cache.items() if file.startswith("<pullback ")]
    code = re.sub(r"'[^']*'|#.*", "", "\n".join(sources))
    found = set(re.findall(r"(?<![.\w])[A-Za-z_]\w*", code))
    found |= {name for record in (pb.Tensor.mul, pb.add) for name in record.__globals__}
    found |= {"Exception", "array", "active", "mode", "kernel", "node", "out", "self", "args", "locals", "native"}
    found -= {"factor", "values"}  # what the declaration of each test has beside the name
    return sorted(name for name in found if not keyword.iskeyword(name) and not name.startswith("values_"))


NAMES = _names_in_generated_code()


@pytest.fixture
def declared():
    """Declare operations for one test and take them away again."""
    before, attributes = set(registry), dict(vars(pb.Tensor))
    yield
    for name in set(registry) - before:
        del registry[name]
    for name in set(vars(pb.Tensor)) - set(attributes):
        delattr(pb.Tensor, name)


def _declare(operation: str, operand: str, attribute: str) -> Operation:
    """``scale * operand``, with the derivatives as formulas that ask for the attribute and the operand."""
    source = f"""
def {operation}(backend, {operand}: Array, {attribute}=2.0) -> Array:
    return backend.multiply({operand}, backend.full((), {attribute}, dtype={operand}.dtype))
"""
    made: dict[str, object] = {}
    namespace = {"Array": Array, "__name__": __name__}
    exec(source, namespace, made)
    asked = "" if "grad" in (operand, attribute) else f", {operand}, {attribute}"
    vjp = eval(f"lambda grad{asked}: grad * {attribute} + 0 * {operand}")
    asked = "" if attribute == "tangent" else f", {attribute}"
    jvp = eval(f"lambda tangent{asked}: tangent * {attribute}")
    function = made[operation]
    assert isinstance(function, types.FunctionType)
    op(vjp=vjp, jvp=jvp, out=CAST, inplace=True)(function)
    return registry[operation.rstrip("_")]


def _check(record: Operation) -> None:
    from pullback.dispatch.codegen import make_callable

    exported = make_callable(record, takes_out=True)
    attribute = record.attributes[0]
    for _ in range(2):  # the general path, then the fast one
        x = pb.tensor([1.0, 2.0], requires_grad=True)
        y = record.call(x, 5.0)
        assert y.tolist() == [5.0, 10.0]
        y.sum().backward()
        assert x.grad.tolist() == [5.0, 5.0]
        assert record.call(x).tolist() == [2.0, 4.0]
        assert record.call(x, **{attribute: 3.0}).tolist() == [3.0, 6.0]
        assert record.call(**{record.operands[0]: x}).tolist() == [2.0, 4.0]
        with pb.no_grad():
            out = pb.empty(2)
            assert exported(x, 5.0, out=out) is out
            assert out.tolist() == [5.0, 10.0]
            assert exported(x, **{attribute: 3.0}).tolist() == [3.0, 6.0]
        z = x * 1
        getattr(z, record.inplace_name)(5.0)
        z.sum().backward()
        assert z.tolist() == [5.0, 10.0]
        assert x.grad.tolist() == [10.0, 10.0]
    with intercept(lambda operation, operands, attributes, proceed: proceed()):
        assert record.call(x, 5.0).tolist() == [5.0, 10.0]
    assert pb.func.jvp(lambda t: record.call(t, 5.0), (x.detach(),), (pb.ones(2),))[1].tolist() == [5.0, 5.0]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("role", ["operation", "operand", "attribute"])
def test_a_name_of_the_generated_code_works_in_a_declaration_or_is_refused(declared, role: str, name: str) -> None:
    names = {"operation": "tripled_for_names", "operand": "values", "attribute": "factor"} | {role: name}
    if role != "operation" and (name == "backend" or (role, name) == ("attribute", "dtype")):
        return  # a body has that parameter already; an attribute `dtype` is the result's
    try:
        record = _declare(**names)
    except DeclarationError:
        taken = name in registry or hasattr(pb.Tensor, name) or hasattr(pb.Tensor, f"{name}_")
        assert name.startswith("_") or name in {"grad", "grads", "out", "tangent"} or (role == "operation" and taken)
        return
    _check(record)


@pytest.mark.parametrize("name", ["input_shape", "input_dtype"])
def test_an_attribute_may_not_be_what_formulas_know_of_an_operand(declared, name: str) -> None:
    with pytest.raises(DeclarationError, match=f"no parameter may be named '{name}'"):
        _declare("scaled_for_names", "input", name)


def test_an_operation_may_not_replace_an_attribute_of_tensors(declared) -> None:
    with pytest.raises(DeclarationError, match="Tensor has an attribute 'array' already"):
        _declare("array", "input", "factor")
    assert pb.ones(2).array.tolist() == [1.0, 1.0]
