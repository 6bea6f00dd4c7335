// The compiler in its worker, as functions that return promises.

const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
const waiting = new Map();
let last = 0;

/** Settles when the compiler can answer. */
export const ready = new Promise((resolve, reject) => {
  worker.addEventListener("message", ({ data }) => {
    if (data.ready) resolve();
    else if (data.failed) reject(new Error(data.failed));
    else {
      const { resolve: done, reject: failed } = waiting.get(data.id);
      waiting.delete(data.id);
      if (data.error) failed(new Error(data.error));
      else done(data.result);
    }
  });
  worker.addEventListener("error", (event) => reject(new Error(event.message)));
});

/** Ask the compiler; see playground.py for the methods. */
export function ask(method, ...args) {
  const id = ++last;
  worker.postMessage({ id, method, args });
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}
