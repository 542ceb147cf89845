import { ApiError, ConnectionFailed, errorOf, type Problem } from "./errors.js";

/** How often a request is tried, and how patiently. It carries the same Idempotency-Key each time. */
export interface Retries {
  attempts: number;
  firstPause: number;
  longestPause: number;
  /** Seconds that `Retry-After` may ask for at most. */
  longestAsked: number;
}

export const RETRIES: Retries = { attempts: 5, firstPause: 0.5, longestPause: 8, longestAsked: 60 };
export const NEVER: Retries = { ...RETRIES, attempts: 1 };

const BUSY = new Set([429, 502, 503, 504]);

/** A `fetch` that tries again while the API is busy or away, and raises what it refuses. */
export function patientFetch(send: typeof fetch, retries: Retries, seconds: number) {
  return async (request: Request): Promise<Response> => {
    for (let attempt = 1; ; attempt++) {
      let pause: number | null;
      try {
        const signal = AbortSignal.any([request.signal, AbortSignal.timeout(seconds * 1000)]);
        const response = await send(new Request(request.clone(), { signal }));
        if (response.ok) return response;
        const failure = errorOf(response.status, await problemOf(response), response.headers);
        pause = isPassing(failure) ? pauseAfter(attempt, retries, failure.retryAfter) : null;
        if (pause === null) throw failure;
      } catch (failure) {
        if (failure instanceof ApiError || request.signal.aborted) throw failure;
        pause = pauseAfter(attempt, retries);
        if (pause === null) {
          throw new ConnectionFailed(`No answer after ${attempt} attempts.`, { cause: failure });
        }
      }
      await new Promise((resolve) => setTimeout(resolve, pause * 1000));
    }
  };
}

function isPassing(failure: ApiError): boolean {
  return BUSY.has(failure.status) || failure.code === "idempotency_key_in_use";
}

/** Seconds before the next attempt, by chance up to half of them shorter; null if there is none. */
function pauseAfter(attempt: number, retries: Retries, asked: number | null = null): number | null {
  if (attempt >= retries.attempts) return null;
  const longest = Math.min(retries.firstPause * 2 ** (attempt - 1), retries.longestPause);
  const pause = Math.max(longest * (0.5 + Math.random() / 2), asked ?? 0);
  return pause > retries.longestAsked ? null : pause;
}

async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text();
  try {
    const problem: unknown = JSON.parse(text);
    if (typeof problem === "object" && problem !== null) return problem as Problem;
  } catch {
    // Not of the API, but of something before it.
  }
  return { detail: text.slice(0, 500) };
}
