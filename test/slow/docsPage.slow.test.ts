/**
 * The docs page in a real browser: it loads everything from its own server without a complaint of the browser, shows every
 * api-version, and what is tried there is answered.
 */
import { existsSync } from "node:fs";
import { chromium, type Browser, type Locator, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apiVersions } from "../../src/versions/registry.ts";
import { StartedRp } from "../frontend/startedRp.ts";

const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const names = apiVersions.map(({ name }) => name);

let browser: Browser | undefined;

beforeAll(async () => {
  if (!existsSync(executablePath)) {
    throw new Error(
      `There is no browser at ${executablePath}: this test needs Chromium. Install it (on Debian: ` +
        "apt-get install chromium) or set CHROMIUM to the path of one.",
    );
  }
  // with a fresh profile, which goes away with it
  browser = await chromium.launch({
    executablePath,
    // a browser takes long to start beside other tests
    timeout: 170_000,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}, 180_000);

afterAll(async () => {
  await browser?.close();
});

/** The page of a server, with everything that the browser has to say about it. */
async function openDocs(rp: StartedRp): Promise<{ page: Page; complaints: string[] }> {
  if (browser === undefined) throw new TypeError("no browser");
  const page = await browser.newPage();
  page.setDefaultTimeout(120_000);
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== "data:" && origin !== rp.url) complaints.push(`asked for ${request.url()}`);
  });
  page.on("requestfailed", (request) => {
    const reason = request.failure()?.errorText;
    // the page itself was left
    if (reason !== "net::ERR_ABORTED") complaints.push(`${reason} for ${request.url()}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()} for ${response.url()}`);
  });
  const response = await page.goto(`${rp.url}/docs`);
  expect(response?.status()).toBe(200);
  await shown(page, names.at(-1) ?? "");
  return { page, complaints };
}

/** Selects a version. */
async function select(page: Page, name: string): Promise<void> {
  await page.getByLabel("Select a definition").selectOption({ label: name });
  await page.waitForURL(`**/docs?urls.primaryName=${name}`);
  await shown(page, name);
}

/** Waits until a version's operations are there. */
async function shown(page: Page, name: string): Promise<void> {
  await page.locator(".info .version", { hasText: new RegExp(`^\\s*${name}\\s*$`) }).waitFor();
  await operation(page, "GET", "/providers/RedHat.OpenShift/operations").waitFor();
}

/** The box of an operation. */
function operation(page: Page, method: string, path: string): Locator {
  return page
    .locator(".opblock")
    .filter({ has: page.locator(".opblock-summary-method", { hasText: method }) })
    .filter({ has: page.locator(`.opblock-summary-path[data-path="${path}"]`) });
}

/** Opens an operation to be tried. */
async function opened(box: Locator): Promise<void> {
  await box.locator(".opblock-summary-control").click();
  await box.getByRole("button", { name: "Try it out" }).click();
}

/** Opens an operation and executes it with the values that the page has filled in; the status and body of its answer. */
async function executed(box: Locator): Promise<{ status: string; body: string }> {
  await opened(box);
  await box.getByRole("button", { name: "Execute" }).click();
  const answer = box.locator(".live-responses-table tbody");
  const status = await answer.locator(".response-col_status").innerText();
  const body = await answer.locator(".highlight-code code").first().innerText();
  return { status: status.trim(), body };
}

test("every api-version can be selected, and the selection stays when the page is loaded again", async () => {
  await using rp = await StartedRp.start();
  const { page, complaints } = await openDocs(rp);
  const offered = page.getByLabel("Select a definition").locator("option");
  expect(await offered.allInnerTexts()).toEqual(names.toReversed());
  for (const name of names) {
    await select(page, name);
    await page.reload();
    await shown(page, name);
  }
  expect(await page.getByRole("button", { name: "Authorize" }).count()).toBe(0);
  expect(complaints).toEqual([]);
  await page.close();
});

describe.each(names)("in %s", (name) => {
  test("operations can be tried with what the page has filled in", async () => {
    await using rp = await StartedRp.start();
    const { page, complaints } = await openDocs(rp);
    const clusters =
      "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}" +
      "/providers/RedHat.OpenShift/OpenShiftClusters";
    const putBox = operation(page, "PUT", `${clusters}/{resourceName}`);

    // what was written for another version is gone
    await opened(putBox);
    await putBox.locator("textarea").fill('{"of": "another version"}');
    await select(page, name);

    const operations = await executed(
      operation(page, "GET", "/providers/RedHat.OpenShift/operations"),
    );
    expect(operations.status).toBe("200");
    expect(operations.body).toContain("RedHat.OpenShift/OpenShiftClusters/read");

    const put = await executed(putBox);
    expect(put.status).toBe("201");
    const get = await executed(operation(page, "GET", `${clusters}/{resourceName}`));
    expect(get.status).toBe("200");
    expect(get.body).toContain('"provisioningState"');
    expect(complaints).toEqual([]);
    await page.close();
  });
});
