"""Calls that nobody wrote down: drawn at random from what an operation's declaration and samples say, and shrunk.

The declared samples say which arguments belong together; :mod:`.calls` takes one of them and gives it other shapes,
attributes, layouts and values. :mod:`.searching` draws them with hypothesis and finds the smallest one that fails, and
:mod:`.running` puts them through the checks.
"""
