"""The server of the Model Context Protocol, asked by a real client."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from archdsl.mcp_server import INSTRUCTIONS, create_server

BROKEN = """block basic(width, stride = 1) {
  skip { conv(width, 3, stride) -> bn -> relu -> conv(width, 3) -> bn }
  relu
}
network net {
  input image [3, 32, 32]
  conv(16, 3)
  basic(16)
  basic(32, 2)
}
"""


async def ask(client: Client, tool: str, **arguments: Any) -> Any:
    result = await client.call_tool(tool, arguments)
    text = result.content[0].text  # type: ignore[union-attr]
    if result.is_error:
        raise AssertionError(text)
    structured = result.structured_content
    return structured.get("result", structured) if structured is not None else text


@pytest.mark.asyncio
async def test_an_agent_mends_its_network() -> None:
    async with Client(create_server()) as client:
        first = await ask(client, "check", text=BROKEN)
        assert not first["ok"] and first["diagnostics"][0]["code"] == "E0301"
        mended = await ask(client, "fix", text=BROKEN)
        assert mended["ok"] and len(mended["changes"]) == 1 and "via {" in mended["text"]
        counted = await ask(client, "counts", text=mended["text"], size="3x64x64")
        assert counted["layers"][-1]["shape"] == [32, 32, 32] and counted["totals"]["params"] > 0
        assert (await ask(client, "render", text=mended["text"])).startswith("<?xml")


@pytest.mark.asyncio
async def test_an_agent_reads_up() -> None:
    async with Client(create_server()) as client:
        assert "two sides of a skip differ" in json.dumps(await ask(client, "explain", code="e0301"))
        assert (await ask(client, "ops", name="conv"))["parameters"]["stride"]["default"] == "1"
        assert "conv" in await ask(client, "ops")
        assert "network resnet50" in await ask(client, "example", name="resnet50")
        assert "unet" in (await ask(client, "example", name="list")).splitlines()
        assert (await ask(client, "counts", text="", network="resnet50"))["totals"]["params"] == 25_557_032
        page = await client.read_resource("archdsl://language")
        assert "# " in page.contents[0].text  # type: ignore[union-attr]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("explain", {"code": "E9999"}, "there is no code"),
        ("ops", {"name": "cnv"}, "did you mean 'conv'"),
        ("example", {"name": "../pyproject"}, "no published network"),
        ("counts", {"text": "", "network": "/etc/passwd"}, "no published network"),
        ("counts", {"text": BROKEN}, "E0301"),
        ("counts", {"text": "network n { input i [3, 4, 4] }", "size": "3x"}, "3x"),
    ],
)
async def test_what_cannot_be_answered_says_why(tool: str, arguments: dict[str, Any], message: str) -> None:
    async with Client(create_server()) as client:
        with pytest.raises(AssertionError, match=message):
            await ask(client, tool, **arguments)


@pytest.mark.asyncio
async def test_the_network_of_the_instructions_is_valid() -> None:
    async with Client(create_server()) as client:
        assert (await ask(client, "check", text=INSTRUCTIONS[INSTRUCTIONS.index("network net") :]))["ok"]


@pytest.mark.asyncio
async def test_the_command_serves_standard_input(tmp_path: Path) -> None:
    parameters = StdioServerParameters(command=sys.executable, args=["-m", "archdsl", "mcp"], cwd=Path(__file__).parents[1])
    async with Client(parameters) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} >= {"check", "fix", "counts", "render", "explain", "ops"}
