/** A tool's name as the model wrote it. A model may ask for anything: what is no name is unknown. */
export function modelToolName(name: string | undefined): string {
  return name !== undefined && /^[\w.:/-]{1,128}$/.test(name) ? name : "unknown";
}
