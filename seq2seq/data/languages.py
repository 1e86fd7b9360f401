"""Names of languages, and which of them mean the same one."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

# ISO 639-1 (or 639-3): the three-letter codes, the English names, what speakers and the larger
# neighbours call it (of the largest languages, what CLDR has for it in fifty). What a header row or
# the name of a file is likely to hold.
_NAMES = """
af: afr afrikaans
am: amh amharic አማርኛ
ar: ara arb arabic arabe arabisch árabe arabo العربية عربي
ar: arabiska arabisk arabia arabski arabština arabčina arab arabă arapski арапски арабски
ar: αραβικά arapça арабский арабська ערבית عربی अरबी আরবি அரபிக் అరబిక్ અરબી อาหรับ rập 아랍어
ar: アラビア語 阿拉伯语 阿拉伯文 àrab arabų arābu araabia
ar: arabščina არაბული արաբերեն ዓረብኛ អារ៉ាប់ ອາຣັບ အာရဗီ
ar: араб arabische
as: asm assamese অসমীয়া
az: aze azerbaijani azeri azərbaycanca
be: bel belarusian беларуская
bg: bul bulgarian bulgare bulgarisch български
bn: ben bengali bangla বাংলা
br: bre breton brezhoneg
bs: bos bosnian bosanski
ca: cat catalan català catalán
cs: ces cze czech tchèque tschechisch čeština český česky
cy: cym wel welsh cymraeg
da: dan danish danois dänisch dansk
de: deu ger german allemand deutsch alemán tedesco alemão duits немецкий niemiecki 德语 ドイツ語
de: tyska tysk němčina nemčina német germană njemački немачки немски γερμανικά almanca німецька
de: الألمانية גרמנית آلمانی जर्मन জার্মান ஜெர்மன் జర్మన్ જર્મન جرمن เยอรมัน đức jerman 독일어 德文
de: alemany vokiečių vācu nemščina გერმანული գերմաներեն ጀርመንኛ អាល្លឺម៉ង់ ເຢຍລະມັນ ဂျာမန် герман
de: allemande alemana deutsche deutscher německy 德語
el: ell gre greek grec griechisch griego ελληνικά
en: eng english anglais englisch inglés ingles inglese inglês engels
en: английский angielski ingilizce 英语 英文 英語 영어 الإنجليزية अंग्रेज़ी अंग्रेजी
en: engelska engelsk englanti angličtina angol engleză engleski енглески английски αγγλικά
en: англійська אנגלית انگلیسی ইংরেজি ஆங்கிலம் ఇంగ్లీష్ इंग्रजी અંગ્રેજી انگریزی อังกฤษ anh
en: inggris anglès anglų angļu inglise angleščina ინგლისური անգլերեն እንግሊዝኛ អង់គ្លេស ອັງກິດ
en: အင်္ဂလိပ် англи anglaise inglesa englische englischer anglicky engleza الإنكليزية الانجليزية
en: الانكليزية
eo: epo esperanto
es: spa spanish espagnol spanisch español espanol castellano spagnolo espanhol
es: испанский hiszpański 西班牙语 スペイン語
es: spaans spanska spansk espanja španělština španielčina spanyol spaniolă španjolski шпански
es: испански ισπανικά іспанська الإسبانية ספרדית اسپانیایی स्पेनिश স্প্যানিশ ஸ்பானிஷ் స్పానిష్
es: स्पॅनिश સ્પેનિશ ہسپانوی สเปน 스페인어 西班牙文
es: espanyol ispanų spāņu hispaania španščina ესპანური
es: իսպաներեն ስፓኒሽ អេស្ប៉ាញ ສະແປນນິຊ စပိန် испани espagnole española spanische spanischer
es: ispanyolca španělsky 西班牙語
et: est estonian eesti
eu: eus baq basque euskara
fa: fas per pes persian farsi فارسی persan persisch
fi: fin finnish finnois finnisch suomi
fo: fao faroese føroyskt
fr: fra fre french français francais französisch franzosisch francés frances
fr: francese francês frans французский francuski fransızca 法语 フランス語 프랑스어
fr: الفرنسية
fr: franska fransk ranska francouzština francúzština francia franceză француски френски γαλλικά
fr: французька צרפתית فرانسوی फ़्रेंच ফরাসি பிரெஞ்சு ఫ్రెంచ్ फ्रेंच ફ્રેન્ચ فرانسیسی ฝรั่งเศส
fr: pháp 法文 francès prancūzų franču prantsuse francoščina ფრანგული ֆրանսերեն ፈረንሳይኛ បារាំង ຝຣັ່ງ
fr: ပြင်သစ် франц française francesa französische französischer francouzsky fransizca 法語
fy: fry frisian frysk
ga: gle irish gaeilge
gd: gla gaelic gàidhlig
gl: glg galician galego
gu: guj gujarati ગુજરાતી
ha: hau hausa
he: heb iw hebrew hébreu hebräisch עברית
hi: hin hindi हिन्दी हिंदी
hr: hrv croatian hrvatski
ht: hat haitian kreyòl
hu: hun hungarian hongrois ungarisch magyar
hy: hye arm armenian հայերեն
id: ind indonesian indonesia
ig: ibo igbo
is: isl ice icelandic íslenska
it: ita italian italien italienisch italiano итальянский 意大利语 イタリア語
it: italiaans italienska italiensk włoski italština taliančina olasz italiană talijanski
it: италијански италиански ιταλικά італійська الإيطالية איטלקית ایتالیایی इतालवी ইতালিয়
it: இத்தாலியன் ఇటాలియన్ इटालियन ઇટાલિયન اطالوی อิตาลี 이탈리아어 義大利文 italià italų itāļu itaalia
it: italijanščina იტალიური իտալերեն ጣሊያንኛ អ៊ីតាលី ອິຕາລຽນ အီတလီ итали italienne italiana
it: italienische italyanca italsky
ja: jpn japanese japonais japanisch japonés 日本語 日语 日文
ja: giapponese japonês japans japanska japansk japani japoński japonština japončina japán
ja: japoneză japanski јапански японски ιαπωνικά japonca японский японська اليابانية יפנית ژاپنی
ja: जापानी জাপানি ஜப்பானியம் జపనీస్ जपानी જાપાનીઝ جاپانی ญี่ปุ่น nhật 일본어 japonès japonų japāņu
ja: jaapani japonščina იაპონური ճապոներեն ጃፓንኛ ជប៉ុន ຍີ່ປຸ່ນ ဂျပန် япон japonaise japonesa
ja: japanische
jv: jav javanese
ka: kat geo georgian ქართული
kk: kaz kazakh қазақша
km: khm khmer ខ្មែរ
kn: kan kannada ಕನ್ನಡ
ko: kor korean coréen koreanisch coreano 한국어 韩语 韓国語
ko: koreaans koreanska koreansk koreański korejština kórejčina koreai coreeană korejski корејски
ko: корейски κορεατικά korece корейский корейська الكورية קוריאנית کره‌ای कोरियाई কোরিয়ান
ko: கொரியன் కొరియన్ कोरियन કોરિયન کوریائی เกาหลี hàn 韓文 coreà korėjiečių korejiešu korejščina
ko: კორეული կորեերեն ኮሪያኛ កូរ៉េ ເກົາຫລີ ကိုရီးယား солонгос coréenne coreana koreanische
ku: kur kurdish kurdî
ky: kir kyrgyz кыргызча
la: lat latin
lb: ltz luxembourgish lëtzebuergesch
lg: lug luganda
ln: lin lingala
lo: lao ລາວ
lt: lit lithuanian lietuvių
lv: lav latvian latviešu
mg: mlg malagasy
mi: mri mao maori
mk: mkd mac macedonian македонски
ml: mal malayalam മലയാളം
mn: mon mongolian монгол
mr: mar marathi मराठी
ms: msa may malay melayu
mt: mlt maltese malti
my: mya bur burmese မြန်မာ
ne: nep nepali नेपाली
nl: nld dut dutch néerlandais niederländisch nederlands neerlandés olandese
nn: nno nynorsk
no: nor nob nb norwegian norsk norvégien norwegisch bokmål
nso: pedi sepedi
oc: oci occitan
om: orm oromo
or: ori ory odia oriya ଓଡ଼ିଆ
pa: pan punjabi ਪੰਜਾਬੀ
pl: pol polish polonais polnisch polski polaco польский
ps: pus pashto پښتو
pt: por portuguese portugais portugiesisch português portugues portugués portoghese 葡萄牙语
pt: portugees portugisiska portugisisk portugalski portugalština portugalčina portugheză
pt: португалски πορτογαλικά portekizce португальский португальська البرتغالية פורטוגזית پرتغالی
pt: पुर्तगाली পর্তুগীজ போர்ச்சுகீஸ் పోర్చుగీస్ पोर्तुगीज પોર્ટુગીઝ پُرتگالی โปรตุเกส portugis
pt: 포르투갈어 ポルトガル語 葡萄牙文 portuguès
pt: portugalų portugāļu portugalščina პორტუგალიური պորտուգալերեն
pt: ፖርቹጋልኛ ព័រទុយហ្គាល់ ປອກຕຸຍກິສ ပေါ်တူဂီ португал portugaise portuguesa portugiesische
pt: portugalsky
qu: que quechua
ro: ron rum romanian roumain rumänisch română
ru: rus russian russe russisch русский ruso russo rosyjski 俄语 ロシア語
ru: ryska russisk venäjä ruština orosz rusă ruski руски ρωσικά rusça російська الروسية רוסית
ru: روسی रूसी রুশ ரஷியன் రష్యన్ रशियन રશિયન รัสเซีย nga 러시아어 俄文 rusų krievu ruščina რუსული
ru: ռուսերեն ራሽያኛ រុស្ស៊ី ລັດເຊຍ ရုရှ орос russische russischer rusky 俄語
rw: kin kinyarwanda
sa: san sanskrit संस्कृतम्
sd: snd sindhi
si: sin sinhala sinhalese සිංහල
sk: slk slo slovak slovenčina
sl: slv slovenian slovene slovenščina
sn: sna shona
so: som somali
sq: sqi alb albanian shqip
sr: srp serbian српски srpski
st: sot sesotho
sv: swe swedish suédois schwedisch svenska
sw: swa swahili kiswahili
ta: tam tamil தமிழ்
te: tel telugu తెలుగు
tg: tgk tajik тоҷикӣ
th: tha thai ไทย
ti: tir tigrinya
tk: tuk turkmen
tl: tgl fil tagalog filipino
tr: tur turkish turc türkisch türkçe turkce турецкий
tt: tat tatar
ug: uig uyghur
uk: ukr ukrainian українська
ur: urd urdu اردو
uz: uzb uzbek
vi: vie vietnamese vietnamien việt
xh: xho xhosa
yi: yid yiddish
yo: yor yoruba
yue: cantonese 粤语 粵語
zh: zho chi cmn chinese chinois chinesisch chino cinese mandarin 中文 汉语 漢語 中国語
zh: 중국어 zh-hans zh-hant
zh: chinês chinees kinesiska kinesisk kiina chiński čínština kínai chineză kineski кинески
zh: китайски κινεζικά çince китайский китайська الصينية סינית چینی चीनी চীনা சீனம் చైనీస్ ચાઇનીઝ
zh: จีน trung tionghoa xinès kinų ķīniešu hiina kitajščina ჩინური չինարեն ቻይንኛ ចិន ຈີນ တရုတ်
zh: хятад chinoise chinesische čínsky 國語 華語
zu: zul zulu
"""


@cache
def _codes() -> dict[str, str]:
    """Every name -> the shortest code of its language."""
    codes = {}
    for row in _NAMES.strip().split("\n"):
        code, _, names = row.partition(":")
        for name in (code, *names.split()):
            codes[_folded(name)] = code
    return codes


def _folded(name: str) -> str:
    """A name without regard to case, in Turkish too: there I is ı, and İ is i."""
    folded = unicodedata.normalize("NFC", name).casefold()
    return folded.replace("i\u0307", "i").replace("ı", "i")


def known_language(name: str) -> str | None:
    """Return the code of the language that `name` names: `fra`, `fr_CA` and `French` are `fr`.

    None if it names none.
    """
    codes = _codes()
    folded = _folded(name.strip())
    if folded in codes:
        return codes[folded]
    tag = re.fullmatch(r"([a-z]{2,3})[-_][a-z0-9]{2,8}([-_][a-z0-9]{2,8})?", folded)
    return codes.get(tag[1]) if tag else None


def same_language(name: str, other: str) -> bool:
    """Whether two codes or names mean one language, whatever the region."""
    if _folded(name) == _folded(other):
        return True
    code = known_language(name)
    return code is not None and code == known_language(other)
