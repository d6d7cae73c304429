"""Runs whose outcome is recorded: each value beside the recorded one."""
