import claudeCode from "./claude-code-prices.json" with { type: "json" };
import genai from "./genai-prices.json" with { type: "json" };
import type { PriceTable } from "./price-table.ts";

/** What Claude Code itself reckons with, as measured, then what `scripts/prices.mjs` took from genai-prices. */
export const SHIPPED_PRICES: readonly PriceTable[] = [claudeCode, genai];
