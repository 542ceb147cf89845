import { createClient, makeCalls } from "./calls.js";
import { makeResources, type Resources } from "./generated/resources.js";
import type { paths } from "./generated/schema.js";
import { NEVER, patientFetch, RETRIES, type Retries } from "./sending.js";
import { testClocks, type TestClocks, usage, type Usage } from "./extras.js";

export { Pages } from "./calls.js";
export {
  ApiError,
  BadRequest,
  Conflict,
  ConnectionFailed,
  Forbidden,
  Invalid,
  NotFound,
  NotSignedIn,
  PreconditionFailed,
  type Problem,
  ServerFailed,
  TooManyRequests,
} from "./errors.js";
export { Batch, EventsRejected, type Patience, type RejectedEvent, StillAdvancing } from "./extras.js";
export { etagOf } from "./tags.js";
export { NotGenuine, readEvent, type ToldEvent } from "./webhooks.js";
export type { components, paths } from "./generated/schema.js";
export { NEVER, type Retries };

export interface Settings {
  /** Where Fluxrate is, without `/api/v1`. */
  baseUrl: string;
  apiKey?: string | undefined;
  /** The access token of a session, where there is no key. */
  accessToken?: string | undefined;
  /** The id of a sandbox that a session acts for; a key is of its own organization. */
  organization?: string | undefined;
  retries?: Partial<Retries>;
  /** Seconds for each try. */
  timeout?: number;
  fetch?: typeof fetch;
}

export type Fluxrate = Omit<Resources, "usage" | "testClocks"> & { usage: Usage; testClocks: TestClocks };

/**
 * Everything that the API can do. Numbers of answers are texts of all their digits.
 * Throws a `TypeError` where `baseUrl` is missing.
 */
export function fluxrate(settings: Settings): Fluxrate {
  if (typeof (settings as Partial<Settings> | undefined)?.baseUrl !== "string") {
    throw new TypeError('baseUrl is missing: fluxrate({ baseUrl: "https://…", apiKey }).');
  }
  const cookies = new Map<string, string>();
  const patient = patientFetch(
    settings.fetch ?? fetch,
    { ...RETRIES, ...settings.retries },
    settings.timeout ?? 30,
  );
  const http = createClient<paths>({
    baseUrl: settings.baseUrl.replace(/\/$/, ""),
    headers: {
      "Fluxrate-Numbers": "string",
      ...(settings.apiKey === undefined ? {} : { "X-API-Key": settings.apiKey }),
      ...(settings.organization === undefined ? {} : { "Fluxrate-Organization": settings.organization }),
      ...(settings.accessToken === undefined ? {} : { Authorization: `Bearer ${settings.accessToken}` }),
    },
    fetch: async (request) => {
      if (cookies.size > 0) {
        request.headers.set("Cookie", [...cookies].map((one) => one.join("=")).join("; "));
      }
      const response = await patient(request);
      for (const line of response.headers.getSetCookie()) {
        const [name = "", value = ""] = (line.split(";")[0] ?? "").split("=", 2);
        cookies.set(name.trim(), value);
      }
      return response;
    },
  });
  const resources = makeResources(makeCalls(http));
  return {
    ...resources,
    usage: usage(resources.usage),
    testClocks: testClocks(resources.testClocks),
  };
}
