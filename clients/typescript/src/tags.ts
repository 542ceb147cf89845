const tags = new WeakMap<object, string>();

/** What was read remembers the tag that it came with. */
export function remember(answer: unknown, tag: string | null): void {
  if (tag !== null && typeof answer === "object" && answer !== null) tags.set(answer, tag);
}

/**
 * The tag of what was read, for `ifMatch` of an edit: `{ ifMatch: etagOf(plan) }`. What is read or edited by itself
 * has one; what stands in a list or within something else has none, and neither has a copy. That throws.
 */
export function etagOf(answer: object): string {
  const tag = tags.get(answer);
  if (tag === undefined) throw new TypeError("This has no tag: get it by itself, which tells its tag.");
  return tag;
}
