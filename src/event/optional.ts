/** A property only if there is a value for it: what is not known is absent, never undefined. */
export function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  // TypeScript widens a computed key to any string.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return value === undefined ? {} : ({ [key]: value } as { [P in K]: V });
}
