"""Streets, estates and villages with their numbers, as Chinese addresses have them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_HAN = r"\u3400-\u9fff"
# A name stops at what stands before places, 住在, 寄到, 位于, unless it is a part of a known name.
_BEFORE_PLACES = "在到于於住至往从從是为為的了和与與及去离離址寄给給我你您他她它们們请請来來将將"
_NAME = rf"(?:和(?=平|义|義|睦|田|顺|順)|为(?=民)|[{_HAN}](?<![{_BEFORE_PLACES}]))"
_DIVISION = r"(?:省|市|区|區|县|縣|镇|鎮|乡|鄉|旗|州|盟|街道|新区|新區|自治区|自治縣|自治县|特别行政区)"
_NUMERAL = r"(?:[甲乙丙丁]?[0-9０-９]{1,5}(?:[-－之][0-9０-９]{1,4})?|[一二三四五六七八九十百零〇]{1,4}) ?"
_ROAD = r"(?:大街|大道|街|路|巷|胡同|弄|(?<![知频頻味难難报報渠轨軌管通])道|村|庄|莊|屯|坊|营|營)"
_SECTION = r"(?:[东南西北中東]?[一二三四五六七八九十]?段|[东南西北中東]?[一二三四五六七八九十]?[里条巷]|[东南西北東])?"
_ESTATE = (
    r"(?:小区|小區|社区|花园|花園|花苑|家园|家園|公寓|大厦|大廈|大楼|大樓|广场|廣場|"
    r"新村|新城|公馆|雅苑|山庄|中心|国际|国際|國際|苑|府|园|邸)"
)
_DOOR = r"(?:号院|号楼|号房|號樓|号|號|弄|栋|棟|幢|座|单元|單元|楼|樓|层|層|室|户|戶|房|组|組)"
# 3号线 is a subway, 3号出口 an exit.
_NO_DOOR = r"(?!线|線|出口|口|台|选手|文件|公告|员|球)"
_NUMBERED = rf"(?:附|地下)?第?(?:{_NUMERAL}[A-Za-z]?|[A-Za-z]){_DOOR}{_NO_DOOR}"
# The name of a building is known as one by the number of a door, or by its end.
_BUILDING = rf"(?:[{_HAN}]{{2,10}}?{_ESTATE}(?={_NUMBERED}|[A-Za-z]座)|{_NAME}{{2,10}}?{_ESTATE}(?![{_HAN}]))"
_TAIL = (
    rf"(?:[\s,，、]{{0,2}}(?:{_NUMBERED}|{_BUILDING})){{0,6}}"
    r"(?:(?<=[元座楼樓栋棟幢号號])[0-9０-９]{2,4}(?![0-9０-９]))?"
)
_STREET_NUMBER = rf"{_NUMERAL}(?:号院|号楼|號樓|号|號|弄){_NO_DOOR}"
_CORE = re.compile(
    rf"(?:{_NAME}{{1,10}}?{_DIVISION}[\s,，]?){{0,5}}"
    rf"(?:{_NAME}{{1,10}}?{_ROAD}{_SECTION}\s?(?:{_STREET_NUMBER})|{_NAME}{{1,8}}?{_ESTATE}\s?{_NUMBERED}){_TAIL}"
)
_DOOR_SIGN = re.compile(r"[号號弄栋棟幢座室]")
_PROVINCES = re.compile(
    "(?:中国|中國)?(?:北京|天津|上海|重庆|重慶|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|"
    "贵州|云南|陕西|甘肃|青海|台湾|台灣|内蒙古|广西|西藏|宁夏|新疆|香港|澳门|澳門|台北|臺北|高雄|广州|深圳|杭州|南京|武汉|成都|西安|苏州|"
    "长沙|郑州|沈阳|大连|青岛|济南|哈尔滨|长春|厦门|福州|合肥|昆明|宁波|无锡|东莞|佛山)"
)


def find_chinese_cores(text: str, places: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yields streets, estates and villages with a number, with the towns before and the flats behind.

    As no spaces are set, an address begins where the first place in it does, by the model or as a known province.

    Args:
        text: the text.
        places: that a model sees in it (start, end).
    """
    if _DOOR_SIGN.search(text) is None:
        return
    for match in _CORE.finditer(text):
        start, end = match.span()
        known = _PROVINCES.search(text, start, end)
        starts = [first for first, last in places if start < first < end]
        if not any(first <= start < last for first, last in places) and (starts or known is not None):
            start = min([*starts, *([known.start()] if known is not None else [])])
        yield start, end
