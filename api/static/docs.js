// Requests are sent with the session's cookies, so logging in here is enough to try everything.
//
// Examples carry the ids of the story that they were recorded from. What is made on this page gets
// others, and what was answered says which: from then on a request that names an id of the story is
// sent with the one of here. So the bodies work as they stand, from signing up to the invoice.
const OF_THE_STORY = /^019b76da-a800-7000-8000-[0-9a-f]{12}$|example-only-\d{4}|^INV-\d{4}-\d{4}$/;
const KEPT = "fluxrate-docs-ids";
const known = new Map(JSON.parse(sessionStorage.getItem(KEPT) ?? "[]"));
const asked = new Map();
let paths = {};

function learn(shown, answered) {
  if (typeof shown === "string" && typeof answered === "string") {
    if (OF_THE_STORY.test(shown)) known.set(shown, answered);
  } else if (shown && answered && typeof shown === "object" && typeof answered === "object") {
    for (const name of Object.keys(shown)) learn(shown[name], answered[name]);
  }
}

function exampleOf(method, path, status) {
  const parts = path.split("/");
  const fits = (template) => {
    const places = template.split("/");
    return places.length === parts.length && places.every((one, n) => one[0] === "{" || one === parts[n]);
  };
  const [template] = Object.keys(paths).filter(fits).sort((a, b) => a.split("{").length - b.split("{").length);
  const responses = paths[template]?.[method.toLowerCase()]?.responses ?? {};
  return responses[status]?.content?.["application/json"]?.example;
}

function translate(text, write = (id) => id) {
  for (const [shown, own] of known) text = text.replaceAll(shown, write(own));
  return text;
}

// Swagger UI opens the operation of an address, but goes there only if its topic was closed before.
function show() {
  ui.layoutActions.parseDeepLinkHash(decodeURIComponent(location.hash));
  goThere(location.hash.split("/").at(-1));
}

function goThere(name, framesLeft = 120) {
  const block = document.querySelector(`.opblock.is-open[id$="-${CSS.escape(name)}"]`);
  if (block) block.scrollIntoView();
  else if (framesLeft > 0) requestAnimationFrame(() => goThere(name, framesLeft - 1));
}

addEventListener("hashchange", show);
document.querySelector(".way").addEventListener("click", (event) => {
  // The address stays, so that nothing else tells of it.
  if (event.target.closest("a")?.hash === location.hash) show();
});

window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "none",
  filter: true,
  persistAuthorization: true,
  requestInterceptor: (request) => {
    request.url = translate(request.url, encodeURIComponent);
    if (typeof request.body === "string") request.body = translate(request.body);
    asked.set(new URL(request.url, location.href).href, request.method ?? "GET");
    return { ...request, credentials: "same-origin" };
  },
  responseInterceptor: (response) => {
    const url = new URL(response.url, location.href);
    if (url.pathname === "/openapi.json") paths = JSON.parse(response.text).paths;
    else if (response.ok) {
      learn(exampleOf(asked.get(url.href) ?? "GET", url.pathname, response.status), response.body);
      sessionStorage.setItem(KEPT, JSON.stringify([...known]));
    }
    return response;
  },
});
