"""The spellings in which an upstream may give a credential back.

Each escaper below is what some widespread encoder writes. Not covered, and said so in SECURITY.md:
reversed or split text, partly re-cased or re-cased and escaped (apart from hexadecimal credentials),
compressed or encrypted text, and encodings of encodings beyond an escaped base64.
"""

import base64
import re
import string
from collections.abc import Callable, Iterable, Iterator
from typing import Final

MIN_FORM: Final = 8  # bytes; shorter ones occur by chance, and telling them apart is an oracle

type Escaper = dict[int, str]

# No escaper touches these: most API keys consist of nothing else.
_PLAIN: Final = frozenset(string.ascii_letters + string.digits + "-._")
_PUNCTUATION: Final = " " + string.punctuation
_HEX_CREDENTIAL: Final = re.compile(r"[0-9a-fA-F-]+")

# Left as they are by: Python `quote(safe="")`, Go, PHP; Python `quote`; JavaScript
# `encodeURIComponent`; `encodeURI`; a path segment (RFC 3986, 3.3); WHATWG form encoding.
_URL_SAFE: Final = (
    "-._~",
    "-._~/",
    "-._~!*'()",
    "-._~!*'();,/?:@&=+$#",
    "-._~!$&'()*+,;=:@",
    "-._*",
)
# Escaped as \uXXXX, upper or lower case, by: Go and Rails; PHP's JSON_HEX_*; .NET; Gson.
_JSON_UNICODE: Final = ("<>&", "<>&'\"", "<>&'\"+`", "<>&='")
_HTML_NAMES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# Beyond those three: XML text; Python; MarkupSafe; Go; PHP; XML attributes; mustache and OWASP.
_HTML_MORE: Final[tuple[dict[str, str], ...]] = (
    {},
    {'"': "&quot;", "'": "&#x27;"},
    {'"': "&#34;", "'": "&#39;"},
    {'"': "&#34;", "'": "&#39;", "+": "&#43;"},
    {'"': "&quot;", "'": "&#039;"},
    {'"': "&quot;", "'": "&apos;"},
    {'"': "&quot;", "'": "&#39;", "/": "&#x2F;", "`": "&#x60;", "=": "&#x3D;"},
)


def forms_of(value: str) -> frozenset[bytes]:
    """Return every spelling of a value that is at least MIN_FORM bytes long.

    Raw, all in upper or in lower case, hexadecimal, UTF-16, base64 (both alphabets, in each of the three positions that the bytes
    before it can put it in), and those escaped for URLs, JSON and HTML.
    """
    raw = value.encode()
    texts = {value, *_base64_cores(raw)}
    if _HEX_CREDENTIAL.fullmatch(value):
        texts |= {value.lower(), value.upper()}
    escaped = {spelling for text in texts for spelling in _escaped(text)}
    spelled = {text.encode() for text in texts | escaped | set(_escaped_throughout(raw))}
    spelled |= {value.lower().encode(), value.upper().encode()}
    spelled |= {raw.hex().encode(), raw.hex().upper().encode(), _utf16(value)}
    return frozenset(form for form in spelled if len(form) >= MIN_FORM)


def _base64_cores(raw: bytes) -> Iterator[str]:
    """Yield the base64 characters that these bytes alone determine, for each position modulo 3.

    A character is six bits. With k bytes in front, those of bits 8k … 8(k+n) that are whole
    sextets depend on nothing else; the one at either edge may be shared with a neighbour. The
    padded end is the same text and one more character, so no padding needs to be looked for.
    """
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw).decode("ascii")
        core = encoded[-(-8 * before // 6) : 8 * (before + len(raw)) // 6]
        yield core
        yield core.replace("+", "-").replace("/", "_")


def _utf16(value: str) -> bytes:
    """Return the part that little- and big-endian UTF-16 of a value have in common."""
    return value.encode("utf-16-le", "surrogatepass")[:-1]


def _escaped(text: str) -> Iterator[str]:
    """Yield a text in each distinct way in which some encoder writes its special characters."""
    codes = {ord(character) for character in text if character not in _PLAIN} & _SPELLINGS.keys()
    if not codes:
        return
    for spellings in set(zip(*(_SPELLINGS[code] for code in codes), strict=True)):
        yield text.translate(dict(zip(codes, spellings, strict=True)))


def _escaped_throughout(raw: bytes) -> Iterator[str]:
    """Yield a text with every character escaped, plain ones as well."""
    lower = raw.hex(" ")
    for digits in (lower, lower.upper()):
        yield "%" + digits.replace(" ", "%")
        yield "\\u00" + digits.replace(" ", "\\u00")
        yield "&#x" + digits.replace(" ", ";&#x") + ";"
    yield "".join(f"&#{byte};" for byte in raw)


def _escaper(characters: Iterable[str], spell: Callable[[str], str]) -> Escaper:
    return {ord(character): spell(character) for character in characters}


def _percent(case: str) -> Callable[[str], str]:
    return lambda character: f"%{ord(character):02{case}}"


def _unicode(case: str) -> Callable[[str], str]:
    return lambda character: f"\\u{ord(character):04{case}}"


def _url_escapers() -> Iterator[Escaper]:
    for safe in _URL_SAFE:
        for case in "xX":
            escaper = _escaper(set(_PUNCTUATION) - set(safe), _percent(case))
            yield escaper
            yield {**escaper, ord(" "): "+"}


def _json_escapers() -> Iterator[Escaper]:
    quotes = _escaper('"\\', lambda character: "\\" + character)
    solidus = {ord("/"): "\\/"}
    yield quotes
    yield quotes | solidus
    for characters in _JSON_UNICODE:
        for case in "xX":
            escaper = quotes | _escaper(characters, _unicode(case))
            yield escaper
            yield escaper | solidus


def _html_escapers() -> Iterator[Escaper]:
    for more in _HTML_MORE:
        names = _HTML_NAMES | more
        yield _escaper(names, names.__getitem__)


_ESCAPERS: Final = (*_url_escapers(), *_json_escapers(), *_html_escapers())
# By character, what each escaper makes of it: the distinct ways of a text are found by comparing
# columns of its few special characters, not by writing it out in every way.
_SPELLINGS: Final = {
    code: tuple(escaper.get(code, chr(code)) for escaper in _ESCAPERS)
    for code in map(ord, _PUNCTUATION)
}
