import createClient, { type Client } from "openapi-fetch";

import type { paths } from "./generated/schema.js";
import { remember } from "./tags.js";
import type { Answer, Body, Item, Method, Operation, Options, Path, PathOf, Places, Query } from "./types.js";

type Request<B, Q> = [B] extends [never]
  ? [options?: Options & { query?: Q }]
  : object extends B
    ? [body?: B, options?: Options & { query?: Q }]
    : [body: B, options?: Options & { query?: Q }];

type Call<M extends Method, P extends Path> = (
  ...given: [...Places<P>, ...Request<Body<Operation<M, P>>, Query<Operation<M, P>>>]
) => Promise<Answer<Operation<M, P>>>;

type ListCall<P extends PathOf<"get">> = (
  ...given: [...Places<P>, query?: Query<Operation<"get", P>>, options?: Options]
) => Pages<Item<Operation<"get", P>>>;

type Send = (method: Method, path: string, init: Init) => Promise<unknown>;
interface Init {
  params: { path: Record<string, unknown>; query: Record<string, unknown> };
  body?: unknown;
  headers: Record<string, string>;
  signal?: AbortSignal | undefined;
  parseAs: "json" | "text" | "blob";
}

interface PageAnswer {
  data: unknown[];
  meta: { page?: string; total?: string | null; total_pages?: string | null; next_cursor?: string | null };
}

const BYTES = /\/pdf$/;
const TEXT = /\/(text|ubl|journal|metrics)$|\.ndjson$/;

/** Every item of a list: `for await` reads page after page, each when it is needed. */
export class Pages<T> implements AsyncIterable<T> {
  constructor(private readonly ask: (query: Record<string, unknown>) => Promise<PageAnswer>) {}

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for await (const page of this.pages()) yield* page.data;
  }

  /** One page after another, each with what the API says of it. */
  async *pages(): AsyncGenerator<{ data: T[]; meta: PageAnswer["meta"] }, void> {
    let following: Record<string, unknown> | null = {};
    for (let number = 1; following !== null; number++) {
      const { data, meta }: PageAnswer = await this.ask(following);
      yield { data: data as T[], meta };
      following = null;
      if (meta.next_cursor !== undefined) {
        if (meta.next_cursor !== null) following = { cursor: meta.next_cursor };
      } else if (number < Number(meta.total_pages)) following = { page: number + 1 };
    }
  }

  /** The first page. */
  async first(): Promise<{ data: T[]; meta: PageAnswer["meta"] }> {
    for await (const page of this.pages()) return page;
    throw new Error("A list has a first page.");
  }

  /** All of them at once. */
  async all(): Promise<T[]> {
    const items: T[] = [];
    for await (const item of this) items.push(item);
    return items;
  }
}

/** Makes the methods of the resources, each of one operation of the document. */
export function makeCalls(http: Client<paths>) {
  const send: Send = async (method, path, init) => {
    const request = http.request as unknown as (
      method: string,
      path: string,
      init: Init,
    ) => Promise<{ data?: unknown; response: Response }>;
    const { data, response } = await request(method, path, init);
    remember(data, response.headers.get("ETag"));
    return data;
  };
  return {
    call: <M extends Method, P extends PathOf<M>>(method: M, path: P, takesBody = false) =>
      ((...given: unknown[]) => {
        const { places, rest } = placesOf(path, given);
        const [body, options] = takesBody ? rest : [undefined, rest[0]];
        return send(method, path, initOf(method, path, places, body, options ?? {}));
      }) as unknown as Call<M, P>,
    list: <P extends PathOf<"get">>(path: P) =>
      ((...given: unknown[]) => {
        const { places, rest } = placesOf(path, given);
        const [query, options] = rest;
        return new Pages((following) => {
          const whole = { page_size: 100, ...query, ...following };
          const init = initOf("get", path, places, undefined, { ...options, query: whole });
          return send("get", path, init) as Promise<PageAnswer>;
        });
      }) as unknown as ListCall<P>,
  };
}

type Loose = Options & { query?: Record<string, unknown> };

function placesOf(path: string, given: unknown[]) {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map((found) => found[1] as string);
  const places = Object.fromEntries(names.map((name, number) => [name, given[number]]));
  for (const place of Object.values(places)) {
    if (["", ".", "..", "undefined", "null"].includes(String(place))) {
      throw new TypeError(`${String(place)} cannot stand in the address ${path}.`);
    }
  }
  return { places, rest: given.slice(names.length) as [Loose?, Loose?] };
}

function initOf(method: Method, path: string, places: object, body: unknown, options: Loose): Init {
  const headers: Record<string, string> = {};
  if (method === "post") headers["Idempotency-Key"] = options.idempotencyKey ?? crypto.randomUUID();
  if (options.ifMatch !== undefined) headers["If-Match"] = options.ifMatch;
  return {
    params: { path: { ...places }, query: options.query ?? {} },
    ...(body === undefined ? {} : { body }),
    headers,
    signal: options.signal,
    parseAs: BYTES.test(path) ? "blob" : TEXT.test(path) ? "text" : "json",
  };
}

export { createClient };
