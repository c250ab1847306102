// One way to call the API: with the session's CSRF token, and problems told apart from failures.

import { inPageTerms } from "./terms.js";

const csrf = document.querySelector('meta[name="csrf"]').content;

export class Problem extends Error {
  constructor(status, document) {
    super(document.detail || "the request was refused");
    this.status = status;
    this.code = document.code || "failed";
    this.hint = document.hint || "";
    this.fields = document.fields || [];
  }

  get sentence() {
    return sentence(this.hint ? `${this.message}: ${this.hint}` : this.message);
  }
}

export function sentence(hint) {
  const text = inPageTerms(hint);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}

// Returns {status, etag, body}. Throws Problem for an answer that says no, and for no answer at all.
export async function call(method, path, { body, etag, keepalive = false } = {}) {
  const headers = { "X-CSRF-Token": csrf, Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (etag) headers["If-Match"] = etag;
  let answer;
  try {
    answer = await fetch(`/api/v1${path}`, {
      method, headers, keepalive, body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Problem(0, { code: "offline", detail: "Keyhatch does not answer", hint: "start it again in a terminal with `keyhatch ui`" });
  }
  const text = await answer.text();
  let document = null;
  try { document = text ? JSON.parse(text) : null; } catch { document = null; }
  if (!answer.ok) throw new Problem(answer.status, document || {});
  return { status: answer.status, etag: answer.headers.get("ETag"), body: document };
}
