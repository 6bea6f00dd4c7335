// Colors, folding and indentation of the language. The words come from the compiler: see words.json.

import { HighlightStyle, LanguageSupport, StreamLanguage, foldService, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { tags } from "@lezer/highlight";
import words from "./words.json";

const KEYWORDS = new Set(words.keywords);
const CONSTANTS = new Set(words.constants);
const OPS = new Set(words.ops);

const arch = StreamLanguage.define({
  name: "arch",
  startState: () => ({ string: false }),
  token(stream, state) {
    if (state.string) return rest(stream, state);
    if (stream.eatSpace()) return null;
    if (stream.match(/^##.*/)) return "docComment";
    if (stream.match(/^#.*/)) return "comment";
    if (stream.match('"')) {
      state.string = true;
      return "string";
    }
    if (stream.match(/^[0-9][0-9_]*(\.[0-9][0-9_]*)?([eE][+-]?[0-9]+)?/)) return "number";
    if (stream.match(/^(->|\.\.|==|!=|<=|>=|\/\/|[-+*/%^<>=])/)) return "operator";
    const word = stream.match(/^[A-Za-z_][A-Za-z0-9_]*/);
    if (!word) {
      stream.next();
      return null;
    }
    if (KEYWORDS.has(word[0])) return "keyword";
    if (CONSTANTS.has(word[0])) return "atom";
    if (stream.match(/^\s*(\[[^\]]*\])?\s*:(?!:)/, false)) return "labelName";
    if (stream.match(/^\s*=(?!=)/, false)) return "propertyName";
    if (OPS.has(word[0])) return "function";
    return word[0] === "x" ? "self" : "variableName";
  },
  languageData: { commentTokens: { line: "#" }, closeBrackets: { brackets: ["(", "[", "{", '"'] }, indentOnInput: /^\s*[}\])]$/ },
  tokenTable: { function: tags.function(tags.variableName), self: tags.self, docComment: tags.docComment },
  indent: (state, textAfter, context) => {
    const line = context.lineAt(context.pos, -1);
    const opened = (line.text.match(/[[{(]/g) ?? []).length - (line.text.match(/[\]})]/g) ?? []).length;
    const closes = /^\s*[\]})]/.test(textAfter) ? 1 : 0;
    return Math.max(0, context.lineIndent(line.from) + context.unit * (Math.max(0, opened) - closes));
  },
});

function rest(stream, state) {
  while (!stream.eol()) {
    const next = stream.next();
    if (next === "\\") stream.next();
    else if (next === '"') {
      state.string = false;
      return "string";
    }
  }
  state.string = false; // a string ends with its line
  return "string";
}

/** A line that opens more brackets than it closes folds up to the line that closes them. */
const folds = foldService.of((state, from) => {
  const line = state.doc.lineAt(from);
  let open = 0;
  for (let number = line.number; number <= state.doc.lines; number++) {
    const text = state.doc.line(number).text.replace(/"[^"]*"?|#.*/g, "");
    open += (text.match(/[[{(]/g) ?? []).length - (text.match(/[\]})]/g) ?? []).length;
    if (open <= 0) return number > line.number + 1 ? { from: line.to, to: state.doc.line(number - 1).to } : null;
  }
  return null;
});

const style = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--keyword)" },
  { tag: tags.comment, color: "var(--comment)" },
  { tag: tags.docComment, color: "var(--comment)", fontStyle: "italic" },
  { tag: tags.string, color: "var(--string)" },
  { tag: [tags.number, tags.atom], color: "var(--number)" },
  { tag: tags.function(tags.variableName), color: "var(--op)" },
  { tag: tags.labelName, color: "var(--label)" },
  { tag: tags.propertyName, color: "var(--parameter)" },
  { tag: tags.self, color: "var(--number)" },
]);

export const archLanguage = new LanguageSupport(arch, [folds, indentUnit.of("  "), syntaxHighlighting(style)]);
