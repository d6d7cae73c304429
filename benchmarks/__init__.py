"""Commands that regenerate every number the documentation states."""
