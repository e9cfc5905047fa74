"""How many wrong keys an address may try: each that has the id of a key costs a salted hash, some 20 ms of a processor.

A key that was right before is known by a fast hash, is asked about elsewhere, and passes whatever its address did.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from penjing.serve.failures import RequestError

_AT_ONCE = 20  # wrong keys of an address
_A_MINUTE = 20  # that it gains again
_MOST_ADDRESSES = 10_000  # that are remembered; whose last wrong key is longest ago is forgotten first
_OF_OTHERS = 64  # bits of an IPv6 address that a client chooses itself


class KeyDesk:
    """Keeps count of wrong keys, by address.

    Args:
        now: a clock in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._left = OrderedDict[str, tuple[float, float]]()  # wrong keys that each may try, and since when

    def check(self, address: str) -> None:
        """Checks that a key from an address may be looked at.

        Raises:
            RequestError: too many from there were wrong (429).
        """
        left = self._count(_network(address))
        if left < 1:
            wait_s = math.ceil((1 - left) * 60 / _A_MINUTE)
            what = f"Too many keys from this address were wrong, so that this one was not looked at. Wait {wait_s} s."
            raise RequestError(429, what, code="too_many_wrong_keys", retry_after_s=wait_s)

    def count_wrong(self, address: str) -> None:
        """Counts a wrong key."""
        network = _network(address)
        self._left[network] = (self._count(network) - 1, self._now())
        self._left.move_to_end(network)
        if len(self._left) > _MOST_ADDRESSES:
            self._left.popitem(last=False)

    def _count(self, network: str) -> float:
        left, since = self._left.get(network, (_AT_ONCE, self._now()))
        return min(_AT_ONCE, left + (self._now() - since) * _A_MINUTE / 60)


def _network(address: str) -> str:
    """Returns what stands for all addresses that a client has: of IPv6 those with the same first half."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Address(int(found) >> _OF_OTHERS << _OF_OTHERS))
