"use strict";

// A file of events, a JSON object a line, goes to the API in parts, as any program would send it.

const LINES = 1000;
const LETTERS = 500_000;
const MOST_SHOWN = 50;
const MOST_TRIES = 20;

const form = document.getElementById("import");
const stop = document.getElementById("stop");
const bar = document.querySelector("#came progress");
const said = document.querySelector("#came span");
const refused = document.getElementById("refused");

let asked = null;

const write = (number) => number.toLocaleString(document.documentElement.lang);
const wait = (seconds) => new Promise((go) => setTimeout(go, seconds * 1000));

/* Parts of the file, each with the numbers of its lines and how far the file was read. */
async function* partsOf(file) {
  const reader = file.stream().pipeThrough(new TextDecoderStream()).getReader();
  let [rest, number, letters, part] = ["", 0, 0, []];
  const add = (text) => {
    number += 1;
    letters += text.length + 1;
    if (text.trim()) part.push({ number, text });
  };
  const isFull = () => part.length >= LINES || letters >= LETTERS;
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const text of lines) {
      add(text);
      if (!isFull()) continue;
      yield { part, letters };
      [part, letters] = [[], 0];
    }
  }
  if (rest) add(rest);
  if (part.length) yield { part, letters };
}

/* What became of a part. Whoever is asked to wait waits; a session that ran out is renewed. */
async function send(part) {
  const lines = part.map((one) => one.text).join("\n");
  for (let tries = 1; ; tries += 1) {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { "Content-Type": "application/x-ndjson" },
      body: lines,
      signal: asked.signal,
    });
    if (answer.ok) return answer.json();
    const seconds = Number(answer.headers.get("Retry-After"));
    if (answer.status === 401 && tries === 1) {
      await fetch(form.dataset.refresh, { method: "POST", signal: asked.signal });
    } else if (seconds > 0 && tries < MOST_TRIES) await wait(seconds);
    else throw new Error((await answer.json()).detail);
    asked.signal.throwIfAborted();
  }
}

function show(one, number) {
  if (refused.tBodies[0].rows.length >= MOST_SHOWN) return;
  const row = refused.tBodies[0].insertRow();
  for (const text of [write(number), one.error.code, one.error.detail]) {
    row.insertCell().textContent = text;
  }
  refused.parentElement.hidden = false;
}

function tell(sums, words) {
  const counted = ["accepted", "duplicates", "rejected"].map((name) => write(sums[name]));
  said.textContent = `${counted[0]} taken, ${counted[1]} there before, ${counted[2]} refused. ${words}`;
}

async function take(file) {
  const sums = { accepted: 0, duplicates: 0, rejected: 0 };
  let letters = 0;
  bar.max = Math.max(1, file.size);
  try {
    tell(sums, "");
    for await (const one of partsOf(file)) {
      const came = await send(one.part);
      for (const name of Object.keys(sums)) sums[name] += came[name];
      for (const row of came.results) if (row.error) show(row, one.part[row.index].number);
      letters += one.letters;
      bar.value = letters;
      tell(sums, "");
    }
    bar.value = bar.max;
    tell(sums, form.dataset.done);
  } catch (error) {
    tell(sums, asked.signal.aborted ? form.dataset.stopped : `${form.dataset.failed} ${error.message}`);
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  asked = new AbortController();
  refused.tBodies[0].replaceChildren();
  refused.parentElement.hidden = true;
  bar.parentElement.hidden = stop.hidden = false;
  form.querySelector("button").disabled = true;
  await take(form.elements.file.files[0]);
  form.querySelector("button").disabled = false;
  stop.hidden = true;
});
stop.addEventListener("click", () => asked.abort());

form.hidden = false;
