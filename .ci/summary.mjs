// Prints `N passed, N failed, N skipped` from the report of Vitest's JSON reporter. Fails if the stack tests were required
// and one of them was skipped.
import { readFileSync } from "node:fs";

const text = readFileSync(process.argv[2], "utf8");
const files = text === "" ? [] : JSON.parse(text).testResults;
const tests = files.flatMap((file) => file.assertionResults.map(({ status }) => ({ status, file: file.name })));
const passed = tests.filter(({ status }) => status === "passed").length;
// A file that could not be loaded has no tests, and a file whose hooks failed may have none that failed.
const broken = files.filter(
  (file) => file.status === "failed" && !file.assertionResults.some(({ status }) => status === "failed"),
).length;
const failed = tests.filter(({ status }) => status === "failed").length + broken + (files.length === 0 ? 1 : 0);
const skipped = tests.filter(({ status }) => status !== "passed" && status !== "failed");

const isStackLeftOut =
  process.env.HOOKSPAN_REQUIRE_STACK === "1" && skipped.some(({ file }) => file.includes("/test/stack/"));
if (isStackLeftOut) console.log("stack tests were skipped although Go is here");
console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
process.exitCode = isStackLeftOut || failed > 0 ? 1 : 0;
