/** A price table as data, and the rules by which a model's name is found in it. The rules are those of genai-prices. */

/** USD per million tokens of one kind, and when they apply. Of a model's prices the last that applies counts. */
export type Price = {
  input?: number | undefined;
  /** Absent: as input. */
  cacheRead?: number | undefined;
  /** Absent: as input. */
  cacheWrite?: number | undefined;
  /** Cache entries that live for an hour. Absent: as `cacheWrite`. */
  cacheWrite1h?: number | undefined;
  /** Reasoning included. */
  output?: number | undefined;
  /** Only for prompts of more tokens than this, cached ones included. */
  above?: number | undefined;
  /** Only from the beginning of this day, YYYY-MM-DD, in UTC. */
  from?: string | undefined;
  /** Only between these two seconds of the day, in UTC; may run over midnight. */
  daily?: readonly number[] | undefined;
};

/**
 * Patterns: `x` equals, `x*` starts with, `*x` ends with, `*x*` contains, `/x/` a regular expression. Names are compared in
 * lower case, and one pattern of the list must hold.
 */
export type ModelPrices = {
  id: string;
  match: readonly string[];
  prices: readonly Price[];
  /** The prices are known for prompts up to this size only. */
  upTo?: number | undefined;
};

export type ProviderPrices = {
  id: string;
  match: readonly string[];
  /** Models that tell the provider by themselves, where none is named. */
  modelMatch: readonly string[];
  /** Ids of providers whose models this one sells too. */
  fallback: readonly string[];
  models: readonly ModelPrices[];
};

export type PriceTable = {
  /** Name and version: it stands on every span that was priced by the table. */
  name: string;
  /** YYYY-MM-DD. */
  date: string;
  providers: readonly ProviderPrices[];
};

/**
 * The first model that matches. `provider` may be a name of the semantic conventions (`aws.bedrock`) or an agent's own;
 * empty: the model tells. The model may carry a date, `[1m]`, or its provider in front (`anthropic/...`).
 */
export function findModel(table: PriceTable, provider: string, model: string): ModelPrices | undefined {
  // Claude Code writes the size of the context window behind the model; it is no part of the name.
  const name = model
    .trim()
    .toLowerCase()
    .replace(/\[\d+[km]\]$/, "");
  const seller = findProvider(table, provider.trim().toLowerCase(), name);
  if (seller === undefined) return undefined;
  return modelOf(table, seller, name) ?? modelOf(table, seller, withoutSeller(table, seller, name));
}

function findProvider(table: PriceTable, provider: string, model: string): ProviderPrices | undefined {
  if (provider === "") return table.providers.find(({ modelMatch }) => matchesAny(modelMatch, model));
  return table.providers.find(({ match }) => matchesAny(match, provider));
}

function modelOf(table: PriceTable, seller: ProviderPrices, name: string): ModelPrices | undefined {
  return modelNamed(table, seller, name) ?? modelNamed(table, seller, withDashedDate(name));
}

function modelNamed(table: PriceTable, seller: ProviderPrices, name: string): ModelPrices | undefined {
  const others = seller.fallback.flatMap((id) => table.providers.filter((provider) => provider.id === id));
  const models = [seller, ...others].flatMap((provider) => provider.models);
  return models.find(({ match }) => matchesAny(match, name));
}

/** Some rules spell a date 2026-11-05 where the name has 20261105. */
function withDashedDate(name: string): string {
  return name.replace(/-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g, "-$1-$2-$3");
}

function withoutSeller(table: PriceTable, seller: ProviderPrices, name: string): string {
  const slash = name.indexOf("/");
  const named = slash > 0 ? findProvider(table, name.slice(0, slash), "") : undefined;
  return named === seller ? name.slice(slash + 1) : name;
}

function matchesAny(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => matches(pattern, name));
}

function matches(pattern: string, name: string): boolean {
  if (pattern.startsWith("/")) return new RegExp(pattern.slice(1, -1)).test(name);
  const open = { start: pattern.startsWith("*"), end: pattern.endsWith("*") };
  const text = pattern.replace(/^\*/, "").replace(/\*$/, "");
  if (open.start && open.end) return name.includes(text);
  if (open.start) return name.endsWith(text);
  return open.end ? name.startsWith(text) : name === text;
}
