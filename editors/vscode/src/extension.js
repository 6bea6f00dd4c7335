// Starts `archdsl lsp` for .arch files, and shows the diagram of the network at the cursor.

const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");
const { Preview } = require("./preview");

/** @type {LanguageClient | undefined} */
let client;

function command() {
  const [program, ...given] = vscode.workspace.getConfiguration("archdsl").get("command", ["archdsl"]);
  return { program: program || "archdsl", given };
}

/** Run the command that a lens asks for in a terminal, where training belongs. */
function train(uri, name) {
  const { program, given } = command();
  const address = `${vscode.Uri.parse(uri).fsPath}:${name}`;
  const terminal = vscode.window.createTerminal({ name: `train ${name}`, shellPath: program, shellArgs: [...given, "train", address] });
  terminal.show();
}

async function start() {
  const { program, given } = command();
  client = new LanguageClient(
    "archdsl",
    "archdsl",
    { command: program, args: [...given, "lsp"] },
    {
      documentSelector: [{ language: "arch" }],
      middleware: {
        executeCommand: async (name, args, next) => {
          if (name === "archdsl.train") return train(...args);
          if (name === "archdsl.draw") return Preview.show(client, args[0], args[1]);
          return next(name, args);
        },
      },
    },
  );
  try {
    await client.start();
  } catch (error) {
    const text = `archdsl does not start with \`${[program, ...given].join(" ")}\`: ${error.message ?? error}. Install it with
      \`pip install 'archdsl[lsp]'\`, or set "archdsl.command".`;
    vscode.window.showErrorMessage(text.replace(/\s+/g, " "));
  }
}

async function activate(context) {
  context.subscriptions.push(
    vscode.commands.registerCommand("archdsl.preview", () => {
      const editor = vscode.window.activeTextEditor;
      if (client && editor) return Preview.show(client, editor.document.uri.toString());
    }),
    vscode.commands.registerCommand("archdsl.restart", async () => {
      await client?.dispose();
      await start();
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("archdsl.command")) vscode.commands.executeCommand("archdsl.restart");
    }),
  );
  await start();
}

async function deactivate() {
  await client?.dispose();
}

module.exports = { activate, deactivate };
