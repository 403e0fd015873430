/**
 * JSON as people write it: comments, trailing commas, any layout. Settings are another program's files, so what is in them
 * stays byte for byte: no value is ever printed anew but our own. jsonc-parser reads; its own edits would lay out anew what
 * stands around them.
 */

import { createScanner, getNodeValue, type Node, type ParseError, parseTree } from "jsonc-parser";

/** A parsed text; nodes say where they stand. `reason` says what is wrong, and in which line. */
export type JsonText = { status: "parsed"; root: Node; value: unknown } | { status: "invalid"; reason: string };

/** Reads a text without a byte order mark. */
export function parseJsonc(text: string): JsonText {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const first = errors[0];
  if (root === undefined || first !== undefined) {
    const line = text.slice(0, first?.offset ?? 0).split("\n").length;
    return { status: "invalid", reason: `is not valid JSON from line ${line}` };
  }
  return { status: "parsed", root, value: valueOf(root) };
}

/** The value of a node, of plain objects: jsonc-parser's have no prototype, so they equal no others. */
export function valueOf(node: Node): unknown {
  return JSON.parse(JSON.stringify(getNodeValue(node)));
}

/** The members or elements of a container; none of anything else. */
export function childrenOf(node: Node | undefined): Node[] {
  return node?.children ?? [];
}

/** The members of an object with this key: more than one if somebody wrote it twice. */
export function membersOf(node: Node | undefined, key: string): Node[] {
  return node?.type === "object" ? childrenOf(node).filter((member) => keyOf(member) === key) : [];
}

/** The value of the only member with this key. */
export function memberOf(node: Node | undefined, key: string): Node | undefined {
  return membersOf(node, key)[0]?.children?.[1];
}

/** The key of a member. */
export function keyOf(member: Node): string {
  return String(member.children?.[0]?.value);
}

/** Where the comma after `end` stands, if the next token is one. */
export function commaAfter(text: string, end: number): number | undefined {
  const scanner = createScanner(text, true);
  scanner.setPosition(end);
  scanner.scan();
  return text[scanner.getTokenOffset()] === "," ? scanner.getTokenOffset() : undefined;
}
