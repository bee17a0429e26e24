"use strict";
// The document lies beside this page's folder, wherever a gateway has put both. A gateway's own page
// has a list of services to choose from.
function chooseDocument() {
  const list = document.querySelector("#service");
  if (list === null) {
    return "../openapi.json";
  }
  const wanted = new URLSearchParams(location.search).get("service");
  for (const option of list.options) {
    option.selected = option.value === wanted;
  }
  list.addEventListener("change", () => list.form.submit());
  return list.options[Math.max(list.selectedIndex, 0)].dataset.document;
}

window.addEventListener("load", () => {
  window.ui = SwaggerUIBundle({
    url: new URL(chooseDocument(), document.baseURI).href,
    dom_id: "#swagger-ui",
    deepLinking: true,
    validatorUrl: null,
    onComplete: () => {
      const title = document.querySelector("#swagger-ui .info .title");
      document.title = title ? title.firstChild.textContent.trim() : document.title;
    },
  });
});
