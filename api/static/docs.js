// Requests are sent with the session's cookies, so logging in here is enough to try everything.
window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "none",
  filter: true,
  persistAuthorization: true,
  requestInterceptor: (request) => ({ ...request, credentials: "same-origin" }),
});
