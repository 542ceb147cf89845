// The TypeScript client when answers fail: compiled and run beside the example of its README.
import assert from "node:assert/strict";

import {
  ApiError,
  Conflict,
  ConnectionFailed,
  etagOf,
  EventsRejected,
  fluxrate,
  NotFound,
  PreconditionFailed,
  StillAdvancing,
  TooManyRequests,
} from "./index.js";

const CUSTOMER = { id: "c1", name: "Harbor Labs", balance: "0.10" };

function clientOf(...answers: (Response | Error)[]) {
  const asked: { url: URL; headers: Headers; body: string }[] = [];
  const client = fluxrate({
    baseUrl: "http://api.test",
    apiKey: "sk_live_1",
    retries: { firstPause: 0 },
    fetch: async (input) => {
      const request = input as Request;
      asked.push({ url: new URL(request.url), headers: request.headers, body: await request.text() });
      const answer = answers.shift();
      if (answer instanceof Response) return answer;
      throw answer ?? new Error("nothing is left to answer");
    },
  });
  return { client, asked };
}

const answer = (body: unknown, status = 200, headers = {}) => Response.json(body, { status, headers });
const problem = (status: number, code: string) =>
  answer({ code, detail: "So it is.", request_id: "r1" }, status);
const lost = () => new TypeError("the connection was cut");
const page = (page: string) =>
  answer({ data: [{ id: `c${page}` }], meta: { page, page_size: "1", total: "2", total_pages: "2" } });

