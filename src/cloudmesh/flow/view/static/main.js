// Where the page begins: which place its address names.

import { replace } from "./dom.js";
import { listenKeys } from "./keys.js";
import { startList } from "./list.js";
import { loadMarks } from "./marks.js";
import { startRun } from "./runstart.js";
import { applyTheme } from "./theme.js";

const keysReady = listenKeys(); // from the first moment
applyTheme();
await loadMarks();

const app = document.getElementById("app");
const match = /^\/runs\/([^/]+)$/.exec(location.pathname);
replace(app);

// Half an escape is no name: the server is asked for it as it stands, and knows none.
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

if (match) startRun(app, decoded(match[1]), keysReady);
else startList(app, keysReady);
