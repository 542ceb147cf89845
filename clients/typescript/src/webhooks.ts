import { EVENTS } from "./generated/events.js";
import type { webhooks } from "./generated/schema.js";
import type { Exact } from "./types.js";

/** What an endpoint is told, numbers as texts of all their digits: `event` says which of them it is. */
export type ToldEvent = {
  [E in keyof webhooks]: Exact<webhooks[E]["post"]["requestBody"]["content"]["application/json"]>;
}[keyof webhooks];

/** Nobody who knows the secret has sent this, or they sent it long ago. */
export class NotGenuine extends Error {
  override readonly name = "NotGenuine";
}

const TOLERANCE_SECONDS = 300;
const KNOWN: ReadonlySet<string> = new Set(EVENTS);

/**
 * What a delivery tells, once it is proved; `null` for an event that this client does not know.
 *
 * `body` is what was received, byte for byte, before anything has parsed it; `headers` are the request's, as `fetch` or
 * Node has them; `signingSecret` is the endpoint's, which begins with `whsec_`. Keep the header `webhook-id` of what
 * you have worked on: a delivery may come twice.
 *
 * Throws `NotGenuine` where the signature is of another body or secret, the delivery is old, or `signingSecret` is no
 * signing secret, such as the `secret` of the endpoint.
 */
export async function readEvent(
  body: string | Uint8Array,
  headers: Headers | Record<string, string | string[] | undefined>,
  signingSecret: string,
  { toleranceSeconds = TOLERANCE_SECONDS } = {},
): Promise<ToldEvent | null> {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const id = headerOf(headers, "webhook-id");
  const sentAt = headerOf(headers, "webhook-timestamp");
  const signed = joined(new TextEncoder().encode(`${id}.${sentAt}.`), bytes);
  const given = headerOf(headers, "webhook-signature").split(" ");
  if (!(await isSignedByOne(given, signed, signingSecret))) {
    throw new NotGenuine("No signature of this delivery is made with the secret.");
  }
  if (!/^\d+$/.test(sentAt) || Math.abs(Date.now() / 1000 - Number(sentAt)) > toleranceSeconds) {
    throw new NotGenuine("The delivery was signed too long ago, or in the future.");
  }
  const told = JSON.parse(withNumberTexts(new TextDecoder().decode(bytes))) as ToldEvent;
  return KNOWN.has(told.event) ? told : null;
}

function headerOf(headers: Headers | Record<string, string | string[] | undefined>, name: string): string {
  if (headers instanceof Headers) return headers.get(name) ?? "";
  const found = Object.entries(headers).find(([given]) => given.toLowerCase() === name)?.[1] ?? "";
  return Array.isArray(found) ? found.join(" ") : found;
}

async function isSignedByOne(given: string[], signed: Uint8Array<ArrayBuffer>, secret: string): Promise<boolean> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = secret.startsWith("whsec_") ? bytesOf(secret.slice("whsec_".length)) : null;
  if (key === null) {
    throw new NotGenuine(
      "This is no signing secret: it is the endpoint's signing_secret, which begins with whsec_, not its secret.",
    );
  }
  const known = await crypto.subtle.importKey("raw", key, algorithm, false, ["verify"]);
  for (const one of given) {
    const signature = one.startsWith("v1,") ? bytesOf(one.slice(3)) : null;
    // `verify` takes the same time however much of the signature is right.
    if (signature !== null && (await crypto.subtle.verify("HMAC", known, signature, signed))) return true;
  }
  return false;
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
  } catch {
    return null; // made by nobody who signs
  }
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(head.length + tail.length);
  whole.set(head);
  whole.set(tail, head.length);
  return whole;
}

/** Every number outside of texts becomes a text: JavaScript's own numbers lose digits. */
function withNumberTexts(json: string): string {
  return json.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (one) => (one.startsWith('"') ? one : `"${one}"`));
}
