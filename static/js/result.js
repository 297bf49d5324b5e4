// The waiting result page: htmx asks at the pace that the server sets. Here: what happens when no answer comes (three more
// tries with growing pauses, then an error with a button), and where the focus goes once the page has its answer.

(() => {
  const PAUSES_MS = [2000, 4000, 8000];
  const ARRIVED = "coffer.result-arrived";
  let misses = 0;

  const alarm = () => document.getElementById("no-answer");

  function askAgain() {
    alarm()?.replaceChildren();
    htmx.trigger("#purchase-status", "again");
  }

  function miss(event) {
    if (event.target.id !== "purchase-status") return;
    if (event.detail.xhr?.status === 403) return location.reload(); // signed in anew elsewhere: the form's token is old
    if (misses < PAUSES_MS.length) {
      setTimeout(askAgain, PAUSES_MS[misses]);
      misses += 1;
      return;
    }
    alarm().replaceChildren(document.getElementById("no-answer-text").content.cloneNode(true));
  }

  ["htmx:sendError", "htmx:responseError", "htmx:timeout"].forEach((name) => document.addEventListener(name, miss));
  document.addEventListener("click", (event) => event.target.closest("[data-ask-again]") && askAgain());
  document.addEventListener("htmx:beforeOnLoad", ({ detail }) => {
    if (detail.xhr.status >= 400) return;
    misses = 0;
    if (detail.xhr.getResponseHeader("HX-Refresh")) sessionStorage.setItem(ARRIVED, location.pathname);
  });

  // The page was loaded anew because its answer had come: whoever listens or uses the keyboard lands on it.
  if (sessionStorage.getItem(ARRIVED) === location.pathname) {
    sessionStorage.removeItem(ARRIVED);
    document.querySelector("h1").focus();
  }
})();
