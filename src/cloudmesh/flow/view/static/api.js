// Requests to the server.  An error carries its status and a sentence of the server's.

export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

async function answer(response) {
  if (response.ok) return response;
  let detail = response.statusText;
  try {
    detail = (await response.json()).detail || detail;
  } catch {
    // no problem document: the status says what there is to say
  }
  throw new Refused(response.status, detail);
}

export async function get(path) {
  return (await answer(await fetch(path, { headers: { Accept: "application/json" } }))).json();
}

export async function getText(path) {
  const response = await answer(await fetch(path));
  return { text: await response.text(), offset: Number(response.headers.get("Log-Offset") || 0) };
}

export async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body || {}),
  });
  return (await answer(response)).json();
}

export const runPath = (run, ...rest) =>
  ["/api/runs", run, ...rest].map((part, k) => (k ? encodeURIComponent(part) : part)).join("/");
