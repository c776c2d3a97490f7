"""``pullback doctor`` says what is installed, what works, what is broken and what mends it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

import pullback
from pullback.backend.records import BackendSpec
from pullback.backend.registry import register_backend, unregister_backend
from pullback.cli import main


def doctor(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *arguments], env={"COLUMNS": "200", **environment})


def as_json(result: Result) -> dict[str, Any]:
    assert result.stdout
    return json.loads(result.stdout)


def test_nothing_is_broken_here():
    result = doctor()
    assert result.exit_code == 0, result.output
    assert "Nothing is broken." in result.output


def test_json():
    result = doctor("--json")
    found = as_json(result)
    assert result.exit_code == 0
    assert found["problems"] == []
    assert found["versions"]["pullback"] == pullback.__version__
    assert {"Python", "platform", "numpy", "jax", "cupy", "ml_dtypes", "pluggy"} <= set(found["versions"])
    backends = {backend["name"]: backend for backend in found["backends"]}
    assert backends["numpy"]["available"]
    assert backends["numpy"]["default"]
    assert backends["numpy"]["devices"] == ["cpu"]
    assert set(backends) >= {"numpy", "jax", "cupy"}
    assert {plugin["name"] for plugin in found["plugins"]} >= {"numpy", "jax", "cupy"}
    assert all(plugin["distribution"] == "pullback" for plugin in found["plugins"] if plugin["name"] == "numpy")


def test_tables_name_every_backend():
    output = doctor().output
    for name in pullback.backend.registry.known_backends():
        assert name in output


def test_a_missing_library_is_not_broken_and_its_command_is_shown():
    spec = BackendSpec(
        "absent",
        "no_such_array_library.backend:Backend",
        array_modules=("no_such_array_library",),
        install="pip install 'no-such-array-library[all]'",
    )
    register_backend(spec)
    try:
        result = doctor()
        assert result.exit_code == 0
        assert "pip install 'no-such-array-library[all]'" in result.output
    finally:
        unregister_backend("absent")


def test_a_backend_that_fails_to_load_is_broken():
    register_backend(BackendSpec("crooked", "pullback.errors:NoSuchClass", install="pip install straight"))
    try:
        result = doctor()
        assert result.exit_code == 1
        assert "1 thing is broken" in result.output
        assert "NoSuchClass" in result.output
        assert "pip install straight" in result.output
    finally:
        unregister_backend("crooked")


@pytest.mark.parametrize("name", ["numpi", "absent"])
def test_a_default_backend_that_does_not_exist(name):
    result = doctor("--json", PULLBACK_BACKEND=name)
    assert result.exit_code == 1
    (problem,) = as_json(result)["problems"]
    assert f"PULLBACK_BACKEND={name}" in problem["what"]
    assert problem["fix"] == "unset PULLBACK_BACKEND"


def test_environment_variables_in_force():
    found = as_json(doctor("--json", PULLBACK_BACKENDS="jax", JAX_PLATFORMS="cpu", UNRELATED="1"))
    noted = {variable["name"]: variable for variable in found["environment"]}
    assert noted["JAX_PLATFORMS"]["value"] == "cpu"
    assert "did you mean 'PULLBACK_BACKEND'?" in noted["PULLBACK_BACKENDS"]["note"]
    assert "UNRELATED" not in noted


def test_a_meaningless_setting_is_broken():
    result = doctor(PULLBACK_STRICT_PLUGINS="perhaps")
    assert result.exit_code == 1
    assert "PULLBACK_STRICT_PLUGINS" in result.output
    assert "Backends" in result.output


@pytest.mark.parametrize("strict", ["0", "1"])
def test_a_broken_plugin(plugins, strict):
    plugins.add("unimportable", "raise RuntimeError('broken on purpose')")
    result = plugins.run("doctor", PULLBACK_STRICT_PLUGINS=strict)
    assert result.returncode == 1
    assert "1 thing is broken" in result.stdout
    assert "plugin 'unimportable' of distribution 'unimportable'" in result.stdout
    assert "broken on purpose" in result.stdout
    assert "pip uninstall unimportable" in result.stdout
    assert "available, the default" in result.stdout
    assert result.stderr == ""


def test_a_plugin_whose_hook_fails(plugins):
    plugins.add(
        "raising",
        """
        from pullback.extend import hookimpl

        @hookimpl
        def pullback_commands():
            raise OSError("no commands today")
        """,
    )
    found = json.loads(plugins.run("doctor", "--json").stdout)
    (problem,) = found["problems"]
    assert "no commands today" in problem["what"]
    assert next(p for p in found["plugins"] if p["name"] == "raising")["broken"]
