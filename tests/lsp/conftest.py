"""A server as an editor starts it, and texts in it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

from archdsl.lsp.analysis import Analysis, Text, analyze
from archdsl.session import Session


@pytest_lsp.fixture(  # type: ignore[untyped-decorator]
    config=ClientServerConfig(server_command=[sys.executable, "-m", "archdsl", "lsp", "--stdio"]), scope="package"
)
async def client(lsp_client: LanguageClient, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[None]:
    """A client with the capabilities of VS Code, and a folder that is open in it."""
    folder = tmp_path_factory.mktemp("workspace")
    lsp_client.folder = folder
    lsp_client.feature(types.CLIENT_REGISTER_CAPABILITY)(lambda params: None)
    parameters = types.InitializeParams(
        capabilities=client_capabilities("visual-studio-code"),
        workspace_folders=[types.WorkspaceFolder(uri=folder.as_uri(), name="workspace")],
    )
    await lsp_client.initialize_session(parameters)
    yield
    await lsp_client.shutdown_session()


class Marked:
    """A text with a cursor, written as `|`."""

    def __init__(self, marked: str, path: Path | None = None) -> None:
        self.offset = marked.index("|")
        self.text = marked.replace("|", "", 1)
        uri = path.as_uri() if path is not None else "file:///marked.arch"
        self.analysis: Analysis = analyze(Text(uri, 1, self.text, path), Session())
        self.position = types.Position(*self.analysis.source.utf16_position(self.offset))


@pytest.fixture
def marked() -> Callable[..., Marked]:
    """`marked("block a { conv(|) }")`."""
    return Marked
