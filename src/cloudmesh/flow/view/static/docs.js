// /docs: the description of the HTTP interface, drawn from /openapi.json.  Nothing from elsewhere.

import { get } from "./api.js";
import { h, replace } from "./dom.js";
import { applyTheme } from "./theme.js";

applyTheme();

const typeOf = (schema) => {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").slice(-1)[0];
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ");
  if (schema.type === "array") return `list of ${typeOf(schema.items) || "anything"}`;
  return schema.type || "anything";
};

const table = (rows) => h("table", {}, h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((cell) => h("td", {}, cell))))));

function operation(path, method, op, schemas) {
  const inside = h("div", { class: "inside" }, h("p", {}, op.description || ""));
  if (op.parameters?.length) {
    inside.append(h("h3", {}, "Parameters"), table(op.parameters.map((p) =>
      [h("code", {}, p.name), `${p.in}, ${typeOf(p.schema)}${p.required ? "" : ", optional"}`, p.description || ""])));
  }
  const body = op.requestBody?.content?.["application/json"]?.schema;
  const name = typeOf(body).split(" or ")[0];
  if (body && schemas[name]) {
    inside.append(h("h3", {}, "Body"), table(Object.entries(schemas[name].properties || {}).map(([key, schema]) =>
      [h("code", {}, key), typeOf(schema), schema.description || ""])));
  }
  inside.append(h("h3", {}, "Answers"), table(Object.entries(op.responses).map(([code, answer]) =>
    [h("code", {}, code), answer.description || "", Object.keys(answer.content || {}).join(", ")])));
  inside.append(h("h3", {}, "Try"), h("pre", {}, `curl -H "Authorization: Bearer $TOKEN"${method === "post" ? " -X POST -d '{}' -H 'Content-Type: application/json'" : ""} ${location.origin}${path}`));
  return h("details", { class: "operation", id: op.operationId },
    h("summary", {}, h("b", { class: `method ${method}` }, method.toUpperCase()), h("code", {}, path), h("span", {}, (op.description || "").split("\n")[0])), inside);
}

try {
  const document_ = await get("/openapi.json");
  const byTag = new Map((document_.tags || []).map((tag) => [tag.name, [h("h2", {}, tag.name), h("p", {}, tag.description)]]));
  for (const [path, operations] of Object.entries(document_.paths)) {
    for (const [method, op] of Object.entries(operations)) {
      const [tag] = op.tags || ["server"];
      if (!byTag.has(tag)) byTag.set(tag, [h("h2", {}, tag)]);
      byTag.get(tag).push(operation(path, method, op, document_.components.schemas));
    }
  }
  replace(document.getElementById("docs"),
    h("h1", {}, `${document_.info.title} ${document_.info.version}`), h("p", {}, document_.info.description),
    h("p", {}, h("a", { href: "/openapi.json" }, "openapi.json"), " · ", h("a", { href: "/" }, "the view")), [...byTag.values()].flat());
} catch (error) {
  replace(document.getElementById("docs"), h("p", {}, `The description cannot be read: ${error.message}`));
}
