// Saved searches are kept by this browser, for each person who signs in with it.
"use strict";

{
  const section = document.getElementById("searches");
  const list = section.querySelector("ul");
  const key = `searches of ${section.dataset.person}`;
  const read = () => JSON.parse(localStorage.getItem(key) || "{}");

  // keep changes what is saved, and shows it.
  function keep(change) {
    const all = read();
    change(all);
    localStorage.setItem(key, JSON.stringify(all));
    show();
  }

  function show() {
    list.replaceChildren(...Object.entries(read()).map(([name, query]) => {
      const link = Object.assign(document.createElement("a"), { href: `/transactions${query}`, textContent: name });
      const remove = Object.assign(document.createElement("button"), { className: "quiet", textContent: "Remove" });
      remove.setAttribute("aria-label", `Remove ${name}`);
      remove.addEventListener("click", () => keep((all) => delete all[name]));
      const item = document.createElement("li");
      item.append(link, " ", remove);
      return item;
    }));
  }

  section.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const query = new URLSearchParams(location.search);
    query.delete("cursor"); // a saved search begins with the newest
    for (const [name, value] of [...query]) if (value === "") query.delete(name);
    const field = document.getElementById("search-name");
    keep((all) => { all[field.value.trim()] = `?${query}`; });
    field.value = "";
  });

  section.hidden = false;
  show();
}
