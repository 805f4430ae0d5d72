// Where the page begins: which place its address names.

import { replace } from "./dom.js";
import { startList } from "./list.js";
import { loadMarks } from "./marks.js";
import { startRun } from "./runstart.js";
import { applyTheme } from "./theme.js";

applyTheme();
await loadMarks();

const app = document.getElementById("app");
const match = /^\/runs\/([^/]+)$/.exec(location.pathname);
replace(app);
if (match) startRun(app, decodeURIComponent(match[1]));
else startList(app);