{
  // Who writes JavaScript is told what is missing, and not of what the client did with it.
  const untyped = fluxrate as (...given: unknown[]) => unknown;
  const missing = { name: "TypeError", message: /^baseUrl is missing: / };
  assert.throws(() => untyped("http://api.test", { apiKey: "sk_live_1" }), missing);
  assert.throws(() => untyped(), missing);
}
{
  // A lost answer is asked for again under the same key, with the same body.
  const { client, asked } = clientOf(lost(), problem(503, "unavailable"), answer(CUSTOMER, 201));
  await client.customers.create({ name: "Harbor Labs", email: "ap@harbor.test" });
  assert.equal(asked.length, 3);
  assert.equal(new Set(asked.map((one) => one.headers.get("Idempotency-Key"))).size, 1);
  assert.equal(new Set(asked.map((one) => one.body)).size, 1);
  assert.equal(asked[0]?.headers.get("X-API-Key"), "sk_live_1");
  assert.equal(asked[0]?.headers.get("Fluxrate-Numbers"), "string");
}
{
  // A key of one's own is taken; an event keeps its own.
  const { client, asked } = clientOf(answer(CUSTOMER, 201), lost(), answer({ id: "e1" }, 201));
  await client.customers.create({ name: "", email: "" }, { idempotencyKey: "mine" });
  await client.usage.track({ meter_name: "calls", properties: { calls: 1 } });
  assert.equal(asked[0]?.headers.get("Idempotency-Key"), "mine");
  assert.equal(asked[1]?.body, asked[2]?.body);
  assert.match(asked[1]?.body ?? "", /"idempotency_key":"[-0-9a-f]{36}"/);
}
{
  // What is refused is not repeated, and says why.
  const { client, asked } = clientOf(problem(409, "meter_already_billed"));
  await assert.rejects(client.subscriptions.resume("s1"), (error: Conflict) => {
    assert.ok(error instanceof Conflict && error instanceof ApiError);
    assert.deepEqual([error.status, error.code, error.requestId], [409, "meter_already_billed", "r1"]);
    return true;
  });
  assert.equal(asked.length, 1);
}
{
  // The text of an error says each field of which its sentence does not speak.
  const errors = [
    { field: "name", detail: "It is missing." },
    { field: "email", detail: "So it is." },
  ];
  const { client } = clientOf(answer({ code: "invalid_input", detail: "So it is.", errors }, 422));
  await assert.rejects(client.customers.get("a"), {
    message: "422 invalid_input: So it is. (name: It is missing.)",
  });
}
{
  // A clock is waited for, whoever sent it; one that takes too long goes on.
  const clock = (status: string) => answer({ id: "t1", frozen_time: "2025-02-01T00:00:00Z", status });
  const { client, asked } = clientOf(clock("advancing"), clock("ready"), clock("advancing"));
  assert.equal((await client.testClocks.wait("t1")).status, "ready");
  assert.equal(asked.length, 2);
  await assert.rejects(client.testClocks.wait("t1", { timeout: -1 }), StillAdvancing);
}
{
  // Errors have a class by their status, and know what only headers say.
  const kinds = { 404: NotFound, 412: PreconditionFailed, 429: TooManyRequests, 418: ApiError };
  for (const [status, kind] of Object.entries(kinds)) {
    const headers = { "Retry-After": "90", "X-Request-Id": "r2" };
    const { client } = clientOf(answer({ code: "so" }, Number(status), headers));
    await assert.rejects(client.customers.get("a"), (error: ApiError) => {
      assert.deepEqual([error.constructor, error.name], [kind, kind.name]);
      assert.deepEqual([error.retryAfter, error.requestId], [90, "r2"]);
      return true;
    });
  }
}
{
  // What was read by itself knows its tag; an edit sends it. A list's items have none.
  const tagged = answer(CUSTOMER, 200, { ETag: '"t1"' });
  const { client, asked } = clientOf(tagged, answer(CUSTOMER), page("2"));
  const customer = await client.customers.get("a");
  await client.customers.update("a", { name: "Quay" }, { ifMatch: etagOf(customer) });
  assert.equal(asked[1]?.headers.get("If-Match"), '"t1"');
  const [item] = (await client.customers.list().first()).data;
  assert.throws(() => etagOf(item ?? {}), /no tag/);
}
{
  // Patience ends.
  const { client, asked } = clientOf(...Array.from({ length: 5 }, lost));
  await assert.rejects(client.customers.get("a/b"), ConnectionFailed);
  assert.equal(asked.length, 5);
  assert.equal(asked[0]?.url.pathname, "/api/v1/customers/a%2Fb");
  assert.throws(() => client.customers.get(".."), /cannot stand/);
}
{
  // A list is all its pages.
  const { client, asked } = clientOf(page("1"), page("2"));
  const found = await client.customers.list({ q: "harbor", page_size: 1 }).all();
  assert.deepEqual(found.map((one) => one.id), ["c1", "c2"]);
  assert.equal(asked[1]?.url.search, "?page_size=1&q=harbor&page=2");
}
{
  // A batch is sent together, and again until it is stored.
  const stored = answer({ accepted: "2", duplicates: "0", rejected: "0", results: [] });
  const { client, asked } = clientOf(lost(), stored);
  const batch = client.usage.batching({ size: 2, seconds: 60 });
  batch.track({ meter_name: "calls", properties: { calls: 1 } });
  batch.track({ meter_name: "calls", properties: { calls: 2 } });
  await batch.close();
  assert.equal(asked.length, 2);
  assert.equal(asked[0]?.body, asked[1]?.body);
}
{
  // What is refused is told as it was sent, whatever was sent together.
  const refused = (...places: string[]) => {
    const error = { code: "invalid_quantity", detail: "No number." };
    const results = places.map((index) => ({ index, status: "rejected", error }));
    return answer({ accepted: "1", duplicates: "0", rejected: `${places.length}`, results });
  };
  const { client } = clientOf(refused("0", "1"), refused("1"));
  const batch = client.usage.batching({ size: 2, seconds: 60 });
  for (const key of ["a", "b", "c"]) batch.track({ meter_name: "calls", idempotency_key: key });
  batch.track({ meter_name: "calls", properties: { calls: 7 } });
  await assert.rejects(batch.close(), (error: EventsRejected) => {
    assert.ok(error instanceof EventsRejected);
    assert.deepEqual(error.rows.slice(0, 2).map((row) => row.idempotencyKey), ["a", "b"]);
    const last = error.rows[2];
    assert.deepEqual(last?.event.properties, { calls: 7 });
    assert.match(last?.idempotencyKey ?? "", /^[-0-9a-f]{36}$/);
    assert.match(error.message, /^3 events were rejected, the first \(a\): .*invalid_quantity/);
    return true;
  });
}
