// The colors of the language, from the variables of the style sheet.

import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { tags } from "@lezer/highlight";

const style = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword], color: "var(--keyword)" },
  { tag: tags.comment, color: "var(--comment)" },
  { tag: tags.docComment, color: "var(--comment)", fontStyle: "italic" },
  { tag: tags.string, color: "var(--string)" },
  { tag: [tags.number, tags.bool, tags.null, tags.self], color: "var(--number)" },
  { tag: [tags.function(tags.variableName), tags.definition(tags.function(tags.variableName))], color: "var(--op)" },
  { tag: tags.labelName, color: "var(--label)" },
  { tag: [tags.propertyName, tags.typeName], color: "var(--parameter)" },
]);

export const colors = syntaxHighlighting(style);
