"""`python -m bench.signatures`: what a grant costs whom, by algorithm.

The origin signs one for each redirect, a cache verifies each once. Least µs of many, which other programs hardly touch.
"""

from __future__ import annotations

import timeit
from collections.abc import Callable

from dtr_content_cache.admission.grant import verify
from dtr_content_cache.admission.keys import parse_key_set
from dtr_simulator import grants, jws

from .targets import ORIGIN

_AT_ONCE, _ROUNDS = 20, 60


def _least_us(work: Callable[[], object]) -> float:
    return min(timeit.repeat(work, number=_AT_ONCE, repeat=_ROUNDS)) / _AT_ONCE * 1e6


def main() -> None:
    print(f"{'algorithm':<10} {'sign µs':>9} {'verify µs':>10} {'characters':>11}")
    for algorithm in jws.ALGORITHMS:
        key = jws.SigningKey.new(algorithm)
        claims = grants.grant_claims(ORIGIN, "bench", "bench/blobs", f"sha256:{'0' * 64}", 1_800_000_000, 3600)
        keys, token = parse_key_set(ORIGIN, {"keys": [key.jwk()]}), grants.mint(key, claims)
        signed, verified = (
            _least_us(lambda k=key, c=claims: grants.mint(k, c)),
            _least_us(lambda t=token, k=keys: verify(t, k)),
        )
        print(f"{algorithm:<10} {signed:9.0f} {verified:10.0f} {len(token):11d}")


if __name__ == "__main__":
    main()
