"""Drawings of who asks whom: a few lines of text become one SVG. Pure.

Owns the text's grammar and the drawing. It takes colours from the page (`currentColor`), so that it reads light and
dark. Rule for editors: the text must be readable as it stands, because in a checkout nothing draws it.

    title: What the drawing shows
    actors: docker, cache, DTR
    docker -> cache: GET the layer
    cache --> docker: 200, the bytes
    note cache: hashed before the last bytes leave
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

_LINE = re.compile(r"(?P<one>[^:>-][^:>]*?) (?P<arrow>-->|->) (?P<other>[^:]+): (?P<text>.+)")
_NOTE = re.compile(r"note (?P<one>[^:]+): (?P<text>.+)")
_STEP, _TOP, _CHARACTER = 44, 56, 6.8
_WIDTHS = (170.0, 300.0)  # the least and the most from one actor to the next


@dataclass(frozen=True)
class Message:
    """`one` speaks to `other`; a note has one actor only. `dashed` is an answer."""

    one: int
    other: int
    text: str
    dashed: bool = False
    note: bool = False


@dataclass(frozen=True)
class Sequence:
    title: str
    actors: tuple[str, ...]
    messages: tuple[Message, ...]


def read(text: str) -> Sequence:
    """Raise ValueError that names the line which says nothing."""
    title, actors, messages = "", (), []
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("title: "):
            title = line[7:]
        elif line.startswith("actors: "):
            actors = tuple(name.strip() for name in line[8:].split(","))
        else:
            messages.append(_message(line, actors))
    if not title or len(actors) < 2 or not messages:
        raise ValueError("wanted title:, actors: with two names or more, and messages; found not all of them")
    return Sequence(title, actors, tuple(messages))


def _message(line: str, actors: tuple[str, ...]) -> Message:
    if note := _NOTE.fullmatch(line):
        at = _index(note["one"], actors, line)
        return Message(at, at, note["text"], note=True)
    if spoken := _LINE.fullmatch(line):
        one, other = _index(spoken["one"], actors, line), _index(spoken["other"], actors, line)
        return Message(one, other, spoken["text"], dashed=spoken["arrow"] == "-->")
    raise ValueError(f"wanted 'one -> other: text', 'one --> other: text' or 'note one: text', found '{line}'")


def _index(name: str, actors: tuple[str, ...], line: str) -> int:
    if name.strip() not in actors:
        raise ValueError(f"wanted one of {', '.join(actors) or '(actors: comes first)'}, found '{line}'")
    return actors.index(name.strip())


def draw(sequence: Sequence) -> str:
    """The SVG, to be put into a page of HTML."""
    column = _column(sequence)
    width = column * len(sequence.actors)
    height = _TOP + _STEP * len(sequence.messages) + 24
    parts = [
        f'<svg class="sequence" role="img" viewBox="0 0 {width} {height}" style="max-width:{width}px;width:100%"'
        ' fill="none" stroke="currentColor" font-family="inherit" font-size="13">',
        f"<title>{escape(sequence.title)}</title>",
        '<defs><marker id="sequence-head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
        'orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="currentColor" stroke="none"/></marker></defs>',
    ]
    where = [column * (at + 0.5) for at in range(len(sequence.actors))]
    parts += [_actor(x, name, height) for x, name in zip(where, sequence.actors, strict=True)]
    for row, message in enumerate(sequence.messages):
        parts.append(_drawn(message, where[message.one], where[message.other], _TOP + _STEP * row + 30, width))
    return "".join(parts) + "</svg>"


def _column(sequence: Sequence) -> float:
    """So wide that each text fits over its arrow."""
    spoken = [one for one in sequence.messages if not one.note]
    needed = [(len(one.text) * _CHARACTER + 20) / max(1, abs(one.one - one.other)) for one in spoken]
    least, most = _WIDTHS
    return min(most, max(least, *needed))


def _actor(x: float, name: str, height: int) -> str:
    return (
        f'<rect x="{x - 70}" y="6" width="140" height="30" rx="6" stroke-width="1.5"/>{_text(x, 26, name, bold=True)}'
        f'<line x1="{x}" y1="36" x2="{x}" y2="{height - 6}" stroke-opacity="0.35"/>'
    )


def _drawn(message: Message, start: float, end: float, y: float, width: float) -> str:
    if message.note:
        half = max(40.0, len(message.text) * _CHARACTER / 2 + 8)
        x = min(max(start, half + 2), width - half - 2)
        box = f'<rect x="{x - half}" y="{y - 20}" width="{2 * half}" height="26" rx="4" stroke-dasharray="2 3"/>'
        return box + _text(x, y - 3, message.text)
    dash = ' stroke-dasharray="5 4"' if message.dashed else ""
    half = len(message.text) * _CHARACTER / 2 + 4
    x = min(max((start + end) / 2, half), width - half)
    line = f'<line x1="{start}" y1="{y}" x2="{end}" y2="{y}"{dash} marker-end="url(#sequence-head)"/>'
    return line + _text(x, y - 6, message.text)


def _text(x: float, y: float, text: str, *, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x}" y="{y}" text-anchor="middle" fill="currentColor" stroke="none"{weight}>{escape(text)}</text>'
