"""The reward over HTTP, from any scorer: one machine's, or a Ray cluster's.

::

    serve             listens, in one process or in several that share one scorer
      └─ application  /healthz, /metrics, /docs, and the routes of each protocol
           └─ Service a scorer behind what callers over a network call for: token, limits of size and time, threads
"""
