"""Lets tools that still call ``setup.py`` install the package; all metadata is in ``pyproject.toml``."""

from setuptools import setup

setup()
