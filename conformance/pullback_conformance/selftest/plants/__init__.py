"""The planted defects: a module for each group of kinds, with its ``DEFECTS``."""
