import * as fc from "fast-check";
import { expect, test } from "vitest";
import { formatEnvelope, parseEnvelope } from "./envelope.ts";

const MTIME_NS = 1_795_196_714_000_000_000n;
const HEAD = "v=1\nid=7.a-b\nagent=codex\n";

test("everything a hook writes is read", () => {
  const text =
    "v=1\nid=7.a-b\nagent=claude-code\nevent=Stop\ntime=1795196713.872299\npid=7\nppid=6\ncwd=/a b/=c\n" +
    "traceparent=00-aa-bb-01\ntracestate=k=v\nenv.CLAUDE_PID=6\nenv.CI=true\nlater.key=x\n\n{}\n\nend=7.a-b\n";
  expect(parse(text)).toEqual({
    status: "whole",
    envelope: {
      id: "7.a-b",
      agent: "claude-code",
      event: "Stop",
      timeNs: 1_795_196_713_872_299_000n,
      pid: 7,
      ppid: 6,
      cwd: "/a b/=c",
      traceparent: "00-aa-bb-01",
      tracestate: "k=v",
      env: { CLAUDE_PID: "6", CI: "true" },
      payload: Buffer.from("{}\n"),
    },
  });
});

test.for([
  ["nothing written", "", "incomplete"],
  ["a header cut short", "v=1\nid=7.a", "incomplete"],
  ["a header and no payload yet", `${HEAD}\n`, "incomplete"],
  ["a payload cut short", `${HEAD}\n{"a":`, "incomplete"],
  ["an end line cut short", `${HEAD}\n{}\nend=7.a-b`, "incomplete"],
  ["somebody else's end line", `${HEAD}\n{}\nend=8.a-b\n`, "incomplete"],
  ["bytes after the end line", `${HEAD}\n{}\nend=7.a-b\nx`, "incomplete"],
  ["an end line without the empty line", `${HEAD}end=7.a-b\n\n`, "incomplete"],
  ["an empty payload", `${HEAD}\n\nend=7.a-b\n`, "whole"],
  ["a payload that is an end line", `${HEAD}\nend=7.a-b\n\nend=7.a-b\n`, "whole"],
  ["another version", "v=2\nid=7\nagent=x\n\n{}\nend=7\n", "malformed"],
  ["no version", "id=7\nagent=x\n\n{}\nend=7\n", "malformed"],
  ["no id", "v=1\nagent=x\n\n{}\nend=\n", "malformed"],
  ["an id that is a path", "v=1\nid=../x\nagent=x\n\n{}\nend=../x\n", "malformed"],
  ["no agent", "v=1\nid=7\n\n{}\nend=7\n", "malformed"],
  ["a header without end", "x".repeat(70_000), "malformed"],
  ["a header that is too long", `${HEAD}cwd=${"x".repeat(70_000)}\n\n{}\nend=7.a-b\n`, "malformed"],
])("%s", ([, text, status]) => {
  expect(parse(text ?? "").status).toBe(status);
});

test.for([
  ["absent", "", MTIME_NS],
  ["whole seconds", "time=1795196713\n", 1_795_196_713_000_000_000n],
  ["nanoseconds", "time=1795196713.000000001\n", 1_795_196_713_000_000_001n],
  ["after the file's time", "time=1795196715\n", MTIME_NS],
  ["not a time", "time=yesterday\n", MTIME_NS],
  ["too many digits", "time=1795196713.0000000001\n", MTIME_NS],
] as const)("time: %s", ([, line, timeNs]) => {
  expect(parse(`${HEAD}${line}\n{}\nend=7.a-b\n`)).toMatchObject({ envelope: { timeNs } });
});

test("what is written is read back, whatever the payload", () => {
  fc.assert(
    fc.property(drafts, (draft) => {
      expect(parseEnvelope(formatEnvelope(draft), MTIME_NS)).toEqual({
        status: "whole",
        envelope: draft,
      });
    }),
  );
});

test("no shorter file is whole, for who writes a payload does not know the id", () => {
  fc.assert(
    fc.property(drafts, fc.nat(), (draft, cut) => {
      fc.pre(!draft.payload.includes(`end=${draft.id}`));
      const bytes = formatEnvelope(draft);
      expect(parseEnvelope(bytes.subarray(0, cut % bytes.length), MTIME_NS)).toEqual({
        status: "incomplete",
      });
    }),
  );
});

test("values that could forge a line, and empty ones, are left out", () => {
  const draft = {
    id: "7",
    agent: "x",
    env: { A: "a\nid=8", B: "" },
    cwd: "/a\nb",
    event: "",
    payload: Buffer.from("{}"),
  };
  expect(Buffer.from(formatEnvelope(draft)).toString()).toBe("v=1\nid=7\nagent=x\n\n{}\nend=7\n");
});

test.for([
  ["id", { id: "a/b", agent: "x" }],
  ["id", { id: "", agent: "x" }],
  ["agent", { id: "7", agent: "" }],
  ["agent", { id: "7", agent: "x\ny" }],
] as const)("a bad %s is refused: %o", ([what, draft]) => {
  expect(() => formatEnvelope({ ...draft, env: {}, payload: Buffer.of() })).toThrow(what);
});

const text = fc.string({ minLength: 1, unit: "grapheme" }).filter((value) => !value.includes("\n"));
const number = fc.nat({ max: 4_194_304 });
const drafts = fc
  .record(
    {
      id: fc.stringMatching(/^[A-Za-z0-9._-]{1,60}$/),
      agent: text,
      event: text,
      timeNs: fc.bigInt({ min: 0n, max: MTIME_NS }),
      pid: number,
      ppid: number,
      cwd: text,
      traceparent: text,
      tracestate: text,
      env: fc.dictionary(fc.stringMatching(/^[A-Z_]{1,9}$/), text, { noNullPrototype: true }),
    },
    { requiredKeys: ["id", "agent", "timeNs", "env"] },
  )
  .chain((draft) => payloads(draft.id).map((payload) => Object.assign(draft, { payload })));

/** Any bytes, mixed with what looks like the format itself. */
function payloads(id: string): fc.Arbitrary<Buffer> {
  const lookalike = fc
    .constantFrom("\n", "\n\n", "v=1\n", `end=${id}`, `\nend=${id}`, `\nend=${id}\n-`)
    .map((part) => Buffer.from(part));
  const bytes = fc.uint8Array().map((part) => Buffer.from(part));
  return fc.array(fc.oneof(lookalike, bytes)).map((parts) => Buffer.concat(parts));
}

function parse(content: string): ReturnType<typeof parseEnvelope> {
  return parseEnvelope(Buffer.from(content), MTIME_NS);
}
