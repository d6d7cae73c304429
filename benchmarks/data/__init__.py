"""How the shipped data files and the stored table of the dip test were made."""
