/** What the API says of an error: `code` is for programs, `detail` for people. */
export interface Problem {
  code?: string;
  detail?: string;
  request_id?: string | null;
  errors?: { in?: string; field?: string; code?: string; detail?: string }[];
  [more: string]: unknown;
}

/** The API answered with a problem. There is a class for each kind of answer, below. */
export class ApiError extends Error {
  override readonly name: string = "ApiError";
  /** Stable, for programs: `meter_already_billed`. */
  readonly code: string;
  /** What the logs call the request. */
  readonly requestId: string | null;
  /** The fields that are wrong. */
  readonly errors: NonNullable<Problem["errors"]>;
  /** After how many seconds a repeat makes sense, where the API says it. */
  readonly retryAfter: number | null;

  constructor(
    readonly status: number,
    readonly problem: Problem,
    headers: Headers = new Headers(),
  ) {
    const code = problem.code ?? "unknown";
    super(`${status} ${code}: ${problem.detail ?? "No detail was given."}${furtherFields(problem)}`);
    this.code = code;
    this.requestId = problem.request_id ?? headers.get("X-Request-Id");
    this.errors = problem.errors ?? [];
    const asked = headers.get("Retry-After");
    this.retryAfter = asked !== null && /^\d+$/.test(asked) ? Number(asked) : null;
  }
}

/** Fields of which the sentence does not speak yet. */
function furtherFields({ detail = "", errors = [] }: Problem): string {
  const further = errors.filter((one) => !detail.includes(one.detail ?? ""));
  return further.length === 0 ? "" : ` (${further.map((one) => `${one.field}: ${one.detail}`).join("; ")})`;
}

/** 400: a parameter is wrong. */
export class BadRequest extends ApiError {
  override readonly name = "BadRequest";
}

/** 401: there is no key and no session, or none that holds. */
export class NotSignedIn extends ApiError {
  override readonly name = "NotSignedIn";
}

/** 403: the key has not the scope, or the person not the role. */
export class Forbidden extends ApiError {
  override readonly name = "Forbidden";
}

/** 404: there is no such thing in this organization. */
export class NotFound extends ApiError {
  override readonly name = "NotFound";
}

/** 409: the state forbids it; `code` says which, such as `meter_already_billed`. */
export class Conflict extends ApiError {
  override readonly name = "Conflict";
}

/** 412: it has changed since it was read, and nothing was done. Read it again, and look. */
export class PreconditionFailed extends ApiError {
  override readonly name = "PreconditionFailed";
}

/** 422: the body or a value is wrong; `errors` names the fields. */
export class Invalid extends ApiError {
  override readonly name = "Invalid";
}

/** 429, also after waiting as long as was asked. */
export class TooManyRequests extends ApiError {
  override readonly name = "TooManyRequests";
}

/** 5xx, also after trying again. */
export class ServerFailed extends ApiError {
  override readonly name = "ServerFailed";
}

const KINDS: Record<number, typeof ApiError> = {
  400: BadRequest,
  401: NotSignedIn,
  403: Forbidden,
  404: NotFound,
  409: Conflict,
  412: PreconditionFailed,
  422: Invalid,
  429: TooManyRequests,
};

/** The error that an answer is. */
export function errorOf(status: number, problem: Problem, headers: Headers): ApiError {
  const kind = status >= 500 ? ServerFailed : (KINDS[status] ?? ApiError);
  return new kind(status, problem, headers);
}

/** No answer came, however often it was tried. */
export class ConnectionFailed extends Error {
  override readonly name = "ConnectionFailed";
}
