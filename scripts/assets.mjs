// Fonts, icons, libraries and lazy style sheets of the site. Copies them from the npm packages, and bundles the sheets,
// into public/; with --watch again on each change of a sheet.
// Run it in the folder of node_modules (the repository root). It writes a file only when its content changed, so that a
// running `cargo leptos watch` does not rebuild needlessly.
import { createRequire } from "node:module";
import { mkdirSync, readFileSync, watch, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const published = join(root, "public");
const packages = createRequire(pathToFileURL(join(process.cwd(), "package.json")));

/** Files in public/ and their sources in packages. The licenses are copied with the fonts. */
const copies = {
  "fonts/inter.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
  "fonts/inter.txt": "@fontsource-variable/inter/LICENSE",
  "fonts/mono.woff2": "@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2",
  "fonts/mono.txt": "@fontsource-variable/jetbrains-mono/LICENSE",
  "terminal/xterm.js": "@xterm/xterm/lib/xterm.mjs",
  "terminal/xterm.css": "@xterm/xterm/css/xterm.css",
  "terminal/xterm.txt": "@xterm/xterm/LICENSE",
  "terminal/addon-fit.js": "@xterm/addon-fit/lib/addon-fit.mjs",
};

/** The project's name of an icon, and Lucide's. Add one when a view needs it; every visitor loads all of them. */
const icons = [
  ["dashboard", "gauge"],
  ["containers", "container"],
  ["images", "layers"],
  ["volumes", "database"],
  ["networks", "network"],
  ["engine", "server"],
  ["events", "history"],
  ["alerts", "bell"],
  ["silence", "bell-off"],
  ["settings", "settings"],
  ["tasks", "list-checks"],
  ["pull", "cloud-download"],
  ["push", "cloud-upload"],
  ["build", "hammer"],
  ["prune", "eraser"],
  ["import", "file-up"],
  ["export", "file-down"],
  ["registry", "key-round"],
  ["limits", "sliders-horizontal"],
  ["recipe", "scroll-text"],
  ["more", "ellipsis"],
  ["add", "plus"],
  ["edit", "pencil"],
  ["send", "send"],
  ["realtime", "activity"],
  ["theme-system", "contrast"],
  ["theme-light", "sun"],
  ["theme-dark", "moon"],
  ["search", "search"],
  ["table", "table-2"],
  ["cards", "layout-grid"],
  ["compact", "rows-4"],
  ["group", "list-tree"],
  ["start", "play"],
  ["stop", "square"],
  ["restart", "rotate-cw"],
  ["pause", "pause"],
  ["unpause", "step-forward"],
  ["kill", "zap"],
  ["remove", "trash-2"],
  ["tag", "tags"],
  ["folder", "folder"],
  ["file", "file"],
  ["link", "link-2"],
  ["wrap", "text-wrap"],
  ["end", "arrow-down-to-line"],
  ["special", "file-cog"],
  ["close", "x"],
  ["copy", "copy"],
  ["download", "download"],
  ["check", "check"],
  ["warn", "triangle-alert"],
  ["error", "circle-x"],
  ["info", "info"],
  ["unreachable", "unplug"],
];

for (const [name, source] of Object.entries(copies)) write(name, readFileSync(packages.resolve(source)));
write("icons.svg", Buffer.from(sprite()));
bundle();
if (process.argv.includes("--watch")) watch(join(root, "style"), { recursive: true }, bundle);

/** Bundles as cargo-leptos does for style/main.css: it supports only one sheet. */
function bundle() {
  const { buildSync } = packages("esbuild");
  const options = { bundle: true, minify: true, write: false, logLevel: "error" };
  const [sheet] = buildSync({ ...options, entryPoints: [join(root, "style", "lazy.css")] }).outputFiles;
  write("lazy.css", Buffer.from(sheet.contents));
}

/** One symbol per icon; stroke and fill are inherited from style/widgets/icon.css. */
function sprite() {
  const symbols = icons.map(([name, lucide]) => {
    const svg = readFileSync(packages.resolve(`lucide-static/icons/${lucide}.svg`), "utf8");
    const shapes = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
    return `<symbol id="${name}" viewBox="0 0 24 24">${shapes.replace(/\s*\n\s*/g, "").replaceAll(" />", "/>")}</symbol>`;
  });
  const mark = readFileSync(join(published, "mark.svg"), "utf8");
  const beam = mark.slice(mark.indexOf(">", mark.indexOf("<svg")) + 1, mark.lastIndexOf("</svg>"));
  symbols.push(`<symbol id="mark" viewBox="0 0 16 16">${beam.replace(/\s*\n\s*/g, "")}</symbol>`);
  const licence = "<!-- Icons by Lucide, ISC License, Copyright (c) Lucide Icons and Contributors, lucide.dev/license -->";
  return `<svg xmlns="http://www.w3.org/2000/svg">${licence}\n${symbols.join("\n")}\n</svg>\n`;
}

function write(name, content) {
  const path = join(published, name);
  mkdirSync(dirname(path), { recursive: true });
  if (!same(path, content)) writeFileSync(path, content);
}

function same(path, content) {
  try {
    return readFileSync(path).equals(content);
  } catch (error) {
    if (error.code === "ENOENT") return false;
    throw error;
  }
}
