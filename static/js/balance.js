// The balance on a page is the server's, never one that was worked out here. This script only notices that the page may
// be older than another answer of the server (a stored one, another tab's, a passed expiry, the browser's page cache),
// asks again, and shows the one new value in every place.

(() => {
  const ASK = "/api/v1/accounts/me/balance/";
  const REPORT = "/api/v1/balance/sync/";
  const SESSION = "/api/v1/session/";
  const STORE = "coffer.balance";
  const PAUSES_MS = [1000, 2000, 4000];
  const LONGEST_TIMER_MS = 2147483647;

  const header = document.getElementById("balance");
  const says = document.getElementById("balance-says");
  const tabs = "BroadcastChannel" in window ? new BroadcastChannel(STORE) : null;
  const number = new Intl.NumberFormat(document.documentElement.lang);
  let asking = null;
  let timer = 0;
  let askedFor = ""; // the passed expiry that was asked about: a wrong clock here must not ask for ever
  const othersAskedAbout = new Set();

  const debug = document.body.hasAttribute("data-debug")
    ? (what, details) => console.debug(`balance ${new Date().toISOString()} ${what}`, details)
    : () => {};

  function shown() {
    return {
      account: header.dataset.balanceAccount,
      available: Number(header.dataset.balance),
      version: Number(header.dataset.balanceVersion),
      expiry: header.dataset.balanceExpiry,
    };
  }

  function stored() {
    try {
      return JSON.parse(sessionStorage.getItem(STORE));
    } catch {
      return null;
    }
  }

  // Only what a server has just said comes here.
  function keep(answer) {
    try {
      sessionStorage.setItem(STORE, JSON.stringify({ ...answer, at: Date.now() }));
    } catch {
      return; // storage is off: nothing to compare with, the page is as good as its own answer
    }
    debug("stored", answer);
    tabs?.postMessage({ account: answer.account, version: answer.version });
  }

  function show(answer) {
    document.querySelectorAll("[data-balance]").forEach((place) => {
      place.dataset.balance = answer.available;
      place.dataset.balanceVersion = answer.version;
      (place.querySelector("[data-balance-number]") ?? place).textContent = number.format(answer.available);
    });
    header.dataset.balanceAccount = answer.account;
    header.dataset.balanceExpiry = answer.expiry;
    header.removeAttribute("data-balance-old");
    watchExpiry();
  }

  // Nobody is signed in: no place goes on showing what somebody had.
  function hide() {
    header.hidden = true;
    document.querySelectorAll("[data-balance]").forEach((place) => {
      if (place === header) return;
      place.removeAttribute("data-balance");
      (place.querySelector("[data-balance-number]") ?? place).textContent = "\u2013";
    });
    sessionStorage.removeItem(STORE);
  }

  function say(name) {
    if (says.dataset.said === name) return;
    says.dataset.said = name;
    says.replaceChildren(...(name ? [document.getElementById(`balance-${name}`).content.cloneNode(true)] : []));
    const here = new URLSearchParams({ next: location.pathname + location.search });
    const signIn = says.querySelector("[data-balance-sign-in]");
    signIn?.setAttribute("href", `${signIn.getAttribute("href")}?${here}`);
  }

  function hasPassed(expiry) {
    return expiry !== "" && Date.parse(expiry) <= Date.now();
  }

  function watchExpiry() {
    clearTimeout(timer);
    const { expiry } = shown();
    if (!expiry || askedFor === expiry) return;
    const wait = Date.parse(expiry) - Date.now();
    timer = setTimeout(() => {
      if (!hasPassed(expiry)) return watchExpiry();
      askedFor = expiry;
      ask("credits have expired");
    }, Math.min(Math.max(wait, 0), LONGEST_TIMER_MS));
  }

  async function report({ version, available }) {
    const query = new URLSearchParams({ version, available });
    await fetch(`${REPORT}?${query}`, { headers: { Accept: "application/json" }, cache: "no-store" }).catch(() => {});
  }

  async function fetched() {
    const response = await fetch(ASK, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (response.status === 401) return null;
    if (!response.ok) throw new Error(`status ${response.status}`);
    const said = await response.json();
    return {
      account: said.account ?? shown().account,
      available: said.available,
      version: said.version,
      expiry: said.next_expiry ?? "",
    };
  }

  // Nobody is signed in. A browser that never had an account becomes a guest anew; the server knows which those are. Not
  // on a result: whose that is, signing in or the link in a mail says.
  async function becomesGuest() {
    const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value;
    if (!token || document.querySelector("[data-purchase-state]")) return false;
    const headers = { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": token };
    return (await fetch(SESSION, { method: "POST", headers, body: "{}" })).ok;
  }

  async function fetchedPatiently() {
    for (const pause of PAUSES_MS) {
      try {
        return await fetched();
      } catch (error) {
        debug("no answer", { error: String(error), pause });
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
    return fetched();
  }

  function settle(before, answer) {
    if (answer === null) {
      hide();
      say("signed-out");
      return;
    }
    if (header.hidden || (answer.account !== before.account && before.account !== "")) {
      location.reload(); // signed in again, or somebody else has
      return;
    }
    if (answer.version < before.version) return; // overtaken by a newer answer
    if (answer.version === before.version && answer.available !== before.available && !hasPassed(before.expiry)) {
      report(before);
    }
    show(answer);
    keep(answer);
    const isNew = answer.version !== before.version || answer.available !== before.available;
    say(isNew && document.querySelector("[data-of-version]") ? "changed" : "");
  }

  function ask(why) {
    asking ??= (async () => {
      const before = shown();
      const began = performance.now();
      try {
        const answer = await fetchedPatiently();
        if (answer === null && (await becomesGuest())) return location.reload(); // and asks again
        settle(shown(), answer);
        debug(`asked: ${why}`, { ms: Math.round(performance.now() - began), before, after: shown(), answer });
      } catch (error) {
        header.setAttribute("data-balance-old", "");
        say("unknown");
        debug(`asked in vain: ${why}`, { ms: Math.round(performance.now() - began), before, error: String(error) });
      } finally {
        asking = null;
      }
    })();
    return asking;
  }

  // A page that has just been rendered is an answer of the server, unless a newer one is known.
  function begin() {
    const [page, known] = [shown(), stored()];
    debug("page", { page, known });
    const isSame = known !== null && known.account === page.account;
    if (hasPassed(page.expiry)) {
      askedFor = page.expiry;
      ask("credits have expired");
    } else if (isSame && known.version > page.version) {
      ask("a newer answer is known");
    } else if (isSame && known.version === page.version && known.available !== page.available && !hasPassed(known.expiry)) {
      report(known);
      keep(page);
    } else {
      keep(page);
    }
    watchExpiry();
  }

  if (!header) {
    try {
      sessionStorage.removeItem(STORE);
    } catch {
      // no storage, nothing to forget
    }
    tabs?.postMessage({ account: "", version: 0 }); // whoever still shows a balance had better ask
    return;
  }
  begin();
  window.addEventListener("pageshow", (event) => event.persisted && ask("back from the browser's page cache"));
  document.addEventListener("click", (event) => event.target.closest("[data-balance-ask]") && ask("by hand"));
  tabs?.addEventListener("message", ({ data }) => {
    const page = shown();
    const isOther = data.account !== page.account && !othersAskedAbout.has(data.account);
    if (isOther) othersAskedAbout.add(data.account);
    if (isOther || (data.account === page.account && data.version > page.version)) ask("another tab knows more");
  });
})();
