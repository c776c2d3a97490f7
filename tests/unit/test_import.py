"""What ``import pullback`` loads: nothing that it can do without until later."""

from __future__ import annotations

import subprocess
import sys

LATER = ("numpy", "jax", "cupy", "torch", "scipy", "ml_dtypes", "click", "rich", "pluggy", "safetensors")


def modules_after(program: str) -> set[str]:
    output = subprocess.run(
        [sys.executable, "-c", f"import sys\n{program}\nprint('\\n'.join(sys.modules))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return set(output.split())


def test_import_loads_no_array_library_and_no_tool() -> None:
    assert not modules_after("import pullback").intersection(LATER)


def test_the_default_backend_loads_its_own_library_only() -> None:
    loaded = modules_after("import pullback\npullback.ones(1)")
    assert "numpy" in loaded
    assert not loaded.intersection(("jax", "cupy", "torch", "click", "rich"))


def test_families_that_few_programs_need_load_when_first_used() -> None:
    """Their methods are there all the same."""
    names = ("pointwise.divisors", "reduction.membership", "pointwise.next_number", "pointwise.special_functions")
    families = {f"pullback.ops.{name}" for name in names}
    asked = "assert {'lgamma', 'gcd_', 'nextafter'} <= set(dir(pullback.Tensor))"
    assert not modules_after(f"import pullback\n{asked}").intersection(families)
    for use, family in (
        ("pullback.Tensor.lgamma_", "pointwise.special_functions"),
        ("pullback.ones(2).digamma()", "pointwise.special_functions"),
        ("pullback.isin", "reduction.membership"),
        ("pullback.gcd_", "pointwise.divisors"),
        ("pullback.ones(2).nextafter(pullback.ones(2))", "pointwise.next_number"),
    ):
        assert families.intersection(modules_after(f"import pullback\n{use}")) == {f"pullback.ops.{family}"}


def test_modules_and_optimizers_load_when_first_used() -> None:
    assert "pullback.nn" not in modules_after("import pullback")
    assert "pullback.nn" in modules_after("import pullback\npullback.nn.functional.relu")


def test_every_method_is_there_from_the_beginning() -> None:
    program = (
        "import pullback as pb; before = set(vars(pb.Tensor))\n"
        "from pullback.ops import import_all; import_all()\n"
        "print(sorted(set(vars(pb.Tensor)) - before))"
    )
    shown = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert shown.stdout.strip() == "[]"
