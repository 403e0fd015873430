/** A state directory that this hookspan must not touch: a newer one wrote it. */
export class NewerStateError extends Error {
  override name = "NewerStateError";
}
