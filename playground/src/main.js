// The page: the text on the left; findings, table, diagram and source on the right.

import { basicSetup } from "codemirror";
import { indentWithTab } from "@codemirror/commands";
import { forceLinting, linter, lintGutter } from "@codemirror/lint";
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, WidgetType, keymap } from "@codemirror/view";
import { arch } from "../../editors/codemirror/src/arch.js";
import { colors } from "./colors.js";
import { ask, ready } from "./compiler.js";
import { addressOf, textIn } from "./link.js";
import { draw } from "./diagram.js";
import { showFindings, showTable } from "./panels.js";
import zoo from "./zoo.json";

const MOMENT = 150; // milliseconds after the last key
const element = (id) => document.getElementById(id);

// -- hints behind the lines --

class HintWidget extends WidgetType {
  constructor(text) {
    super();
    this.text = text;
  }
  eq(other) {
    return other.text === this.text;
  }
  toDOM() {
    const span = document.createElement("span");
    span.className = "hint";
    span.textContent = this.text;
    span.setAttribute("aria-label", `shape: ${this.text}`);
    return span;
  }
}

const setHints = StateEffect.define();
const hints = StateField.define({
  create: () => Decoration.none,
  update(shown, transaction) {
    shown = shown.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(setHints)) {
        const end = transaction.state.doc.length;
        const made = effect.value.map(({ offset, text }) =>
          Decoration.widget({ widget: new HintWidget(text), side: 1 }).range(Math.min(offset, end)),
        );
        shown = Decoration.set(made, true);
      }
    }
    return shown;
  },
  provide: (field) => EditorView.decorations.from(field),
});

// -- what the compiler said --

let result = { diagnostics: [], hints: [], networks: [] };
let checked = ""; // the text that it is about
let chosen = "";
let panel = "table";

/** Offsets of the compiler count characters; those of the editor count UTF-16 code units. */
function units(text) {
  const found = [];
  let unit = 0;
  for (const character of text) {
    found.push(unit);
    unit += character.length;
  }
  found.push(unit);
  return (offset) => found[Math.min(offset, found.length - 1)];
}

function findings() {
  const unit = units(checked);
  const end = checked.length;
  return result.diagnostics.map((one) => {
    const from = one.place ? unit(one.place.start) : 0;
    const to = one.place ? Math.max(unit(one.place.end), Math.min(from + 1, end)) : Math.min(1, end);
    const message = [one.message, one.place?.text, ...one.notes, one.help && `help: ${one.help}`].filter(Boolean).join("\n");
    const actions = one.fix ? [{ name: one.fix.applicability === "certain" ? "Fix" : "Try", apply: (view) => apply(view, one.fix) }] : [];
    return { from, to, severity: one.severity === "note" ? "info" : one.severity, source: one.code, message, actions };
  });
}

/** Apply the edits of a remedy, if the text is still the one that it is about. */
function apply(view, fix) {
  if (view.state.doc.toString() !== checked) return;
  const unit = units(checked);
  view.dispatch({ changes: fix.edits.map((edit) => ({ from: unit(edit.start), to: unit(edit.end), insert: edit.text })) });
  view.focus();
}

async function check(view) {
  const text = view.state.doc.toString();
  const started = performance.now();
  const answer = JSON.parse(await ask("check", text, chosen || null));
  if (text !== view.state.doc.toString()) return; // a newer check follows
  result = answer;
  checked = text;
  const unit = units(text);
  view.dispatch({ effects: setHints.of(result.hints.map((hint) => ({ ...hint, offset: unit(hint.offset) }))) });
  forceLinting(view);
  showNetworks();
  showFindings(element("findings"), result.diagnostics, (one) => apply(view, one.fix), (one) => reveal(view, one));
  const errors = result.diagnostics.filter((one) => one.severity === "error").length;
  const took = `${Math.round(performance.now() - started)} ms`;
  status(errors ? `${errors} error${errors > 1 ? "s" : ""} (${took})` : `no errors (${took})`);
  await showPanel();
  document.body.dataset.checked = String(Number(document.body.dataset.checked ?? 0) + 1);
}

function reveal(view, one) {
  if (!one.place) return;
  view.dispatch({ selection: { anchor: units(checked)(one.place.start) }, scrollIntoView: true });
  view.focus();
}

function status(text) {
  element("status").textContent = text;
}

function showNetworks() {
  const names = result.networks.map((one) => one.name);
  if (!names.includes(chosen)) chosen = names.includes(element("zoo").value) ? element("zoo").value : (names[0] ?? "");
  const select = element("networks");
  select.replaceChildren(...names.map((name) => new Option(name, name, false, name === chosen)));
  select.hidden = names.length < 2;
}

// -- panels --

let panelRound = 0;

async function showPanel() {
  const round = ++panelRound;
  for (const tab of document.querySelectorAll("[role=tab]")) tab.setAttribute("aria-selected", String(tab.dataset.panel === panel));
  for (const one of document.querySelectorAll("[role=tabpanel]")) one.hidden = one.id !== panel;
  const network = result.networks.find((one) => one.name === chosen);
  try {
    if (panel === "table") showTable(element("table"), network);
    else if (!network?.ok) return; // the last picture or source stays while the text has an error
    else if (panel === "diagram") {
      const picture = await draw(checked, chosen);
      if (round === panelRound) element("diagram").innerHTML = picture;
    } else {
      const source = await ask("source", checked, chosen);
      if (round === panelRound) element("code").textContent = source;
    }
  } catch (error) {
    element(panel).textContent = String(error.message ?? error);
  }
}

// -- the editor --

let timer;
const view = new EditorView({
  parent: element("editor"),
  state: EditorState.create({
    doc: await textIn(location.hash, zoo.start),
    extensions: [
      basicSetup,
      keymap.of([indentWithTab]),
      arch(),
      colors,
      hints,
      linter(findings, { delay: 1e9 }), // runs when a check has ended
      lintGutter(),
      EditorView.contentAttributes.of({ "aria-label": "architecture" }),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        clearTimeout(timer);
        timer = setTimeout(() => check(view), MOMENT);
      }),
    ],
  }),
});

function replace(text) {
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
}

// -- controls --

element("zoo").append(...zoo.networks.map(({ name, title }) => new Option(title ? `${name}: ${title}` : name, name)));
element("zoo").addEventListener("change", ({ target }) => {
  const entry = zoo.networks.find((one) => one.name === target.value);
  if (!entry) return;
  chosen = entry.name;
  replace(zoo.files[entry.file]);
});
element("networks").addEventListener("change", async ({ target }) => {
  chosen = target.value;
  await check(view);
});
for (const tab of document.querySelectorAll("[role=tab]")) {
  tab.addEventListener("click", () => {
    panel = tab.dataset.panel;
    showPanel();
  });
}
element("share").addEventListener("click", async () => {
  const address = await addressOf(view.state.doc.toString());
  history.replaceState(null, "", address);
  try {
    await navigator.clipboard.writeText(location.href);
    status("the link is copied");
  } catch {
    status("the link is in the address bar");
  }
});
element("download").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([view.state.doc.toString()], { type: "text/plain" }));
  link.download = `${chosen || "network"}.arch`;
  link.click();
  URL.revokeObjectURL(link.href);
});
addEventListener("hashchange", async () => replace(await textIn(location.hash, view.state.doc.toString())));

status("loading Python …");
try {
  await ready;
  await check(view);
} catch (error) {
  status(`the compiler does not start: ${error.message}`);
}
