"""A stand-in Docker Trusted Registry, for tests and demonstrations.

It speaks what a cache, a Docker client and an operator's playbook ask of DTR, and nothing else: the official API's
content caches and account settings, token service, registry, signed redirects, discovery.
"""

__version__ = "0.1.0"
