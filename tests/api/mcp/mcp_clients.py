"""Clients of the official SDK: of a process on standard input and output, and of a service over HTTP."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx2
from markdown_it import MarkdownIt
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

ROOT: Final = Path(__file__).parents[3]
QUESTION: Final = "How is argatroban monitored?"
#: As newer clients negotiate, and as those before the version of 2026-07-28 do.
MODES: Final = ("auto", "legacy")


def process(index_dir: Path, database: Path | str) -> StdioServerParameters:
    """``osler mcp``, as a client starts it."""
    arguments = ["-m", "api.cli", "mcp", "--index", str(index_dir), "--database", str(database)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return StdioServerParameters(command=sys.executable, args=arguments, cwd=ROOT, env=environment)


@asynccontextmanager
async def client_at(address: str, mode: str = "auto", **headers: str) -> AsyncIterator[Client]:
    """A client of the service at ``address``."""
    async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
        transport = streamable_http_client(f"{address}/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def kinds_in(markdown: str) -> set[str]:
    """What of a text a front end makes more than words of, as the most permissive parser reads it."""
    parser = MarkdownIt("js-default", {"html": True, "linkify": False})
    tokens = [inner for token in parser.parse(markdown) for inner in (token, *(token.children or []))]
    return {token.type for token in tokens} & {"link_open", "image", "html_inline", "html_block"}


def statements(answer: dict[str, Any]) -> list[Any]:
    """All that an answer says, in order."""
    shown = list(answer["bottom_line"])
    shown += [s for section in answer["sections"] for s in section["statements"]]
    shown += [p["statement"] for d in answer["disagreements"] for p in d["positions"]]
    return shown + [b["statement"] for n in answer["needed"] for b in n["branches"]]
