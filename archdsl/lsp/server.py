"""The language server: what an editor asks, and which module answers it."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Generator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method

from archdsl.analysis import layer_table
from archdsl.backends.diagram.render import render
from archdsl.diagnostics import SpecError
from archdsl.ir import Graph
from archdsl.lsp import actions, completion, diagnostics, inlay_hints, lenses, navigation, outline, semantic_tokens, signatures
from archdsl.lsp import hover as hovers
from archdsl.lsp.analysis import Analysis, Text
from archdsl.lsp.documents import Documents, NotOpen
from archdsl.lsp.format import format_edits
from archdsl.lsp.workspace_files import importing, trees

_WATCHED: Final = "**/*.arch"


class _Protocol(LanguageServerProtocol):
    """The protocol with UTF-16 columns, which every client understands, whatever else a client offers."""

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Generator[Any, Any, types.InitializeResult]:
        """Choose UTF-16, and go on as usual."""
        if params.capabilities.general is not None:
            params.capabilities.general.position_encodings = None
        return (yield from super().lsp_initialize(params))


class ArchServer(LanguageServer):
    """A server with the texts that are open in its client."""

    def __init__(self) -> None:
        super().__init__("archdsl", version("archdsl"), protocol_cls=_Protocol)
        self.documents = Documents(self._publish, self._report)
        self._published: dict[str, set[str]] = {}
        """For each open text, the files with findings of its check."""

    def _publish(self, analysis: Analysis) -> None:
        """Publish what was found in a text, and in the files that it imports unless they are open themselves."""
        own = analysis.text.uri
        if own not in self.documents:
            return
        found = diagnostics.diagnostics_of(analysis)
        for uri in self._published.get(own, set()) - found.keys():
            if uri not in self.documents:
                self._show(uri, None, [])
        self._published[own] = set(found)
        for uri, shown in found.items():
            if uri == own or uri not in self.documents:
                self._show(uri, analysis.text.version if uri == own else None, shown)

    def _show(self, uri: str, version: int | None, shown: list[types.Diagnostic]) -> None:
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, shown, version))

    def _report(self, text: Text, error: Exception) -> None:
        message = f"archdsl could not check {text.source.name}: {type(error).__name__}: {error}"
        self.window_log_message(types.LogMessageParams(types.MessageType.Error, message))

    def forget(self, uri: str) -> None:
        """Close a text, and take back what was found in it."""
        self.documents.forget(uri)
        for other in self._published.pop(uri, set()) | {uri}:
            if other not in self.documents:
                self._show(other, None, [])

    @property
    def folders(self) -> list[str]:
        """The addresses of the folders that are open in the client."""
        return list(self.workspace.folders) or ([self.workspace.root_uri] if self.workspace.root_uri else [])

    async def analyses_with(self, analysis: Analysis) -> list[Analysis]:
        """Return the analyses of all texts that may use the definitions of a text: those that are open, and files around."""
        found = await self.documents.analyses()
        if analysis.text.path is not None:
            known = [one.text.uri for one in found]
            found += await self.documents.work(importing, self.folders, analysis.text.path, known, self.documents.session)
        return found


def create_server() -> ArchServer:
    """Return a server that answers everything this module registers."""
    server = ArchServer()
    for register in (_register_texts, _register_reading, _register_names, _register_changes, _register_commands):
        register(server)
    return server


def _register_texts(server: ArchServer) -> None:
    @server.feature(types.INITIALIZED)
    def initialized(params: types.InitializedParams) -> None:
        watched = server.client_capabilities.workspace and server.client_capabilities.workspace.did_change_watched_files
        if watched and watched.dynamic_registration:
            options = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher(_WATCHED)])
            registration = types.Registration("files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            server.client_register_capability(types.RegistrationParams([registration]))

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def did_open(params: types.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        server.documents.update(document.uri, document.version, document.text)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def did_change(params: types.DidChangeTextDocumentParams) -> None:
        document = server.workspace.get_text_document(params.text_document.uri)
        last = params.content_changes[-1] if params.content_changes else None
        line = last.range.start.line if isinstance(last, types.TextDocumentContentChangePartial) else None
        server.documents.update(document.uri, document.version, document.source, line=line)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    async def did_close(params: types.DidCloseTextDocumentParams) -> None:
        server.forget(params.text_document.uri)

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def did_change_files(params: types.DidChangeWatchedFilesParams) -> None:
        server.documents.check_again()

    @server.feature(types.SHUTDOWN)
    def shutdown(*_: object) -> None:
        server.documents.close()


def _register_reading(server: ArchServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT, types.InlayHintOptions(resolve_provider=True))
    async def inlay_hint(params: types.InlayHintParams) -> list[types.InlayHint]:
        return inlay_hints.inlay_hints(await _analysis(server, params.text_document.uri), params.range)

    @server.feature(types.INLAY_HINT_RESOLVE)
    async def resolve_hint(hint: types.InlayHint) -> types.InlayHint:
        uri = hint.data["uri"] if isinstance(hint.data, dict) else getattr(hint.data, "uri", "")
        return inlay_hints.with_tooltip(await _analysis(server, uri), hint) if uri in server.documents else hint

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(params: types.HoverParams) -> types.Hover | None:
        return hovers.hover(await _analysis(server, params.text_document.uri), params.position)

    @server.feature(types.TEXT_DOCUMENT_SIGNATURE_HELP, types.SignatureHelpOptions(["(", ","]))
    async def signature_help(params: types.SignatureHelpParams) -> types.SignatureHelp | None:
        return signatures.signature_help(await _analysis(server, params.text_document.uri), params.position)

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=["."]))
    async def complete(params: types.CompletionParams) -> list[types.CompletionItem]:
        analysis = await _analysis(server, params.text_document.uri)
        return completion.completions(analysis, params.position, server.documents.session, snippets=_knows_snippets(server))

    @server.feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, semantic_tokens.LEGEND)
    async def tokens(params: types.SemanticTokensParams) -> types.SemanticTokens:
        return semantic_tokens.semantic_tokens(await _analysis(server, params.text_document.uri))

    @server.feature(types.TEXT_DOCUMENT_FOLDING_RANGE)
    async def folding(params: types.FoldingRangeParams) -> list[types.FoldingRange]:
        return outline.folding_ranges(await _analysis(server, params.text_document.uri))


def _register_names(server: ArchServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def definition(params: types.DefinitionParams) -> list[types.Location]:
        return navigation.definition(await _analysis(server, params.text_document.uri), params.position)

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    async def references(params: types.ReferenceParams) -> list[types.Location]:
        analysis = await _analysis(server, params.text_document.uri)
        around = await server.analyses_with(analysis)
        return navigation.references(around, analysis, params.position, declared=params.context.include_declaration)

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    async def highlight(params: types.DocumentHighlightParams) -> list[types.DocumentHighlight]:
        return navigation.highlights(await _analysis(server, params.text_document.uri), params.position)

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def symbols(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        return outline.document_symbols(await _analysis(server, params.text_document.uri))

    @server.feature(types.WORKSPACE_SYMBOL)
    async def workspace_symbols(params: types.WorkspaceSymbolParams) -> list[types.WorkspaceSymbol]:
        def find() -> list[types.WorkspaceSymbol]:
            return outline.workspace_symbols(trees(server.folders, server.documents.session), params.query)

        return await server.documents.work(find)

    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    async def prepare_rename(params: types.PrepareRenameParams) -> types.Range | None:
        return navigation.renamable(await _analysis(server, params.text_document.uri), params.position)

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    async def rename(params: types.RenameParams) -> types.WorkspaceEdit:
        analysis = await _analysis(server, params.text_document.uri)
        try:
            around = await server.analyses_with(analysis)
            symbol, edits = navigation.rename(around, analysis, params.position, params.new_name)
        except navigation.CannotRename as error:
            raise JsonRpcInvalidParams(message=str(error)) from None
        return _renaming(server, edits, is_key=symbol.kind in navigation.KEYS)


def _knows_snippets(server: ArchServer) -> bool:
    """Return whether the texts of completions may say where the cursor goes."""
    document = server.client_capabilities.text_document
    item = document.completion.completion_item if document is not None and document.completion is not None else None
    return item is not None and bool(item.snippet_support)


def _renaming(server: ArchServer, edits: dict[str, list[types.TextEdit]], *, is_key: bool) -> types.WorkspaceEdit:
    """Return the edits of a new name. Where it is a key of the `state_dict`, the client asks, or the user is warned."""
    if not is_key:
        return types.WorkspaceEdit(changes=edits)
    warning = "labels are keys of the state_dict: weights that were stored under the old name no longer load"
    workspace = server.client_capabilities.workspace
    if workspace is None or workspace.workspace_edit is None or workspace.workspace_edit.change_annotation_support is None:
        server.window_show_message(types.ShowMessageParams(types.MessageType.Warning, warning))
        return types.WorkspaceEdit(changes=edits)
    annotation = types.ChangeAnnotation("Rename a label", needs_confirmation=True, description=warning)
    changes = [
        types.TextDocumentEdit(
            types.OptionalVersionedTextDocumentIdentifier(uri=uri),
            [types.AnnotatedTextEdit("key", edit.range, edit.new_text) for edit in listed],
        )
        for uri, listed in edits.items()
    ]
    return types.WorkspaceEdit(document_changes=list(changes), change_annotations={"key": annotation})


def _register_changes(server: ArchServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=list(actions.KINDS)))
    async def code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
        analysis = await _analysis(server, params.text_document.uri)
        shown, only = params.context.diagnostics, params.context.only
        return await server.documents.work(actions.code_actions, analysis, params.range, shown, only, server.documents.session)

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    async def formatting(params: types.DocumentFormattingParams) -> list[types.TextEdit]:
        analysis = await _analysis(server, params.text_document.uri)
        return await server.documents.work(format_edits, analysis, server.documents.session.limits)

    @server.feature(types.TEXT_DOCUMENT_RANGE_FORMATTING)
    async def range_formatting(params: types.DocumentRangeFormattingParams) -> list[types.TextEdit]:
        analysis = await _analysis(server, params.text_document.uri)
        return await server.documents.work(format_edits, analysis, server.documents.session.limits, params.range)

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    async def code_lens(params: types.CodeLensParams) -> list[types.CodeLens]:
        return lenses.code_lenses(await _analysis(server, params.text_document.uri))


def _register_commands(server: ArchServer) -> None:
    @server.command(lenses.CHECK)
    async def check(uri: str, name: str) -> str:
        table = layer_table(await _graph(server, uri, name))
        server.window_show_message(types.ShowMessageParams(types.MessageType.Info, f"{name}: {lenses.table_text(table)}"))
        return str(table)

    @server.command(lenses.DRAW)
    async def draw(uri: str, name: str) -> str:
        """Draw a network into a file, let the client show it, and return the picture."""
        picture = await server.documents.work(_picture, await _graph(server, uri, name))
        path = Path(tempfile.mkdtemp(prefix="archdsl-"), f"{name}.svg")
        path.write_text(picture, encoding="utf-8")
        window = server.client_capabilities.window
        if window is not None and window.show_document is not None and window.show_document.support:
            await server.window_show_document_async(types.ShowDocumentParams(path.as_uri(), external=True))
        else:
            server.window_show_message(types.ShowMessageParams(types.MessageType.Info, f"the diagram is in {path}"))
        return picture

    @server.command(lenses.PICTURE)
    async def picture(uri: str, name: str) -> str:
        return await server.documents.work(_picture, await _graph(server, uri, name))

    @server.command(lenses.NETWORK_AT)
    async def network_at(uri: str, line: int) -> str | None:
        """Return the network on a line, counted from 0, or the one that the lines around it are checked in."""
        analysis = await _analysis(server, uri)
        return analysis.network_at(line) or analysis.focus or next((name for name, _ in analysis.checked.networks), None)

    @server.command(lenses.TRAIN)
    async def train(uri: str, name: str) -> str:
        """Return the command that trains a network, and show it: it belongs in a terminal, which a server has none of."""
        analysis = await _analysis(server, uri)
        command = f"archdsl train {shlex.quote(f'{analysis.text.path or uri}:{name}')}"
        server.window_show_message(types.ShowMessageParams(types.MessageType.Info, f"run in a terminal: {command}"))
        return command


def _picture(graph: Graph) -> str:
    """Return the diagram of a network. Raise an error for the client if it cannot be drawn."""
    try:
        return render(graph, "svg", source_lines=True).decode()
    except SpecError as error:
        raise JsonRpcInvalidParams(message=str(error)) from None


async def _graph(server: ArchServer, uri: str, name: str) -> Graph:
    """Return the graph of a network in an open text. Raise an error for the client if it has errors."""
    compiled = (await _analysis(server, uri)).network(name)
    if compiled is None:
        raise JsonRpcInvalidParams(message=f"there is no network {name!r} in {uri}")
    try:
        return compiled.require()
    except SpecError as error:
        raise JsonRpcInvalidParams(message=str(error)) from None


async def _analysis(server: ArchServer, uri: str) -> Analysis:
    try:
        return await server.documents.analysis(uri)
    except NotOpen:
        raise JsonRpcInvalidParams(message=f"{uri} is not open") from None
