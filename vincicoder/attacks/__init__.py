"""The attacks that the sandbox, the targets' reader and the services must stop: one list for doctor, tests and users.

Each is tried for real, against files, sockets and processes made for it, so that one that succeeds harms nothing. It
has escaped if any of these shows it; see `vincicoder.attacks.bait`. Beside them stand functional checks: honest code
that must still work, as a sandbox that stops everything is none.

Example:
    Try what responses in SVG could do, on this machine::

        from vincicoder.attacks.collection import ATTACKS
        from vincicoder.attacks.runner import run

        results = run([attack for attack in ATTACKS if attack.surface == "svg"])
        assert not any(result.failed for result in results)

    ``vincicoder doctor --attack --only svg`` does the same.
"""
