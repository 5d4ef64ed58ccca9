"""Every payout scheme once more, from single shares alone, in Python's integers and fractions.

Written from docs/payouts.md, not from the SQL: it knows no sums, no minutes and no database. test_payout_oracle.py holds the two
against each other.
"""

import dataclasses
from fractions import Fraction

MILLION = 10**6


@dataclasses.dataclass(frozen=True, order=True)
class Share:
    """Or a coherence proof. Ordered as payouts order them."""

    time: int  # microseconds
    journal: int
    sequence: int
    address: str = dataclasses.field(compare=False)
    worker: str = dataclasses.field(compare=False)
    work: int = dataclasses.field(compare=False)
    height: int = dataclasses.field(compare=False, default=0)


@dataclasses.dataclass(frozen=True)
class Scheme:
    name: str
    window: Fraction
    fee_ppm: int
    coherence_ppm: int


def network_work(nbits: int) -> int:
    size, mantissa = nbits >> 24, nbits & 0x7FFFFF
    target = mantissa << 8 * (size - 3) if size > 3 else mantissa >> 8 * (3 - size)
    return 2**256 // (target + 1)


def split(amount: int, weights: dict) -> dict:
    """By largest remainder, ties to the address that comes first in bytes."""
    total = sum(weights.values())
    if total == 0:
        assert amount == 0
        return dict.fromkeys(weights, 0)
    exact = {address: Fraction(amount * weight, total) for address, weight in weights.items()}
    parts = {address: share.numerator // share.denominator for address, share in exact.items()}
    by_remainder = sorted(weights, key=lambda address: (parts[address] - exact[address], address.encode()))
    for address in by_remainder[: amount - sum(parts.values())]:
        parts[address] += 1
    return parts


def add_up(pairs) -> dict:
    works = {}
    for address, work in pairs:
        works[address] = works.get(address, 0) + work
    return {address: work for address, work in works.items() if work > 0}


def pplns_window(shares: list, end: int, want: int):
    """[(share, how much of it counts)], the newest first; and from when on coherence work counts (None: ever)."""
    window, have = [], 0
    for share in sorted((share for share in shares if share.time <= end), reverse=True):
        counts = min(share.work, want - have)
        window.append((share, counts))
        have += counts
        if have == want:
            return window, share.time
    return window, None


def divide(scheme: Scheme, reward: int, works: dict, coherence: dict) -> dict:
    """address -> (work, coherence work, sats for shares, sats for coherence), and 'fee', 'coherence' under those names."""
    fee = reward * scheme.fee_ppm // MILLION
    coherent = reward * scheme.coherence_ppm // MILLION if sum(coherence.values()) else 0
    shared = split(reward - fee - coherent, works)
    parts = split(coherent, coherence) if coherence else {}
    items = {address: (works.get(address, 0), coherence.get(address, 0), shared.get(address, 0), parts.get(address, 0))
             for address in set(works) | set(coherence)}
    return {"fee": fee, "coherence": coherent, "items": items}


def block_run(scheme: Scheme, shares: list, proofs: list, end: int, reward: int, nbits: int, finder: str, previous: int | None):
    """None where there is no work to divide by. `previous`: time of the pool's block before."""
    since = None
    if scheme.name == "pplns":
        want = int(scheme.window * network_work(nbits))
        window, since = pplns_window(shares, end, want)
        works = add_up((share.address, counts) for share, counts in window)
    elif scheme.name == "prop":
        works = add_up((share.address, share.work) for share in shares if share.time <= end and (previous is None or share.time > previous))
    else:
        works = {finder: 1}
    if scheme.name != "pplns" and previous is not None:
        since = previous + 1
    coherence = add_up((proof.address, proof.work) for proof in proofs if proof.time <= end and (since is None or proof.time >= since))
    if not works:
        return None
    return divide(scheme, reward, works, coherence if scheme.coherence_ppm else {})


def pps_values(shares: list, heights: dict, first: int, last: int) -> dict:
    """address -> satoshis before fees, of all shares from one height to another; heights: height -> (nbits, subsidy)."""
    works = add_up(((share.address, share.height), share.work) for share in shares if first <= share.height <= last)
    return add_up((address, work * heights[height][1] // network_work(heights[height][0])) for (address, height), work in works.items())
