"""Correcting labels, choosing rows and training students on them."""
