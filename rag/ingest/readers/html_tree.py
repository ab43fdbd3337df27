"""Which parts of a web page are its text: the main part found, hidden elements and the site's furniture left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from selectolax.lexbor import LexborNode

#: Never text of the page.
_UNSEEN_TAGS = frozenset(
    "script style noscript template svg iframe object embed audio video canvas head title datalist annotation "
    "annotation-xml rp".split()
)
_FURNITURE_TAGS = frozenset("nav dialog menu button select textarea input".split())
_FURNITURE_ROLES = frozenset(
    "navigation banner contentinfo search menu menubar toolbar dialog alertdialog tooltip doc-toc".split()
)
#: What a site calls its furniture, as whole words of class and id: "informed-consent" may be a section's name.
_FURNITURE = re.compile(
    r"(?:[\w-]*-)?(?:navbar|nav|nav-?menu|breadcrumbs?|sidebar|side-?nav|toc|on-this-page|table-of-contents|datestamp)"
    r"|(?:site|main|page|top|left|right|local|fourth-level|mega|drop-?down)-?(?:nav|menu|search|header|footer|banner)"
    r"|(?:page-?|site-?|global-?)?(?:footer|masthead|breadcrumb|pagination|pager)(?:-[\w-]*)?"
    r"|(?:social|share|sharing)(?:[-_](?:media|links?|icons?|buttons?|bar|tools?|this))?|add-?this[\w-]*"
    r"|(?:related|recommended)[-_](?:articles?|content|links?|pages?|posts?|topics?|reading)|tp-related-pages"
    r"|cookies?[-_](?:banner|notice|consent|bar|popup)|(?:newsletter|subscribe|subscription)(?:[-_][\w-]*)?"
    r"|(?:advert|advertisement|advertising|ads|ad-slot|promo)(?:[-_][\w-]*)?"
    r"|(?:user-)?comments?(?:[-_](?:list|section|area|form))|search[-_](?:form|box|bar)|feedback[-_]form"
    r"|skip(?:-?(?:nav|link|menu|to))?|no-?print|page-?options[\w-]*|site-?info[\w-]*|plugin-legend|modal|login-form",
    re.IGNORECASE,
)
_CONTAINERS = frozenset("div section aside header footer ul ol form table details figure span small center".split())
_HIDING_CLASSES = frozenset(("sr-only", "visually-hidden", "visuallyhidden", "screen-reader-text", "hidden"))
_WHITE = r"(?:#fff(?:fff)?|white|rgba?\( *255 *, *255 *, *255[^)]*\))(?![\w#])"
_HIDING_STYLE = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|font-size\s*:\s*0(?![.\d]*[1-9])|"
    r"opacity\s*:\s*0(?![.\d]*[1-9])|mso-hide\s*:\s*all)",
    re.IGNORECASE,
)
_WHITE_TEXT = re.compile(rf"(?:^|;)\s*color\s*:\s*{_WHITE}", re.IGNORECASE)
_BACKGROUND = re.compile(r"(?:^|;)\s*background(?:-color|-image)?\s*:\s*([^;]*)", re.IGNORECASE)
_NO_COLOUR = re.compile(rf"\s*(?:{_WHITE}|transparent|none|inherit|initial|unset|$)", re.IGNORECASE)
_MAIN = (
    "[itemprop=articleBody]",
    "article",
    "main",
    "[role=main]",
    "#main-content",
    "#content-main",
    "#content",
    "#main",
)
#: Of the page's text outside links, what a part must have to be the main one.
_MAIN_SHARE = 0.5
#: What furniture may have of it at most, whatever its name.
_FURNITURE_SHARE = 0.3


class Size(NamedTuple):
    """Characters within an element, white space apart, and how many of them lie in links and in links into the page."""

    text: int
    in_links: int
    in_anchors: int


def walked(root: LexborNode, is_left_out: Callable[[LexborNode], bool]) -> Iterator[tuple[LexborNode, bool]]:
    """Text nodes and elements in order, elements again (False) at their end; without recursion, however deep."""
    stack = [(root, False)]
    while stack:
        node, is_ended = stack.pop()
        if is_ended:
            yield node, False
        elif node.is_text_node:
            yield node, True
        elif not node.is_comment_node and not is_left_out(node):
            yield node, True
            stack.append((node, True))
            child = node.last_child
            while child is not None:
                stack.append((child, False))
                child = child.prev


def sizes_of(body: LexborNode) -> dict[int, Size]:
    """The sizes of all elements that are seen, by ``mem_id``."""
    sizes: dict[int, Size] = {}
    open_at: list[tuple[int, int, int]] = []
    text = in_links = in_anchors = 0
    links = anchors = 0
    for node, is_start in walked(body, is_unseen):
        if node.is_text_node:
            length = len("".join(node.text_content.split())) if node.text_content else 0
            text += length
            in_links += length if links else 0
            in_anchors += length if anchors else 0
            continue
        step = (1 if is_start else -1) if node.tag == "a" else 0
        links += step
        anchors += step if step and (node.attributes.get("href") or "").startswith("#") else 0
        if is_start:
            open_at.append((text, in_links, in_anchors))
        else:
            before = open_at.pop()
            sizes[node.mem_id] = Size(text - before[0], in_links - before[1], in_anchors - before[2])
    return sizes


def main_part(body: LexborNode, sizes: dict[int, Size]) -> LexborNode:
    """The innermost element marked as main that has most of the page's text outside links; else the body."""
    whole = sizes[body.mem_id]
    for selector in _MAIN:
        for node in body.css(selector):
            size = sizes.get(node.mem_id)
            if size and size.text - size.in_links >= _MAIN_SHARE * (whole.text - whole.in_links):
                return node
    return body


