// The picture as a file: the whole graph at 100 %, groups open or folded as they are here.

import { runPath } from "./api.js";
import { openDialog } from "./dialogs.js";
import { h } from "./dom.js";

const SHARP = 2; // pixels of a PNG for one of the picture
const SIDE_MAX = 16000; // px: more than that no browser draws
const AREA_MAX = 120e6;

export function askSave(page) {
  const path = `${runPath(page.id, "picture")}?open=${encodeURIComponent([...page.open].join(","))}`;
  const name = page.id; // as the server names its own
  openDialog("Save the picture", [h("p", {}, "The whole graph at 100 %, on light ground, groups open or folded as they are here.")], [
    ["Close", null],
    ["PNG", async () => save(URL.createObjectURL(await pngOf(path)), `${name}.png`)],
    ["SVG", () => save(path, `${name}.svg`), "primary"],
  ]);
}

function save(href, name) {
  const link = h("a", { href, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}

async function pngOf(path) {
  const image = new Image();
  image.src = path;
  await image.decode().catch(() => {
    throw new Error("The picture could not be read from the server.");
  });
  const { naturalWidth: w, naturalHeight: high } = image;
  const scale = Math.min(SHARP, SIDE_MAX / Math.max(w, high), Math.sqrt(AREA_MAX / (w * high)));
  if (scale < 0.5) throw new Error("The picture is too large for a PNG. An SVG has no limit.");
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(w * scale);
  canvas.height = Math.round(high * scale);
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}
