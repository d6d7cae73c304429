"""Sphinx configuration; builds without a network."""

import importlib
import inspect
import sys
from pathlib import Path

import overlapkit

sys.path.insert(0, str(Path(__file__).with_name("_extensions")))

project = "overlapkit"
author = "The overlapkit developers"
copyright = "2026, the overlapkit developers"
version = release = overlapkit.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "mathml",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "**/GALLERY_HEADER.rst"]
default_role = "literal"
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = f"overlapkit {release}"
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "show_prev_next": False,
}
html_show_sourcelink = False
html_static_path = ["_static"]
html_favicon = "_static/favicon.svg"
html_context = {"default_mode": "auto"}  # without it the theme complains in the console
html_css_files = ["wide.css"]
# a page without a section has no section navigation: its column takes the width instead
html_sidebars = {page: [] for page in ("index", "which")}
toc_object_entries_show_parents = "hide"

sphinx_gallery_conf = {
    "write_computation_times": False,  # its page loads scripts from elsewhere
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_",
    "within_subsection_order": "FileNameSortKey",
    "show_memory": False,
    "download_all_examples": False,
    "show_signature": False,
    "min_reported_time": 0,
    "doc_module": ("overlapkit",),
    "backreferences_dir": "gen_modules/backreferences",
    "reference_url": {"overlapkit": None},
}

# module -> what its section of the API page says
API = {
    "overlapkit": "The main estimators",
    "overlapkit.label_models": "From votes to weak labels",
    "overlapkit.weak": "Weakly labelled rows",
    "overlapkit.scorers": "Scores per row",
    "overlapkit.students": "Correcting labels",
    "overlapkit.representation": "Representations to compare rows in",
    "overlapkit.thresholds": "Thresholds",
    "overlapkit.diagnostics": "Diagnostics",
    "overlapkit.policies": "Choosing the next source",
    "overlapkit.sources": "What a batch of a source is worth",
    "overlapkit.model_selection": "Experiments with controls",
    "overlapkit.metrics": "Metrics",
    "overlapkit.inspection": "Displays",
    "overlapkit.theory": "Bounds",
    "overlapkit.datasets": "Data sets",
    "overlapkit.exceptions": "Warnings and errors",
}


def write_api_page():
    """List every public name, so that none can be forgotten."""
    lines = ["=============", "API reference", "=============", ""]
    for name, title in API.items():
        module = importlib.import_module(name)
        if not hasattr(module, "__all__"):
            continue
        heading = f"{title}: {name}"
        lines += [heading, "=" * len(heading), ""]
        # the package itself is told of on the main page, its modules nowhere else
        directive = "currentmodule" if name == "overlapkit" else "automodule"
        lines += [f".. {directive}:: {name}", ""]
        public = [n for n in module.__all__ if not n.startswith("__")]
        for label, wanted in (("class", inspect.isclass), ("function", callable)):
            chosen = [
                n
                for n in public
                if wanted(getattr(module, n))
                and inspect.isclass(getattr(module, n)) == (label == "class")
            ]
            if chosen:
                lines += [
                    ".. autosummary::",
                    "   :toctree: generated/",
                    f"   :template: {label}.rst",
                    "",
                    *(f"   {n}" for n in chosen),
                    "",
                ]
    Path(__file__).with_name("api.rst").write_text("\n".join(lines), encoding="utf-8")


templates_path = ["_templates"]
API = {name: title for name, title in API.items() if importlib.util.find_spec(name)}
write_api_page()
