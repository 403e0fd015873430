type Line = { sign: " " | "+" | "-"; text: string };

const CONTEXT = 3;

/** The difference of two texts as `diff -u` shows it; undefined stands for no file. Empty if there is none. */
export function unifiedDiff(path: string, before: string | undefined, after: string | undefined): string {
  const lines = difference(linesOf(before ?? ""), linesOf(after ?? ""));
  const hunks = hunksOf(lines);
  if (hunks.length === 0) return "";
  const head = [`--- ${before === undefined ? "/dev/null" : path}`, `+++ ${after === undefined ? "/dev/null" : path}`];
  return `${[...head, ...hunks].join("\n")}\n`;
}

/** With a mark where the last line has no end, as diff has it. */
function linesOf(text: string): string[] {
  if (text === "") return [];
  const lines = text.split("\n");
  return lines.at(-1) === ""
    ? lines.slice(0, -1)
    : [...lines.slice(0, -1), `${lines.at(-1)}\n\\ No newline at end of file`];
}

/** By the longest common subsequence of what is not the same at both ends. */
function difference(a: readonly string[], b: readonly string[]): Line[] {
  let start = 0;
  while (start < Math.min(a.length, b.length) && a[start] === b[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const middle = changed(a.slice(start, a.length - end), b.slice(start, b.length - end));
  return [...same(a.slice(0, start)), ...middle, ...same(a.slice(a.length - end))];
}

function same(lines: readonly string[]): Line[] {
  return lines.map((text) => ({ sign: " ", text }));
}

function changed(a: readonly string[], b: readonly string[]): Line[] {
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--)
      common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  }
  const lines: Line[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && a[i] === b[j]) lines.push({ sign: " ", text: String(a[(j++, i++)]) });
    else if (i < a.length && (j === b.length || at(i + 1, j) >= at(i, j + 1)))
      lines.push({ sign: "-", text: String(a[i++]) });
    else lines.push({ sign: "+", text: String(b[j++]) });
  }
  return lines;
}

function hunksOf(lines: readonly Line[]): string[] {
  const isNear = lines.map((_, at) =>
    lines.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some(({ sign }) => sign !== " "),
  );
  const hunks: string[] = [];
  let old = 1;
  let now = 1;
  for (let at = 0; at < lines.length;) {
    const isShown = isNear[at];
    const end = isNear.findIndex((near, index) => index >= at && near !== isShown);
    const part = lines.slice(at, end === -1 ? lines.length : end);
    const olds = part.filter(({ sign }) => sign !== "+").length;
    const news = part.filter(({ sign }) => sign !== "-").length;
    if (isShown) {
      // Of nothing, the line before it counts.
      const from = `-${olds === 0 ? old - 1 : old},${olds} +${news === 0 ? now - 1 : now},${news}`;
      hunks.push(`@@ ${from} @@`, ...part.map(({ sign, text }) => sign + text));
    }
    old += olds;
    now += news;
    at += part.length;
  }
  return hunks;
}
