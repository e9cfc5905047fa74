"""Common surnames of the Chinese, in simplified and traditional characters, and words that look like names."""

from __future__ import annotations

# Not those that are other words nearly always, such as 和, 时, 都, 万, 包.
SURNAMES = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟"
    "汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛"
    "温芦季俞章鲁葛伍韦申尤毕聂丛焦柳邢路岳齐梅莫庄辛管左涂谷祁舒耿牟卜詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍覃"
    "霍翁隋甘景薄司柏宁柯阮桂闵解强柴华车冉房边肖闫褚蒲桑郎尉麦简蓝滕裘屠窦宫祖臧匡娄晏苑佟巩仇卓邬蔺張劉陳楊趙黃吳孫"
    "馬羅鄭謝韓馮蕭鄧許呂蘇盧蔣賈葉閻鍾譚鄒陸顧龍錢湯喬賀賴龔龐蘭嚴溫蘆魯齊莊關淩費紀項陽衛寧闕華車邊簡藍竇宮婁鞏鄔藺"
)
_COMPOUND = (
    "欧阳 歐陽 上官 司马 司馬 诸葛 諸葛 夏侯 东方 東方 皇甫 尉迟 尉遲 公孙 公孫 慕容 长孙 長孫 宇文 司徒 令狐 轩辕 "
    "軒轅 端木 独孤 獨孤 南宫 南宮 西门 西門 申屠 呼延 拓跋 百里 钟离 鍾離 闻人 東郭 东郭 澹台 赫连 赫連 完颜 完顏 "
)
COMPOUND_SURNAMES = frozenset(_COMPOUND.split())
# Words that jieba's dictionary has as names of persons: the commonest of them in ChnSentiCorp's training reviews, the
# headlines of THUCNews and the paragraphs of CMRC 2018.
_NO_NAMES = (
    "陈旧 安静 华硕 毛巾 温馨 顾客 齐全 高清 谢谢 高招 谷歌 温泉 阳光 华丽 蓝屏 高盛 文明 尤文 高三 高中生 王子 "
    "武林 季后赛 段时间 白领 金陵 解密 鲁能 桑拿 谢谢您 金鹰 易懂 武侠 华府 高峰 金钟 黎明 孔雀 任天堂 姜汤 杜比 "
    "盛世 金翎奖 方正 金山 高潮 雷霆 关怀 莫泰 王朝 雷同 安全感 夏普 马刺 石景山 胡同 卓越 司考 顾问 宁静 桂林 蓝天 "
    "王道 马丁 易方达 白宫 蓝筹股 金秋 齐聚 宁可 韩式 阳朔 安保 成正比 毛发 武功 蓝光 黄金周 常青藤 白银 庄园 岳父 "
    "东方玫瑰 安逸 金士顿 杜绝 贺岁 孙子 盛赞 洪水 熊猫 韩星 金卡 田园 熊掌 蓝星 徐家汇 常客 马虎 史实 白痴 熊宝宝 "
    "戴眼镜 鲍翅馆 卫星 蓝黑 康复 蓝山 申万 齐备 施舍 白鹭洲 华美达 康乐 钱财 卫浴 高达 毛毛 西门子 屠龙记 史诗 "
    "华为 黄村 卫冕 蓝军 牟利 马路边 白云山 韩日 上官网 范儿 高水平 滕王阁 张贴 杨堤 任凭 唐山 范文 马甲 白白 "
    "毛毛虫 席梦思 钟点房 蓝精灵 齐齐 王府 鲍鱼 黄牛 华庭 安龙 金刚 华裔 易主 高薪 唐装 石佛 康佳 蓝图 龙腾 童书 "
    "童言 张盘 牛扒 宋词 高尔夫 屈臣氏 王府井 范畴 夏利 景德镇 殷勤 祖宗 魏晋 安康 安全 高兴 高级 高档 高速 高铁 "
    "方便 方法 方面 方向 白天 白色 黄色 金色 马上 马路 石头 常常 常见 易用 于是 成功 成本 成都 成绩 成长 路上 路线 "
    "江南 江山 江湖 江苏 黄河 张家界 石家庄 钱塘江 梅龙镇 黄山 黄昏 文字 文化 文学 康熙 金华 金牌 金融 华人 华东 "
    "安徽 安排 安心 安装 武汉 武器 贺卡 柴油 麦子 车费 车子 "
)
NO_NAMES = frozenset(_NO_NAMES.split())


def may_be_name(word: str) -> bool:
    """Whether a word may be a Chinese name, by its beginning and its length."""
    length = len(word) - (word[:2] in COMPOUND_SURNAMES)
    return 2 <= length <= 3 and (length < len(word) or word[0] in SURNAMES) and word not in NO_NAMES
