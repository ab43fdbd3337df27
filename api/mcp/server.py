"""The server of the protocol over one service, the same on every transport.

It is the SDK's lower one, which takes schemas as they are: those of the HTTP interface.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import mcp_types as types
from mcp import MCPError
from mcp.server import Server
from mcp.server.context import CallNext, HandlerResult
from starlette.concurrency import run_in_threadpool

from api.http import problems
from api.http.problems import Kind, Problem
from api.http.security import Caller
from api.http.service import Service
from api.mcp import prompts, resources, tools
from api.mcp.calling import Call, Context
from api.mcp.cancelling import Cancelling
from rag import __version__

_INSTRUCTIONS: Final = """\
Osler answers clinical questions with short articles in which every statement is a verified quote, cited [n] from a list
of references. It is not a medical device. Call `ask` for an answer, and show its text with every citation and the list;
add no statement of your own, and pass on when it does not answer. `search` and `get_passage` open the sources, `verify`
judges a statement against them. Give it no name, date of birth or number of a person."""
#: Methods by their names; a client may make up any other, and it would stand in the log.
_METHODS: Final = frozenset(
    "initialize server/discover ping tools/list tools/call resources/list resources/templates/list resources/read "
    "prompts/list prompts/get".split()
)
#: Codes of JSON-RPC by kind of problem; all others are of the server.
_CODES: Final[Mapping[Kind, int]] = {
    problems.NOT_FOUND: types.INVALID_PARAMS,
    problems.INVALID: types.INVALID_PARAMS,
    problems.UNUSABLE: types.INVALID_PARAMS,
    problems.NO_SCOPE: types.INVALID_REQUEST,
}


def server_of(service: Service, only: Caller | None = None) -> Server[Any]:
    """The server.

    Args:
        only: who calls, on a transport that has one caller; over HTTP each request says who it is of.
    """
    face = _Face(service, only)
    server = Server[Any](
        "osler", title="Osler", version=__version__, instructions=_INSTRUCTIONS,
        description="Medical answers in which every sentence cites its source.",
        get_tool_input_schema=lambda name: tools.DESCRIBED[name].input_schema if name in tools.DESCRIBED else None,
        on_list_tools=face.list_tools, on_call_tool=face.call_tool,
        on_list_resources=face.list_resources, on_list_resource_templates=face.list_templates,
        on_read_resource=face.read_resource,
        on_list_prompts=face.list_prompts, on_get_prompt=face.get_prompt,
    )  # fmt: skip
    server.middleware.append(face.surround)
    return server


class _Face:
    """What the server does. ``surround`` puts a ``Call`` in the place of the transport's own request."""

    def __init__(self, service: Service, only: Caller | None) -> None:
        self._service = service
        self._only = only
        self._cancelling = Cancelling()

    async def surround(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """Has each request noted in the log: in the line of its request over HTTP, else in one of its own."""
        call, started = Call.of(self._service, ctx, self._only), time.perf_counter()
        if ctx.request_id is not None:
            call.state.facts["mcp"] = ctx.method if ctx.method in _METHODS else "other"
        try:
            with self._cancelling.heeded(ctx):
                return await call_next(replace(ctx, request=call))
        finally:
            if ctx.request_id is not None and self._only:
                ms = round((time.perf_counter() - started) * 1000, 1)
                self._service.log.event("request", request_id=call.state.request_id, ms=ms, **call.state.facts)

    async def list_tools(self, context: Context, _: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        """Those that the caller may use."""
        caller = _call(context).caller
        listed = [tools.DESCRIBED[name] for name, tool in tools.TOOLS.items() if caller.may(tool.scope)]
        return types.ListToolsResult(tools=listed)

    async def call_tool(self, context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        call, tool = _call(context), tools.TOOLS.get(params.name)
        if tool is None:
            raise MCPError(types.INVALID_PARAMS, f"tool: no such name; expected one of {', '.join(tools.TOOLS)}")
        call.state.facts["tool"] = tool.name
        try:
            call.caller.check(tool.scope)
            made = await tool.run(call, tool.read(params.arguments))
        except Exception as error:
            return types.CallToolResult(content=[_text(call.failed(error).detail)], is_error=True)
        return types.CallToolResult(content=[_text(made.text)], structured_content=made.result.model_dump(mode="json"))

    async def list_resources(
        self, context: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        call, cursor = _call(context), params.cursor if params else None
        try:
            return await run_in_threadpool(resources.listed, call, cursor)
        except Exception as error:
            raise _refused(call, error) from error

    async def list_templates(
        self, context: Context, _: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        caller = _call(context).caller
        listed = [template.described() for template in resources.TEMPLATES if caller.may(template.scope)]
        return types.ListResourceTemplatesResult(resource_templates=listed)

    async def read_resource(
        self, context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        call = _call(context)
        try:
            found = await run_in_threadpool(resources.found, call, str(params.uri))
        except Exception as error:
            raise _refused(call, error) from error
        return types.ReadResourceResult(contents=[found])

    async def list_prompts(self, context: Context, _: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=[prompt.described() for prompt in prompts.PROMPTS.values()])

    async def get_prompt(self, context: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        try:
            return prompts.written(params.name, params.arguments or {})
        except Exception as error:
            raise _refused(_call(context), error) from error


def _call(context: Context) -> Call:
    assert isinstance(context.request, Call)
    return context.request


def _text(text: str) -> types.TextContent:
    return types.TextContent(type="text", text=text)


def _refused(call: Call, error: Exception) -> MCPError:
    """An error as one of the protocol, with the kind of problem that it is."""
    found: Problem = call.failed(error)
    code = _CODES.get(problems.kind_of(error), types.INTERNAL_ERROR)
    return MCPError(code, found.detail, {"problem": found.type})
