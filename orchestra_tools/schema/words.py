"""Plausible values by name and format: what a person expects under "hotkey", "created_at" or "price". No I/O.

    strings_for("miner_hotkey", random)   # an ss58 address with a valid checksum
    number_for("probability", random)     # in [0, 1]

Everything comes from the generator passed in. Hosts are reserved example domains (RFC 2606), addresses are from the
documentation ranges (RFC 5737, RFC 3849): nothing generated points at anybody.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from random import Random

Make = Callable[[Random], str]

_NOUN_LIST = """agent subnet miner validator market network model answer search signal stake reward score query ledger
report summary result index dataset forecast price wallet block epoch proof service tool task batch window trend topic
source"""
_ADJECTIVE_LIST = """open steady public recent early shared daily local verified simple quiet broad careful clear common
decentralised modest useful typical"""
_VERB_LIST = """shows tracks compares explains returns improves measures follows describes updates ranks covers lists
supports checks"""
_NAME_LIST = "ada bo carmen dmitri esi farid grace hana ines jonas kofi lena mei noor otto priya"
_NOUNS, _ADJECTIVES, _VERBS = _NOUN_LIST.split(), _ADJECTIVE_LIST.split(), _VERB_LIST.split()
_NAMES = _NAME_LIST.split()
_MODELS = ("example/llama-70b-instruct", "example/qwen-32b", "example/mistral-small", "example/deepseek-r1")
_QUERIES = ("bittensor subnets", "gpu cloud pricing", "open-source models")
_GPUS = ("NVIDIA H100 SXM", "NVIDIA H200", "NVIDIA A100 80GB", "NVIDIA L40S", "NVIDIA RTX 4090")
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_SS58_PREFIX = b"\x2a"  # 42, generic Substrate; from the ss58 registry
_START = datetime(2026, 1, 5, tzinfo=timezone.utc)  # noqa: UP017 - reads the same on every supported Python
_SPAN_S = 300 * 86_400


def words(random: Random, count: int) -> str:
    """So many words that read like a phrase."""
    kinds = (_ADJECTIVES, _NOUNS, _VERBS, _ADJECTIVES, _NOUNS)
    return " ".join(random.choice(kinds[index % len(kinds)]) for index in range(count))


def sentence(random: Random) -> str:
    """One sentence."""
    return f"The {words(random, 5)}."


def prose(random: Random, shortest: int, longest: int | None) -> str:
    """Sentences, within a range of lengths."""
    text = sentence(random)
    while len(text) < shortest:
        # Doubling keeps absurd lengths affordable.
        text = f"{text} {text if len(text) > 4096 else sentence(random)}"
    return clip(text, shortest, longest)


def clip(text: str, shortest: int, longest: int | None) -> str:
    """The text cut or padded to a range of lengths."""
    if longest is not None and len(text) > longest:
        text = text[:longest]
        trimmed = text.rstrip(" .,-")
        text = trimmed if len(trimmed) >= max(shortest, 1) else text
    return text if len(text) >= shortest else text + "x" * (shortest - len(text))


def moment(random: Random) -> datetime:
    """A whole second of 2026, UTC."""
    return _START + timedelta(seconds=random.randrange(_SPAN_S))


def ss58(random: Random) -> str:
    """An address whose checksum holds and whose key nobody has."""
    body = _SS58_PREFIX + random.randbytes(32)
    number = int.from_bytes(body + hashlib.blake2b(b"SS58PRE" + body).digest()[:2], "big")
    text = ""
    while number:
        number, digit = divmod(number, 58)
        text = _BASE58[digit] + text
    return text


def slug(random: Random) -> str:
    """Two words with a hyphen."""
    return f"{random.choice(_ADJECTIVES)}-{random.choice(_NOUNS)}"


def _uuid(random: Random) -> str:
    return str(uuid.UUID(bytes=random.randbytes(16), version=4))


def _stamp(random: Random) -> str:
    return moment(random).strftime("%Y-%m-%dT%H:%M:%SZ")


def _url(random: Random) -> str:
    return f"https://{random.choice(('docs', 'news', 'blog', 'data'))}.example.com/{slug(random)}"


def _hex(length: int, prefix: str = "") -> Make:
    return lambda random: prefix + random.randbytes(length // 2).hex()


def _one_of(*options: str) -> Make:
    return lambda random: random.choice(options)


def _title(random: Random) -> str:
    return words(random, 4).capitalize()


# The first match wins. `(^|_)` and `($|_)` are word borders of snake case.
_STRINGS: tuple[tuple[str, Make], ...] = (
    (r"(image|logo|avatar|thumbnail|banner|picture)\w*_?(url|uri|link)?$", lambda r: f"https://images.example.com/{slug(r)}.png"),
    (r"(^|_)(url|urls|uri|link|links|href|website|homepage|endpoint|webhook)$", _url),
    (r"(^|_)e?mail$", lambda r: f"{r.choice(_NAMES)}@example.com"),
    (r"(^|_)(hotkey|hotkeys|coldkey|ss58|address|account)($|_address)", ss58),
    (r"sha256|drand|secret_hash", _hex(64)),
    (r"(^|_)(hash|digest|root)$", _hex(64, "0x")),
    (r"(^|_)(commit|revision|commit_hash)$", _hex(40)),
    (r"(^|_)signature$", _hex(128, "0x")),
    (r"(^|_)(public_key|pubkey)$", _hex(64, "0x")),
    (r"(^|_)(api_key|token|secret|password|cursor|next_cursor)$", lambda r: f"example-{r.randbytes(6).hex()}"),
    (r"(^|_)(id|ids|guid|uuid)$", _uuid),
    (r"(^|_)(date|day|from_date|to_date)$|^(start|end)_date$", lambda r: moment(r).date().isoformat()),
    (r"(_at|_time|_on|timestamp|datetime|_dt)$|^(created|updated|time|hour|from|to|since|until|now)$", _stamp),
    (r"(^|_)(username|user|handle|screen_name|author|login)$", lambda r: f"{r.choice(_NAMES)}_{r.choice(_NOUNS)}"),
    (r"(^|_)(query|prompt|question|q|search|keyword|keywords)$", _one_of(*_QUERIES)),
    (r"(^|_)(gpu_type|gpu_name|gpu_model|gpu|accelerator|display_name)$", _one_of(*_GPUS)),
    (r"(^|_)(model|model_name|model_id|base_model)$", _one_of(*_MODELS)),
    (r"(^|_)(asset|symbol|ticker|coin)$", _one_of("BTC", "ETH", "TAO", "SOL")),
    (r"(^|_)currency$", _one_of("USD", "TAO")),
    (r"(^|_)(lang|language|locale)$", _one_of("en", "de", "fr")),
    (r"(^|_)country(_code)?$", _one_of("DE", "JP", "BR", "US")),
    (r"(^|_)(city|location|place)$", _one_of("Lisbon", "Nairobi", "Osaka", "Toronto")),
    (r"(^|_)(region|zone)$", _one_of("eu-west", "us-east", "ap-south")),
    (r"(^|_)(status|state|phase)$", _one_of("active", "completed", "running")),
    (r"(^|_)role$", _one_of("user")),
    (r"(^|_)direction$", _one_of("up", "down", "neutral")),
    (r"(^|_)(version|api_version|tag)$", lambda r: f"{r.randint(0, 3)}.{r.randint(0, 9)}.{r.randint(0, 9)}"),
    (r"(^|_)(ip|ip_address)$", lambda r: f"192.0.2.{r.randint(1, 254)}"),
    (r"(^|_)(host|hostname|domain)$", lambda r: f"{r.choice(_NOUNS)}.example.com"),
    (r"(^|_)(filename|file_name|file|path|key|s3_key)$", lambda r: f"{slug(r)}.json"),
    (r"(^|_)(mime|content_type|media_type)$", _one_of("application/json", "text/plain")),
    (r"(^|_)(slug|name|names|label|labels|category|provider|source|network|template|type|kind)$", slug),
    (r"(^|_)(title|headline|subject|tagline)$", _title),
    (r"(^|_)phone(_number)?$", lambda r: f"+1-555-01{r.randint(0, 99):02}"),  # a range reserved for fiction
    (r"(^|_)(color|colour)$", lambda r: f"#{r.randbytes(3).hex()}"),
)  # fmt: skip

_NUMBERS: tuple[tuple[str, Callable[[Random], float]], ...] = (
    (r"(^|_)lat(itude)?$", lambda r: round(r.uniform(-60, 60), 4)),
    (r"(^|_)(lon|lng|longitude)$", lambda r: round(r.uniform(-170, 170), 4)),
    (r"prob|confidence|(^|_)(score|scores|ratio|rate|reliability|relevance|weight|weights|fraction|share)$|score",
     lambda r: round(r.uniform(0.02, 0.98), 4)),
    (r"percent|pct", lambda r: round(r.uniform(1, 99), 2)),
    (r"volatility|loss|margin|spread|variance", lambda r: round(r.uniform(0.01, 0.6), 4)),
    (r"price|cost|usd|per_hour|amount|fee(?!d)", lambda r: round(r.uniform(0.2, 9), 2)),
    (r"tao", lambda r: round(r.uniform(0.01, 40), 4)),
    (r"temperature|temp($|_)", lambda r: round(r.uniform(-5, 30), 1)),
    (r"(^|_)(uid|uids)$", lambda r: r.randint(0, 255)),
    (r"(^|_)netuid$", lambda r: r.randint(1, 128)),
    (r"block", lambda r: r.randint(6_500_000, 7_400_000)),
    (r"(^|_)(created|updated|expires|timestamp|epoch|unix|time)$|_at$", lambda r: int(moment(r).timestamp())),
    (r"bytes", lambda r: r.randint(1_000, 9_000_000)),
    (r"(^|_)(ms|latency)$", lambda r: r.randint(20, 900)),
    (r"(^|_)(s|seconds|duration)$", lambda r: r.randint(1, 600)),
    (r"(^|_)year$", lambda r: r.randint(2019, 2026)),
    (r"(^|_)port$", lambda r: r.randint(1024, 65_000)),
    (r"view|follower|like|favourite", lambda r: r.randint(3, 4_000)),
    (r"gpu_count|num_gpus|(^|_)gpus$", lambda r: r.choice((1, 2, 4, 8))),
    (r"(^|_)(v?cpus?|cores|memory|ram|vram|storage|disk)(_gb)?$", lambda r: 2 ** r.randint(4, 9)),
    (r"count|total|num_|size|length", lambda r: r.randint(1, 90)),
    (r"(^|_)(page|index|offset|rank|version)", lambda r: r.randint(1, 9)),
    (r"(^|_)(limit|top|max_results|top_k)$", lambda r: r.choice((5, 10, 20))),
    (r"max_tokens|tokens", lambda r: r.randint(16, 512)),
)  # fmt: skip


def snake_case(name: str) -> str:
    """`createdAt`, `created-at` -> `created_at`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").lower()


