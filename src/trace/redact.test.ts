import * as fc from "fast-check";
import { expect, test } from "vitest";

import { redact } from "./redact.ts";

// Put together here, so that no scanner takes this file for a leak.
const secret = (...parts: string[]) => parts.join("");
const OPENAI = secret("sk-", "proj-Ab12Cd34Ef56Gh78Ij90Kl12");
const ANTHROPIC = secret("sk-", "ant-api03-Zx98Yw76Vu54Ts32Rq10-Po_98");
const GITHUB = secret("ghp_", "Ab12Cd34Ef56Gh78Ij90Kl12Mn34Op56Qr78");
const FINE_GRAINED = secret("github_pat_", "11AAAAAAA0Ab12Cd34Ef56_Gh78Ij90Kl12Mn34Op56");
const AWS = secret("AKIA", "IOSFODNN7EXAMPLE");
const SLACK = secret("xox", "b-123456789012-abcdefABCDEF");
const JWT = secret(
  "eyJ",
  "hbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
);
const BLOCK = secret("-----BEGIN RSA PRIVATE", " KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE", " KEY-----");

test.for([
  ["an OpenAI key", `use ${OPENAI} please`, "use [redacted] please"],
  ["an Anthropic key", `(${ANTHROPIC})`, "([redacted])"],
  ["a Stripe key", secret("sk_live_", "4eC39HqLyjWDarjtT1"), "[redacted]"],
  ["a GitHub token", `token ${GITHUB}.`, "token [redacted]."],
  ["a fine-grained GitHub token", FINE_GRAINED, "[redacted]"],
  ["a GitLab token", secret("glpat-", "abcdefghij0123456789"), "[redacted]"],
  ["an AWS key id", `id ${AWS} end`, "id [redacted] end"],
  ["a Slack token", SLACK, "[redacted]"],
  ["a Google key", secret("AIza", "SyA1234567890abcdefghijklmnopqrstuv"), "[redacted]"],
  ["an npm token", secret("npm_", "abcdefghijklmnopqrstuvwxyz0123456789"), "[redacted]"],
  ["a JSON Web Token", `jwt ${JWT} ok`, "jwt [redacted] ok"],
  [
    "tokens on lines in JSON",
    JSON.stringify(`a\n${OPENAI}\n${GITHUB}\t${AWS}`),
    '"a\\n[redacted]\\n[redacted]\\t[redacted]"',
  ],
  ["two tokens with a comma", `${GITHUB},${AWS}`, "[redacted],[redacted]"],
  ["a private key", `a\n${BLOCK}\nb`, "a\n[redacted]\nb"],
  ["a private key in JSON", JSON.stringify({ k: BLOCK }), '{"k":"[redacted]"}'],
  ["a private key cut off", BLOCK.slice(0, 40), "[redacted]"],
  ["a bearer token", "Bearer abcdefghijkl0123456789", "Bearer [redacted]"],
  ["a header of curl", `curl -H "Authorization: Basic dXNlcjpwYXNz" x`, 'curl -H "Authorization: [redacted]" x'],
  ["a header in JSON", `{"Authorization":"token abc","a":1}`, '{"Authorization":"[redacted]","a":1}'],
  ["a header of a key", "x-api-key: abc\nHost: h", "x-api-key: [redacted]\nHost: h"],
  ["cookies", "Cookie: a=b; c=d\nHost: h", "Cookie: [redacted]\nHost: h"],
  ["a connection string", "postgres://app:hunter2@db:5432/x", "postgres://[redacted]@db:5432/x"],
  ["passwords that should have been escaped", "a://u:p@q@h b://u:p#q?r@h/x", "a://[redacted]@h b://[redacted]@h/x"],
  ["headers on lines in JSON", '"a\\nCookie: b=c\\nHost: h"', '"a\\nCookie: [redacted]\\nHost: h"'],
  ["a token in a URL", "https://abcdef@github.com/o/r.git", "https://[redacted]@github.com/o/r.git"],
  ["a connection string by names", "Server=h;Password=hunter2;Port=1", "Server=h;Password=[redacted]"],
  ["a storage account", "AccountName=n;AccountKey=ab+/cd==", "AccountName=n;AccountKey=[redacted]"],
  ["a query parameter", "https://h/p?a=1&access_token=abc", "https://h/p?a=1&access_token=[redacted]"],
  ["an environment", "export OPENAI_API_KEY=abc FOO=bar", "export OPENAI_API_KEY=[redacted] FOO=bar"],
  ["a key of the environment", "SSH_KEY='a b' X=1", "SSH_KEY=[redacted] X=1"],
  ["a secret of the environment", 'AWS_SECRET_ACCESS_KEY="a\\"b c" X=1', "AWS_SECRET_ACCESS_KEY=[redacted] X=1"],
  ["a token of the environment", "GITHUB_TOKEN=abc npm run x", "GITHUB_TOKEN=[redacted] npm run x"],
  ["YAML", "db:\n  password: hunter2\n  port: 1", "db:\n  password: [redacted]\n  port: 1"],
  ["JSON", '{"api_key":"abc","n":1}', '{"api_key":[redacted],"n":1}'],
  ["camel case", `clientSecret: 'abc def', x`, "clientSecret: [redacted], x"],
  ["JSON in JSON", JSON.stringify('{"password":"a b","n":1}'), '"{\\"password\\":[redacted],\\"n\\":1}"'],
  ["a Ruby hash", `"password" => "x y"`, '"password" => [redacted]'],
  ["an index", `os.environ["API_KEY"] = "x y"`, 'os.environ["API_KEY"] = [redacted]'],
  ["an option", "login --password hunter2 --host h", "login --password [redacted] --host h"],
  ["an option with =", "login --api-key=abc --host h", "login --api-key=[redacted] --host h"],
  ["curl's user", "curl -u me:hunter2 https://h", "curl -u me:[redacted] https://h"],
  ["a short name", "DB_PASS=abc PWD=/home", "DB_PASS=[redacted] PWD=/home"],
  ["a webhook", "https://hooks.slack.com/services/T0/B0/x", "https://hooks.slack.com/[redacted]"],
  ["a value like a word", "password: none-of-yours", "password: [redacted]"],
] as const)("takes out %s", ([, text, expected]) => {
  expect(redact(text)).toBe(expected);
});

