"use strict";
// Hides what does not contain every word that is sought. Without this the page is only longer.
const box = document.getElementById("-search");
const parts = Array.from(document.querySelectorAll("main section"), (part) => [part, part.textContent.toLowerCase()]);
box.hidden = false;
box.addEventListener("input", () => {
  const words = box.value.toLowerCase().split(/\s+/);
  for (const [part, text] of parts) {
    part.hidden = !words.every((word) => text.includes(word));
  }
});
