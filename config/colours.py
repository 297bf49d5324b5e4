"""The brand's one colour, made readable: a shade for light pages and one for dark ones. Imports nothing of ours."""

import re
from dataclasses import dataclass

HEX = re.compile(r"#[0-9a-fA-F]{6}\Z")
# What the accent is read on: accent-soft of tokens.css is darker than white, and lighter than the dark surface.
LIGHT_GROUND, DARK_GROUND = "#eef0ee", "#25302c"
LIGHT_INK, DARK_INK = "#ffffff", "#10201b"
READABLE = 4.5  # WCAG 2.2, 1.4.3
STEPS = 40

Rgb = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Palette:
    """Accents, and the text upon them."""

    accent: str
    on_accent: str
    dark_accent: str
    on_dark_accent: str


def palette(colour: str) -> Palette:
    """Return shades of `colour` that can be read on our pages. Raises ValueError for what is not #rrggbb."""
    if not HEX.match(colour):
        raise ValueError(f"{colour} is no colour: write #rrggbb")
    light = _until_readable(colour, on=LIGHT_GROUND, towards="#000000")
    dark = _until_readable(colour, on=DARK_GROUND, towards="#ffffff")
    return Palette(accent=light, on_accent=_ink(light), dark_accent=dark, on_dark_accent=_ink(dark))


def contrast(first: str, second: str) -> float:
    """The ratio of two colours as WCAG computes it: 1 to 21."""
    darker, lighter = sorted((_luminance(first), _luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def _until_readable(colour: str, *, on: str, towards: str) -> str:
    for step in range(STEPS + 1):
        mixed = _mixed(colour, towards, step / STEPS)
        if contrast(mixed, on) >= READABLE:
            return mixed
    raise AssertionError("black and white are readable on every ground of ours")


def _ink(ground: str) -> str:
    return max((LIGHT_INK, DARK_INK), key=lambda ink: contrast(ink, ground))


def _mixed(colour: str, other: str, share: float) -> str:
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(own + (others - own) * share):02x}" for own, others in pairs)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def _channels(colour: str) -> Rgb:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
