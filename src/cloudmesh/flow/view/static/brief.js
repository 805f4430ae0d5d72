// What the server leaves out, because the graph says it already, is put back here.

// The state of every node: who is not mentioned is pending, and nothing more.
export function everyNode(snapshot) {
  const said = new Map(snapshot.nodes.map((node) => [node.n, node]));
  const flow = snapshot.graph.nodes.map(({ n, name }) => said.get(n) || { n, name, status: "pending", shown: "pending", attempt: 0 });
  return [...flow, ...snapshot.nodes.filter((node) => node.n >= flow.length)];
}

// A layout whose plates and edges have their names.
export function named(layout, graph) {
  const items = layout.items.map((item) => {
    if (!Array.isArray(item)) return item;
    const [x, y, w, h, level, n, label] = item;
    return { key: graph.nodes[n].name, kind: "node", x, y, w, h, level, n, label };
  });
  const keys = items.map((item) => (item.kind === "gate" ? "" : item.key));
  const edges = layout.edges.map(([from, to, path, label, x, y, curved]) => ({ edge: `${keys[from]}→${keys[to]}`, from, to, path, label, x, y, curved }));
  return { ...layout, items, edges };
}