@lru_cache(maxsize=4096)
def _string_maker(name: str) -> Make | None:
    return next((make for pattern, make in _STRINGS if re.search(pattern, snake_case(name))), None)


@lru_cache(maxsize=4096)
def _number_maker(name: str) -> Callable[[Random], float] | None:
    return next((make for pattern, make in _NUMBERS if re.search(pattern, snake_case(name))), None)


def string_for(name: str, random: Random) -> str | None:
    """What stands under a property of that name, or None where the name says nothing."""
    make = _string_maker(name)
    return make(random) if make else None


def number_for(name: str, random: Random) -> float | None:
    """The same for numbers."""
    make = _number_maker(name)
    return make(random) if make else None


def _long_url(random: Random, shortest: int) -> str:
    url = _url(random)
    return url + "-" * (len(url) < shortest) + "a" * max(0, shortest - len(url) - 1)


_FORMATS: dict[str, Callable[[Random, int], tuple[str, ...]]] = {
    "date-time": lambda r, n: (_stamp(r), f"{_stamp(r)[:-1]}.{'0' * max(1, n - 21)}Z"),
    "date": lambda r, _: (moment(r).date().isoformat(),),
    "time": lambda r, n: (moment(r).strftime("%H:%M:%SZ"), f"{moment(r):%H:%M:%S}.{'0' * max(1, n - 10)}Z"),
    "duration": lambda r, n: (f"PT{r.randint(1, 59)}M", "P1D", f"PT{'1' * max(1, n - 3)}S"),
    "email": lambda r, n: (f"{r.choice(_NAMES)}@example.com", "a@b.co", f"{'a' * 60}@{'b' * max(1, n - 64)}.co"),
    "hostname": lambda r, n: (f"{r.choice(_NOUNS)}.example.com", "a.co", "a", ".".join(["a" * 50] * (n // 50 + 1))),
    "ipv4": lambda r, _: (f"192.0.2.{r.randint(1, 254)}", f"198.51.100.{r.randint(100, 254)}", "1.1.1.1"),
    "ipv6": lambda r, _: (f"2001:db8::{r.randrange(1, 9_999):x}", "::1", f"2001:0db8{':0000' * 5}:{r.randrange(9):04}"),
    "uri": lambda r, n: (_url(r), _long_url(r, n), "a:b"),
    "uri-reference": lambda r, n: (f"/{slug(r)}", _long_url(r, n), "/a", "a", ""),
    "uri-template": lambda r, n: (f"/{slug(r)}/{{id}}", _long_url(r, n), "a"),
    "uuid": lambda r, _: (_uuid(r),),
    "regex": lambda r, n: ("^[a-z]+$", f"^{'a' * n}$", "a", "a" * n),
    "json-pointer": lambda r, n: (f"/{r.choice(_NOUNS)}/{r.randint(0, 9)}", "/" + "a" * max(0, n - 1), "/a", ""),
    "relative-json-pointer": lambda r, n: (f"{r.randint(0, 3)}/{r.choice(_NOUNS)}", "0/" + "a" * max(0, n - 2), "0"),
}  # fmt: skip
_FORMATS |= {
    "iri": _FORMATS["uri"],
    "iri-reference": _FORMATS["uri-reference"],
    "idn-email": _FORMATS["email"],
    "idn-hostname": _FORMATS["hostname"],
}


def formatted(kind: str, random: Random, shortest: int = 0) -> tuple[str, ...]:
    """Texts of a `format`, the usual one first, then shorter and longer ones; none where the format is unknown."""
    make = _FORMATS.get(kind)
    return make(random, shortest) if make else ()


def encoded(random: Random, shortest: int, longest: int | None) -> str:
    """Base64 of a few words, within a range of lengths."""
    size = max(0, -(-shortest // 4) * 3)
    data = words(random, 6).encode() if longest is None else words(random, 6).encode()[: longest // 4 * 3]
    return base64.b64encode(data.ljust(size, b" ")).decode()
