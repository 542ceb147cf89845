"use strict";

// The token stands behind the #, which no server is sent; taken out, it stays in no history either.
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

const form = document.getElementById("entry");
const said = document.getElementById("said");
const OUTCOMES = { link_invalid: "over", common_password: "weak", invalid_input: "weak" };

function tell(outcome) {
  said.textContent = said.dataset[outcome];
  said.className = `notice ${outcome === "done" ? "equal" : "different"}`;
  form.hidden = outcome === "done" || outcome === "over";
}

async function send() {
  const answer = await fetch(form.action, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token, password: form.elements.password.value }),
  });
  if (answer.ok) return "done";
  const problem = await answer.json();
  return OUTCOMES[problem.code] ?? "failed";
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  tell(await send().catch(() => "failed"));
  button.disabled = false;
});

if (token) form.hidden = false;
else tell("over");
