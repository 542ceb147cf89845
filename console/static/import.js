"use strict";

// A file of events is sent as it is; how far it was taken is told by the answer, as it comes.

const form = document.getElementById("import");
const stop = document.getElementById("stop");
const came = document.getElementById("came");
const { file } = form.elements;
let abort = null;

function wait(isWaiting) {
  form.querySelector("button").disabled = isWaiting;
  stop.hidden = !isWaiting;
}

function say(words) {
  const said = document.createElement("p");
  said.setAttribute("role", "status");
  said.textContent = words;
  came.append(said);
}

file.addEventListener("change", () => {
  const isLong = file.files[0]?.size > Number(form.dataset.most);
  file.setCustomValidity(isLong ? form.dataset.long : "");
});
form.addEventListener("htmx:before:request", (event) => {
  const { request } = event.detail.ctx;
  request.body = file.files[0];
  request.headers["Content-Type"] = "application/x-ndjson";
  abort = request.abort;
  came.replaceChildren();
  say(form.dataset.sending);
  wait(true);
});
form.addEventListener("htmx:finally:request", () => wait(false));
stop.addEventListener("click", () => {
  abort();
  say(form.dataset.stopped);
});

form.hidden = false;
