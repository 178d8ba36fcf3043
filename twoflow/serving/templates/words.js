// The page of the service. Text from outside enters the page through `textContent` only.
"use strict";

const at = (id) => document.getElementById(id);

// An element with properties and children; a child is an element or a text, and what is null is left out.
const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null));
  return element;
};

// Control characters and marks of direction are written out, as on the pages of reports.
const printable = (text) => String(text).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (each) => {
  const code = each.codePointAt(0);
  const [mark, length] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
  return `\\${mark}${code.toString(16).padStart(length, "0")}`;
});

// A name from outside, which may be written from right to left.
const named = (text) => make("bdi", { textContent: printable(text) });

const counted = (number, noun, plural = `${noun}s`) => `${number.toLocaleString("en")} ${number === 1 ? noun : plural}`;

// A share in whole percent; only what is certain is 0% or 100%.
const percent = (share) => {
  if (share > 0 && share < 0.005) return "<1%";
  if (share < 1 && share >= 0.995) return ">99%";
  return `${Math.round(share * 100)}%`;
};

// A confidence as the service's own sentences write it; only what is certain is 0.00 or 1.00.
const confidence = (share) => {
  if (share > 0 && share < 0.005) return "<0.01";
  if (share < 1 && share >= 0.995) return ">0.99";
  return share.toFixed(2);
};

const megabytes = (bytes) => {
  const size = bytes / 1e6;
  return size < 0.1 ? `${Math.ceil(bytes / 1e3)} kB` : `${size.toFixed(size < 10 ? 1 : 0)} MB`;
};

// A screen reader says it; it is in the page for all others.
const say = (text) => { at("said").textContent = text; };
