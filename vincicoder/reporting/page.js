// What the scripts of all pages share; they follow this one in the same element.
/* oxlint-disable no-unused-vars */
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

// Text only ever enters a page through here, as text.
function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  for (const child of children.flat()) if (child !== null) element.append(child);
  return element;
}
const number = (value) => value.toLocaleString("en");
const spaced = (name) => name.replaceAll("_", " ");

// Whose fault a status is, as the name of a colour.
function tone(status) {
  return { none: "good", response: "bad" }[data.faults[status]] || "warn";
}
