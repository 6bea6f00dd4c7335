// Reads texts as a JSON list; writes, for each, its tokens and errors with their places, the indentation of each line, and the lines that fold.

import { readFileSync } from "node:fs";
import { ensureSyntaxTree, foldable, getIndentation } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { NodeProp, TreeFragment } from "@lezer/common";
import { arch, parser } from "../src/arch.js";

const EDITS = Number(process.argv[2] ?? 2);

function* leaves(tree, base = 0) {
  const cursor = tree.cursor();
  do {
    const { from, to, name, type } = cursor;
    const inner = cursor.tree?.prop(NodeProp.mounted);
    if (inner?.overlay) yield* leaves(inner.tree, base + from + inner.overlay[0].from);
    if (type.isError) yield [base + from, base + to, "⚠"];
    else if (name !== "Hole" && (name === "String" || !cursor.node.firstChild)) yield [base + from, base + to, name];
  } while (cursor.next());
}

/** Whether the tree after each of some edits, which reuses the one before, is that of the text alone. */
function reused(text) {
  const words = [...text.matchAll(/\w+|[^\w\s]/g)];
  let tree = parser.parse(text);
  let fragments = TreeFragment.addTree(tree);
  for (let number = 0; number < EDITS && words.length; number++) {
    const word = words[(number * 7919) % words.length];
    const [from, to, put] = number % 2 ? [word.index, word.index + word[0].length, ""] : [word.index, word.index, "} "];
    const changed = text.slice(0, from) + put + text.slice(to);
    const applied = TreeFragment.applyChanges(fragments, [{ fromA: from, toA: to, fromB: from, toB: from + put.length }]);
    tree = parser.parse(changed, applied);
    if (String(tree) !== String(parser.parse(changed))) return false;
  }
  return true;
}

function read(text) {
  const tokens = [...leaves(parser.parse(text))];
  let state = EditorState.create({ doc: text, extensions: arch() });
  ensureSyntaxTree(state, text.length, 10_000);
  state = state.update({}).state; // takes the tree up
  const indentation = Array.from({ length: state.doc.lines }, (_, index) => getIndentation(state, state.doc.line(index + 1).from));
  const folds = [];
  for (let number = 1; number <= state.doc.lines; number++) {
    const { from, to } = state.doc.line(number);
    if (foldable(state, from, to)) folds.push(number);
  }
  return { tokens, indentation, folds, reused: reused(text) };
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(read)));
