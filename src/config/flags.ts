import { headersIn, settingFrom } from "./env.ts";
import type { Settings } from "./schema.ts";

/** Options of the command line, as they were typed. */
export type ConfigFlags = {
  home?: string | undefined;
  config?: string | undefined;
  endpoint?: string | undefined;
  headers?: string | undefined;
  capture?: string | undefined;
  instance?: string | undefined;
  logLevel?: string | undefined;
};

/** What the options set. @throws ConfigError that names the option. */
export function flagSettings(flags: ConfigFlags): Settings {
  return {
    ...option("endpoint", flags.endpoint, (endpoint) => ({ endpoint })),
    ...option("headers", flags.headers, (text, where) => ({ headers: headersIn(text, where) })),
    ...option("capture", flags.capture, (capture) => ({ capture })),
    ...option("instance", flags.instance, (instance) => ({ instance })),
    ...option("log-level", flags.logLevel, (logLevel) => ({ logLevel })),
  };
}

function option(name: string, text: string | undefined, settings: (text: string, where: string) => unknown): Settings {
  return text === undefined ? {} : settingFrom(text, `option --${name}`, settings);
}
