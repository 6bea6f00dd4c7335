// CodeMirror support for the language of archdsl: colors, folding, indentation, brackets and comments, from a Lezer grammar.

import {
  LRLanguage,
  LanguageSupport,
  continuedIndent,
  delimitedIndent,
  foldInside,
  foldNodeProp,
  foldService,
  indentNodeProp,
  indentUnit,
  syntaxTree,
} from "@codemirror/language";
import { parseMixed } from "@lezer/common";
import { styleTags, tags } from "@lezer/highlight";
import { parser as grammar } from "./parser.js";

const LABELLED = new Set(["Labelled", "Aux", "Output", "Module"]);
const expressions = grammar.configure({ top: "Expression" });
const DEFINITIONS = new Set(["Block", "Network", "Train", "Init"]);
const NAMES = ["Name", "Op", "Flow"];

/** Paths of names below some nodes. */
const names = (...parents) => parents.flatMap((parent) => NAMES.map((name) => `${parent}/${name}`)).join(" ");

/** The braces of a label hold expressions: `"layer{i + 1}"`. Those of other strings are text, and `{}` holds nothing. */
const labels = parseMixed((node) => {
  if (node.name !== "Hole" || node.to - node.from === 2 || !LABELLED.has(node.node.parent.parent?.name)) return null;
  return { parser: expressions, overlay: [{ from: node.from + 1, to: node.to - 1 }] };
});

const styles = styleTags({
  "block network let module input output aux import as train init": tags.definitionKeyword,
  "skip via join repeat for if else by expect where": tags.controlKeyword,
  "and or not in": tags.operatorKeyword,
  "true false": tags.bool,
  none: tags.null,
  Comment: tags.lineComment,
  DocComment: tags.docComment,
  String: tags.string,
  "Int Float": tags.number,
  "Arrow RangeSign": tags.operator,
  Compare: tags.compareOperator,
  'Sign Factor "^"': tags.arithmeticOperator,
  "=": tags.definitionOperator,
  "( )": tags.paren,
  "[ ]": tags.squareBracket,
  "{ }": tags.brace,
  ", : .": tags.punctuation,
  Name: tags.variableName,
  Op: tags.function(tags.variableName),
  Flow: tags.self,
  [names("Definition")]: tags.definition(tags.variableName),
  [names("Block/Definition", "Network/Definition", "Alias/Definition")]: tags.definition(tags.function(tags.variableName)),
  [names("Call")]: tags.function(tags.variableName),
  [names("Key", "Member", "Parameter/Definition")]: tags.propertyName,
  [names("Kind")]: tags.typeName,
  [names(...[...LABELLED].flatMap((node) => [node, `${node}/Index`, `${node}/NamedIndex`, `${node}/List`]))]: tags.labelName,
  [[...LABELLED].map((node) => `${node}/String`).join(" ")]: tags.labelName,
});

/** Items stand below the first one if that follows the bracket, as the formatter writes them. */
const brackets = (closing) => delimitedIndent({ closing });
const body = delimitedIndent({ closing: "}", align: false });

/** What stands in braces is indented from where its statement or definition begins, which can be lines above: `where` may stand between. */
function braces(context) {
  const { parent } = context.node;
  if (!DEFINITIONS.has(parent?.name)) return body(context);
  return context.lineIndent(parent.from) + (/^\s*\}/.test(context.textAfter) ? 0 : context.unit);
}

/** Comments on lines of their own that follow each other fold to the first one. */
const foldComments = foldService.of((state, from, to) => {
  if (!isComment(state, from) || (from > 0 && isComment(state, state.doc.lineAt(from - 1).from))) return null;
  let end = to;
  for (let at = to + 1; at <= state.doc.length && isComment(state, at); at = end + 1) end = state.doc.lineAt(at).to;
  return end > to ? { from: to, to: end } : null;
});

/** Whether a line is a comment alone. */
function isComment(state, from) {
  const line = state.doc.lineAt(from);
  const start = line.from + line.text.search(/\S|$/);
  return start < line.to && /Comment$/.test(syntaxTree(state).resolveInner(start, 1).name);
}

export const parser = grammar.configure({
  wrap: labels,
  props: [
    styles,
    indentNodeProp.add({
      "Body Settings": braces,
      "Arguments Parameters Parenthesized": brackets(")"),
      "List Comprehension Subscript": brackets("]"),
      "Pipeline Labelled Aux Output Module Alias Network": continuedIndent({ except: /^\s*[}\])]/ }),
    }),
    foldNodeProp.add({
      "Body Settings Arguments List": foldInside,
      Alias: ({ from, to }, state) => ({ from: state.doc.lineAt(from).to, to }),
    }),
  ],
});

export const archLanguage = LRLanguage.define({
  name: "arch",
  parser,
  languageData: {
    commentTokens: { line: "#" },
    closeBrackets: { brackets: ["(", "[", "{", '"'] },
    indentOnInput: /^\s*([}\])]|->)$/,
  },
});

/** The language with its indentation and the folding of comments. Colors come from a highlight style, such as CodeMirror's own. */
export function arch() {
  return new LanguageSupport(archLanguage, [indentUnit.of("  "), foldComments]);
}
