// Markdown, as the generated pages use it.

/** A table; every row has as many cells as the head. */
export function table(head, rows) {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.map(cell).join(" | ")} |`).join("\n");
}

export function code(text) {
  return `\`${text}\``;
}

function cell(text) {
  return text.replaceAll("|", String.raw`\|`);
}
