/** A client's version, as its `--version` prints it among other words. Numbers compare one by one. */
export type Version = readonly [number, number, number];

/** The first version in a text. */
export function versionIn(text: string): Version | undefined {
  const found = /(\d+)\.(\d+)\.(\d+)/.exec(text);
  return found ? [Number(found[1]), Number(found[2]), Number(found[3])] : undefined;
}

/** True if `version` is `least` or newer. */
export function isAtLeast(version: Version, least: Version): boolean {
  const [a, b, c] = version;
  const [x, y, z] = least;
  return a !== x ? a > x : b !== y ? b > y : c >= z;
}
