// Follow the server: it sends the network after each change of its file, or the errors; then the picture stays as it was.

const first = JSON.parse(byId("network").textContent);
const changes = new EventSource(`changes?seen=${encodeURIComponent(first.version)}`);
let { errors } = first;
changes.addEventListener("message", (event) => {
  const data = JSON.parse(event.data);
  errors = data.errors;
  page.show(data);
  page.tell(errors);
});
changes.addEventListener("open", () => page.tell(errors));
changes.addEventListener("error", () => page.tell("The server does not answer; start it again to follow the file."));
