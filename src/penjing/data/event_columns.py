"""Tables of events of users with items, known by the names of their columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

#: What the columns of events are called, without case and signs; the likeliest first.
EVENT_NAMES: Mapping[str, tuple[str, ...]] = {
    "user": ("user", "userid", "uid", "customer", "customerid", "member", "memberid", "reviewerid", "用户"),
    "item": ("item", "itemid", "iid", "movieid", "productid", "product", "asin", "bookid", "articleid", "id", "物品"),
    "time": ("time", "timestamp", "date", "datetime", "unixreviewtime", "createdat", "时间"),
}


def plain_name(name: str) -> str:
    """Returns a column's name without case, signs and RecBole's kinds: user_id:token is userid."""
    return re.sub(r"[\W_]+", "", name.split(":")[0].lower())


def are_of_events(names: Iterable[str]) -> bool:
    """Returns whether columns of these names hold users, items and times."""
    plain = {plain_name(name) for name in names}
    return all(plain & {*known} for known in EVENT_NAMES.values())
