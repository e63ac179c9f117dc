import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BundleReport } from '@spendgate/verifier';
import { type Browser, type Page, chromium } from 'playwright-core';
import { runToEnd } from './processes.js';
import { ROOT } from './repository.js';

/** Debian's; no browser is ever downloaded. */
const CHROMIUM = '/usr/bin/chromium';

export function chromiumAvailable(): boolean {
  return existsSync(CHROMIUM);
}

/** A real Chromium with the verifier in a page from a file, and no network. */
export class BrowserVerifier {
  private constructor(
    private readonly browser: Browser,
    private readonly page: Page,
  ) {}

  /** @param folder where the page is written */
  static async open(folder: string): Promise<BrowserVerifier> {
    const script = (await runToEnd(process.execPath, [join(ROOT, 'libs/verifier/browser/build.js')])).trim();
    const file = join(folder, 'verifier.html');
    writeFileSync(file, `<!doctype html><script src="${pathToFileURL(script).href}"></script>`);
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    const context = await browser.newContext({ offline: true });
    const page = await context.newPage();
    await page.goto(pathToFileURL(file).href);
    return new BrowserVerifier(browser, page);
  }

  /** The report of `spendgate verify bundle`, as the page makes it. @param trust JWKS the reader knows */
  verify(bundle: Uint8Array, trust: object): Promise<BundleReport> {
    return this.page.evaluate(
      ([latin1, jwks]) => {
        const bytes = Uint8Array.from(latin1, (character) => character.charCodeAt(0));
        const { spendgate } = globalThis as unknown as {
          spendgate: { verifyBundle(bundle: Uint8Array, given: object): Promise<BundleReport> };
        }; // as: the script's global
        return spendgate.verifyBundle(bytes, { trust: jwks, replay: true });
      },
      [Buffer.from(bundle).toString('latin1'), trust] as const,
    );
  }

  async close(): Promise<void> {
    await this.browser.close();
  }
}
