// Draws docs/demo.svg: what `hookspan demo` prints, as on a dark terminal. Times differ with each run; a test compares the rest.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../dist/hookspan.cjs", import.meta.url));
const COLUMNS = 100;
const FONT_PX = 13;
/** Width of a character of a monospaced font, by its size. */
const ADVANCE = 0.602;
const LINE_PX = 18;
const MARGIN_PX = 16;

const COLORS = {
  plain: "#d4d7dd",
  bold: "#ffffff",
  dim: "#7f8896",
  cyan: "#6cc7d9",
  green: "#84c77e",
  yellow: "#e3b866",
  red: "#e5787a",
};

/** The part of the demo's output that is a picture of what one sees: trees and totals. */
export function pictured(output) {
  const lines = output.trimEnd().split("\n");
  return lines.slice(
    lines.findIndex((line) => line.startsWith("run ")),
    lines.findIndex((line) => /^runs \d/.test(line)) + 1,
  );
}

/** The lines as an SVG. Text stays text: it can be selected, searched and read aloud. */
export function drawn(lines) {
  const width = Math.ceil(COLUMNS * FONT_PX * ADVANCE + 2 * MARGIN_PX);
  const height = lines.length * LINE_PX + 2 * MARGIN_PX;
  const rows = lines.map((line, index) => {
    const y = MARGIN_PX + (index + 1) * LINE_PX - 5;
    return `<text y="${y}">${piecesOf(line).flatMap(placed).join("")}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="What hookspan demo prints: run trees with time, tokens, cost and outcome, and totals">
<rect width="100%" height="100%" rx="8" fill="#1b1f27"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${FONT_PX}">
${rows.join("\n")}
</g>
</svg>
`;
}

/** As `src/view/run-tree-text.ts` paints them on a terminal. */
function piecesOf(line) {
  if (/ outcome$| all$/.test(line) || line.endsWith("(above)")) return [{ color: "dim", text: line, column: 0 }];
  const [, branch, name, cells, outcome = ""] = /^([│├└─ ]*)(.{0,37}? {2,})?(.*?)( {2}[a-z_]+)?$/u.exec(line);
  if (name === undefined) return [{ color: "plain", text: line, column: 0 }];
  const style = branch === "" ? "bold" : name.startsWith("chat ") ? "cyan" : "plain";
  const outcomeColor = /success|completed/.test(outcome) ? "green" : "yellow";
  let column = 0;
  return [
    ["dim", branch],
    [style, name],
    ["plain", cells],
    [outcomeColor, outcome],
  ].map(([color, text]) => {
    const piece = { color, text, column };
    column += Array.from(text).length;
    return piece;
  });
}

/** Each cell at its own place: columns stay columns, whatever font is at hand. */
function placed({ color, text, column }) {
  return [...text.matchAll(/\S+(?: \S+)*/gu)].map(({ 0: cell, index }) => {
    const x = MARGIN_PX + (column + index) * FONT_PX * ADVANCE;
    const escaped = cell.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
    return `<tspan x="${x.toFixed(1)}" fill="${COLORS[color]}">${escaped}</tspan>`;
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const output = execFileSync(process.execPath, [PROGRAM, "demo"], { encoding: "utf8" });
  writeFileSync(new URL("../docs/demo.svg", import.meta.url), drawn(pictured(output)));
}
