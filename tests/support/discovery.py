"""Public estimators, functions and classes of overlapkit, found by looking."""

import importlib
import inspect
import pkgutil

from sklearn.base import BaseEstimator

import overlapkit


def public_modules():
    """Overlapkit and every module below it without a leading underscore."""
    names = [
        info.name
        for info in pkgutil.walk_packages(overlapkit.__path__, "overlapkit.")
        if "._" not in info.name
    ]
    return [overlapkit, *map(importlib.import_module, names)]


def public_objects():
    """Every class and function that a public module lists: name -> object."""
    found = {}
    for module in public_modules():
        for name in getattr(module, "__all__", []):
            thing = getattr(module, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                found[f"{module.__name__}.{name}"] = thing
    return found


def public_estimators():
    """Every estimator class that a public module lists in its ``__all__``."""
    found = {
        thing.__name__: thing
        for thing in public_objects().values()
        if inspect.isclass(thing)
        and issubclass(thing, BaseEstimator)
        and hasattr(thing, "fit")
        and not inspect.isabstract(thing)
    }
    return [found[name] for name in sorted(found)]
