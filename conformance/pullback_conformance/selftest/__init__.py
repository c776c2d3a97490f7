"""The suite, tried on itself: backends and formulas with exactly one planted defect each, and how many are found.

``loopbacks.py`` has the clean backends, ``breaking.py`` the ways to break one, ``plants/`` the defects by kind,
``catalogue.py`` all of them by name, ``showing.py`` the proof that each is a defect, and ``measuring.py`` what
``pullback conformance selftest`` does.
"""
