"""``python -m pullback``: the ``pullback`` command of this interpreter, wherever its script is."""

from pullback.cli import main

main(prog_name="python -m pullback")
