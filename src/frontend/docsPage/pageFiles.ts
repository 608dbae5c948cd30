/**
 * The page itself: its frame, the script that starts it, and the few files of Swagger UI that it loads. Everything comes
 * from this server, and its policy makes the browser see to that; no script stands in the page, none is made from text.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { documentPaths } from "./contractFiles.ts";
import { servedFile, type ContentKind, type ServedFile } from "./servedFile.ts";

const require = createRequire(import.meta.url);
const swaggerUi = dirname(require.resolve("swagger-ui-dist/package.json"));
/** All that is served of it. */
const swaggerUiFiles = [
  ["swagger-ui.css", "css"],
  ["swagger-ui-bundle.js", "js"],
  ["swagger-ui-standalone-preset.js", "js"],
  ["favicon-16x16.png", "png"],
  ["favicon-32x32.png", "png"],
] as const satisfies readonly (readonly [string, ContentKind])[];

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  // pictures in the style sheet
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const title = "OpenShift resource provider";

const html = `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${title}</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css">
    <link rel="stylesheet" href="/docs/page.css">
    <link rel="icon" type="image/png" href="/docs/favicon-32x32.png" sizes="32x32">
    <link rel="icon" type="image/png" href="/docs/favicon-16x16.png" sizes="16x16">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <noscript>This page needs JavaScript.</noscript>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/swagger-ui-standalone-preset.js"></script>
    <script src="/docs/page.js"></script>
  </body>
</html>
`;

const css = `html { box-sizing: border-box; overflow-y: scroll; }
*, *::before, *::after { box-sizing: inherit; }
body { margin: 0; background: #fafafa; }
.product { color: #fff; font-size: 18px; white-space: nowrap; }
/* room for a GUID */
.swagger-ui .parameters-col_description input { max-width: 400px; }
/* the address of the page's own variant; the documents are linked below it */
.swagger-ui .info .main .link { display: none; }
`;

/** The newest version comes first and is shown first. */
function script(versions: readonly string[]): string {
  const urls = versions
    .toReversed()
    .map((version) => ({ name: version, url: documentPaths(version).page }));
  return `SwaggerUIBundle({
  dom_id: "#swagger-ui",
  urls: ${JSON.stringify(urls)},
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  // the product's name instead of Swagger's logo, whose style the policy forbids
  plugins: [({ React }) => ({
    components: {
      Logo: () => React.createElement("span", { className: "product" }, ${JSON.stringify(title)}),
    },
  })],
  layout: "StandaloneLayout",
  deepLinking: true,
  // each operation shows its own schemas
  defaultModelsExpandDepth: -1,
  // no service elsewhere is asked whether the document is valid
  validatorUrl: null,
});

// another version begins with a new page: Swagger UI would keep the bodies and answers of the one before
document.addEventListener("change", (event) => {
  if (!event.target.matches(".topbar select")) return;
  event.stopPropagation();
  const [{ text }] = event.target.selectedOptions;
  location.replace("/docs?" + new URLSearchParams({ "urls.primaryName": text }));
}, true);
`;
}

/** @param versions oldest first. */
export function pageFiles(versions: readonly string[]): readonly ServedFile[] {
  return [
    { ...servedFile("/docs", "html", html), policy },
    servedFile("/docs/page.css", "css", css),
    servedFile("/docs/page.js", "js", script(versions)),
    ...swaggerUiFiles.map(([name, kind]) =>
      servedFile(`/docs/${name}`, kind, readFileSync(join(swaggerUi, name))),
    ),
  ];
}
