"""The conformance suite: what a backend of pullback computes, held against higher precision and other backends.

``pullback conformance --backend NAME`` runs it, and pytest with the plugin
``pullback_conformance.pytest_plugin``.
For each operation, dtype and sample of arguments it runs the checks of :mod:`pullback_conformance.checks`, compares
with the oracles of :mod:`pullback_conformance.oracles` and records an outcome; only ``passed`` means that something
was executed and right.
"""

from __future__ import annotations
