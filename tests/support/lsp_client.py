"""An editor without a screen: drives `vitalog lsp` by pygls, and prints what it saw as one JSON object.

Arguments: the binary, and a folder with `mine.rules` (which has an error that one repair mends) and `streams.rules`.
"""

import asyncio
import json
import pathlib
import sys

from lsprotocol import types
from pygls.lsp.client import LanguageClient


class Editor(LanguageClient):
    def __init__(self):
        super().__init__("vitalog-test", "1")
        self.published = {}
        self.news = asyncio.Event()


async def told(editor, uri, wanted):
    """Waits until the diagnostics of a document have these codes."""
    while uri not in editor.published or [d.code for d in editor.published[uri]] != wanted:
        editor.news.clear()
        await asyncio.wait_for(editor.news.wait(), 10)


async def main(binary, folder):
    editor = Editor()

    @editor.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    def published(params: types.PublishDiagnosticsParams):
        editor.published[params.uri] = params.diagnostics
        editor.news.set()

    @editor.feature(types.CLIENT_REGISTER_CAPABILITY)
    def register(params: types.RegistrationParams):
        editor.registered = [r.method for r in params.registrations]

    await editor.start_io(binary, "lsp", "--stdio")
    watched = types.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True)
    capabilities = types.ClientCapabilities(workspace=types.WorkspaceClientCapabilities(did_change_watched_files=watched))
    can = await editor.initialize_async(types.InitializeParams(capabilities=capabilities, root_uri=folder.as_uri()))
    editor.initialized(types.InitializedParams())
    path = folder / "mine.rules"
    uri = path.as_uri()
    document = types.TextDocumentIdentifier(uri)
    text = path.read_text()
    seen = {"encoding": can.capabilities.position_encoding, "server": can.server_info.name}

    editor.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "rules", 1, text)))
    await told(editor, uri, ["E0202"])
    wrong = editor.published[uri][0]
    seen["wrong"] = wrong.message.split("\n")[0]
    context = types.CodeActionContext([wrong])
    actions = await editor.text_document_code_action_async(types.CodeActionParams(document, wrong.range, context))
    seen["actions"] = [a.title for a in actions]
    edit = actions[0].edit.changes[uri][0]
    changes = types.DidChangeTextDocumentParams(
        types.VersionedTextDocumentIdentifier(2, uri), [types.TextDocumentContentChangePartial(edit.range, edit.new_text)]
    )
    editor.text_document_did_change(changes)
    await told(editor, uri, [])

    at = types.Position(1, text.split("\n")[1].index("weigth") + 2)
    here = {"text_document": document, "position": at}
    hover = await editor.text_document_hover_async(types.HoverParams(**here))
    seen["hover"] = hover.contents.value
    places = await editor.text_document_definition_async(types.DefinitionParams(**here))
    seen["definition"] = [p.uri.rsplit("/", 1)[1] for p in places]
    completion = await editor.text_document_completion_async(types.CompletionParams(**here))
    seen["completion"] = sorted(i.label for i in completion.items)
    references = await editor.text_document_references_async(
        types.ReferenceParams(context=types.ReferenceContext(True), **here)
    )
    seen["references"] = len(references)
    renamed = await editor.text_document_rename_async(types.RenameParams(new_name="mass", **here))
    seen["rename"] = {u.rsplit("/", 1)[1]: len(e) for u, e in renamed.changes.items()}
    options = types.FormattingOptions(tab_size=4, insert_spaces=True)
    edits = await editor.text_document_formatting_async(types.DocumentFormattingParams(document, options))
    seen["formatted"] = edits[0].new_text
    symbols = await editor.text_document_document_symbol_async(types.DocumentSymbolParams(document))
    seen["symbols"] = [s.name for s in symbols]
    tokens = await editor.text_document_semantic_tokens_full_async(types.SemanticTokensParams(document))
    seen["tokens"] = len(tokens.data) // 5

    (folder / "streams.rules").unlink()
    event = types.FileEvent(folder.joinpath("streams.rules").as_uri(), types.FileChangeType.Deleted)
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([event]))
    await told(editor, uri, ["E0201"])
    seen["registered"] = editor.registered

    await editor.shutdown_async(None)
    editor.exit(None)
    seen["status"] = await asyncio.wait_for(editor._server.wait(), 10)
    print(json.dumps(seen))


asyncio.run(main(sys.argv[1], pathlib.Path(sys.argv[2])))
