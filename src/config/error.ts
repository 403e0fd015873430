/** The configuration cannot be used. The message says where, what stands there and what is allowed, never a secret. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}
