/** What happens on the stage of metric-stage.ts. The comments are the plot. */

import type { Stage } from "./metric-stage.ts";

/** Five hours with everything that makes `increase()` guess. */
export async function tellStory({ life, collector, minute, begin, call }: Stage): Promise<void> {
  life.startBridge();
  begin("a", "web");
  await minute(10);
  call("a", "claude-opus-5-5", { input: 1200, cacheRead: 0, output: 300 });
  await minute(12);
  call("a", "claude-opus-5-5", { input: 40, cacheRead: 12_000, output: 900 });
  await minute(15);
  call("a", "claude-opus-5-5", { input: 100, cacheRead: 14_000, output: 150 });
  life.end("a");
  // Ten minutes of silence, and on it goes; another model joins in.
  await minute(26);
  begin("b", "web");
  call("b", "claude-opus-5-5", { input: 700, cacheRead: 5000, output: 420 });
  await minute(28);
  call("b", "claude-haiku-5", { input: 9000, cacheRead: 0, output: 2000 });
  await minute(30);
  life.end("b");
  // Idle for ten minutes, the bridge leaves. The next hook brings another one, which is killed with a call unsaid.
  await minute(40);
  await life.leave();
  await minute(60);
  begin("c", "docs");
  life.startBridge();
  await minute(61);
  call("c", "claude-opus-5-5", { input: 300, cacheRead: 8000, output: 800 });
  await minute(64);
  call("c", "claude-opus-5-5", { input: 10, cacheRead: 9000, output: 70 });
  life.kill();
  await minute(66);
  life.startBridge();
  await minute(70);
  call("c", "claude-haiku-5", { input: 2500, cacheRead: 100, output: 800 });
  life.end("c");
  // Three hours without the Collector, in which a third model begins, and a bridge leaves and another comes.
  await minute(90);
  await collector.stop();
  await minute(100);
  begin("d", "web");
  for (const [at, output] of [
    [101, 500],
    [120, 640],
    [160, 310],
    [200, 990],
  ] as const) {
    await minute(at);
    call("d", "claude-opus-5-5", { input: 50, cacheRead: 20_000, output });
    if (at > 101) call("d", "claude-sonnet-5", { input: 4000, cacheRead: 0, output });
  }
  await minute(230);
  life.end("d");
  await minute(235);
  await life.leave();
  await minute(250);
  life.startBridge();
  await minute(270);
  await collector.start();
  await minute(281);
  begin("e", "docs");
  call("e", "claude-sonnet-5", { input: 100, cacheRead: 4000, output: 222 });
  await minute(285);
  call("e", "claude-opus-5-5", { input: 77, cacheRead: 21_000, output: 1 });
  life.end("e");
  await minute(300);
}

/** Nothing may double and nothing may be missed whoever is started again, and whatever is said twice. */
export async function tellOfRestarts(stage: Stage): Promise<void> {
  const { life, ledger, collector, prometheus, minute, begin, call } = stage;
  const spend = async (from: number): Promise<void> => {
    await minute(from);
    call("a", "claude-opus-5-5", { input: from, cacheRead: 9000, output: 40 });
    await minute(from + 5);
    call("a", "claude-haiku-5", { input: 800, cacheRead: 0, output: from });
  };
  life.startBridge();
  begin("a", "web");
  await spend(1);
  await stage.arrived();
  await collector.stop();
  await collector.start();
  await spend(10);
  // What comes while Prometheus is away waits in the Collector's queue, over a restart of the Collector too.
  await prometheus.stop();
  await spend(20);
  await collector.stop();
  await collector.start();
  await spend(30);
  await prometheus.start();
  await spend(40);
  await stage.arrived();
  ledger.travel("twice");
  await spend(50);
  ledger.travel("answer lost");
  await spend(60);
  // With the last answers lost, nobody knows what was said.
  life.kill();
  life.startBridge();
  begin("b", "docs");
  await minute(70);
  call("b", "claude-sonnet-5", { input: 3, cacheRead: 3, output: 3 });
  await minute(71);
  ledger.travel("delivered");
  await spend(80);
  life.end("a");
  life.end("b");
  await minute(90);
}

/** A machine without a user gets one in the middle of a session, and then another, with a session open all along. */
export async function tellOfUsers({ life, own, minute, begin, call }: Stage): Promise<void> {
  life.startBridge();
  begin("a", "web");
  await minute(5);
  call("a", "claude-opus-5-5", { input: 1200, cacheRead: 9000, output: 300 });
  await minute(10);
  own("ada");
  await minute(12);
  call("a", "claude-opus-5-5", { input: 40, cacheRead: 12_000, output: 900 });
  await minute(40);
  call("a", "claude-haiku-5", { input: 900, cacheRead: 10, output: 150 });
  await minute(50);
  await life.leave();
  await minute(60);
  own("eve");
  life.startBridge();
  await minute(61);
  call("a", "claude-opus-5-5", { input: 70, cacheRead: 13_000, output: 64 });
  begin("b", "docs");
  await minute(80);
  call("b", "claude-sonnet-5", { input: 400, cacheRead: 1, output: 500 });
  life.end("b");
  life.end("a");
  await minute(90);
}

/** Minutes of the story by which the Collector has been told of it. */
export type Done = { what: "session" | "run" | "failed run"; deliveredBy: number };

/** A bridge is killed, the Collector is away for an hour, and the agent gets a new version, with sessions open all along. */
export async function tellOfAnUpdate({ life, collector, minute, begin, call }: Stage): Promise<Done[]> {
  life.startBridge();
  begin("a", "web");
  await minute(10);
  call("a", "claude-opus-5-5", { input: 1200, cacheRead: 9000, output: 300 });
  begin("b", "docs");
  await minute(20);
  call("b", "claude-haiku-5", { input: 800, cacheRead: 10, output: 150 });
  life.fail("b");
  // Killed with a call unsaid; the next one says it.
  await minute(30);
  call("a", "claude-opus-5-5", { input: 30, cacheRead: 10_000, output: 77 });
  life.kill();
  await minute(34);
  life.startBridge();
  await minute(40);
  life.end("a");
  // An hour without the Collector, in the middle of which the agent is updated.
  await minute(50);
  await collector.stop();
  begin("c", "web");
  await minute(60);
  call("c", "claude-sonnet-5", { input: 400, cacheRead: 1, output: 500 });
  await minute(80);
  life.update("2.2.0");
  begin("d", "web");
  call("d", "claude-opus-5-5", { input: 7, cacheRead: 20_000, output: 640 });
  life.fail("d");
  call("c", "claude-opus-5-5", { input: 70, cacheRead: 2000, output: 64 });
  await minute(110);
  await collector.start();
  await minute(130);
  call("c", "claude-opus-5-5", { input: 71, cacheRead: 2500, output: 65 });
  life.end("c");
  await minute(150);
  return [
    { what: "session", deliveredBy: 1 },
    { what: "session", deliveredBy: 11 },
    { what: "failed run", deliveredBy: 21 },
    { what: "run", deliveredBy: 41 },
    { what: "session", deliveredBy: 115 },
    { what: "session", deliveredBy: 115 },
    { what: "failed run", deliveredBy: 115 },
    { what: "run", deliveredBy: 131 },
  ];
}
