// Connecting an OAuth connector: a flow is begun, shown, and watched to its end.

import { call, sentence } from "./api.js";
import { clearErrors, showProblem } from "./fields.js";

const EVERY = 1000; // milliseconds
const OVER = ["connected", "failed", "cancelled"];

export function connecting(root, page, autosave) {
  const box = root.querySelector("[data-flow]");
  if (!box) return;
  const path = () => `${page.path}/connect`;
  const begun = `connecting:${page.id}`;
  let watched = null; // what is shown: drawn anew only for news, as somebody may be typing in it

  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-way]");
    if (button) begin(button.dataset.way);
  });

  async function begin(way) {
    // Opened by the click itself, else it would be taken for an unwanted window.
    const tab = way === "browser" || way === "paste" ? window.open("about:blank") : null;
    if (tab) tab.opener = null;
    show(line("Starting…"));
    await autosave.flush();
    const body = { way: ["browser", "paste", "device"].includes(way) ? way : "browser" };
    const token = root.querySelector("[data-refresh-token]");
    if (token && token.value) body.refresh_token = token.value;
    try {
      const answer = await call("POST", path(), { body });
      if (token) token.value = "";
      if (tab && answer.body.authorization_url) tab.location.replace(answer.body.authorization_url);
      else tab?.close();
      follow(answer.body, !tab);
    } catch (problem) {
      tab?.close();
      if (problem.status === 409) resume();
      else show(line(problem.sentence, "banner alert"));
    }
  }

  // One is under way already, begun here before or by another.
  async function resume() {
    try {
      const { body } = await call("GET", path());
      if (!OVER.includes(body.phase)) follow(body, true);
    } catch {
      // none is
    }
  }

  function follow(flow, isBlocked = false) {
    watched = flow;
    if (OVER.includes(flow.phase)) sessionStorage.removeItem(begun);
    else sessionStorage.setItem(begun, flow.id);
    draw(flow, isBlocked);
    if (!OVER.includes(flow.phase)) setTimeout(() => look(flow), EVERY);
    else autosave.look();
  }

  async function look(before) {
    if (watched !== before) return;
    let flow = before;
    try {
      flow = (await call("GET", path())).body;
    } catch (problem) {
      if (problem.status === 404) {
        show(line("This connection attempt is over: start it again.", "banner alert"));
        return;
      }
    }
    if (watched !== before) return;
    if (OVER.includes(flow.phase) || flow.phase !== before.phase || flow.misfits !== before.misfits) follow(flow);
    else setTimeout(() => look(before), EVERY);
  }

  function draw(flow, isBlocked) {
    if (flow.phase === "connected") return show(...ended(flow));
    if (flow.phase === "failed") {
      return show(line(sentence([flow.error, flow.hint].filter(Boolean).join(": ")), "banner alert"));
    }
    if (flow.phase === "cancelled") return show(line("Cancelled.", "quiet"));
    if (flow.phase === "starting") return show(line("Asking the service…"), cancel());
    if (flow.user_code) return show(...byCode(flow), cancel());
    return show(...byBrowser(flow, isBlocked), cancel());
  }

  function show(...parts) {
    box.hidden = false;
    box.replaceChildren(...parts);
  }

  function byBrowser(flow, isBlocked) {
    const said = isBlocked ? "Sign in with the service, and consent there:" : "Waiting for the consent in the other tab. If it did not open:";
    const parts = [line(said), link(flow.authorization_url, `Sign in at ${hostOf(flow.authorization_url)}`)];
    if (flow.redirect_uri) parts.push(pasting(flow));
    return parts;
  }

  function byCode(flow) {
    const parts = [line("On any machine, open this address and enter the code:"), link(flow.verification_url)];
    const code = document.createElement("p");
    code.className = "user-code mono";
    code.textContent = flow.user_code;
    parts.push(code);
    return parts;
  }

  function pasting(flow) {
    const form = document.createElement("form");
    form.className = "field";
    form.noValidate = true;
    const label = line(`Afterwards the browser is sent to ${flow.redirect_uri}, which may not load. Paste that whole address here:`, "", "label");
    label.htmlFor = "redirected";
    const input = document.createElement("input");
    Object.assign(input, { id: "redirected", className: "mono", autocomplete: "off", spellcheck: false });
    input.setAttribute("aria-describedby", "redirected-error");
    const error = line(flow.misfits ? "That is not the address that this consent leads to." : "", "error", "span");
    error.id = "redirected-error";
    error.dataset.errorFor = "";
    const button = line("Use this address", "", "button");
    const beside = line("", "beside", "div");
    beside.append(input, button);
    form.append(label, beside, error);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      clearErrors(form);
      try {
        const { body } = await call("POST", `${path()}/answer`, { body: { address: input.value } });
        if (body) follow(body);
      } catch (problem) {
        showProblem(form, problem);
      }
    });
    return form;
  }

  function cancel() {
    const button = line("Cancel", "", "button");
    button.type = "button";
    button.addEventListener("click", async () => {
      await call("DELETE", path()).catch(() => {});
      watched = null;
      show(line("Cancelled.", "quiet"));
    });
    return button;
  }

  const disconnecting = document.querySelector("form[data-disconnects]");
  disconnecting?.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearErrors(disconnecting);
    try {
      const { body } = await call("POST", `${page.path}/disconnect`, { body: {} });
      disconnecting.closest("dialog").close();
      show(line(sentence(body?.said || "disconnected"), "banner info"));
    } catch (problem) {
      showProblem(disconnecting, problem);
    }
    autosave.look();
  });

  // One that was begun before this page was loaded anew.
  if (sessionStorage.getItem(begun)) resume();
}

function ended(flow) {
  const whom = flow.account ? ` as ${flow.account}` : "";
  const parts = [line(`Connected${whom}.`, "banner good")];
  if (flow.not_granted?.length) parts.push(line(`Not granted: ${flow.not_granted.join(", ")}.`, "quiet"));
  if (flow.tested) parts.push(line(sentence(flow.tested), "quiet"));
  return parts;
}

function hostOf(url) {
  return URL.canParse(url) ? new URL(url).host : url;
}

function link(url, words = "") {
  const shown = document.createElement("p");
  const anchor = document.createElement("a");
  // A script's address would run here; what the service names is opened elsewhere, as a page.
  if (/^https?:/i.test(url || "")) anchor.href = url;
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer";
  anchor.className = words ? "" : "mono";
  anchor.textContent = words || url;
  shown.append(anchor);
  return shown;
}

function line(text, className = "", tag = "p") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = text;
  return element;
}
