"""The reward over HTTP."""
