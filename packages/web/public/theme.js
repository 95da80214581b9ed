// Before anything is drawn, so that a page whose theme was chosen by hand does not flash in the other one.
try {
  const theme = localStorage.getItem("skep.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Without storage the system's theme counts.
}
