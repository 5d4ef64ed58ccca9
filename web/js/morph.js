/* Makes one piece of the page like the server's newest, touching only what differs: focus, scroll and selection stay.
 *
 * Rows carry data-key, so that a new one on top moves the others instead of rewriting them. What a script draws
 * carries data-own: it stays as it is while its key is the same. */
const sameOwner = (a, b) => a.dataset.own === b.dataset.own;

function morphAttributes(old, now) {
  for (const { name, value } of [...now.attributes]) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) {
    if (name === 'open') continue;  // the reader's
    if (name === 'class' && !now.hasAttribute('class')) old.removeAttribute('class');
    else if (!now.hasAttribute(name)) old.removeAttribute(name);
  }
}

const isElement = (node) => node.nodeType === 1;
const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName
  && (!isElement(a) || ((a.dataset?.key ?? null) === (b.dataset?.key ?? null) && (!a.dataset?.own || sameOwner(a, b))));

/* `changed` is told the element whose text is another one now. */
export function morph(old, now, changed) {
  morphAttributes(old, now);
  if (old.dataset?.own) return;
  const keyed = new Map();
  for (const child of old.childNodes) if (isElement(child) && child.dataset?.key) keyed.set(child.dataset.key, child);
  let at = old.firstChild;
  for (const wanted of [...now.childNodes]) {
    const known = isElement(wanted) && wanted.dataset?.key ? keyed.get(wanted.dataset.key) : null;
    if (known && known !== at) old.insertBefore(known, at);
    const here = known ?? at;
    if (!here || !alike(here, wanted)) {
      old.insertBefore(document.importNode(wanted, true), at);
      continue;
    }
    if (here === at) at = at.nextSibling;
    if (isElement(wanted)) {
      morph(here, wanted, changed);
    } else if (here.nodeValue !== wanted.nodeValue) {
      here.nodeValue = wanted.nodeValue;
      changed(old);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}
