/* An answer of the API. A database that has too much to do at the moment is asked once more, a little later. */
const AGAIN_MS = 1500;

export async function read(path) {
  for (let attempt = 0; ; attempt++) {
    const response = await fetch(path);
    if (response.ok) return response.json();
    if (response.status === 503 && attempt < 2) {
      await new Promise((resolve) => { setTimeout(resolve, AGAIN_MS * (attempt + 1)); });
      continue;
    }
    const body = await response.json().catch(() => null);
    throw new Error(body?.error?.message ?? `status ${response.status}`);
  }
}