test.for([
  ["max_tokens: 4096, tokenizer=gpt, monkey=banana"],
  ["the keyboard: a key, the key: value, primary_key=True"],
  ["commit 3f786850e387550fdab836ed7e6dc881de23b001"],
  ["8ca4fbb7-8a1c-4bfb-8713-e9617a126ebc"],
  ["task-force-something-long-1234567890, sk-learn and sk-toggleable-content-label"],
  ["git clone ssh://git@github.com/o/r.git and git@github.com:o/r.git"],
  ["http://localhost:4873/@scope/package, mail me@example.org"],
  ["if (token === undefined || password == null) return"],
  ["interface A { password: string; token?: string; secret: null }"],
  ["a bearer of bad news, Bearer authentication required"],
  ["Unexpected token '<', \"<!DOCTYPE\" is not valid JSON"],
  ["npm_config_registry hf_hub ghp_short AKIA eyJ"],
  ["sed -u s/a:b/c/ file --token-limit 5 --password --host h"],
  ["data:image/png;base64,iVBORw0KGgoAAAANSUhEUg=="],
  ["-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"],
] as const)("leaves %s", ([text]) => {
  expect(redact(text)).toBe(text);
});

// Some 200 KB each. Were one rule quadratic, this would take minutes and run into the test's time limit.
test.for([
  ["eyJ-"],
  ["sk-"],
  ["://"],
  ["://a"],
  ["-"],
  ["--token "],
  ["--a"],
  ["password"],
  ["password="],
  ['password="'],
  ["password=\\"],
  ['token:\\"'],
  ["_KEY="],
  ["authorization:"],
  ["x-"],
  ["x-key"],
  ["bearer "],
  ["bearer a"],
  [" -u a"],
  ["-----BEGIN PRIVATE KEY-----"],
  ["-----BEGIN "],
  ["ya29."],
  ["glpat-"],
  ["\\"],
  [" "],
  ["a"],
  ["eyJ"],
  ["a.b@"],
] as const)("is not slowed down by %j repeated", ([piece]) => {
  const text = piece.repeat(Math.ceil(200_000 / piece.length));
  expect(redact(text).length).toBeLessThanOrEqual(2 * text.length);
});

test("a known token never survives, whatever surrounds it", () => {
  const around = fc.stringMatching(/^[ -~\n]{0,30}$/);
  fc.assert(
    fc.property(around, fc.constantFrom(OPENAI, ANTHROPIC, GITHUB, AWS, SLACK, JWT), around, (before, token, after) => {
      expect(redact(`${before} ${token} ${after}`)).not.toContain(token);
    }),
  );
});
