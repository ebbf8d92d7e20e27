// The colours that were chosen, set before anything is drawn; without a choice, the system's.
// Not a module: modules run when all is there, and the page would flash in the other colours.
(() => {
  const NAME = "firstcite.theme";
  const chosen = () => {
    try {
      return localStorage.getItem(NAME) ?? "";
    } catch {
      return ""; // storage is switched off
    }
  };
  const root = document.documentElement;
  root.dataset.theme = chosen();
  root.dataset.scripts = "on"; // otherwise the page says what to do without them
  const dark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const tell = () => {
      button.textContent = dark() ? "Light" : "Dark";
      button.setAttribute("aria-label", dark() ? "Use light colours" : "Use dark colours");
    };
    button.addEventListener("click", () => {
      root.dataset.theme = dark() ? "light" : "dark";
      try {
        localStorage.setItem(NAME, root.dataset.theme);
      } catch {
        // it holds until the page is left
      }
      tell();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tell);
    tell();
  });
})();
