/**
 * Puts one thing into a JSON text, or takes one out, in the manner of the text around it: its line ends, its indentation,
 * its trailing commas. Everything else stays as it is. The nodes given are those of the same text.
 */

import type { Node } from "jsonc-parser";

import { childrenOf, commaAfter } from "./jsonc.ts";

type Splice = { at: number; remove: number; insert: string };

/** Appends a member (`key` given) or an element to a container. */
export function appendTo(text: string, container: Node, key: string | undefined, value: unknown): string {
  const children = childrenOf(container);
  const first = children[0];
  const last = children.at(-1);
  if (first === undefined || last === undefined) return fill(text, container, key, value);
  const end = last.offset + last.length;
  const comma = commaAfter(text, end);
  const at = endOfLineComments(text, comma === undefined ? end : comma + 1);
  const isInline =
    !text.slice(container.offset, first.offset).includes("\n") && !/\/\//.test(text.slice(comma ?? end, at));
  const indent = indentAt(text, first.offset);
  const piece = isInline ? ` ${inline(key, value)}` : eolOf(text) + indent + written(text, key, value, indent);
  return spliced(
    text,
    comma === undefined
      ? [
          { at: end, remove: 0, insert: "," },
          { at, remove: 0, insert: piece },
        ]
      : [{ at, remove: 0, insert: `${piece},` }],
  );
}

/** Takes a member or an element out, with its comma and its line. */
export function removeFrom(text: string, container: Node, child: Node): string {
  const children = childrenOf(container);
  const previous = children[children.indexOf(child) - 1];
  const end = child.offset + child.length;
  const comma = commaAfter(text, end);
  const open = container.offset + 1;
  const close = container.offset + container.length - 1;
  const isBare =
    /^\s*$/.test(text.slice(open, child.offset)) && /^\s*$/.test(text.slice((comma ?? end - 1) + 1, close));
  if (children.length === 1 && isBare) return spliced(text, [{ at: open, remove: close - open, insert: "" }]);
  const orphan = comma === undefined && previous ? commaAfter(text, previous.offset + previous.length) : undefined;
  const cutEnd = comma === undefined ? end : comma + 1;
  const lineRest = /[ \t]*/y;
  lineRest.lastIndex = cutEnd;
  const restEnd = cutEnd + (lineRest.exec(text)?.[0].length ?? 0);
  const isLineEnd = restEnd === text.length || /[\r\n]/.test(text.charAt(restEnd));
  const space = /(?:\r?\n)?[ \t]*$/.exec(text.slice(0, child.offset))?.[0] ?? "";
  let from = child.offset;
  let to = isLineEnd ? restEnd : cutEnd;
  // Where something follows on our line, the line stays: a comment before it would swallow what follows.
  if (isLineEnd || (orphan !== undefined && !space.includes("\n"))) from -= space.length;
  else if (comma !== undefined && !space.includes("\n")) to = restEnd;
  const splices = [{ at: from, remove: to - from, insert: "" }];
  return spliced(text, orphan === undefined ? splices : [{ at: orphan, remove: 1, insert: "" }, ...splices]);
}

/** Puts another value in the place of one. */
export function replaceAt(text: string, node: Node, value: unknown): string {
  const isInline = !text.slice(node.offset, node.offset + node.length).includes("\n");
  const indent = /^[ \t]*/.exec(text.slice(lineStart(text, node.offset)))?.[0] ?? "";
  const insert = isInline ? JSON.stringify(value) : written(text, undefined, value, indent);
  return spliced(text, [{ at: node.offset, remove: node.length, insert }]);
}

/** A text of its own for a value, as most editors would lay it out. */
export function newText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function fill(text: string, container: Node, key: string | undefined, value: unknown): string {
  const open = container.offset + 1;
  const close = container.offset + container.length - 1;
  const kept = text.slice(open, close).trimEnd();
  const isOneLine = container.parent !== undefined && !text.trim().includes("\n");
  const closing = /^[ \t]*/.exec(text.slice(lineStart(text, container.offset)))?.[0] ?? "";
  const indent = closing + unitOf(text);
  const eol = eolOf(text);
  const insert = isOneLine ? inline(key, value) : eol + indent + written(text, key, value, indent) + eol + closing;
  return spliced(text, [{ at: open + kept.length, remove: close - open - kept.length, insert }]);
}

function written(text: string, key: string | undefined, value: unknown, indent: string): string {
  const lines = JSON.stringify(value, null, unitOf(text)).split("\n");
  return (key === undefined ? "" : `${JSON.stringify(key)}: `) + lines.join(eolOf(text) + indent);
}

function inline(key: string | undefined, value: unknown): string {
  return (key === undefined ? "" : `${JSON.stringify(key)}: `) + JSON.stringify(value);
}

/** Past the comments that stand behind a thing on its line, for they speak of it. */
function endOfLineComments(text: string, from: number): number {
  let end = from;
  for (let at = from; ; at = end) {
    while (text[at] === " " || text[at] === "\t") at++;
    if (text.startsWith("//", at)) return at + (/^[^\r\n]*/.exec(text.slice(at))?.[0].length ?? 0);
    const close = text.startsWith("/*", at) ? text.indexOf("*/", at) + 2 : 0;
    if (close === 0 || text.slice(at, close).includes("\n")) return end;
    end = close;
  }
}

function eolOf(text: string): string {
  return /\r?\n/.exec(text)?.[0] ?? "\n";
}

/** One step of indentation: that of the first line that has any. */
function unitOf(text: string): string {
  return /\n([ \t]+)["\]}{[]/.exec(text)?.[1] ?? "  ";
}

function indentAt(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, offset)))?.[0] ?? "";
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf("\n", offset - 1) + 1;
}

function spliced(text: string, splices: Splice[]): string {
  return splices.reduceRight(
    (whole, { at, remove, insert }) => whole.slice(0, at) + insert + whole.slice(at + remove),
    text,
  );
}
