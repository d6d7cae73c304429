"""Studies behind the advice in the documentation: one command each."""
