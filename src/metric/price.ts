/** What a model call costs, in USD. */

import type { Usage } from "../event/event.ts";
import { findModel, type ModelPrices, type Price, type PriceTable } from "./price-table.ts";
import { inputTokens, outputTokens } from "./usage.ts";

export type Pricer = {
  /**
   * The cost of one call, and the name of the table that knew its model; undefined if none does, for an unknown price is
   * not zero. `usage` is that of one request: sums over several would be priced as one large prompt. `atNs` decides where
   * a price changes with the date or the hour; without it the date of the table counts.
   */
  price: (usage: Usage, provider: string, model: string, atNs?: bigint) => { usd: number; table: string } | undefined;
};

type Found = { table: PriceTable; model: ModelPrices };

/** Model names come from outside: what is remembered of them is bounded. */
const REMEMBERED = 1000;

const NS_PER_SECOND = 1_000_000_000n;
const SECONDS_PER_DAY = 86_400n;

/** The first table that knows a model decides, so the user's own goes first. */
export function createPricer(tables: readonly PriceTable[]): Pricer {
  const remembered = new Map<string, Found[]>();

  return {
    price: (usage, provider, model, atNs) => {
      const prompt = inputTokens(usage);
      const found = find(provider, model).find(({ model: { upTo = Infinity } }) => prompt <= upTo);
      if (found === undefined) return undefined;
      const price = applying(found.model.prices, prompt, atNs ?? midnightNs(found.table.date));
      return price && { usd: cost(usage, price), table: found.table.name };
    },
  };

  function find(provider: string, model: string): Found[] {
    const key = JSON.stringify([provider, model]);
    const known = remembered.get(key);
    if (known !== undefined) return known;
    const found = tables.flatMap((table) => {
      const prices = findModel(table, provider, model);
      return prices === undefined ? [] : [{ table, model: prices }];
    });
    if (remembered.size >= REMEMBERED) remembered.clear();
    remembered.set(key, found);
    return found;
  }
}

function midnightNs(date: string): bigint {
  return BigInt(Date.parse(date)) * 1_000_000n;
}

function applying(prices: readonly Price[], prompt: number, atNs: bigint): Price | undefined {
  return prices.findLast(({ above = -1, from, daily }) => {
    if (prompt <= above || (from !== undefined && atNs < midnightNs(from))) return false;
    return daily === undefined || isWithin(daily, Number((atNs / NS_PER_SECOND) % SECONDS_PER_DAY));
  });
}

function isWithin([start = 0, end = 0]: readonly number[], second: number): boolean {
  return start <= end ? start <= second && second < end : start <= second || second < end;
}

function cost(usage: Usage, price: Price): number {
  const { input = 0, output = 0 } = price;
  const { cacheRead = input, cacheWrite = input } = price;
  const { cacheWrite1h = cacheWrite } = price;
  const perMillion =
    usage.input * input +
    usage.cacheRead * cacheRead +
    usage.cacheWrite5m * cacheWrite +
    usage.cacheWrite1h * cacheWrite1h +
    outputTokens(usage) * output;
  return perMillion / 1_000_000;
}
