/* Builds the stats page: bundles scripts and styles, puts the pages together, packs what browsers keep, and writes
 * all of it as one C++ file that pool_http compiles in (pool/http/assets.h).
 *
 * One idea: a bundle's path holds a hash of its content, so that a browser may keep it for ever and a new version
 * of the pool is a new path. Pages name bundles as {{asset app.js}}; what else stands in {{…}} the pool fills in.
 *
 * usage: node build.mjs NODE_MODULES OUTPUT.cpp   (called by cmake/WebBundle.cmake) */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const [modules, output] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const esbuild = createRequire(join(modules, 'here.js'))('esbuild');
const read = (name) => readFileSync(join(here, name), 'utf8');

const bundles = [
  ['style.css', 'style.css', 'text/css; charset=utf-8'],
  ['theme.js', 'js/theme.js', 'text/javascript; charset=utf-8'],
  ['app.js', 'js/app.js', 'text/javascript; charset=utf-8'],
  ['replay.js', 'js/replay.js', 'text/javascript; charset=utf-8'],
  ['blocks.js', 'js/blocks.js', 'text/javascript; charset=utf-8'],
];
const pages = {
  overview: 'State of the pool: hash rate, blocks, work delivery, shares.',
  blocks: 'Every block the pool found: status, effort, reward, and the record that proves it.',
  miner: 'One payout address: workers, rejects, rewards.',
  payouts: 'How rewards are split, what is pending and what was paid.',
  coherence: 'The proof chain, and each of its proofs computed again in your browser.',
  connect: 'How to connect a miner: addresses and ready commands.',
  status: 'Nodes, database, journal: what is up, and what happened.',
};

const scripts = { coherence: 'replay.js', blocks: 'blocks.js' };  // beside app.js

async function bundle(entry) {
  const result = await esbuild.build({
    entryPoints: [join(here, entry)], nodePaths: [modules], bundle: true, minify: true, format: 'iife', target: 'es2021',
    charset: 'utf8', legalComments: 'inline', write: false, logLevel: 'warning',
  });
  return Buffer.from(result.outputFiles[0].contents);
}

const hashOf = (body) => createHash('sha256').update(body).digest('hex').slice(0, 12);

function packed(name, type, body, path) {
  const hash = hashOf(body);
  const brotli = brotliCompressSync(body, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: body.length },
  });
  // Level 9 and no name or time: the same bytes at every build.
  return { name, path: path ?? `/assets/${name.replace(/\.(\w+)$/, `.${hash}.$1`)}`, type, hash, raw: body, gzip: gzipSync(body, { level: 9 }), brotli };
}

/* The layout with a page in it, and its part of the menu marked. */
function assemble(page, assets) {
  const filled = read('layout.html').replace('{{> content}}', () => read(`pages/${page}.html`))
    .replace('{{> scripts}}', () => (page in scripts ? `<script src="{{asset ${scripts[page]}}}" defer></script>\n` : ''))
    .replaceAll('{{page}}', page)
    .replaceAll('{{description}}', pages[page])
    .replace(/ ?\{\{current (\w+)\}\}/g, (_, name) => (name === page ? ' aria-current="page"' : ''));
  return filled.replace(/\{\{asset ([\w.]+)\}\}/g, (_, name) => {
    const asset = assets.find((candidate) => candidate.name === name);
    if (!asset) throw new Error(`${page}: there is no asset ${name}`);
    return asset.path;
  });
}

/* A C++ string literal of any bytes: octal escapes always take three digits, so that nothing runs into the next. */
function literal(bytes) {
  const lines = [];
  let line = '';
  for (const byte of bytes) {
    const plain = byte >= 32 && byte < 127 && byte !== 34 && byte !== 92 && byte !== 63;
    line += plain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
    if (line.length > 110) { lines.push(`"${line}"`); line = ''; }
  }
  lines.push(`"${line}"`);
  return lines.join('\n');
}
const view = (bytes) => `std::string_view(${literal(bytes)}, ${bytes.length})`;
const text = (value) => view(Buffer.from(value));

const assets = [];
for (const [name, entry, type] of bundles) assets.push(packed(name, type, await bundle(entry)));
assets.push(packed('icon.svg', 'image/svg+xml', Buffer.from(read('icon.svg')), '/icon.svg'));
const html = Object.keys(pages).map((page) => [page, assemble(page, assets)]);

writeFileSync(output, `// Written by web/build.mjs.
#include "pool/http/assets.h"

#pragma GCC diagnostic ignored "-Woverlength-strings"

namespace pool {
namespace {

const WebAsset assets[] = {
${assets.map((a) => `{${text(a.name)}, ${text(a.path)}, ${text(a.type)}, ${text(`"${a.hash}"`)}, ${a.path.startsWith('/assets/')},
${view(a.raw)},
${view(a.gzip)},
${view(a.brotli)}}`).join(',\n')}};

const WebPage pages[] = {
${html.map(([name, body]) => `{${text(name)},
${text(body)}}`).join(',\n')}};

}  // namespace

std::span<const WebAsset> web_assets() { return assets; }
std::span<const WebPage> web_pages() { return pages; }

}  // namespace pool
`);
