// What is said to a screen reader: at most a sentence in 5 s; errors and the end at once.

const PAUSE = 5000;

let last = 0;
let timer = 0;
let pending = "";

function say(sentence) {
  last = Date.now();
  document.getElementById("announce").textContent = sentence;
}

export function announce(sentence, atOnce = false) {
  clearTimeout(timer);
  if (atOnce || Date.now() - last > PAUSE) {
    say(sentence);
    return;
  }
  pending = sentence;
  timer = setTimeout(() => say(pending), PAUSE - (Date.now() - last));
}
