// Samples of the document: each is run, and what it was about to send is printed.
import { fluxrate, NEVER } from "./index.js";

let asked: { method: string; url: string; body: string } | undefined;
const client = fluxrate({
  baseUrl: "http://api.test",
  apiKey: "sk_live_1",
  retries: NEVER,
  fetch: async (input) => {
    const request = input as Request;
    asked = { method: request.method, url: request.url, body: await request.text() };
    throw new Error("nothing is answered");
  },
});

const samples: Record<string, () => Promise<void>> = {
  // SAMPLES
};

const seen: Record<string, typeof asked> = {};
for (const [name, sample] of Object.entries(samples)) {
  asked = undefined;
  await sample().catch(() => undefined);
  seen[name] = asked;
}
console.log(JSON.stringify(seen));
