// Starts `vitalog lsp` for rule files, and shows the files that are shipped inside of it.
'use strict';

const vscode = require('vscode');
const { LanguageClient, TransportKind } = require('vscode-languageclient/node');

/** @type {LanguageClient | undefined} */
let client;

exports.activate = async function activate(context) {
  const command = vscode.workspace.getConfiguration('vitalog').get('path', 'vitalog');
  // The client adds `--stdio` of its own accord.
  const server = { command, args: ['lsp'], transport: TransportKind.stdio };
  const documentSelector = [
    { scheme: 'file', language: 'vitalog-rules' },
    { scheme: 'untitled', language: 'vitalog-rules' },
  ];
  client = new LanguageClient('vitalog', 'Vitalog rules', server, { documentSelector });
  const shipped = {
    provideTextDocumentContent: (uri) => client.sendRequest('vitalog/shipped', { uri: uri.toString(true) }),
  };
  context.subscriptions.push(vscode.workspace.registerTextDocumentContentProvider('vitalog', shipped));
  try {
    await client.start();
  } catch (error) {
    vscode.window.showErrorMessage(`Vitalog: \`${command} lsp\` does not start (${error.message}). Set \`vitalog.path\`.`);
  }
};

exports.deactivate = function deactivate() {
  return client && client.stop();
};
