"""What figures need beside Matplotlib (pure function)."""

__all__ = ["as_text"]


def as_text(name) -> str:
    """A name as Matplotlib shows it; a pair of dollar signs would be a formula."""
    return str(name).replace("$", r"\$")
