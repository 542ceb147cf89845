import type { paths } from "./generated/schema.js";

export type Method = "get" | "post" | "put" | "patch" | "delete";
export type Path = keyof paths;

/** Paths that take the method. */
export type PathOf<M extends Method> = {
  [P in Path]: paths[P] extends Record<M, object> ? P : never;
}[Path];

export type Operation<M extends Method, P extends Path> = paths[P] extends Record<M, infer O> ? O : never;

/** What is answered: numbers are texts of all their digits, since JavaScript's own lose some. */
export type Exact<T> = T extends number
  ? string
  : T extends (infer Item)[]
    ? Exact<Item>[]
    : T extends object
      ? { [K in keyof T]: Exact<T[K]> }
      : T;

/** What may be given: a number, or a text of its digits. */
export type Given<T> = T extends number
  ? number | string
  : T extends (infer Item)[]
    ? Given<Item>[]
    : T extends object
      ? { [K in keyof T]: Given<T[K]> }
      : T;

/** `"/invoices/{invoice_id}/lines/{line_id}"` takes two places. */
export type Places<P extends string> = P extends `${string}{${string}}${infer Rest}`
  ? [place: string, ...Places<Rest>]
  : [];

export type Body<O> = O extends { requestBody?: { content: { "application/json": infer B } } } ? Given<B> : never;
export type Query<O> = O extends { parameters: { query?: infer Q } } ? Omit<NonNullable<Q>, "page" | "cursor"> : object;

type Good<O> = O extends { responses: infer R } ? R[keyof R & (200 | 201 | 202)] : never;
export type Answer<O> = [Good<O>] extends [never]
  ? undefined
  : Good<O> extends { content: { "application/json": infer A } }
    ? Exact<A>
    : Good<O> extends { content: { "application/pdf": unknown } }
      ? Blob
      : string;

/** What a page of the list holds. */
export type Item<O> = Answer<O> extends { data: (infer I)[] } ? I : never;

export interface Options {
  /** The same key makes the same request happen once; by default each POST has one of its own. */
  idempotencyKey?: string;
  /** The tag of what the edit was made from (`etagOf`): done only if nothing else came between. */
  ifMatch?: string;
  signal?: AbortSignal;
}
