"""Bookkeeping of source selection: what was asked, what came back, what it says."""
