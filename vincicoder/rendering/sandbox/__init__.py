"""Confined execution of a model's code: a fork server per renderer, and the confinement of what it forks.

Everything here but ``client`` runs in worker processes, also under an interpreter that has nothing but the standard
library; it imports nothing from outside this directory but the statuses, the
contract of renderers and the one renderer that it is asked to serve.
"""
