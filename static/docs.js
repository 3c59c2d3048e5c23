// Starts the API page: Swagger UI from static/vendor, on the document this server serves.
"use strict";
addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("docs");
  window.SwaggerUIBundle({
    domNode: place,
    url: place.dataset.openapi,
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    validatorUrl: null, // by default Swagger UI would send the address to another host
    requestInterceptor: (request) => {
      // Whoever is signed in writes with their session, which needs the page's token; an API token does not.
      const token = document.querySelector("meta[name=csrf-token]");
      if (token && !request.headers.Authorization) request.headers["X-CSRFToken"] = token.content;
      return request;
    },
  });
});
