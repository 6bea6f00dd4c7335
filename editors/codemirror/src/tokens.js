// Words, strings and line ends, which are what the text around them makes of them. archdsl's own lexer decides alike:
// see archdsl/syntax/newlines.py and tree_builder.py.

import { ExternalTokenizer } from "@lezer/lr";
import * as terms from "./parser.terms.js";
import { calledJoins, joins, keywords, ops } from "./words.js";

const [NEWLINE, RETURN, HASH, QUOTE, BACKSLASH] = [..."\n\r#\"\\"].map((one) => one.charCodeAt(0));
const [LPAR, RPAR, LSQB, RSQB, LBRACE, RBRACE, SEMICOLON, COLON] = [..."()[]{};:"].map((one) => one.charCodeAt(0));
const END = -1;
const NEAR = 300; // how far the options of a join are read

const KEYWORDS = new Map(keywords.map((word) => [word, terms[`${word}Word`]]));
const JOINS = new Set(joins);
const CALLED_JOINS = new Set(calledJoins);
const OPS = new Set(ops);

const isBlank = (code) => code === 32 || code === 9 || code === 12;
const isLineEnd = (code) => code === NEWLINE || code === RETURN;
const isLetter = (code) => (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95;
const isWordPart = (code) => isLetter(code) || (code >= 48 && code <= 57);

/** Reads on from the place of a tokenizer, which stays where it is. */
class Ahead {
  constructor(input, at = 0) {
    this.input = input;
    this.at = at;
  }
  get next() {
    return this.input.peek(this.at);
  }
  blanks() {
    const start = this.at;
    while (isBlank(this.next)) this.at++;
    return this.at > start;
  }
  line() {
    while (this.next !== END && !isLineEnd(this.next)) this.at++;
  }
  /** Go to what follows, over lines and comments. */
  trivia() {
    for (;;) {
      if (this.next === HASH) this.line();
      else if (isBlank(this.next) || isLineEnd(this.next) || this.next === SEMICOLON) this.at++;
      else return;
    }
  }
  word() {
    let found = "";
    for (; isWordPart(this.next); this.at++) found += String.fromCharCode(this.next);
    return found;
  }
  string() {
    for (this.at++; this.next !== QUOTE && this.next !== END && !isLineEnd(this.next); this.at++) if (this.next === BACKSLASH) this.at++;
    this.at++;
  }
  /** Go over brackets with all that they hold; false where they are not closed nearby. */
  brackets() {
    const limit = this.at + NEAR;
    let depth = 0;
    do {
      const code = this.next;
      if (code === END || this.at > limit) return false;
      if (code === QUOTE) this.string();
      else if (code === HASH) this.line();
      else {
        if (code === LPAR || code === LSQB || code === LBRACE) depth++;
        else if (code === RPAR || code === RSQB || code === RBRACE) depth--;
        this.at++;
      }
    } while (depth);
    return true;
  }
}

/** Whether braces follow, or options and braces: `max { ... }` joins, and `max(0)` is a call. */
function bodyFollows(input) {
  const ahead = new Ahead(input);
  ahead.blanks();
  if ((ahead.next === LPAR || ahead.next === LSQB) && !ahead.brackets()) return false;
  ahead.blanks();
  return ahead.next === LBRACE;
}

/** Whether the name of a declaration follows: `module` is a keyword before it, and a name elsewhere. */
function nameFollows(input) {
  const ahead = new Ahead(input);
  if (!ahead.blanks()) return false;
  if (ahead.next === QUOTE) return true;
  const word = ahead.word();
  if (!word || !KEYWORDS.has(word) || word === "by" || word === "module") return word !== "";
  ahead.blanks();
  return ahead.next === COLON;
}

function kindOf(word, input, stack) {
  if (word === "by") return !stack.canShift(terms.Name) && stack.canShift(terms.byWord) ? terms.byWord : terms.Name;
  if (word === "module") return stack.canShift(terms.moduleWord) && nameFollows(input) ? terms.moduleWord : terms.Name;
  if (KEYWORDS.has(word)) return KEYWORDS.get(word);
  if (JOINS.has(word)) return terms.joinWord;
  if (CALLED_JOINS.has(word) && stack.canShift(terms.joinWord) && bodyFollows(input)) return terms.joinWord;
  if (OPS.has(word)) return terms.Op;
  return word === "x" ? terms.Flow : terms.Name;
}

export const words = new ExternalTokenizer(
  (input, stack) => {
    if (!isLetter(input.next)) return;
    let word = "";
    for (; isWordPart(input.next); input.advance()) word += String.fromCharCode(input.next);
    input.acceptToken(kindOf(word, input, stack));
  },
  { contextual: true },
);

/** Whether a line end or `;` separates two statements, from what follows it. */
function separates(input, stack) {
  const ahead = new Ahead(input);
  ahead.trivia();
  if (ahead.next === END || ahead.next === RBRACE) return false;
  if (ahead.next === 45 && input.peek(ahead.at + 1) === 62) return false; // ->
  const word = isLetter(ahead.next) ? ahead.word() : "";
  return !["via", "else", "expect", "where"].includes(word) || !stack.canShift(KEYWORDS.get(word));
}

export const lineEnds = new ExternalTokenizer(
  (input, stack) => {
    if (input.next === RETURN && input.peek(1) === NEWLINE) input.advance();
    if (input.next !== NEWLINE && input.next !== SEMICOLON) return;
    input.advance();
    input.acceptToken(stack.canShift(terms.separator) && separates(input, stack) ? terms.separator : terms.lineEnd);
  },
  { contextual: true },
);

/** The end of `{...}`, which can hold an expression, as an offset from the place of a tokenizer; 0 if there is none. */
function holeEnd(input) {
  for (let at = 1; ; at++) {
    const code = input.peek(at);
    if (code === RBRACE) return at + 1;
    if (code === LBRACE || code === QUOTE || code === BACKSLASH || code === END || isLineEnd(code)) return 0;
  }
}

/** A string has text and holes. It ends with its line, if nothing closes it before. */
export const strings = new ExternalTokenizer(
  (input, stack) => {
    if (!stack.canShift(terms.stringText)) {
      if (input.next !== QUOTE) return;
      input.advance();
      return input.acceptToken(terms.stringStart);
    }
    const start = input.pos;
    for (;;) {
      const end = input.next === LBRACE ? holeEnd(input) : 0;
      if (end && input.pos === start) return input.acceptToken(terms.Hole, end);
      if (end || input.next === QUOTE || input.next === END || isLineEnd(input.next)) break;
      if (input.next === BACKSLASH && !isLineEnd(input.peek(1))) input.advance();
      input.advance();
    }
    if (input.pos > start) return input.acceptToken(terms.stringText);
    if (input.next === QUOTE) input.advance();
    input.acceptToken(terms.stringEnd);
  },
  { contextual: true },
);
