// Writes src/metric/genai-prices.json: what @pydantic/genai-prices (MIT) knows of the providers that coding agents use, cut
// down to text tokens and to prices that still apply. After an update of that package: run it, then oxfmt. A test
// compares the result.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

import { findProvider } from "@pydantic/genai-prices";

const PACKAGE = "@pydantic/genai-prices";
/** The package does not tell its own date: the day its version was published. Prices that ended before it are left out. */
const RELEASE = { version: "0.1.8", date: "2026-09-23" };

/** Providers of the package, which of their models to keep, and the names of the semantic conventions its rules miss. */
const PROVIDERS = [
  { id: "anthropic" },
  { id: "openai" },
  { id: "google", alsoCalled: ["gcp.gen_ai"] },
  { id: "x-ai", alsoCalled: ["x_ai"] },
  { id: "deepseek" },
  { id: "moonshotai" },
  { id: "aws", models: /claude/ },
  {
    id: "openrouter",
    models: /^(anthropic\/claude-.*[4-9]|openai\/gpt-5|google\/gemini-(2\.5|3)|x-ai\/|deepseek\/|moonshotai\/)/,
  },
];

const RATES = {
  input: "input_mtok",
  cacheRead: "cache_read_mtok",
  cacheWrite: "cache_write_mtok",
  cacheWrite1h: "cache_write_1h_mtok",
  output: "output_mtok",
};

/** The table as plain data; its type is PriceTable in src/metric/price-table.ts. */
export function genaiPrices() {
  const main = createRequire(import.meta.url).resolve(PACKAGE);
  const { version } = JSON.parse(readFileSync(new URL("../package.json", pathToFileURL(main)), "utf8"));
  if (version !== RELEASE.version) {
    throw new Error(
      `${PACKAGE} is ${version}, scripts/prices.mjs expects ${RELEASE.version}: set RELEASE to the new version and its date`,
    );
  }
  return {
    name: `genai-prices ${version}`,
    date: RELEASE.date,
    providers: PROVIDERS.map(provider),
  };
}

function provider({ id, alsoCalled = [], models = /./ }) {
  const source = findProvider({ providerId: id });
  return defined({
    id,
    match: [id, ...alsoCalled, ...patterns(source.provider_match)],
    modelMatch: patterns(source.model_match),
    fallback: source.fallback_model_providers ?? [],
    models: source.models.filter((model) => models.test(model.id)).flatMap(pricedModel),
  });
}

/** Models without a price for text (images, speech, moderation) are left out. */
function pricedModel({ id, match, prices }) {
  const periods = Array.isArray(prices) ? current(prices) : [{ prices }];
  const entries = periods.flatMap(period).filter(({ input, output }) => input !== undefined || output !== undefined);
  return entries.length > 0 ? [{ id, match: patterns(match), prices: entries }] : [];
}

/** The last period that holds now replaces all before it, and needs no condition any more. */
function current(periods) {
  const [first, ...later] = periods.slice(Math.max(0, periods.findLastIndex(hasBegun)));
  return [{ prices: first.prices }, ...later];
}

function hasBegun({ constraint }) {
  return constraint === undefined || constraint.start_date <= RELEASE.date;
}

/** One entry for a period, then one for each size of prompt above which it charges more. */
function period({ constraint = {}, prices }) {
  const when = {
    from: constraint.start_date,
    daily: constraint.start_time && [constraint.start_time, constraint.end_time].map(secondsOfDay),
  };
  const sizes = new Set(Object.values(RATES).flatMap((key) => (prices[key]?.tiers ?? []).map(({ start }) => start)));
  const ascending = [...sizes].sort((a, b) => a - b);
  return [undefined, ...ascending].map((above) => defined({ ...when, above, ...rates(prices, above) }));
}

function secondsOfDay(time) {
  return (Date.parse(`1970-01-01T${time}`) / 1000 + 86_400) % 86_400;
}

function rates(prices, above = -1) {
  return Object.fromEntries(Object.entries(RATES).map(([name, key]) => [name, rate(prices[key], above)]));
}

function rate(price, above) {
  return typeof price === "object" ? (price.tiers.findLast(({ start }) => start <= above)?.price ?? price.base) : price;
}

/** Rules as strings: `x` equals, `x*` starts with, `*x` ends with, `*x*` contains, `/x/` a regular expression. One must hold. */
function patterns(rule) {
  if (rule === undefined) return [];
  if (rule.or) return rule.or.flatMap(patterns);
  if (rule.and) return [`/^${rule.and.map((part) => `(?=${beginning(part)})`).join("")}/`];
  if (rule.regex) return [`/${rule.regex}/`];
  const [[kind, text]] = Object.entries(rule);
  const lower = text.toLowerCase();
  return [{ equals: lower, starts_with: `${lower}*`, ends_with: `*${lower}`, contains: `*${lower}*` }[kind]];
}

/** A part of an `and` as a regular expression for the beginning of a text. */
function beginning({ starts_with: start, regex }) {
  if (start === undefined && !regex?.startsWith("^")) throw new Error("this kind of rule is not known inside an `and`");
  return regex ?? start.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

function defined(object) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL("../src/metric/genai-prices.json", import.meta.url), `${JSON.stringify(genaiPrices())}\n`);
}
