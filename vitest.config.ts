import { defineConfig } from "vitest/config";

const report = process.env["HOOKSPAN_TEST_REPORT"];

// oxlint-disable-next-line import/no-default-export -- Vitest takes the default export
export default defineConfig({
  test: {
    globalSetup: ["test/support/own-home.ts"],
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"],
    projects: [
      {
        test: {
          name: "files",
          include: ["src/**/*.test.ts", "test/*.test.ts"],
          // A busy machine is slow, and slow is no failure.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      // Hundreds of sequences in one test; the long proof runs it for minutes.
      { test: { name: "model", include: ["test/model/**/*.test.ts"], testTimeout: 900_000 } },
      {
        test: {
          name: "processes",
          include: ["test/{cases,contract,process,stack}/**/*.test.ts"],
          // Tempo comes with no package registry: its test belongs to a run only where somebody has the program, and its global
          // setup says that it is left out.
          exclude: process.env["TEMPO_BIN"] ? [] : ["test/stack/tempo.test.ts"],
          globalSetup: ["test/support/tell-left-out.ts"],
          // Real programs, on machines that may be busy.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "proof",
          include: ["test/proof/**/*.test.ts"],
          // Hundreds of processes, killed at their instants: beside other tests that would take for ever. So after them.
          sequence: { groupOrder: 1 },
          testTimeout: 600_000,
        },
      },
    ],
  },
});
