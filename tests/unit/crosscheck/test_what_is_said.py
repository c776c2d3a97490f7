"""A divergence names operation, operands, error and the line of the program, and has a script that shows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

import pullback as pb
from pullback.extend import UnknownBackendError
from pullback_crosscheck import Divergence, DivergenceError, DivergenceWarning, Report, crosscheck

HERE = Path(__file__).parent


def raised_by(function, *arguments, second: str = "numpy") -> Divergence:
    with pytest.raises(DivergenceError) as caught, crosscheck(second):
        function(*arguments)
    return caught.value.divergence


def collected(function, *arguments, second: str = "numpy", **options) -> Report:
    with crosscheck(second, mode="collect", **options) as report:
        function(*arguments)
    return report


# -- the first operation that differs


def test_the_operation_its_operands_the_error_and_the_line_are_named(faulty):
    with pb.use_backend(faulty("ImpreciseTanh")):
        x = pb.linspace(-1, 2, 6).reshape(2, 3)

        def program() -> None:
            y = x.T * 1
            y.tanh()

        found = raised_by(program)
    assert (found.operation, found.backends) == ("tanh", ("ImpreciseTanh", "numpy"))
    assert found.line.text == "y.tanh()"
    assert found.line.file == __file__
    assert found.line.function.endswith("program")
    assert found.allowed < found.ulp < 400
    (operand,) = found.operands
    assert (operand.name, operand.dtype, operand.shape) == ("input", "float32", (3, 2))
    assert (operand.smallest, operand.largest, operand.nans) == (-1.0, 2.0, 0)
    x_there = np.linspace(-1, 2, 6, dtype=np.float32).reshape(2, 3).T[found.where]
    assert f"expected {np.tanh(x_there)}"[:14] in found.problem


def test_what_is_right_is_not_named_even_where_its_operands_are_wrong(faulty):
    with pb.use_backend(faulty("ImpreciseTanh")):
        report = collected(lambda: (pb.ones(3).tanh() * 1000).exp())
    assert [found.operation for found in report.divergences] == ["tanh"]


def test_in_a_backward_pass_the_node_and_the_line_that_made_it_are_named(faulty):
    with pb.use_backend(faulty("ForgetsSigns")):
        x = pb.tensor([-1.0, 2.0], requires_grad=True)

        def program() -> None:
            y = x.abs()
            y.sum().backward()

        found = raised_by(program)
    assert found.operation in ("sgn", "sign")
    assert found.node == "AbsBackward0"
    assert found.line.text == "y.sum().backward()"
    assert found.made_at is not None
    assert found.made_at.text == "y = x.abs()"


def test_under_vmap_and_in_place_too(faulty):
    with pb.use_backend(faulty("ImpreciseTanh")):
        assert raised_by(lambda: pb.vmap(pb.tanh)(pb.ones(2, 3))).operation == "tanh"
        x = pb.ones(3)
        assert raised_by(x.tanh_).operation == "tanh"
        assert x.tolist() == [1, 1, 1]  # the error came before the write
        with pb.inference_mode():
            assert raised_by(lambda: pb.tanh(x, out=pb.empty(3))).operation == "tanh"


def test_integers_are_compared_exactly(faulty):
    with pb.use_backend(faulty("MiscountsOnes")):
        found = raised_by(lambda: pb.tensor([[3.0, 1.0], [0.0, 2.0]]).argmax(1))
    assert found.operation == "argmax"
    assert "1 of 2 elements differ" in found.problem


def test_a_kernel_that_writes_into_its_operand_is_found(faulty):
    with pb.use_backend(faulty("NegatesInPlace")):
        found = raised_by(lambda: -pb.ones(3))
    assert found.operation == "neg"
    assert "wrote into operand 0 (input)" in found.problem


def test_a_kernel_that_ignores_strides_is_found_and_the_operand_says_how_it_lies(faulty):
    with pb.use_backend(faulty("IgnoresStrides")):
        found = raised_by(lambda: pb.arange(6.0).reshape(2, 3).T.sin())
    assert found.operands[0].strides == (1, 3)


@pytest.mark.jax
def test_a_program_on_jax_is_checked_by_a_fault_in_numpy(faulty):
    faulty("ImpreciseTanh")
    with pb.use_backend("jax"):
        assert raised_by(lambda: pb.ones(3).tanh(), second="ImpreciseTanh").backends == ("jax", "ImpreciseTanh")


def run_script(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    script = folder / "repro.py"
    script.write_text(text, encoding="utf-8")
    path = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize(
    ("backend", "program"),
    [
        ("ImpreciseTanh", lambda: pb.linspace(-2, 2, 300).reshape(3, 100).T.tanh()),
        ("ImpreciseTanh", lambda: pb.tensor([1.0, float("nan")], dtype=pb.bfloat16).float().tanh()),
        ("IgnoresStrides", lambda: pb.arange(6.0).reshape(2, 3).T.sin()),
        ("MiscountsOnes", lambda: pb.tensor([[3, 1], [0, 2]]).argmax(1)),
    ],
)
def test_the_script_fails_on_the_faulty_backend_and_passes_on_the_other(faulty, tmp_path, backend, program):
    with pb.use_backend(faulty(backend)):
        script = raised_by(program).repro
    failed = run_script(script, tmp_path)
    assert "AssertionError" in failed.stderr, script + failed.stderr
    passed = run_script(script.replace(f"{backend}()", "'numpy'"), tmp_path)
    assert passed.returncode == 0, passed.stderr


# -- modes


def test_a_warning_belongs_to_the_line_of_the_program_and_comes_once_for_each(faulty):
    with pb.use_backend(faulty("ImpreciseTanh")), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with crosscheck("numpy", mode="warn") as report:
            for _ in range(3):
                pb.ones(2).tanh()
    (warning,) = caught
    assert warning.category is DivergenceWarning
    assert (warning.filename, warning.lineno) == (__file__, report.divergences[0].line.line)
    assert report.divergences[0].count == 3


def test_a_report_counts_prints_and_is_written_as_json(faulty):
    with pb.use_backend(faulty("ImpreciseTanh")):
        report = collected(lambda: [pb.ones(2).tanh() + 1 for _ in range(2)])
    assert (report.checked, report.diverged) == (4, 2)
    assert report.operations["add"].checked == 2
    text = str(report)
    assert text.startswith("4 calls compared with numpy: 2 differ; 0 skipped\n")
    assert "tanh on ImpreciseTanh and on numpy differ at [0]" in text
    read = json.loads(report.to_json())
    assert read["operations"]["tanh"]["diverged"] == 2
    assert read["divergences"][0]["line"] == str(report.divergences[0].line)


def test_a_rate_checks_a_share_which_the_seed_decides(faulty):
    faulty("Faultless")

    def program() -> None:
        for _ in range(200):
            pb.ones(2).exp()

    counts = [collected(program, second="Faultless", rate=0.1, seed=seed).checked for seed in (0, 0, 1, 2)]
    assert counts[0] == counts[1]
    assert all(5 <= count <= 40 for count in counts)
    report = collected(program, second="Faultless", rate=0.1)
    assert report.checked + report.operations["exp"].unsampled == 200


# -- what cannot be compared is counted, and never said to differ


@pytest.mark.parametrize(
    ("second", "program", "reason"),
    [
        ("numpy", lambda: pb.ones(2).tanh(), "the operation runs on numpy itself"),
        ("LacksTanh", lambda: pb.ones(2).tanh(), "LacksTanh has no kernel 'tanh'"),
        ("AdmitsImpreciseTanh", lambda: pb.ones(2).tanh(), "AdmitsImpreciseTanh declares a limitation: the library's"),
        ("LacksHalf", lambda: pb.ones(2, dtype=pb.float16).tanh(), "LacksHalf has no float16"),
        ("Faultless", lambda: pb.tensor([float("nan")]).int(), ""),
    ],
)
def test_what_is_skipped_has_a_reason(faulty, second, program, reason):
    if second != "numpy":
        faulty(second)
    report = collected(program, second=second)
    assert not report.divergences
    assert sum(report.skipped.values()) == (1 if reason else 0)
    assert all(said.startswith(reason) for _, said in report.skipped)
    assert not reason or "skipped, since:" in str(report)


@pytest.mark.jax
def test_subnormal_numbers_are_not_held_against_a_backend_that_has_none():
    tiny = pb.tensor([1e-40, 1e-30, 1.0])
    report = collected(lambda: [tiny.sin(), tiny + 1e-39, pb.tensor([1e-30]) * 1e-10], second="jax")
    assert not report.divergences, str(report)


def test_an_error_of_the_program_is_the_programs(faulty):
    faulty("Faultless")
    with pytest.raises(RuntimeError, match="must match the size"), crosscheck("Faultless"):
        pb.ones(2) + pb.ones(3)


# -- shadows


def test_shadows_tell_what_introduced_a_divergence_from_what_passed_it_on(faulty):
    with pb.use_backend(faulty("ImpreciseTanh")):

        def program() -> None:
            x = pb.linspace(0.1, 1, 5, requires_grad=True)
            hidden = x.tanh()
            scaled = hidden * 8
            loss = scaled.exp().sum()
            loss.backward()
            with pb.no_grad():
                x -= x.grad

        report = collected(program, shadow=True)
    (found,) = report.divergences
    assert found.operation == "tanh"
    passed_on = {carried.operation for carried in report.carried}
    assert {"mul", "exp", "sum", "sub"} <= passed_on
    assert all(carried.origins == (found.number,) for carried in report.carried)
    by_line = {carried.line.text: carried for carried in report.carried if not carried.node}
    assert by_line["loss = scaled.exp().sum()"].ulp > 0
    assert by_line["x -= x.grad"].operation == "sub"  # through a gradient, into what is written
    assert "passed on by:" in str(report)


def test_shadows_of_a_program_without_a_fault_have_no_origin(faulty):
    faulty("Faultless")
    report = collected(lambda: pb.rand(9).exp().cumsum(0).log(), second="Faultless", shadow=True)
    assert not report.carried


# -- threads


def test_a_block_holds_in_its_own_thread(faulty):
    faulty("ImpreciseTanh")
    counts: dict[str, int] = {}
    begin = threading.Barrier(2)

    def with_check() -> None:
        with crosscheck("ImpreciseTanh", mode="collect") as report:
            begin.wait()
            for _ in range(50):
                pb.ones(2).tanh()
        counts["with"] = report.diverged

    def without() -> None:
        begin.wait()
        for _ in range(50):
            pb.ones(2).tanh()
        counts["without"] = 0

    threads = [threading.Thread(target=with_check), threading.Thread(target=without)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == {"with": 50, "without": 0}


def test_draws_from_one_generator_in_two_threads_are_right_or_skipped(faulty):
    faulty("Faultless")
    reports: list[Report] = []

    def draw() -> None:
        with crosscheck("Faultless", mode="collect") as report:
            reports.append(report)
            for _ in range(100):
                pb.full((3,), 0.5).bernoulli()

    threads = [threading.Thread(target=draw) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for report in reports:
        assert not report.divergences
        assert report.checked + sum(report.skipped.values()) == 100


# -- wrong arguments


def test_an_unknown_backend_lists_those_there_are():
    with pytest.raises(UnknownBackendError, match=r"did you mean 'numpy'.*known backends: 'numpy'"):
        crosscheck("numpi")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "rise"}, "mode must be one of raise, warn, collect, not 'rise'; did you mean 'raise'"),
        ({"rate": 1.5}, "rate must be between 0 and 1, not 1.5"),
        ({"rate": 0.5, "shadow": True}, "needs rate=1"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        crosscheck("numpy", **options)
