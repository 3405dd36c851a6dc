// Elements made from text alone: nothing that a file says is ever read as markup.

/** Makes an element; attributes that are functions are listeners, children that are strings text. */
export function el(tag, attributes = {}, ...children) {
  const found = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") found.addEventListener(name, value);
    else if (name === "class") found.className = value;
    else found.setAttribute(name, value === true ? "" : value);
  }
  found.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return found;
}

/** Puts new children into an element, and does nothing where they say the same as before. */
export function show(parent, ...children) {
  const wanted = el("div", {}, ...children);
  if (parent.isEqualNode && sameInside(parent, wanted)) return false;
  parent.replaceChildren(...wanted.childNodes);
  return true;
}

function sameInside(one, other) {
  const a = one.childNodes;
  const b = other.childNodes;
  if (a.length !== b.length) return false;
  for (let k = 0; k < a.length; k++) if (!a[k].isEqualNode(b[k])) return false;
  return true;
}

/** A colour of the style sheet, as it is now: light or dark. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
