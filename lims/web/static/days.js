// A browser shows a day in an order of its own, by its own language: 05/08/2026 is two days. Beside each
// such input stands the day that it holds, in the words of this page.

const spoken = document.documentElement.lang;
const month = new Intl.DateTimeFormat("en", { month: "short", timeZone: "UTC" });
const words = new Intl.DateTimeFormat(spoken, { dateStyle: "long", timeZone: "UTC" });

/** As the server writes it: 08-May-2026, or 2026年5月8日. */
function said(value) {
  const [day, time = ""] = value.split("T");
  const at = new Date(`${day}T00:00Z`);
  if (Number.isNaN(at.getTime())) return "";
  const [year, , date] = day.split("-");
  const written = spoken === "en" ? `${date}-${month.format(at)}-${year}` : words.format(at);
  return `${written} ${time}`.trim();
}

for (const place of document.querySelectorAll("[data-day]")) {
  const input = place.closest(".field").querySelector("input");
  const show = () => {
    place.textContent = said(input.value);
    place.hidden = !place.textContent;
  };
  input.addEventListener("input", show);
  input.form?.addEventListener("reset", () => setTimeout(show));
  addEventListener("pageshow", show); // a browser puts back what stood there
  show();
}
