// Webhooks before the TypeScript client: what the product signed is read, and what it did not sign is refused.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { NotGenuine, readEvent } from "./index.js";

interface Delivery {
  body: string;
  headers: Record<string, string>;
  reads: string | null;
  total?: string;
}

const given = JSON.parse(readFileSync("deliveries.json", "utf8")) as {
  secret: string;
  genuine: Delivery[];
  forged: Delivery[];
};

for (const { body, headers, reads, total } of given.genuine) {
  const titled = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), [value]]));
  for (const form of [headers, titled, new Headers(headers)]) {
    const event = await readEvent(new TextEncoder().encode(body), form, given.secret);
    assert.equal(event?.event ?? null, reads);
    if (total !== undefined) {
      assert.ok(event?.event === "invoice.paid");
      assert.equal(event.data.total, total);
      assert.equal((event.data as { note?: string }).note, '"7" is');
    }
  }
}
for (const { body, headers } of given.forged) {
  await assert.rejects(readEvent(body, headers, given.secret), NotGenuine);
}
for (const other of ["whsec_%%%", "c2VjcmV0", "the endpoint's other secret"]) {
  await assert.rejects(readEvent("{}", {}, other), NotGenuine);
}
console.log(`${given.genuine.length} read, ${given.forged.length} refused`);
