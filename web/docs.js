"use strict";
// The document lies beside this page's folder, wherever a gateway has put both.
window.addEventListener("load", () => {
  window.ui = SwaggerUIBundle({
    url: new URL("../openapi.json", document.baseURI).href,
    dom_id: "#swagger-ui",
    deepLinking: true,
    validatorUrl: null,
    onComplete: () => {
      const title = document.querySelector("#swagger-ui .info .title");
      document.title = title ? title.firstChild.textContent.trim() : document.title;
    },
  });
});
