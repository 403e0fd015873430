import { readFileSync } from "node:fs";

import { parsePriceFile } from "../metric/price-file.ts";
import type { PriceTable } from "../metric/price-table.ts";
import { ConfigError } from "./error.ts";

/** The user's price table, if the configuration names one. @throws ConfigError */
export function readUserPrices(path: string | undefined): PriceTable | undefined {
  if (path === undefined) return undefined;
  try {
    return parsePriceFile(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    throw new ConfigError(`prices: ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
