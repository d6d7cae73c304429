"""Tests, in the folders of the package that they are about."""