def is_unseen(node: LexborNode) -> bool:
    """Whether a reader of the page would not see the element, by its tag, attributes, inline style or class."""
    if node.tag in _UNSEEN_TAGS:
        return True
    attributes = node.attributes
    if not attributes:
        return False
    if "hidden" in attributes or (attributes.get("aria-hidden") or "").casefold() == "true":
        return True
    style = attributes.get("style")
    if style and (_HIDING_STYLE.search(style) or (_WHITE_TEXT.search(style) and not _is_on_colour(node))):
        return True
    classes = (attributes.get("class") or "").split()
    if "d-none" in classes:  # Bootstrap: not on any screen, unless a class says on which
        return not any(re.fullmatch(r"d-\w+-(?!none)[\w-]+", name) for name in classes)
    return not _HIDING_CLASSES.isdisjoint(classes)


def _is_on_colour(node: LexborNode) -> bool:
    """Whether the element, or one around it, sets a background on which white is seen, such as a table's head."""
    around: LexborNode | None = node
    while around is not None:
        attributes = around.attributes
        style = _BACKGROUND.search(attributes.get("style") or "")
        colour = style[1] if style else attributes.get("bgcolor")
        if colour and not _NO_COLOUR.match(colour):
            return True
        around = around.parent
    return False


def is_furniture(node: LexborNode, size: Size, whole: Size, is_page: bool) -> bool:
    """Whether the element belongs to the site, not the text; ``is_page``: the main part is the whole page.

    A part with much of the page's text is not, whatever it is called; a list of links into the page itself is.
    """
    if node.tag in _FURNITURE_TAGS:
        return True
    attributes = node.attributes
    if (attributes.get("role") or "").casefold() in _FURNITURE_ROLES:
        return True
    if size.text - size.in_links > _FURNITURE_SHARE * (whole.text - whole.in_links):
        return False
    if is_page and node.tag in ("header", "footer"):
        return True
    if node.tag not in _CONTAINERS:
        return False
    if node.tag in ("ul", "ol", "div") and size.text and size.in_anchors >= 0.9 * size.text:
        return True
    if node.tag == "aside" and size.in_links > 0.6 * size.text:
        return True
    return any(_FURNITURE.fullmatch(word) for word in names_of(node))


def names_of(node: LexborNode) -> list[str]:
    """The words of an element's class and id."""
    attributes = node.attributes
    return [*(attributes.get("class") or "").split(), *(attributes.get("id") or "").split()]
