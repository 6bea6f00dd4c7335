// A pane with the diagram of one network. It follows the cursor: another network is drawn when the cursor enters it, and the boxes
// that the line at the cursor wrote are highlighted. A click on a box goes to its line.

const vscode = require("vscode");
const { page } = require("./page");

const MOMENT = 200; // milliseconds after the last edit

class Preview {
  /** @type {Preview | undefined} */
  static current;

  /** Show the network `name` of a document, or the one at the cursor. */
  static async show(client, uri, name) {
    Preview.current ??= new Preview();
    Preview.current.client = client;
    Preview.current.uri = uri;
    Preview.current.panel.reveal(vscode.ViewColumn.Beside, true);
    await Preview.current.draw(name);
  }

  constructor() {
    this.drawn = "";
    this.panel = vscode.window.createWebviewPanel("archdsl.preview", "Diagram", { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true }, { enableScripts: true });
    this.subscriptions = [
      vscode.window.onDidChangeTextEditorSelection((event) => this.follow(event.textEditor)),
      vscode.workspace.onDidChangeTextDocument((event) => this.changed(event.document)),
      this.panel.webview.onDidReceiveMessage((message) => this.reveal(message.line)),
    ];
    this.panel.onDidDispose(() => {
      Preview.current = undefined;
      clearTimeout(this.timer);
      this.subscriptions.forEach((one) => one.dispose());
    });
  }

  changed(document) {
    if (document.uri.toString() !== this.uri) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.draw(), MOMENT);
  }

  async follow(editor) {
    if (editor.document.languageId !== "arch") return;
    this.uri = editor.document.uri.toString();
    await this.draw();
  }

  line() {
    const editor = vscode.window.visibleTextEditors.find((one) => one.document.uri.toString() === this.uri);
    return editor ? editor.selection.active.line : 0;
  }

  async draw(name) {
    const line = this.line();
    try {
      name ??= await this.request("archdsl.networkAt", this.uri, line);
      if (!name) return;
      const picture = await this.request("archdsl.picture", this.uri, name);
      if (picture !== this.drawn) {
        this.drawn = picture;
        this.panel.title = `Diagram of ${name}`;
        this.panel.webview.html = page(picture, line + 1);
      } else {
        this.panel.webview.postMessage({ line: line + 1 });
      }
    } catch (error) {
      this.panel.webview.postMessage({ problem: String(error.message ?? error) }); // the last diagram stays
    }
  }

  request(command, ...args) {
    return this.client.sendRequest("workspace/executeCommand", { command, arguments: args });
  }

  async reveal(line) {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(this.uri));
    const place = new vscode.Position(line - 1, 0);
    await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.One, selection: new vscode.Range(place, place) });
  }
}

module.exports = { Preview };
