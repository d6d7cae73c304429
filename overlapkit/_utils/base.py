"""What every estimator of the package has in common."""

from importlib.metadata import PackageNotFoundError, metadata

from sklearn.base import BaseEstimator

import overlapkit

__all__ = ["LinkedEstimator"]


class LinkedEstimator(BaseEstimator):
    """Estimator whose HTML picture links to its page, with a table below if it has one.

    The address is that of the installed package (``Documentation`` under
    ``project.urls``). A package that names none has no link, as a guessed address
    would lead to nothing, or to somebody else.
    """

    _doc_link_module = "overlapkit"

    @property
    def _doc_link_template(self):
        site = _documentation()
        if not site:
            return ""  # scikit-learn draws no link
        return f"{site.rstrip('/')}/generated/{{page}}.html"

    def _below_picture(self):
        """Dataframe to show below the picture, or None."""
        return None

    def _with_table(self, picture):
        table = self._below_picture()
        if table is None:
            return picture
        return picture + table.to_html(float_format="{:.3f}".format, max_rows=20)

    @property
    def _repr_html_(self):
        picture = super()._repr_html_  # raises where text is to be shown
        return lambda: self._with_table(picture())

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        if "text/html" in bundle:
            bundle["text/html"] = self._with_table(bundle["text/html"])
        return bundle

    def _doc_link_url_param_generator(self):
        name = type(self).__name__
        if name in overlapkit.__all__:
            return {"page": f"overlapkit.{name}"}
        parts = type(self).__module__.split(".")
        public = [part for part in parts if not part.startswith("_")]
        return {"page": ".".join([*public, name])}


def _documentation():
    """Address of the documentation, or None."""
    try:
        urls = metadata("overlapkit").get_all("Project-URL") or []
    except PackageNotFoundError:  # run from a folder, not installed
        return None
    for entry in urls:
        label, _, address = entry.partition(",")
        if label.strip().lower() == "documentation":
            return address.strip()
    return None
