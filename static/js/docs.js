// Starts Swagger UI on the OpenAPI document of this server.
"use strict";
addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("docs");
  window.SwaggerUIBundle({
    domNode: place,
    url: place.dataset.openapi,
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    validatorUrl: null, // the default validator would send the address to another host
    requestInterceptor: (request) => {
      // A write with a session needs the page's CSRF token; a write with an API token does not.
      const token = document.querySelector("meta[name=csrf-token]");
      if (token && !request.headers.Authorization) request.headers["X-CSRFToken"] = token.content;
      return request;
    },
  });
});
