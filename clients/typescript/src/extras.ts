import type { Resources } from "./generated/resources.js";

type Event = NonNullable<Parameters<Resources["usage"]["track"]>[0]>;
type Answered = Awaited<ReturnType<Resources["usage"]["trackAll"]>>;

type KeyedEvent = Event & { idempotency_key: string };

/** An event that was refused: nothing of it is stored, so it can be mended and sent again under its key. */
export type RejectedEvent = Answered["results"][number] & {
  /** What was sent, with the key that it was given where it had none. */
  event: KeyedEvent;
  idempotencyKey: string;
};

/** Some events of a batch were refused; all others are stored. */
export class EventsRejected extends Error {
  override readonly name = "EventsRejected";

  constructor(readonly rows: RejectedEvent[]) {
    const first = rows[0];
    super(
      `${rows.length} events were rejected, the first (${first?.idempotencyKey}): ${JSON.stringify(first?.error)}`,
    );
  }
}

const keyed = (event: Event): KeyedEvent => ({
  ...event,
  idempotency_key: event.idempotency_key ?? crypto.randomUUID(),
});

export type Usage = Resources["usage"] & {
  /** A place for events, sent when there are `size` of them, or the oldest is `seconds` old. */
  batching(options?: { size?: number; seconds?: number }): Batch;
};

/** Usage whose events have keys, so that none is counted twice. */
export function usage(resource: Resources["usage"]): Usage {
  const keyedUsage: Resources["usage"] = {
    ...resource,
    track: (event = {}, options) => resource.track(keyed(event), options),
    trackAll: (events, options) => resource.trackAll(events.map(keyed), options),
  };
  return {
    ...keyedUsage,
    batching: ({ size = 500, seconds = 5 } = {}) => new Batch(keyedUsage.trackAll, size, seconds),
  };
}

/** Collects events; `close` sends what still waits. One that could not be sent is sent again. */
export class Batch {
  private readonly waiting: KeyedEvent[] = [];
  private rejected: RejectedEvent[] = [];
  private sending: Promise<void> = Promise.resolve();
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly trackAll: Resources["usage"]["trackAll"],
    private readonly size: number,
    seconds: number,
  ) {
    this.timer = setInterval(() => this.sendSoon(), seconds * 1000);
    this.timer.unref();
  }

  /** The event is sent soon. It is what `client.usage.track` takes. */
  track(event: Event): void {
    this.waiting.push(keyed(event));
    if (this.waiting.length >= this.size) this.sendSoon();
  }

  /** Every event is stored, or this throws. */
  async flush(): Promise<void> {
    this.sending = this.sending.catch(() => undefined).then(() => this.sendAll());
    await this.sending;
    const rows = this.rejected;
    this.rejected = [];
    if (rows.length > 0) throw new EventsRejected(rows);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.flush();
  }

  private sendSoon(): void {
    this.sending = this.sending.then(() => this.sendAll()).catch(() => undefined); // tried again later
  }

  private async sendAll(): Promise<void> {
    while (this.waiting.length > 0) {
      const rows = this.waiting.slice(0, this.size);
      const answer = await this.trackAll(rows, { query: { results: "errors" } });
      this.waiting.splice(0, rows.length);
      for (const row of answer.results) {
        const event = rows[Number(row.index)];
        if (event) this.rejected.push({ ...row, event, idempotencyKey: event.idempotency_key });
      }
    }
  }
}

type Clock = Awaited<ReturnType<Resources["testClocks"]["get"]>>;

/** The clock has not arrived in the time that was allowed; it goes on. */
export class StillAdvancing extends Error {
  override readonly name = "StillAdvancing";
}

/** How long to wait, in seconds; 60 if it is not said. */
export interface Patience {
  timeout?: number;
}

export type TestClocks = Resources["testClocks"] & {
  /** The clock stands there, and all that was due by then has happened, invoices included. */
  advanceAndWait(id: string, frozenTime: string, patience?: Patience): Promise<Clock>;
  /** The clock has arrived where it was sent, by whomever. Throws `StillAdvancing` after the time allowed. */
  wait(id: string, patience?: Patience): Promise<Clock>;
};

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 400;

export function testClocks(resource: Resources["testClocks"]): TestClocks {
  async function wait(id: string, { timeout = 60 }: Patience = {}): Promise<Clock> {
    const deadline = Date.now() + timeout * 1000;
    // A month is short, and a year is not: the pauses grow.
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
      const clock = await resource.get(id);
      if (clock.status === "ready") return clock;
      if (Date.now() > deadline) {
        throw new StillAdvancing(`The clock ${id} is still on its way to ${clock.frozen_time}.`);
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
  return {
    ...resource,
    wait,
    async advanceAndWait(id, frozenTime, patience) {
      await resource.advance(id, { frozen_time: frozenTime });
      return wait(id, patience);
    },
  };
}
