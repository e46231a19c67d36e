"""What is measured: the cells, and which servers meet in each. Values only.

Rule for editors: the cells of the report are told apart by (kind, scheme, size, clients) alone, so two never share
them; a variant that would (BESIDE) is reported beside the cells, under "more".
"""

from __future__ import annotations

from dataclasses import dataclass

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


def size_text(size: int) -> str:
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if size >= unit:
            return f"{size / unit:.4g} {name}"
    return f"{size} B"


GRANT_VARIANTS = {"new grants": 10, "repeated grants": 0}  # of ten requests, so many bring a grant never seen
ALL_PROCESSORS = "all processors"  # every server may use all, as otherwise only Distribution may
SMALLER_STORE = "smaller store"  # the same as the largest one, to see what grows with it
OWN_BUFFERS = "own buffers"  # nginx as it comes: what is proxied goes through buffers of some KiB
BESIDE = frozenset((*GRANT_VARIANTS, ALL_PROCESSORS, SMALLER_STORE, OWN_BUFFERS))
HIT_SERVERS = {
    "http": ("ours", "nginx", "distribution", "limit", "nginx-proxy-cache", "distribution-proxy"),
    "https": ("ours", "nginx", "distribution"),
}
QUICK_HIT_SERVERS = ("ours", "nginx", "distribution", "limit")  # who proxies is met in the cold cells
COLD_SERVERS = ("ours", "nginx-proxy-cache", "distribution-proxy")
# So many different blobs of a size are pulled one after the other, that a sample means something.
COLD_BLOBS = {4 * KIB: 256, 64 * KIB: 256, MIB: 64}
SLOW_SERVERS = ("ours", "nginx", "distribution")
START_SERVERS = ("ours", "nginx", "distribution")


@dataclass(frozen=True, slots=True)
class Cell:
    """`size` in bytes: of one blob, of the image where `variant` is "image". `blobs`: how many the store holds; the
    stores of a plan grow from one to the next."""

    kind: str
    scheme: str
    size: int
    clients: int
    servers: tuple[str, ...]
    variant: str = ""
    blobs: int = 0

    def __str__(self) -> str:
        what = f" {self.variant}" if self.variant else ""
        count = f" in a store of {self.blobs:,} blobs" if self.blobs else ""
        return f"{self.kind}{what} {self.scheme} {size_text(self.size)} × {self.clients}{count}"


@dataclass(frozen=True, slots=True)
class Plan:
    """`window_s`: how long one sample of a hit lasts; `cold_rounds`: rounds of the cells that start from nothing."""

    name: str
    hits: tuple[Cell, ...]
    cold: tuple[Cell, ...]
    slow: tuple[Cell, ...]
    start: tuple[Cell, ...]
    rounds: int
    cold_rounds: int
    window_s: float
    slow_s: float

    @property
    def cells(self) -> tuple[Cell, ...]:
        return (*self.hits, *self.cold, *self.slow, *self.start)

    @property
    def largest_hit(self) -> int:
        return max(cell.size for cell in self.hits)


def _hit(scheme: str, size: int, clients: int, variant: str = "", servers: tuple[str, ...] = ()) -> Cell:
    return Cell("hit", scheme, size, clients, servers or HIT_SERVERS[scheme], variant)


def _more(size: int, clients: int, variant: str) -> Cell:
    return _hit("http", size, clients, variant, ("ours",))


def _miss(scheme: str, size: int, clients: int, *more: str) -> Cell:
    return Cell("miss", scheme, size, clients, (*COLD_SERVERS, *more))


# Sizes of an ordinary service's image: base system, runtime, libraries, the program, its configuration.
IMAGE_LAYERS = (30 * MIB, 18 * MIB, 9 * MIB, 5 * MIB, 1 * MIB, 200 * KIB, 32 * KIB, 4 * KIB)

QUICK = Plan(
    "quick",
    hits=(
        *(_hit("http", size, 16, servers=QUICK_HIT_SERVERS) for size in (4 * KIB, 64 * KIB, MIB)),
        _hit("http", 64 * MIB, 1, servers=QUICK_HIT_SERVERS),
        _hit("https", 4 * KIB, 16),
        _hit("https", MIB, 16),
    ),
    cold=(
        _miss("http", 64 * KIB, 16),
        _miss("http", 64 * MIB, 1),
        Cell("herd", "http", 256 * MIB, 32, COLD_SERVERS),
    ),
    slow=(Cell("slow", "http", 64 * MIB, 200, SLOW_SERVERS),),
    start=(Cell("start", "http", 64, 1, START_SERVERS, blobs=10_000),),
    rounds=3,
    cold_rounds=2,
    window_s=0.5,
    slow_s=2.0,
)

FULL = Plan(
    "full",
    hits=(
        *(_hit("http", size, n) for size in (4 * KIB, 64 * KIB, MIB, 64 * MIB, GIB) for n in (1, 16, 128)),
        *(_hit("https", size, n) for size in (4 * KIB, 64 * KIB, MIB, 64 * MIB, GIB) for n in (1, 16, 128)),
        _hit("http", 64 * MIB, 64, "ranges", ("ours", "nginx", "distribution")),
        _more(4 * KIB, 16, "new grants"),
        _more(4 * KIB, 16, "repeated grants"),
        _hit("https", 64 * MIB, 16, ALL_PROCESSORS),
    ),
    cold=(
        *(_miss("http", size, n) for size in (4 * KIB, 64 * KIB, MIB) for n in (1, 16)),
        _miss("http", 64 * MIB, 1, "limit"),
        _miss("http", 64 * MIB, 16),
        _miss("http", GIB, 1, "limit"),
        *(Cell("miss", "http", size, 1, ("nginx-proxy-cache",), OWN_BUFFERS) for size in (64 * MIB, GIB)),
        _miss("https", 64 * MIB, 1),
        Cell("herd", "http", 256 * MIB, 32, COLD_SERVERS),
        Cell("herd", "https", 256 * MIB, 32, COLD_SERVERS),
        Cell("herd", "http", sum(IMAGE_LAYERS), 50, COLD_SERVERS, "image"),
    ),
    slow=tuple(Cell("slow", scheme, 64 * MIB, 200, SLOW_SERVERS) for scheme in ("http", "https")),
    start=(
        Cell("start", "http", 64, 1, ("ours",), SMALLER_STORE, blobs=10_000),
        Cell("start", "http", 64, 1, ("ours",), SMALLER_STORE, blobs=100_000),
        Cell("start", "http", 64, 1, START_SERVERS, blobs=1_000_000),
    ),
    rounds=3,
    cold_rounds=3,
    window_s=1.0,
    slow_s=5.0,
)

PLANS = {plan.name: plan for plan in (QUICK, FULL)}
