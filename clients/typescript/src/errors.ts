/** What the API says of an error: `code` is for programs, `detail` for people. */
export interface Problem {
  code?: string;
  detail?: string;
  request_id?: string | null;
  errors?: { in?: string; field?: string; code?: string; detail?: string }[];
  [more: string]: unknown;
}

/** The API answered with a problem. */
export class ApiError extends Error {
  readonly code: string;
  readonly requestId: string | null;
  readonly errors: NonNullable<Problem["errors"]>;

  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    const code = problem.code ?? "unknown";
    super(`${status} ${code}: ${problem.detail ?? "No detail was given."}`);
    this.name = "ApiError";
    this.code = code;
    this.requestId = problem.request_id ?? null;
    this.errors = problem.errors ?? [];
  }
}

/** No answer came, however often it was tried. */
export class ConnectionFailed extends Error {
  override readonly name = "ConnectionFailed";
}
