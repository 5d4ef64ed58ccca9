// A part of the page renewed in place, on a document just large enough for it.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { morph } from '../../../web/js/morph.js';

class Text {
  constructor(value) { this.nodeType = 3; this.nodeName = '#text'; this.nodeValue = value; this.parent = null; }
  get html() { return this.nodeValue; }
}

class Element {
  constructor(name, attributes, children) {
    this.nodeType = 1; this.nodeName = name; this.parent = null; this.kept = new Map(Object.entries(attributes)); this.childNodes = [];
    for (const child of children) this.insertBefore(child, null);
  }
  get dataset() { return { key: this.kept.get('data-key'), own: this.kept.get('data-own') }; }
  get attributes() { return [...this.kept].map(([name, value]) => ({ name, value })); }
  getAttribute(name) { return this.kept.get(name) ?? null; }
  hasAttribute(name) { return this.kept.has(name); }
  setAttribute(name, value) { this.kept.set(name, value); }
  removeAttribute(name) { this.kept.delete(name); }
  get firstChild() { return this.childNodes[0] ?? null; }
  insertBefore(child, before) {
    child.remove();
    this.childNodes.splice(before === null ? this.childNodes.length : this.childNodes.indexOf(before), 0, child);
    child.parent = this;
  }
  get html() { return `<${this.nodeName}${[...this.kept].sort().map(([n, v]) => ` ${n}="${v}"`).join('')}>${this.childNodes.map((c) => c.html).join('')}</>`; }
}
for (const kind of [Text, Element]) {
  kind.prototype.remove = function remove() {
    if (this.parent) this.parent.childNodes.splice(this.parent.childNodes.indexOf(this), 1);
    this.parent = null;
  };
  Object.defineProperty(kind.prototype, 'nextSibling', { get() { return this.parent?.childNodes[this.parent.childNodes.indexOf(this) + 1] ?? null; } });
}
const copy = (node) => (node.nodeType === 3 ? new Text(node.nodeValue) : new Element(node.nodeName, Object.fromEntries(node.kept), node.childNodes.map(copy)));
globalThis.document = { importNode: copy };

const e = (name, attributes, ...children) => new Element(name, attributes, children.map((c) => (typeof c === 'string' ? new Text(c) : c)));
const row = (key, text) => e('TR', { 'data-key': key }, e('TD', {}, text));
const nothing = () => {};

test('rows move with their keys: each stays the element that it was', () => {
  const old = e('TBODY', {}, row('b', '1'), row('a', '2'));
  const [b, a] = old.childNodes, changed = [];
  const now = e('TBODY', {}, row('c', 'new'), row('b', '1'), row('a', '3'));
  morph(old, now, (element) => changed.push(element));
  assert.equal(old.html, now.html);
  assert.deepEqual([old.childNodes[1] === b, old.childNodes[2] === a], [true, true]);
  assert.deepEqual(changed, [a.childNodes[0]], 'what has another text now, and nothing else');
  morph(old, e('TBODY', {}, row('a', '3')), nothing);
  assert.equal(old.childNodes.length, 1);
  assert.equal(old.firstChild, a);
});

test('what a script drew stays while it is of the same owner, and goes with another', () => {
  const drawn = e('svg', { 'data-own': 'spark' }, e('path', {}));
  const old = e('TD', {}, drawn);
  morph(old, e('TD', {}, e('svg', { 'data-own': 'spark', class: 'x' })), nothing);
  assert.equal(old.firstChild, drawn);
  assert.equal(drawn.childNodes.length, 1, 'its drawing is its own');
  assert.equal(drawn.getAttribute('class'), 'x');
  morph(old, e('TD', {}, e('svg', { 'data-own': 'other' })), nothing);
  assert.notEqual(old.firstChild, drawn);
});

test('attributes follow, but for what the reader opened', () => {
  const old = e('details', { open: '', class: 'a', title: 'x' }, 'text');
  morph(old, e('details', { title: 'y' }, 'text'), nothing);
  assert.equal(old.html, e('details', { open: '', title: 'y' }, 'text').html);
});

test('whatever it was before, it is like the newest afterwards', () => {
  let seed = 7;
  const random = (n) => { seed = (seed * 1103515245 + 12345) % 2147483648; return Math.floor(seed / 65536) % n; };
  const some = (depth) => {
    const keys = [...'abcdef'].sort(() => random(3) - 1).slice(0, random(7));
    const children = Array.from({ length: random(5) }, () => {
      if (depth === 0 || random(3) === 0) return new Text(String(random(5)));
      const key = random(2) ? keys.pop() : undefined;
      const child = some(depth - 1);
      if (key !== undefined) child.setAttribute('data-key', key);
      return child;
    });
    return new Element(['TR', 'TD', 'A'][random(3)], random(2) ? { class: String(random(3)) } : {}, children);
  };
  for (let i = 0; i < 3000; i++) {
    const old = some(3), now = some(3), wanted = now.childNodes.map((c) => c.html).join('');
    morph(old, now, nothing);
    assert.equal(old.childNodes.map((c) => c.html).join(''), wanted, `after ${i} times`);
  }
});
